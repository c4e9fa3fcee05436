//! Labels in CSV files: the shapes that people have, what is wrong with rows, and that exports come back as they were.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use va_domain::{ClassSeparator, CsvShape, ImportFormat, ImportOptions, MediaHash, Split};
use va_error::{Result, WarningReport};
use va_formats::{CsvWriter, FoundImage, Layout, SampleRow, Tree};

const SEVERAL: ImportOptions = ImportOptions {
    format: ImportFormat::Auto,
    split: None,
    split_seed: 0,
    several_classes: true,
    class_separator: ClassSeparator::Auto,
};

fn single() -> ImportOptions {
    ImportOptions::default()
}

fn demanded() -> ImportOptions {
    ImportOptions { format: ImportFormat::Csv, ..SEVERAL }
}

/// Images are files with their own path in them; what ends in `.csv` is given.
fn folder(images: &[&str], tables: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, bytes) in images.iter().map(|path| (*path, *path)).chain(tables.iter().copied()) {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    root
}

fn layout(root: &Path, options: &ImportOptions) -> Result<Layout> {
    Layout::of(Tree::walk(&[root.to_owned()], &|| false).unwrap(), options)
}

/// `file: classes split` lines in the order of the import.
fn lines(root: &Path, layout: &Layout) -> Vec<String> {
    let line = |image: FoundImage| {
        let below = image.path.strip_prefix(root).unwrap().display().to_string();
        let classes = if image.no_class { "none".to_owned() } else { image.classes.join("+") };
        let split = image.split.map(|split| format!(" {split:?}").to_lowercase()).unwrap_or_default();
        format!("{below}: {classes}{split}")
    };
    layout.images(&mut WarningReport::default()).map(line).collect()
}

fn problems(root: &Path, layout: &Layout) -> Vec<String> {
    let below = |subject: &str| subject.strip_prefix(&format!("{}/", root.display())).unwrap_or(subject).to_owned();
    layout.rows_left_out().warnings.iter().map(|w| format!("{}: {}", below(&w.subject), w.reason)).collect()
}

/// Four images and one `labels.csv`.
#[track_caller]
fn check(table: &str, options: &ImportOptions, expected: &[&str], wrong: &[&str]) -> Layout {
    let root = folder(&["1.jpg", "2.jpg", "3.jpg", "4.jpg"], &[("labels.csv", table)]);
    let layout = layout(root.path(), options).unwrap();
    assert_eq!(layout.format(), ImportFormat::Csv);
    assert_eq!(lines(root.path(), &layout), expected);
    let found = problems(root.path(), &layout);
    assert_eq!(found.len(), wrong.len(), "{found:#?}");
    for (found, part) in found.iter().zip(wrong) {
        assert!(found.contains(part), "{part} in {found}");
    }
    layout
}

#[test]
fn several_classes_in_a_cell() {
    for (table, separator) in [
        ("file,class\n1.jpg,cat;dog\n2.jpg,dog\n3.jpg,no_class\n4.jpg,\n", ClassSeparator::Semicolon),
        ("filename,labels\n1.jpg,cat|dog\n2.jpg,dog\n3.jpg,No Class\n4.jpg,\n", ClassSeparator::Bar),
        ("Image,Tags\n1.jpg,\"cat, dog\"\n2.jpg,dog\n3.jpg,no-class\n4.jpg,\n", ClassSeparator::Comma),
        ("path;classes\n./1.jpg;cat,dog\n2.jpg;dog\n3.jpg;no_class\n4.jpg;\n", ClassSeparator::Comma),
    ] {
        let layout = check(table, &SEVERAL, &["1.jpg: cat+dog", "2.jpg: dog", "3.jpg: none", "4.jpg: "], &[]);
        let csv = &layout.csv_files()[0];
        assert_eq!((csv.shape, csv.separator), (CsvShape::OneColumn, separator));
        assert_eq!((csv.row_count, csv.found_count), (4, 4));
    }
    let spaces = ImportOptions { class_separator: ClassSeparator::Space, ..SEVERAL };
    check("image,labels\n1.jpg,scab rust\n", &spaces, &["1.jpg: scab+rust", "2.jpg: ", "3.jpg: ", "4.jpg: "], &[]);
}

