//! Several classes an image through the commands: folders, labels, train, evaluate, mistakes, export, predict.

use serde_json::{Value, json};
use va_api::{App, dispatch, finish};
use va_domain::{Actor, Job, Origin};

use crate::support::{library, marked_png};

#[track_caller]
fn call(app: &App, name: &str, request: Value) -> Value {
    let asked = request.to_string();
    match dispatch(app, &Actor::owner(Origin::Cli), name, request) {
        Ok(answer) => answer,
        Err(error) => panic!("{name} {asked}: {error:?}"),
    }
}

#[track_caller]
fn job(app: &App, name: &str, request: Value) -> Value {
    let job: Job = serde_json::from_value(call(app, name, request)).unwrap();
    finish(app, &job).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

/// Images of the marks `left` and `upper`, a folder a class: one with both lies in both folders. Those with none are in
/// no folder of a class, so they come as plain images.
fn write_marked(dir: &std::path::Path, count: u32) {
    for seed in 0..count {
        let marks = seed % 4;
        let bytes = marked_png(marks, seed);
        let folders: &[&str] = match marks {
            0 => &[],
            1 => &["left"],
            2 => &["upper"],
            _ => &["left", "upper"],
        };
        for folder in folders {
            std::fs::create_dir_all(dir.join(folder)).unwrap();
            std::fs::write(dir.join(folder).join(format!("{seed:03}.png")), &bytes).unwrap();
        }
        if folders.is_empty() {
            let folder = dir.with_file_name("plain");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("{seed:03}.png")), &bytes).unwrap();
        }
    }
}

#[test]
fn images_with_several_classes_from_folders_to_a_verified_model() {
    let (dir, app) = library();
    let images = dir.path().join("images");
    write_marked(&images, 64);
    let task = "multilabel_classification";
    let project = call(&app, "project_create", json!({ "name": "marks", "task": task, "with_dataset": true }));
    assert_eq!(project["task"], task);
    let id = call(&app, "project_datasets", json!({ "id": project["id"] }))["items"][0]["id"].clone();
    import(&app, &id, &images);
    label(&app, &id);
    refuse_one_class(&app, &id);

    let settings = json!({
        "arch": "resnet18", "epochs": 12, "image_size_px": 32, "batch_size": 8, "warmup_epochs": 0.0, "seed": 1,
        "class_balance": "weights", "augmentation": { "crop_min_scale": 1.0, "flip_horizontal": false },
    });
    let request =
        json!({ "kind": "train", "dataset_id": id, "project_id": project["id"], "task": task, "settings": settings });
    let trained = job(&app, "job_create", request);
    assert!(trained["metrics"]["val/mean_average_precision"].as_f64().unwrap() > 0.8, "{trained}");
    let model = call(&app, "model_get", json!({ "id": trained["model_id"] }));
    assert_eq!(model["task"], task);
    evaluate(&app, &trained);

    let request = json!({ "id": trained["model_id"], "number": 1, "format": "onnx" });
    assert_eq!(job(&app, "model_export", request)["certificate"]["verdict"], "PASS");
    predict(&app, &trained, dir.path());
    export(&app, &id, dir.path());
    assert_eq!(app.store().check_integrity().unwrap(), Vec::<String>::new());
    app.close().unwrap();
}

fn import(app: &App, id: &Value, images: &std::path::Path) {
    let options = json!({ "several_classes": true });
    let preview = call(app, "import_preview", json!({ "id": id, "path": images, "options": options }));
    assert_eq!((preview["several_classes_count"].as_u64(), preview["duplicate_count"].as_u64()), (Some(16), Some(0)));
    let report = job(app, "import_start", json!({ "id": id, "path": images, "options": options }));
    assert_eq!((report["imported"].as_u64(), report["more_classes"].as_u64()), (Some(48), Some(16)), "{report}");
    assert_eq!(report["left_out"]["warnings"], json!([]));
    let again = job(app, "import_start", json!({ "id": id, "path": images, "options": options }));
    assert_eq!((again["imported"].as_u64(), again["duplicates"].as_u64()), (Some(0), Some(64)), "{again}");
    let plain = images.with_file_name("plain");
    let report = job(app, "import_start", json!({ "id": id, "path": plain, "options": { "format": "plain" } }));
    assert_eq!(report["imported"], 16);
}

