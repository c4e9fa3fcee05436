use std::fs;

use rusqlite::Connection;
use va_error::Code;
use va_store::Store;

use crate::scene::{Scene, owner};

#[test]
fn a_folder_without_a_library_is_not_found_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(folder.path(), false).err().unwrap();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_new_library_has_its_folders() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("deep/er"), true).unwrap();
    for path in [store.library().database(), store.library().media_dir(), store.library().models_dir()] {
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn a_library_has_one_owner_until_it_is_closed() {
    let scene = Scene::new();
    let error = Store::open(scene.folder.path(), false).err().unwrap();
    assert_eq!(error.code(), Code::LibraryLocked);
    assert_eq!(error.details().unwrap()["pid"], std::process::id());
    scene.store.close().unwrap();
    Store::open(scene.folder.path(), false).unwrap();
}

#[test]
fn a_closed_library_refuses_instead_of_hanging() {
    let scene = Scene::new();
    scene.store.close().unwrap();
    scene.store.close().unwrap();
    assert_eq!(scene.quiet(|_| Ok(())).unwrap_err().code(), Code::Conflict);
    assert_eq!(scene.store.read(|_| Ok(())).unwrap_err().code(), Code::Conflict);
}

#[test]
fn closing_leaves_one_file_with_everything_in_it() {
    let scene = Scene::new();
    scene.add(3);
    scene.store.close().unwrap();
    let copy = tempfile::tempdir().unwrap();
    fs::copy(scene.folder.path().join("library.sqlite"), copy.path().join("library.sqlite")).unwrap();
    let store = Store::open(copy.path(), false).unwrap();
    assert_eq!(store.read(|read| read.datasets().get(scene.dataset)).unwrap().sample_count, 3);
}

#[test]
fn the_file_is_durable_and_strict() {
    let scene = Scene::new();
    scene.store.close().unwrap();
    let conn = Connection::open(scene.folder.path().join("library.sqlite")).unwrap();
    let mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let loose: i64 = conn
        .query_row("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(loose, 0);
}

#[test]
fn a_newer_library_is_refused_and_its_bytes_stay() {
    let scene = Scene::new();
    scene.store.close().unwrap();
    let path = scene.folder.path().join("library.sqlite");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = fs::read(&path).unwrap();
    let error = Store::open(scene.folder.path(), false).err().unwrap();
    assert_eq!(error.code(), Code::TooNew);
    assert_eq!(error.details().unwrap()["schema"], 999);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_version_in_the_write_ahead_log_is_refused_too() {
    let scene = Scene::new();
    scene.store.close().unwrap();
    let (path, log) = (scene.folder.path().join("library.sqlite"), scene.folder.path().join("library.sqlite-wal"));
    // As a newer program that was killed leaves it: the version is only in the log.
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 999).unwrap();
    let (file_before, log_before) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    other.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    drop(other);
    assert_eq!(fs::read(&path).unwrap(), file_before, "the version is in the log alone");
    assert!(!log_before.is_empty());
    let error = Store::open(scene.folder.path(), false).err().unwrap();
    assert_eq!(error.code(), Code::TooNew);
    assert_eq!(fs::read(&path).unwrap(), file_before);
    assert_eq!(fs::read(&log).unwrap(), log_before);
}

#[test]
fn the_database_of_another_program_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(Store::open(folder.path(), true).err().unwrap().code(), Code::InvalidInput);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library.sqlite");
    for bytes in [&b"hello"[..], &[0u8; 4096][..], &[b'x'; 5000][..]] {
        fs::write(&path, bytes).unwrap();
        let error = Store::open(folder.path(), true).err().unwrap();
        assert_eq!(error.code(), Code::Internal);
        assert!(error.message().contains("damaged"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_torn_file_says_so_instead_of_losing_rows_in_silence() {
    let scene = Scene::new();
    scene.add(200);
    scene.store.close().unwrap();
    let path = scene.folder.path().join("library.sqlite");
    let mut bytes = fs::read(&path).unwrap();
    let (start, end) = (bytes.len() / 3, bytes.len() * 2 / 3);
    bytes[start..end].fill(0xAB);
    fs::write(&path, &bytes).unwrap();
    let outcome = Store::open(scene.folder.path(), false).and_then(|store| store.check_integrity());
    match outcome {
        Ok(problems) => assert!(!problems.is_empty()),
        Err(error) => assert_eq!(error.code(), Code::Internal),
    }
}

#[test]
fn an_empty_file_becomes_a_library() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("library.sqlite"), b"").unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    assert_eq!(store.check_integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn a_full_disk_is_said_and_nothing_is_lost() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.set_label(&samples[..1], Some(labels[0]));
    scene.store.limit_size_for_test(0).unwrap();
    let error = scene
        .quiet(|tx| {
            let text = "x".repeat(1 << 20);
            tx.settings_mut().put("large", &text)
        })
        .unwrap_err();
    assert_eq!(error.code(), Code::DiskFull);
    scene.store.limit_size_for_test(1 << 30).unwrap();
    assert_eq!(scene.sample(samples[0]).label_id, Some(labels[0]));
    assert_eq!(scene.store.read(|read| read.settings().get::<String>("large")).unwrap(), None);
    scene.set_label(&samples[1..2], Some(labels[1]));
    scene.assert_sound();
}

#[test]
fn readers_run_beside_each_other_and_do_not_see_half_a_change() {
    let (scene, samples, labels) = Scene::with_samples(4);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let dataset = scene.store.read(|read| read.datasets().get(scene.dataset)).unwrap();
                    assert!(dataset.labelled_count == 0 || dataset.labelled_count == 4, "{}", dataset.labelled_count);
                }
            });
        }
        scope.spawn(|| {
            for round in 0..20 {
                scene.set_label(&samples, (round % 2 == 0).then_some(labels[0]));
            }
        });
    });
    scene.assert_sound();
}

#[test]
fn a_nested_read_does_not_hang() {
    let scene = Scene::new();
    let read = |depth: usize| -> va_error::Result<u64> {
        fn down(scene: &Scene, depth: usize) -> va_error::Result<u64> {
            scene.store.read(|read| if depth == 0 { read.media().total_bytes() } else { down(scene, depth - 1) })
        }
        down(&scene, depth)
    };
    assert_eq!(read(10).unwrap(), 0);
    drop(owner());
}

#[test]
fn statistics_count_every_table() {
    let (scene, ..) = Scene::with_samples(3);
    let statistics = scene.store.statistics().unwrap();
    assert_eq!(statistics.rows["samples"], 3);
    assert_eq!(statistics.rows["labels"], 2);
    assert!(statistics.database_bytes > 0 && statistics.schema >= 1);
}
