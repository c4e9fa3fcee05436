use std::io::Write as _;

use va_app::import::{self, ImportRequest};
use va_app::{jobs, staging};
use va_domain::JobState;
use va_error::Code;

use crate::scene::{Scene, owner};

fn upload(scene: &Scene) -> String {
    let mut upload = staging::begin(&scene.app).unwrap();
    let mut file = upload.file("a.png").unwrap();
    file.write_all(b"bytes").unwrap();
    file.finish().unwrap();
    upload.id
}

#[test]
fn an_upload_stays_as_long_as_an_unfinished_import_names_it() {
    let scene = Scene::new();
    let (waiting, used) = (upload(&scene), upload(&scene));
    let request = ImportRequest { upload_id: Some(waiting.to_uppercase()), ..ImportRequest::default() };
    let job = import::start(&scene.app, &owner(), scene.dataset.id, &request).unwrap();
    for state in [JobState::Queued, JobState::Paused] {
        assert_eq!(jobs::get(&scene.app, job.id).unwrap().state, state);
        staging::release(&scene.app, &waiting);
        staging::release(&scene.app, &used);
        assert!(staging::folder(&scene.app, &waiting).unwrap().join("a.png").is_file());
        assert_eq!(staging::folder(&scene.app, &used).unwrap_err().code(), Code::NotFound);
        jobs::pause(&scene.app, &owner(), job.id).unwrap();
    }
    jobs::cancel(&scene.app, &owner(), job.id).unwrap();
    staging::release(&scene.app, &waiting);
    assert_eq!(staging::folder(&scene.app, &waiting).unwrap_err().code(), Code::NotFound);
}