#[test]
fn a_column_a_class() {
    let table = "filename, cat, dog\n1.jpg, 1, 1\n2.jpg, 0, 1.0\n3.jpg, 0, 0\n4.jpg,,\n";
    let layout = check(table, &SEVERAL, &["1.jpg: cat+dog", "2.jpg: dog", "3.jpg: none", "4.jpg: "], &[]);
    assert_eq!(layout.csv_files()[0].shape, CsvShape::ColumnPerClass);
    let table = "file,cat,note,age,no_class\n1.jpg,yes,blurred,31,0\n2.jpg,no,,1,1\n3.jpg,no,,7,0\n";
    let layout = check(table, &SEVERAL, &["1.jpg: cat", "2.jpg: none", "3.jpg: none", "4.jpg: "], &[]);
    assert_eq!(layout.csv_files()[0].unused_columns, ["note", "age"]);
}

#[test]
fn a_row_for_each_class_of_an_image() {
    let table = "file,class\n1.jpg,cat\n1.jpg,dog\n1.jpg,CAT\n2.jpg,dog\n";
    check(table, &SEVERAL, &["1.jpg: cat+dog", "2.jpg: dog", "3.jpg: ", "4.jpg: "], &[]);
    check(
        table,
        &single(),
        &["1.jpg: cat", "2.jpg: dog", "3.jpg: ", "4.jpg: "],
        &["labels.csv:3: the same image has the class cat in line 2, which was kept"],
    );
}

#[test]
fn one_class_an_image_keeps_names_whole_and_takes_the_first_of_several() {
    let cells = "file,class\n1.jpg,\"screw, long\"\n2.jpg,a;b\n";
    let layout = check(cells, &single(), &["1.jpg: screw, long", "2.jpg: a;b", "3.jpg: ", "4.jpg: "], &[]);
    let csv = &layout.csv_files()[0];
    assert_eq!((csv.separator, csv.likely_separator), (ClassSeparator::None, ClassSeparator::Semicolon));
    let marks = "file,cat,dog\n1.jpg,1,1\n2.jpg,0,1\n";
    check(
        marks,
        &single(),
        &["1.jpg: cat", "2.jpg: dog", "3.jpg: ", "4.jpg: "],
        &["labels.csv:2: it has 2 classes, of which the first was taken: cat"],
    );
    let asked = ImportOptions { class_separator: ClassSeparator::Semicolon, ..single() };
    check(
        cells,
        &asked,
        &["1.jpg: screw, long", "2.jpg: a", "3.jpg: ", "4.jpg: "],
        &["labels.csv:3: it has 2 classes"],
    );
}

#[test]
fn splits_come_from_the_table_then_from_the_folders() {
    let table = "file,split,class\n1.jpg,train,cat\n2.jpg,Validation,dog\n3.jpg,,dog\n4.jpg,holdout,dog\n";
    let layout = check(
        table,
        &SEVERAL,
        &["1.jpg: cat train", "2.jpg: dog val", "3.jpg: dog", "4.jpg: dog"],
        &["labels.csv:5: the split “holdout” is none of"],
    );
    assert!(layout.has_splits());
    // As Roboflow exports several classes an image.
    let table = |file: &str| format!("filename, cat, dog\n{file}, 1, 0\n");
    let root = folder(
        &["train/1.jpg", "valid/1.jpg", "valid/2.jpg"],
        &[("train/_classes.csv", &table("1.jpg")), ("valid/_classes.csv", &table("2.jpg"))],
    );
    let layout = layout_of(root.path());
    assert_eq!(lines(root.path(), &layout), ["train/1.jpg: cat train", "valid/2.jpg: cat val", "valid/1.jpg:  val"]);
    assert_eq!(layout.csv_files().len(), 2);
}

fn layout_of(root: &Path) -> Layout {
    layout(root, &SEVERAL).unwrap()
}