fn label(app: &App, id: &Value) {
    let facets = || call(app, "dataset_facets", json!({ "id": id }));
    assert_eq!(facets()["labels"][0]["sample_count"], 32);
    assert_eq!((facets()["labelled"].as_u64(), facets()["unlabelled"].as_u64()), (Some(48), Some(16)));
    let unlabelled = json!({ "dataset_id": id, "filter": { "state": "unlabelled" }, "limit": 100 });
    let window = call(app, "sample_window", unlabelled.clone());
    let ids: Vec<_> = window["items"].as_array().unwrap().iter().map(|sample| sample["id"].clone()).collect();
    let labels = facets()["labels"].clone();
    let toggle = |label: &Value| {
        call(app, "samples_set_label", json!({ "sample_ids": ids, "label_id": label, "mode": "toggle" }))
    };
    toggle(&labels[0]["id"]);
    toggle(&labels[1]["id"]);
    let both = call(app, "sample_get", json!({ "id": ids[0] }));
    assert_eq!(both["label_ids"], json!([labels[0]["id"], labels[1]["id"]]));
    assert_eq!(facets()["labels"][1]["sample_count"], 48);
    let history = toggle(&Value::Null);
    assert_eq!(history["undo"]["op"], "toggle_label");
    assert_eq!((facets()["no_class"].as_u64(), facets()["labelled"].as_u64()), (Some(16), Some(64)));
    assert_eq!(call(app, "sample_window", unlabelled)["total"], 0);
    assert_eq!(call(app, "sample_get", json!({ "id": ids[0] }))["no_class"], true);
}

fn refuse_one_class(app: &App, id: &Value) {
    let request = json!({ "kind": "train", "dataset_id": id, "settings": { "image_size_px": 32 } });
    let error = dispatch(app, &Actor::owner(Origin::Cli), "job_create", request).unwrap_err();
    assert!(error.message().contains("several classes"), "{error}");
    let task = "multilabel_classification";
    let settings = json!({ "image_size_px": 32, "class_balance": "sampling" });
    let request = json!({ "kind": "train", "dataset_id": id, "task": task, "settings": settings });
    let error = dispatch(app, &Actor::owner(Origin::Cli), "job_create", request).unwrap_err();
    assert!(error.message().contains("weights instead of sampling"), "{error}");
}

fn evaluate(app: &App, trained: &Value) {
    let result =
        job(app, "evaluation_create", json!({ "model_version_id": trained["model_version_id"], "split": "test" }));
    let evaluation = call(app, "evaluation_get", json!({ "id": result["evaluation_id"] }));
    let summary = &evaluation["summary"];
    assert_eq!(summary["confusion"], json!([]));
    let counts = &summary["multilabel"]["counts"][0];
    let all: u64 = counts.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(all, summary["sample_count"].as_u64().unwrap());
    for (mistake, count) in [("missed", "false_negative"), ("false_alarm", "false_positive")] {
        let request = json!({ "id": evaluation["id"], "class_idx": 0, "threshold": 0.5, "mistake": mistake });
        assert_eq!(call(app, "evaluation_samples", request)["total"], counts[count], "{mistake}");
    }
    let wrong = call(app, "evaluation_samples", json!({ "id": evaluation["id"], "wrong_only": true, "limit": 500 }));
    let right = summary["accuracy"].as_f64().unwrap() * summary["sample_count"].as_f64().unwrap();
    assert!((right + wrong["total"].as_f64().unwrap() - summary["sample_count"].as_f64().unwrap()).abs() < 1e-6);
    let all = call(app, "evaluation_samples", json!({ "id": evaluation["id"], "limit": 500 }));
    let first = &all["items"][0];
    assert!(first["actual"].is_null() && first["actual_classes"].is_array(), "{first}");
}

fn predict(app: &App, trained: &Value, dir: &std::path::Path) {
    let fresh = dir.join("fresh.png");
    std::fs::write(&fresh, marked_png(3, 777)).unwrap();
    let ask = |threshold: f64| {
        let request = json!({ "id": trained["model_id"], "paths": [fresh], "threshold": threshold });
        call(app, "model_predict", request)["predictions"][0].clone()
    };
    assert_eq!(ask(0.0)["labels"].as_array().unwrap().len(), 2);
    let prediction = ask(0.5);
    for class in prediction["probabilities"].as_array().unwrap() {
        let is_given = prediction["labels"].as_array().unwrap().contains(&class["label"]);
        assert_eq!(is_given, class["probability"].as_f64().unwrap() >= 0.5, "{prediction}");
    }
}

fn export(app: &App, id: &Value, dir: &std::path::Path) {
    let out = dir.join("labels.csv");
    job(app, "dataset_export", json!({ "id": id, "format": "csv", "out": out }));
    let text = std::fs::read_to_string(out).unwrap();
    assert!(text.starts_with("file,split,media_hash,left,upper\r\n"), "{text}");
    let rows = |end: &str| text.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!([rows(",1,1"), rows(",1,0"), rows(",0,1"), rows(",0,0")], [16, 16, 16, 16]);
}
