use va_domain::{CLASS_COLORS, LabelId};
use va_error::Code;

use crate::scene::{Scene, create_dataset, owner};

#[test]
fn classes_count_from_zero_and_have_their_colours() {
    let scene = Scene::new();
    let labels = ["a", "b", "c"].map(|name| scene.label(name));
    assert_eq!(labels.each_ref().map(|label| label.class_idx), [0, 1, 2]);
    assert_eq!(labels[1].color, CLASS_COLORS[1]);
    assert_eq!(labels[2].dataset_id, scene.dataset);
}

#[test]
fn names_are_unique_within_a_dataset_whatever_their_case() {
    let scene = Scene::new();
    let first = scene.label("Crack");
    let again = scene.undoable("x", |tx| tx.labels_mut().create(scene.dataset, "cRACK", None));
    assert_eq!(again.unwrap_err().code(), Code::Conflict);
    assert_eq!(scene.undoable("x", |tx| tx.labels_mut().get_or_create(scene.dataset, "CRACK")).unwrap().id, first.id);
    let other = create_dataset(&scene.store, "other").id;
    scene
        .store
        .transact(&owner(), va_store::Op::undoable(other, "x"), |tx| tx.labels_mut().create(other, "Crack", None))
        .unwrap();
}

#[test]
fn renaming_to_its_own_name_in_another_case_is_allowed() {
    let scene = Scene::new();
    let label = scene.label("crack");
    let other = scene.label("ok");
    let renamed = scene.undoable("x", |tx| tx.labels_mut().update(label.id, "Crack", "#123456")).unwrap();
    assert_eq!((renamed.name.as_str(), renamed.color.as_str()), ("Crack", "#123456"));
    let taken = scene.undoable("x", |tx| tx.labels_mut().update(other.id, "crack", "#123456"));
    assert_eq!(taken.unwrap_err().code(), Code::Conflict);
}

#[test]
fn deleting_a_class_in_the_middle_closes_the_gap() {
    let (scene, samples, labels) = Scene::with_samples(2);
    let third = scene.label("dirt");
    scene.set_label(&samples[..1], Some(labels[0]));
    scene.set_label(&samples[1..], Some(third.id));
    scene.undoable("x", |tx| tx.labels_mut().delete(labels[0])).unwrap();
    let left: Vec<_> =
        scene.labels().into_iter().map(|label| (label.name, label.class_idx, label.sample_count)).collect();
    assert_eq!(left, [("crack".to_owned(), 0, 0), ("dirt".to_owned(), 1, 1)]);
    assert_eq!(scene.sample(samples[0]).label_id, None);
    scene.assert_sound();
}

#[test]
fn a_merge_moves_everything_also_of_deleted_samples() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.set_label(&samples, Some(labels[0]));
    scene.delete(&samples[..1]);
    let merged = scene.undoable("x", |tx| tx.labels_mut().merge(labels[0], labels[1])).unwrap();
    assert_eq!((merged.sample_count, merged.class_idx), (2, 0));
    assert_eq!(scene.store.read(|read| read.samples().get_even_deleted(samples[0])).unwrap().label_id, Some(labels[1]));
    scene.assert_sound();
}

#[test]
fn a_merge_with_itself_or_across_datasets_is_refused() {
    let (scene, _, labels) = Scene::with_samples(1);
    let own = scene.undoable("x", |tx| tx.labels_mut().merge(labels[0], labels[0]));
    assert_eq!(own.unwrap_err().code(), Code::InvalidInput);
    let other = create_dataset(&scene.store, "other").id;
    let foreign = scene
        .store
        .transact(&owner(), va_store::Op::undoable(other, "x"), |tx| tx.labels_mut().create(other, "x", None))
        .unwrap()
        .output;
    let across = scene.undoable("x", |tx| tx.labels_mut().merge(labels[0], foreign.id));
    assert_eq!(across.unwrap_err().code(), Code::InvalidInput);
    let missing = scene.undoable("x", |tx| tx.labels_mut().merge(labels[0], LabelId::new()));
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
}

#[test]
fn counts_of_a_class_leave_out_deleted_samples() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.set_label(&samples, Some(labels[1]));
    scene.delete(&samples[..2]);
    assert_eq!(scene.labels()[1].sample_count, 1);
    scene.undo().unwrap();
    assert_eq!(scene.labels()[1].sample_count, 3);
}