#[test]
fn what_is_wrong_with_a_row_is_said_by_its_line_and_costs_no_other() {
    let long = format!("3.jpg,{}\n", "x".repeat(201));
    let table = [
        "file,class\n1.jpg,cat\n",     // 2
        "gone.jpg,cat\n",              // 3
        "../../etc/passwd,cat\n",      // 4
        ",cat\n",                      // 5
        "2.jpg,no_class;cat\n",        // 6
        "1.jpg,no_class\n",            // 7
        "4.jpg,cat,dog\n",             // 8
        "4.jpg\n",                     // 9
        &long,                         // 10
        ",,,\n\n4.jpg,\"a\u{0}\n\"\n", // 11 blank, 13
    ]
    .concat();
    check(
        &table,
        &SEVERAL,
        &["1.jpg: cat", "2.jpg: ", "3.jpg: ", "4.jpg: a\u{fffd}"],
        &[
            "labels.csv:3: there is no file gone.jpg",
            "labels.csv:4: there is no file ../../etc/passwd",
            "labels.csv:5: it names no file",
            "labels.csv:6: it says both no_class and cat; the image comes without its classes",
            "labels.csv:7: the same image has the class cat in line 2, which was kept",
            "labels.csv:8: it has 3 cells, and the first line has 2",
            "labels.csv:9: it has 1 cells",
            "labels.csv:10: the name of a class is longer than 200 characters",
        ],
    );
    // One bad cell in many does not make the column another.
    let good: String = (0..20).map(|_| "1.jpg,1,0\n").collect();
    check(
        &format!("file,cat,dog\n{good}2.jpg,maybe,1\n3.jpg,0,\n4.jpg,-1,0\n"),
        &SEVERAL,
        &["1.jpg: cat", "2.jpg: ", "3.jpg: ", "4.jpg: "],
        &[
            "labels.csv:22: the column cat says “maybe”, where 1, 0 or nothing is expected",
            "labels.csv:23: no class has a 1 and some have no 0 either",
            "labels.csv:24: the column cat says “-1”",
        ],
    );
}

#[test]
fn rows_in_another_encoding_are_named() {
    let root = folder(&["1.jpg", "2.jpg"], &[]);
    fs::write(root.path().join("labels.csv"), b"file,class\n1.jpg,\xc3\xa8\xbf\xe9\n2.jpg,\xb2\xdd\n").unwrap();
    let layout = layout(root.path(), &demanded());
    // Both rows are in GBK here; one whose bytes happen to be UTF-8 would pass.
    let reason = layout.unwrap_err();
    assert!(reason.message().contains("CSV UTF-8"), "{reason}");
    fs::write(root.path().join("labels.csv"), b"\xff\xfef\0i\0l\0e\0").unwrap();
    assert!(self::layout(root.path(), &demanded()).unwrap_err().message().contains("CSV UTF-8"));
}

#[test]
fn paths_of_another_machine_and_names_without_extension_find_their_images() {
    let root = folder(
        &["images/a/1.jpg", "images/b/1.jpg", "images/b/2.png"],
        &[("labels.csv", "image_path,label\nC:\\data\\a\\1.jpg,cat\n/mnt/b/1.jpg,dog\n/mnt/b/2.png,dog\n")],
    );
    let named = ["images/a/1.jpg: cat", "images/b/1.jpg: dog", "images/b/2.png: dog"];
    assert_eq!(lines(root.path(), &layout_of(root.path())), named);
    let root = folder(&["images/7.jpg"], &[("train.csv", "image_id,scab,rust\n7,0,1\n8,1,0\n")]);
    let layout = layout_of(root.path());
    assert_eq!(lines(root.path(), &layout), ["images/7.jpg: rust"]);
    assert_eq!(problems(root.path(), &layout), ["train.csv:3: there is no file 8"]);
}

