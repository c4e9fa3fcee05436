//! Several classes an image by a CSV file, through the commands: looked at, imported, exported, and imported again.

use std::path::Path;

use serde_json::{Value, json};
use va_api::{App, dispatch, finish};
use va_domain::{Actor, Job, Origin};

use crate::support::{library, marked_png};

#[track_caller]
fn call(app: &App, name: &str, request: Value) -> Value {
    match dispatch(app, &Actor::owner(Origin::Cli), name, request) {
        Ok(answer) => answer,
        Err(error) => panic!("{name}: {error:?}"),
    }
}

#[track_caller]
fn job(app: &App, name: &str, request: Value) -> Value {
    let job: Job = serde_json::from_value(call(app, name, request)).unwrap();
    finish(app, &job).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn dataset(app: &App, name: &str) -> Value {
    call(app, "dataset_create", json!({ "name": name }))["id"].clone()
}

/// `name: class+class split` of every sample, by name.
fn samples(app: &App, dataset: &Value) -> Vec<String> {
    let facets = call(app, "dataset_facets", json!({ "id": dataset }));
    let name_of = |id: &Value| {
        let label = facets["labels"].as_array().unwrap().iter().find(|label| label["id"] == *id).unwrap();
        label["name"].as_str().unwrap().to_owned()
    };
    let window = call(app, "sample_window", json!({ "dataset_id": dataset, "filter": {}, "limit": 100 }));
    let line = |sample: &Value| {
        let mut classes: Vec<String> = sample["label_ids"].as_array().unwrap().iter().map(name_of).collect();
        classes.sort();
        let none = if sample["no_class"] == true { "none" } else { "" };
        let split = sample["split"].as_str().unwrap_or("-");
        format!("{}: {}{none} {split}", sample["name"].as_str().unwrap(), classes.join("+"))
    };
    let mut lines: Vec<String> = window["items"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

fn write_images(dir: &Path) {
    std::fs::create_dir_all(dir.join("images")).unwrap();
    for number in 1..=6 {
        std::fs::write(dir.join(format!("images/{number}.png")), marked_png(number % 4, number)).unwrap();
    }
}

const LABELS: &str = "file,classes,split\n\
    images/1.png,rust;scab,train\n\
    images/2.png,\"leaf, dry\",val\n\
    images/3.png,no_class,test\n\
    images/4.png,,train\n\
    images/5.png,no_class;rust,train\n\
    images/9.png,rust,train\n";

const EXPECTED: [&str; 6] = [
    "1.png: rust+scab train",
    "2.png: leaf, dry val",
    "3.png: none test",
    "4.png:  train",
    "5.png:  train",
    "6.png:  -",
];

#[test]
fn labels_of_several_classes_come_from_a_csv_file_and_go_back_into_one() {
    let (dir, app) = library();
    let source = dir.path().join("leaves");
    write_images(&source);
    std::fs::write(source.join("labels.csv"), LABELS).unwrap();
    let id = dataset(&app, "leaves");
    let request = json!({ "id": id, "path": source, "options": { "several_classes": true } });

    let preview = call(&app, "import_preview", request.clone());
    let found = ["format", "image_count", "several_classes_count", "no_class_count", "has_splits"].map(|k| &preview[k]);
    assert_eq!(json!(found), json!(["csv", 6, 1, 1, true]), "{preview}");
    let csv = json!([{
        "file": "labels.csv", "row_count": 6, "found_count": 5, "shape": "one_column", "class_column": "classes",
        "separator": "semicolon", "likely_separator": "semicolon", "unused_columns": [],
    }]);
    assert_eq!(preview["csv_files"], csv);
    let wrong = json!([
        { "subject": "labels.csv:6", "reason": "it says both no_class and rust; the image comes without its classes" },
        { "subject": "labels.csv:7", "reason": "there is no file images/9.png" },
    ]);
    assert_eq!(preview["broken_rows"]["warnings"], wrong);
    assert_eq!(preview["broken"]["warnings"], json!([]), "the table is no broken image");
    assert_eq!(samples(&app, &id), Vec::<String>::new(), "a preview changes nothing");

    let report = job(&app, "import_start", request.clone());
    assert_eq!((&report["imported"], &report["no_class"], &report["more_classes"]), (&json!(6), &json!(1), &json!(0)));
    assert_eq!((&report["rows_left_out"]["warnings"], &report["left_out"]["warnings"]), (&wrong, &json!([])));
    assert_eq!(report["new_classes"], json!(["rust", "scab", "leaf, dry"]));
    assert_eq!(samples(&app, &id), EXPECTED);
    let again = job(&app, "import_start", request);
    assert_eq!((&again["imported"], &again["duplicates"]), (&json!(0), &json!(6)), "{again}");

    comes_back(&app, &id, dir.path());
    call(&app, "history_undo", json!({ "id": id }));
    assert_eq!(samples(&app, &id), Vec::<String>::new(), "one step");
    assert_eq!(app.store().check_integrity().unwrap(), Vec::<String>::new());
    app.close().unwrap();
}

/// Exported as folders with their table, and read again without being told how.
fn comes_back(app: &App, id: &Value, dir: &Path) {
    let out = dir.join("exported");
    job(app, "dataset_export", json!({ "id": id, "format": "folders", "out": out }));
    let table = std::fs::read_to_string(out.join("labels.csv")).unwrap();
    assert!(table.starts_with("file,split,media_hash,rust,scab,\"leaf, dry\"\r\n"), "{table}");
    let copy = dataset(app, "copy");
    let options = json!({ "several_classes": true });
    let report = job(app, "import_start", json!({ "id": copy, "path": out, "options": options }));
    assert_eq!((&report["imported"], &report["duplicates"]), (&json!(6), &json!(1)), "the copy in its second folder");
    assert_eq!((&report["left_out"]["warnings"], &report["rows_left_out"]["warnings"]), (&json!([]), &json!([])));
    assert_eq!(samples(app, &copy), EXPECTED);
}

/// The other shape, by the file itself: only what it names comes in.
#[test]
fn a_table_by_itself_with_a_column_a_class() {
    let (dir, app) = library();
    let source = dir.path().join("leaves");
    write_images(&source);
    let table = source.join("train.csv");
    std::fs::write(&table, "image_id,rust,scab\n1,1,1\n2,0,1\n3,0,0\n4,,\n5,2,0\n").unwrap();
    let id = dataset(&app, "leaves");
    let request = |options: Value| json!({ "id": id, "path": table, "options": options });
    let report = job(&app, "import_start", request(json!({ "several_classes": true })));
    assert_eq!((&report["imported"], &report["no_class"]), (&json!(5), &json!(1)));
    let wrong = &report["rows_left_out"]["warnings"][0];
    assert!(wrong["reason"].as_str().unwrap().starts_with("the column rust says “2”"), "{wrong}");
    assert_eq!(samples(&app, &id), ["1.png: rust+scab -", "2.png: scab -", "3.png: none -", "4.png:  -", "5.png:  -"]);

    // One class an image: the first is kept, and the line is named.
    let one = dataset(&app, "one");
    let report = job(&app, "import_start", json!({ "id": one, "path": table }));
    assert_eq!(
        report["rows_left_out"]["warnings"][0]["reason"],
        "it has 2 classes, of which the first was taken: rust"
    );
    assert_eq!(samples(&app, &one)[..2], ["1.png: rust -", "2.png: scab -"]);

    let error =
        dispatch(&app, &Actor::owner(Origin::Cli), "import_start", request(json!({ "class_separator": "dot" })));
    assert!(error.unwrap_err().message().contains("dot"));
    std::fs::write(&table, "a,b\n1,2\n").unwrap();
    let error = dispatch(&app, &Actor::owner(Origin::Cli), "import_preview", request(json!({ "format": "csv" })));
    assert!(error.unwrap_err().message().contains("train.csv: its first line must name the columns"));
    app.close().unwrap();
}
