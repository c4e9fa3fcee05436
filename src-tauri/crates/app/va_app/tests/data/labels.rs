use va_app::{history, labels};
use va_domain::Role;
use va_error::Code;

use crate::scene::{Scene, owner, with_role};

#[test]
fn colours_are_checked_and_kept_in_lower_case() {
    let scene = Scene::new();
    let label = labels::create(&scene.app, &owner(), scene.dataset.id, "crack", Some("#AABB0F")).unwrap();
    assert_eq!(label.color, "#aabb0f");
    for color in ["", "red", "#12345", "#1234567", "#gggggg", "aabbcc"] {
        let error = labels::update(&scene.app, &owner(), label.id, None, Some(color)).unwrap_err();
        assert_eq!(error.code(), Code::InvalidInput, "{color}");
    }
}

#[test]
fn a_rename_keeps_the_colour_and_can_be_undone() {
    let scene = Scene::new();
    let label = scene.label("crack");
    let renamed = labels::update(&scene.app, &owner(), label.id, Some(" Crack "), None).unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.color), ("Crack", &label.color));
    history::undo(&scene.app, &owner(), scene.dataset.id).unwrap();
    assert_eq!(labels::get(&scene.app, label.id).unwrap(), label);
}

#[test]
fn annotators_make_classes_and_reviewers_merge_and_delete_them() {
    let scene = Scene::new();
    let (a, b) = (scene.label("a"), scene.label("b"));
    let annotator = with_role(Role::Annotator);
    labels::create(&scene.app, &annotator, scene.dataset.id, "c", None).unwrap();
    assert_eq!(labels::delete(&scene.app, &annotator, a.id).unwrap_err().code(), Code::Forbidden);
    assert_eq!(labels::merge(&scene.app, &annotator, a.id, b.id).unwrap_err().code(), Code::Forbidden);
    let viewer = with_role(Role::Viewer);
    let error = labels::create(&scene.app, &viewer, scene.dataset.id, "d", None).unwrap_err();
    assert_eq!(error.code(), Code::Forbidden);
    assert!(error.message().contains("a viewer"), "{error}");
    let reviewer = with_role(Role::Reviewer);
    assert_eq!(labels::merge(&scene.app, &reviewer, a.id, b.id).unwrap().id, b.id);
    labels::delete(&scene.app, &reviewer, b.id).unwrap();
}