/// Where paths fit, a name alone is no reason to give a class to another image.
#[test]
fn a_missing_image_is_not_mistaken_for_one_of_the_same_name() {
    let root = folder(
        &["cat/1.jpg", "cat/2.jpg"],
        &[("labels.csv", "file,class\ncat/1.jpg,cat\ncat/2.jpg,cat\ndog/1.jpg,dog\n")],
    );
    let layout = layout_of(root.path());
    assert_eq!(lines(root.path(), &layout), ["cat/1.jpg: cat", "cat/2.jpg: cat"]);
    assert_eq!(problems(root.path(), &layout), ["labels.csv:4: there is no file dog/1.jpg"]);
}

#[test]
fn a_table_given_by_itself_brings_the_images_that_it_names() {
    let root = folder(&["1.jpg", "2.jpg", "other/3.jpg"], &[("a.csv", "file,class\n2.jpg,cat\n"), ("b.csv", "x,y\n")]);
    let tree = Tree::walk(&[root.path().to_owned()], &|| false).unwrap();
    let layout = Layout::of_csv(tree.clone(), &root.path().join("a.csv"), &single()).unwrap();
    assert_eq!(lines(root.path(), &layout), ["2.jpg: cat"]);
    let error = Layout::of_csv(tree, &root.path().join("b.csv"), &single()).unwrap_err();
    assert!(error.message().contains("b.csv") && error.message().contains("it says x, y"), "{error}");
}

#[test]
fn without_a_demand_a_table_must_speak_for_itself() {
    let format = |tables: &[(&str, &str)]| {
        let root = folder(&["cat/1.jpg", "dog/2.jpg"], tables);
        layout_of(root.path()).format()
    };
    assert_eq!(format(&[("labels.csv", "file,class\ncat/1.jpg,a\ndog/2.jpg,b\n")]), ImportFormat::Csv);
    for tables in [
        [("measured.csv", "time,value\n1,2\n")].as_slice(),
        &[("other.csv", "file,class\ncat/1.jpg,a\nx.jpg,b\ny.jpg,b\n")],
        &[("splits.csv", "file,split\ncat/1.jpg,train\n")],
        &[("a.csv", "file,class\ncat/1.jpg,a\n"), ("b.csv", "file,class\ncat/1.jpg,a\n")],
        &[("empty.csv", "")],
        &[("labels.csv", "file,class\nx.jpg,a\n")],
    ] {
        assert_eq!(format(tables), ImportFormat::Folders, "{tables:?}");
    }
}

#[test]
fn what_cannot_be_labels_is_refused_as_a_whole_where_csv_is_demanded() {
    let many: String = (0..10_002).map(|n| format!("1.jpg,c{n}\n")).collect();
    for (table, part) in [
        ("", "it is empty"),
        ("file,class\n", "it has no rows"),
        ("a,b\n1.jpg,cat\n", "one of them the image"),
        ("file,colour\n1.jpg,red\n", "no column holds classes"),
        ("file,cat,Cat\n1.jpg,1,0\n", "two of its columns are called Cat"),
        ("file,class\nx.jpg,cat\n", "none of the images that are there (there is no file x.jpg)"),
        (&format!("file,class\n{many}"), "more than 10000 classes"),
        (&format!("file{}\n", ",x".repeat(10_000)), "at most 10000"),
    ] {
        let root = folder(&["1.jpg"], &[("labels.csv", table)]);
        let error = layout(root.path(), &demanded()).unwrap_err();
        assert!(error.message().contains(part), "{part} in {error}");
    }
    let root = folder(&["1.jpg"], &[]);
    assert!(layout(root.path(), &demanded()).unwrap_err().message().contains("there is no CSV file"));
}

#[test]
fn a_thousand_problems_are_named_and_the_rest_counted() {
    let gone: String = (0..1_500).map(|n| format!("x{n}.jpg,cat\n")).collect();
    let root = folder(&["1.jpg"], &[("labels.csv", &format!("file,class\n1.jpg,cat\n{gone}"))]);
    let found = problems(root.path(), &layout(root.path(), &demanded()).unwrap());
    assert_eq!((found.len(), found.last().unwrap().as_str()), (1_001, "labels.csv: 500 more rows have problems"));
}

fn row(file: String, classes: Option<Vec<String>>, split: Option<Split>) -> SampleRow {
    SampleRow { file, classes, split, media_hash: MediaHash("ab".into()) }
}

