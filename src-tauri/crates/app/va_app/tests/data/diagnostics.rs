use std::io::Read as _;

use serde_json::Value;
use va_app::import::{self, ImportRequest};
use va_app::{diagnostics, jobs};
use va_domain::JobState;

use crate::scene::{Scene, owner};

fn contents(zip: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(zip).unwrap()).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut file = zip.by_index(at).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

#[test]
fn the_diagnostics_help_and_give_nothing_away() {
    let scene = Scene::new();
    scene.label("secret-alloy-crack");
    scene.add(3);
    let private = scene.folder.path().join("customer-acme");
    std::fs::create_dir(&private).unwrap();
    let request = ImportRequest { paths: vec![private], ..ImportRequest::default() };
    let job = import::start(&scene.app, &owner(), scene.dataset.id, &request).unwrap();
    assert_eq!(jobs::get(&scene.app, job.id).unwrap().state, JobState::Queued);
    std::fs::create_dir_all(scene.app.library_dir().join("logs")).unwrap();
    std::fs::write(scene.app.library_dir().join("logs/visaion.log"), "opened\naccess token abc\n").unwrap();

    let out = scene.folder.path().join("reports/diagnostics.zip");
    assert_eq!(diagnostics::write(&scene.app, &out).unwrap(), out);
    let files = contents(&out);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["about.json", "resources.json", "library.json", "jobs.json", "log.txt"]);
    let text = |name: &str| {
        let (_, bytes) = files.iter().find(|(known, _)| known == name).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    let json = |name: &str| serde_json::from_str::<Value>(&text(name)).unwrap();
    assert_eq!(json("about.json")["name"], "VisAIon");
    assert_eq!(json("library.json")["rows"]["samples"], 3);
    assert_eq!(json("jobs.json")[0]["kind"], "import");
    assert!(text("log.txt").starts_with("opened\n"));
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        for word in ["secret-alloy", "acme", "000.png", "tiles", "token abc"] {
            assert!(!text.contains(word), "{word} in {name}");
        }
    }
    let over_a_folder = diagnostics::write(&scene.app, scene.folder.path());
    assert!(over_a_folder.is_err());
    diagnostics::write(&scene.app, &out).unwrap();
    assert_eq!(std::fs::read_dir(out.parent().unwrap()).unwrap().count(), 1, "replaced, and nothing half beside it");
}
