use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use va_app::purge::{KEPT, purge};
use va_app::{App, PageRequest, audit, samples};
use va_domain::SampleId;

use crate::scene::{Scene, owner};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The scene's samples have no files: this one gets an original and a thumbnail.
fn give_files(app: &App, id: SampleId) -> [PathBuf; 2] {
    let sample = samples::get(app, id).unwrap();
    let hash = sample.media_hash.as_str().to_owned();
    let thumbnail = format!("cache/thumbnails/256/{}/{hash}.jpg", &hash[..2]);
    let files = [app.media_path(&sample.media_hash, &sample.format), app.library_dir().join(thumbnail)];
    for file in &files {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, b"x").unwrap();
    }
    files
}

fn purges(app: &App) -> Vec<(String, String)> {
    let page = audit::list(app, &owner(), &PageRequest { limit: Some(100), cursor: None }).unwrap();
    assert!(page.verified);
    let lines = page.items.into_iter().filter(|entry| entry.op.starts_with("purge"));
    lines.map(|entry| (entry.op, entry.summary)).collect()
}

#[test]
fn after_thirty_days_deleted_samples_go_with_their_files() {
    let scene = Scene::new();
    let ids = scene.add(2);
    let (gone, kept) = (give_files(&scene.app, ids[0]), give_files(&scene.app, ids[1]));
    samples::delete(&scene.app, &owner(), &ids[..1]).unwrap();
    let deleted = SystemTime::now();
    purge(&scene.app, deleted + KEPT - DAY).unwrap();
    assert!(gone.iter().chain(&kept).all(|file| file.is_file()), "29 days are not 30");
    assert!(purges(&scene.app).is_empty());
    purge(&scene.app, deleted + KEPT + DAY).unwrap();
    assert!(!gone.iter().any(|file| file.exists()) && kept.iter().all(|file| file.is_file()));
    let line = ("purge".to_owned(), "1 samples, 0 datasets, 1 originals".to_owned());
    assert_eq!(purges(&scene.app), std::slice::from_ref(&line));
    purge(&scene.app, deleted + KEPT + 2 * DAY).unwrap();
    assert_eq!(purges(&scene.app), [line], "an empty purge is no event");
    assert_eq!(scene.app.store().check_integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn after_thirty_days_the_files_of_deleted_models_go() {
    let scene = Scene::new();
    let deleted = scene.folder.path().join("models/deleted");
    for (name, described) in [("one", true), ("two", true), ("a person's own", false)] {
        std::fs::create_dir_all(deleted.join(name)).unwrap();
        std::fs::write(deleted.join(name).join("weights.safetensors"), b"w").unwrap();
        if described {
            std::fs::write(deleted.join(name).join("version.json"), b"{}").unwrap();
        }
    }
    let now = SystemTime::now();
    purge(&scene.app, now + KEPT - DAY).unwrap();
    assert!(deleted.join("one").is_dir() && purges(&scene.app).is_empty());
    purge(&scene.app, now + KEPT + DAY).unwrap();
    assert!(!deleted.join("one").exists() && !deleted.join("two").exists());
    assert!(deleted.join("a person's own").is_dir(), "not put there by a deletion");
    let line = ("purge_models".to_owned(), "the files of 2 deleted model versions".to_owned());
    assert_eq!(purges(&scene.app), [line]);
}
