use va_domain::SampleId;
use va_error::Code;

use crate::scene::{Scene, create_dataset};

#[test]
fn a_mark_is_put_on_once_and_taken_off() {
    let (scene, samples, _) = Scene::with_samples(2);
    let tags = |id| scene.store.read(|read| read.tags().of_sample(id)).unwrap();
    for name in ["blurry", "Blurry", "again"] {
        scene.undoable("tag", |tx| tx.tags_mut().add(scene.dataset, samples[0], name)).unwrap();
    }
    assert_eq!(tags(samples[0]), ["again", "blurry"]);
    assert_eq!(tags(samples[1]), Vec::<String>::new());
    scene.undoable("untag", |tx| tx.tags_mut().remove(samples[0], "BLURRY")).unwrap();
    assert_eq!(tags(samples[0]), ["again"]);
}

#[test]
fn marks_are_undone_like_everything_else() {
    let (scene, samples, _) = Scene::with_samples(1);
    scene.undoable("tag", |tx| tx.tags_mut().add(scene.dataset, samples[0], "blurry")).unwrap();
    let tags = || scene.store.read(|read| read.tags().of_sample(samples[0])).unwrap();
    scene.undo().unwrap();
    assert_eq!(tags(), Vec::<String>::new());
    scene.redo().unwrap();
    assert_eq!(tags(), ["blurry"]);
    scene.assert_sound();
}

#[test]
fn a_mark_needs_its_sample_in_its_dataset() {
    let (scene, samples, _) = Scene::with_samples(1);
    let other = create_dataset(&scene.store, "other").id;
    let missing = scene.undoable("tag", |tx| tx.tags_mut().add(scene.dataset, SampleId::new(), "x"));
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
    let foreign = scene.undoable("tag", |tx| tx.tags_mut().add(other, samples[0], "x"));
    assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
}
