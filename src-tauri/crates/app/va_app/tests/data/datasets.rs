use va_app::{datasets, history, labels, samples, versions};
use va_domain::Split;
use va_error::Code;

use crate::scene::{Scene, owner};

#[test]
fn facets_are_the_maintained_counts() {
    let scene = Scene::new();
    let label = scene.label("crack");
    let ids = scene.add(5);
    samples::set_label(&scene.app, &owner(), &ids[..2], Some(label.id), va_domain::LabelMode::Set).unwrap();
    samples::set_split(&scene.app, &owner(), &ids[..3], Some(Split::Val)).unwrap();
    let facets = datasets::facets(&scene.app, scene.dataset.id).unwrap();
    assert_eq!((facets.total, facets.labelled, facets.unlabelled), (5, 2, 3));
    assert_eq!((facets.splits.val, facets.splits.none), (3, 2));
    assert_eq!(facets.labels[0].sample_count, 2);
}

#[test]
fn a_version_is_made_once_for_the_same_content() {
    let scene = Scene::new();
    scene.add(2);
    let first = versions::freeze(&scene.app, &owner(), scene.dataset.id, " first ").unwrap();
    assert_eq!((first.number, first.note.as_str()), (1, "first"));
    assert_eq!(versions::freeze(&scene.app, &owner(), scene.dataset.id, "again").unwrap().id, first.id);
    scene.add(1);
    assert_eq!(versions::freeze(&scene.app, &owner(), scene.dataset.id, "").unwrap().number, 2);
    assert_eq!(versions::list(&scene.app, scene.dataset.id).unwrap().len(), 2);
}

#[test]
fn a_deleted_dataset_is_gone() {
    let scene = Scene::new();
    datasets::delete(&scene.app, &owner(), scene.dataset.id, false).unwrap();
    assert_eq!(datasets::get(&scene.app, scene.dataset.id).unwrap_err().code(), Code::NotFound);
    assert_eq!(labels::list(&scene.app, scene.dataset.id).unwrap_err().code(), Code::NotFound);
    datasets::create(&scene.app, &owner(), "tiles", "", None).unwrap();
}

#[test]
fn undo_and_redo_say_what_comes_next() {
    let scene = Scene::new();
    scene.add(3);
    scene.label("crack");
    let state = history::undo(&scene.app, &owner(), scene.dataset.id).unwrap();
    assert_eq!(state.undo.as_ref().map(|op| (op.op.as_str(), op.count)), Some(("import", 3)));
    assert_eq!(state.redo.as_ref().map(|op| op.op.as_str()), Some("create_label"));
    assert_eq!(history::get(&scene.app, scene.dataset.id).unwrap(), state);
    history::redo(&scene.app, &owner(), scene.dataset.id).unwrap();
    assert_eq!(labels::list(&scene.app, scene.dataset.id).unwrap().len(), 1);
}