/// What the import finds, by the file's number.
fn read_back(rows: &[SampleRow], csv: &[u8], options: &ImportOptions) -> BTreeMap<String, SampleRow> {
    let root = folder(&rows.iter().map(|row| row.file.as_str()).collect::<Vec<_>>(), &[]);
    fs::write(root.path().join("labels.csv"), csv).unwrap();
    let layout = layout(root.path(), options).unwrap();
    assert_eq!(problems(root.path(), &layout), Vec::<String>::new());
    let of = |image: FoundImage| {
        let file = image.path.strip_prefix(root.path()).unwrap().display().to_string();
        let classes = (image.no_class || !image.classes.is_empty()).then_some(image.classes);
        (file.clone(), row(file, classes, image.split))
    };
    layout.images(&mut WarningReport::default()).map(of).collect()
}

fn by_file(rows: Vec<SampleRow>) -> BTreeMap<String, SampleRow> {
    rows.into_iter().map(|row| (row.file.clone(), row)).collect()
}

fn any_split() -> impl Strategy<Value = Option<Split>> {
    prop_oneof![Just(None), Just(Some(Split::Train)), Just(Some(Split::Val)), Just(Some(Split::Test))]
}

proptest! {
    /// Classes of any name, also of those that mean something in other people's files.
    #[test]
    fn an_export_with_a_column_a_class_comes_back_as_it_was(
        names in prop::collection::btree_set("[a-z;|,\" ]{0,5}[a-z;|,\"\u{e9}]|class|split|no_class|width|file", 1..6),
        said in prop::collection::vec((prop::option::of(prop::collection::vec(any::<bool>(), 6)), any_split()), 1..8),
    ) {
        let mut classes: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
        classes.sort();
        classes.dedup();
        let chosen = |marks: Vec<bool>| classes.iter().zip(marks).filter(|(_, is)| *is).map(|(c, _)| c.clone()).collect();
        let mut rows: Vec<SampleRow> = said
            .into_iter()
            .enumerate()
            .map(|(n, (marks, split))| row(format!("a \"b\"/{n},x.jpg"), marks.map(chosen), split))
            .collect();
        // Somebody said something of one at least.
        rows[0].classes = Some(vec![classes[0].clone()]);
        let mut csv = CsvWriter::with_classes(Vec::new(), &classes).unwrap();
        rows.iter().for_each(|row| csv.write(row).unwrap());
        let found = read_back(&rows, &csv.finish().unwrap(), &SEVERAL);
        prop_assert_eq!(found, by_file(rows));
    }

    #[test]
    fn an_export_of_one_class_an_image_comes_back_as_it_was(
        said in prop::collection::vec((prop::option::of("[a-z;|,\" ]{0,5}[a-z;|,\"\u{e9}]"), any_split()), 1..8),
    ) {
        let class = |name: String| vec![name.trim().to_owned()];
        let numbered = said.into_iter().enumerate();
        let rows: Vec<SampleRow> =
            numbered.map(|(n, (name, split))| row(format!("{n}.jpg"), name.map(class), split)).collect();
        let mut csv = CsvWriter::new(Vec::new()).unwrap();
        rows.iter().for_each(|row| csv.write(row).unwrap());
        let found = read_back(&rows, &csv.finish().unwrap(), &single());
        prop_assert_eq!(found, by_file(rows));
    }

    /// Whatever is in the file: an answer, no panic, and no image that is not in the folder.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), head in any::<bool>()) {
        let root = folder(&["1.jpg"], &[]);
        let start: &[u8] = if head { b"file,class,cat,split\n1.jpg,a,1,train\n" } else { b"" };
        fs::write(root.path().join("labels.csv"), [start, &bytes].concat()).unwrap();
        for options in [SEVERAL, demanded(), single()] {
            if let Ok(layout) = layout(root.path(), &options) {
                for image in layout.images(&mut WarningReport::default()) {
                    prop_assert!(image.path.starts_with(root.path()) && image.path.exists());
                }
            }
        }
    }
}
