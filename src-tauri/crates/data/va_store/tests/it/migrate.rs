//! The schema refuses the future and is tested from the past.

use std::path::Path;

use rusqlite::Connection;
use va_error::Code;
use va_store::Store;
use va_store::migrate::{MIGRATIONS, Migration};

use crate::scene::owner;

/// A library of schema 1 as SQL, with rows in it. A released schema never changes: `the_released_schema_is_what_we_create`
/// fails when it does. `VISAION_WRITE_FIXTURES=1` writes it anew, for a schema that is not released yet.
const SCHEMA_V1: &str = "tests/fixtures/schema_v1.sql";
const ROWS_V1: &str = include_str!("../fixtures/rows_v1.sql");

fn schema_of(path: &Path) -> String {
    let conn = Connection::open(path).unwrap();
    let mut statement = conn
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
        .unwrap();
    let parts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    parts.map(|part| part.unwrap() + ";\n").collect()
}

fn fixture() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMA_V1)).unwrap()
}

/// A library as version 1 left it.
fn old_library() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let conn = Connection::open(folder.path().join("library.sqlite")).unwrap();
    conn.execute_batch(&fixture()).unwrap();
    conn.execute_batch(ROWS_V1).unwrap();
    conn.execute_batch("PRAGMA user_version = 1; PRAGMA application_id = 0x56414C42;").unwrap();
    folder
}

#[test]
fn the_released_schema_is_what_we_create() {
    let folder = tempfile::tempdir().unwrap();
    Store::open_with(folder.path(), true, &MIGRATIONS[..1]).unwrap().close().unwrap();
    let schema = schema_of(&folder.path().join("library.sqlite"));
    if std::env::var_os("VISAION_WRITE_FIXTURES").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMA_V1), &schema).unwrap();
    }
    assert_eq!(schema, fixture(), "a released schema never changes: add a migration");
}

#[test]
fn a_library_of_version_1_opens_with_everything_in_it() {
    let folder = old_library();
    let store = Store::open(folder.path(), false).unwrap();
    assert_eq!(store.check_integrity().unwrap(), Vec::<String>::new());
    let dataset = store.read(|read| read.datasets().find_by_name("TILES")).unwrap().unwrap();
    assert_eq!((dataset.sample_count, dataset.labelled_count, dataset.splits.train), (2, 1, 1));
    let samples = store.read(|read| read.samples().all_of_dataset(dataset.id)).unwrap();
    assert_eq!(samples[0].name, "a.jpg");
    store
        .transact(&owner(), va_store::Op::undoable(dataset.id, "delete"), |tx| tx.samples_mut().delete(samples[0].id))
        .unwrap();
    store.undo(&owner(), dataset.id).unwrap();
    assert_eq!(store.check_integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn a_library_of_version_1_takes_several_classes_afterwards() {
    let folder = old_library();
    let store = Store::open(folder.path(), false).unwrap();
    assert_eq!(store.statistics().unwrap().schema, 2);
    let dataset = store.read(|read| read.datasets().find_by_name("TILES")).unwrap().unwrap();
    let samples = store.read(|read| read.samples().all_of_dataset(dataset.id)).unwrap();
    assert_eq!((samples[0].label_ids.len(), samples[0].no_class, samples[1].label_ids.len()), (1, false, 0));
    assert_eq!(samples[0].label_ids.first().copied(), samples[0].label_id);
    let change = |change: &dyn Fn(&va_store::Tx<'_>) -> va_error::Result<()>| {
        store.transact(&owner(), va_store::Op::undoable(dataset.id, "x"), |tx| change(tx)).unwrap();
    };
    let second = std::cell::Cell::new(None);
    change(&|tx| {
        second.set(Some(tx.labels_mut().create(dataset.id, "scratch", None)?.id));
        Ok(())
    });
    change(&|tx| {
        let ids = [samples[0].id, samples[1].id];
        tx.samples_mut().toggle_label(&ids, second.get(), va_domain::AnnotationSource::Person).map(drop)
    });
    let counts = || {
        let labels = store.read(|read| read.labels().of_dataset(dataset.id)).unwrap();
        labels.iter().map(|label| label.sample_count).collect::<Vec<_>>()
    };
    assert_eq!(counts(), [1, 2]);
    assert_eq!(store.check_integrity().unwrap(), Vec::<String>::new());
    store.undo(&owner(), dataset.id).unwrap();
    assert_eq!(counts(), [1, 0]);
    assert_eq!(store.check_integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn a_migration_brings_an_old_library_up_and_keeps_its_rows() {
    let folder = old_library();
    let next = [
        MIGRATIONS[0],
        Migration {
            version: 2,
            parts: &["ALTER TABLE samples ADD COLUMN note TEXT;", "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT;"],
        },
        Migration { version: 3, parts: &["INSERT INTO more (id) SELECT id FROM samples;"] },
    ];
    let store = Store::open_with(folder.path(), false, &next).unwrap();
    let statistics = store.statistics().unwrap();
    assert_eq!((statistics.schema, statistics.rows["more"], statistics.rows["samples"]), (3, 2, 2));
}

#[test]
fn a_migration_that_fails_leaves_the_version_and_the_rows() {
    let folder = old_library();
    let broken = [
        MIGRATIONS[0],
        Migration {
            version: 2,
            parts: &["CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT; DELETE FROM annotations;"],
        },
        Migration { version: 3, parts: &["INSERT INTO nowhere VALUES (1);"] },
    ];
    assert!(Store::open_with(folder.path(), false, &broken).is_err());
    let store = Store::open_with(folder.path(), false, &MIGRATIONS[..1]).unwrap();
    let statistics = store.statistics().unwrap();
    assert_eq!(statistics.schema, 1);
    assert_eq!(statistics.rows["annotations"], 1);
    assert!(!statistics.rows.contains_key("more"));
}

#[test]
fn a_migration_that_leaves_rows_pointing_nowhere_is_undone() {
    let folder = old_library();
    let orphaning = [
        MIGRATIONS[0],
        Migration {
            version: 2,
            parts: &[
                "CREATE TABLE child (id INTEGER PRIMARY KEY, sample_id INTEGER REFERENCES samples (id) DEFERRABLE INITIALLY DEFERRED) STRICT; INSERT INTO child VALUES (1, 999);",
            ],
        },
    ];
    let error = Store::open_with(folder.path(), false, &orphaning).err().unwrap();
    assert!(error.message().contains("nothing was changed"), "{error}");
    let store = Store::open_with(folder.path(), false, &MIGRATIONS[..1]).unwrap();
    assert_eq!(store.statistics().unwrap().schema, 1);
}

#[test]
fn a_library_that_was_migrated_is_too_new_for_the_old_program() {
    let folder = old_library();
    let parts = &["CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT;"];
    let next = [MIGRATIONS[0], MIGRATIONS[1], Migration { version: 3, parts }];
    Store::open_with(folder.path(), false, &next).unwrap().close().unwrap();
    assert_eq!(Store::open(folder.path(), false).err().unwrap().code(), Code::TooNew);
}

#[test]
fn versions_count_from_one_without_gaps() {
    for (index, migration) in MIGRATIONS.iter().enumerate() {
        assert_eq!(migration.version, index as i64 + 1);
        assert!(!migration.parts.is_empty());
    }
}
