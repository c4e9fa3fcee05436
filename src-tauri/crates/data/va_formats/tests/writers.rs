//! What is written can be read again, and nothing is ever written over.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use va_domain::{ImportOptions, MediaHash, Split};
use va_error::{Code, WarningReport};
use va_formats::{CsvWriter, FolderWriter, Layout, SampleRow, Tree};

fn row(file: &str, class: Option<&str>, split: Option<Split>) -> SampleRow {
    SampleRow {
        file: file.into(),
        classes: class.map(|class| vec![class.to_owned()]),
        split,
        media_hash: MediaHash("ab".into()),
    }
}

#[test]
fn csv_quotes_what_must_be_quoted() {
    let mut csv = CsvWriter::new(Vec::new()).unwrap();
    csv.write(&row("a.jpg", Some("cat"), Some(Split::Train))).unwrap();
    csv.write(&row("b, \"c\".jpg", Some("two\nlines"), None)).unwrap();
    csv.write(&row("d.jpg", None, Some(Split::Val))).unwrap();
    let text = String::from_utf8(csv.finish().unwrap()).unwrap();
    assert_eq!(
        text,
        "file,class,split,media_hash\r\na.jpg,cat,train,ab\r\n\"b, \"\"c\"\".jpg\",\"two\nlines\",,ab\r\nd.jpg,,val,ab\r\n"
    );
}

#[test]
fn several_classes_have_a_column_each() {
    let classes = ["dog".to_owned(), "old, cat".to_owned()];
    let mut csv = CsvWriter::with_classes(Vec::new(), &classes).unwrap();
    let of = |classes: Option<&[String]>| SampleRow { classes: classes.map(<[_]>::to_vec), ..row("a.jpg", None, None) };
    for row in [of(Some(&classes)), of(Some(&classes[1..])), of(Some(&[])), of(None)] {
        csv.write(&row).unwrap();
    }
    let text = String::from_utf8(csv.finish().unwrap()).unwrap();
    let lines = [
        "file,split,media_hash,dog,\"old, cat\"",
        "a.jpg,,ab,1,1",
        "a.jpg,,ab,0,1",
        "a.jpg,,ab,0,0",
        "a.jpg,,ab,,",
        "",
    ];
    assert_eq!(text, lines.join("\r\n"));
}

proptest! {
    #[test]
    fn csv_reads_back(file in "[^\r\0]{1,40}", class in prop::option::of("[^\r\0]{1,20}")) {
        let mut writer = CsvWriter::new(Vec::new()).unwrap();
        writer.write(&row(&file, class.as_deref(), None)).unwrap();
        let bytes = writer.finish().unwrap();
        let record = csv::Reader::from_reader(bytes.as_slice()).records().next().unwrap().unwrap();
        prop_assert_eq!(&record[0], file.as_str());
        prop_assert_eq!(&record[1], class.as_deref().unwrap_or_default());
    }

    /// Any names, any classes: as many files come back as went in, in as many classes, each inside the export folder.
    #[test]
    fn folders_read_back(samples in prop::collection::vec(("[a-cA-C./\\\\ ]{0,3}", "[x-zX-Z./: ]{1,2}"), 1..12)) {
        let place = tempfile::tempdir().unwrap();
        let source = place.path().join("source");
        fs::write(&source, b"bytes").unwrap();
        let out = place.path().join("out");
        let mut writer = FolderWriter::create(&out).unwrap();
        let mut written = BTreeSet::new();
        for (name, class) in &samples {
            let below = writer.place(&source, &format!("{name}.jpg"), Some(class), None).unwrap();
            prop_assert!(out.join(&below).canonicalize().unwrap().starts_with(out.canonicalize().unwrap()));
            prop_assert!(written.insert(below.to_lowercase()), "{} twice", below);
        }
        let tree = Tree::walk(&[out], &|| false).unwrap();
        prop_assert_eq!(tree.file_count() as usize, samples.len());
        let folders: BTreeSet<_> = tree.directories.iter().map(|d| d.components.clone()).collect();
        let classes: BTreeSet<_> = samples.iter().map(|(_, class)| class).collect();
        prop_assert_eq!(folders.len(), classes.len());
    }
}

#[test]
fn classes_and_splits_come_back() {
    let place = tempfile::tempdir().unwrap();
    let source = place.path().join("source");
    fs::write(&source, b"bytes").unwrap();
    let out = place.path().join("out");
    let mut writer = FolderWriter::create(&out).unwrap();
    writer.place(&source, "1.jpg", Some("cat"), Some(Split::Train)).unwrap();
    writer.place(&source, "1.jpg", Some("cat"), Some(Split::Train)).unwrap();
    writer.place(&source, "2.jpg", None, Some(Split::Test)).unwrap();
    let layout = Layout::of(Tree::walk(&[out], &|| false).unwrap(), &ImportOptions::default()).unwrap();
    let mut found: Vec<_> = layout.images(&mut WarningReport::default()).map(|i| (i.classes, i.split)).collect();
    found.sort();
    let cat = (vec!["cat".to_owned()], Some(Split::Train));
    assert_eq!(found, [(Vec::new(), Some(Split::Test)), cat.clone(), cat]);
}

#[test]
fn a_folder_that_holds_anything_is_refused_and_untouched() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("mine.txt"), b"mine").unwrap();
    let error = FolderWriter::create(place.path()).err().unwrap();
    assert_eq!(error.code(), Code::Conflict);
    assert!(error.message().contains("not empty"), "{error}");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    assert_eq!(FolderWriter::create(&place.path().join("mine.txt")).err().unwrap().code(), Code::Conflict);
}

#[test]
fn a_failed_copy_leaves_no_half_file() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let mut writer = FolderWriter::create(&out).unwrap();
    let error = writer.place(&place.path().join("gone"), "1.jpg", Some("cat"), None).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(fs::read_dir(out.join("cat")).unwrap().count(), 0);
}
