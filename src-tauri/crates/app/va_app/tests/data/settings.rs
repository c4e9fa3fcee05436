use va_app::{PageRequest, audit, settings};
use va_domain::{Role, Settings, Theme};
use va_error::Code;

use crate::scene::{Scene, owner, with_role};

#[test]
fn settings_have_defaults_are_kept_and_checked() {
    let scene = Scene::new();
    let start = settings::get(&scene.app).unwrap();
    assert_eq!((start.theme, start.thumbnail_px), (Theme::System, 160));
    let dark = Settings { theme: Theme::Dark, language: "zh-CN".to_owned(), thumbnail_px: 96, ..Settings::default() };
    settings::update(&scene.app, &owner(), &dark).unwrap();
    assert_eq!(settings::get(&scene.app).unwrap(), dark);
    for bad in [Settings { language: "tlh".to_owned(), ..dark.clone() }, Settings { thumbnail_px: 5, ..dark.clone() }] {
        assert_eq!(settings::update(&scene.app, &owner(), &bad).unwrap_err().code(), Code::InvalidInput);
    }
    assert_eq!(settings::get(&scene.app).unwrap(), dark);
}

#[test]
fn the_audit_log_is_for_owners_and_says_whether_it_holds() {
    let scene = Scene::new();
    scene.label("crack");
    let page = audit::list(&scene.app, &owner(), &PageRequest::default()).unwrap();
    assert!(page.verified);
    assert_eq!(
        page.items.iter().map(|entry| entry.op.as_str()).collect::<Vec<_>>(),
        ["create_label", "create_dataset"]
    );
    let error = audit::list(&scene.app, &with_role(Role::Reviewer), &PageRequest::default()).unwrap_err();
    assert_eq!(error.code(), Code::Forbidden);
}

#[test]
fn a_closed_library_ends_the_streams_and_can_be_opened_again() {
    let scene = Scene::new();
    let events = scene.app.subscribe();
    let folder = scene.app.library_dir().to_owned();
    scene.app.close().unwrap();
    assert!(events.recv().is_err());
    assert_eq!(settings::get(&scene.app).unwrap_err().code(), Code::Conflict);
    let again = va_app::App::open(&folder, va_app::OpenOptions::default()).unwrap();
    again.close().unwrap();
}
