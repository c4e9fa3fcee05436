use proptest::prelude::*;
use uuid::Uuid;
use va_domain::{AnnotationSource, Geometry, SampleFilter, SampleSort, Split};
use va_error::Code;
use va_geometry::Rect;
use va_store::Op;

use crate::scene::{Scene, create_dataset, insert, owner};

fn square() -> Geometry {
    Geometry::Box(Rect { x0: 1.0, y0: 2.0, x1: 3.5, y1: 4.0 })
}

#[test]
fn undo_and_redo_of_a_class() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.set_label(&samples[..2], Some(labels[0]));
    scene.set_label(&samples[1..2], Some(labels[1]));
    let state = scene.undo().unwrap();
    assert_eq!(scene.sample(samples[1]).label_id, Some(labels[0]));
    assert_eq!(state.undo.unwrap().count, 2);
    assert_eq!(state.redo.unwrap().op, "set_label");
    scene.redo().unwrap();
    assert_eq!(scene.sample(samples[1]).label_id, Some(labels[1]));
    scene.assert_sound();
}

#[test]
fn there_is_an_end_in_both_directions() {
    let scene = Scene::new();
    assert_eq!(scene.undo().unwrap_err().code(), Code::Conflict);
    assert_eq!(scene.redo().unwrap_err().code(), Code::Conflict);
    scene.label("a");
    scene.undo().unwrap();
    assert_eq!(scene.undo().unwrap_err().code(), Code::Conflict);
    scene.redo().unwrap();
    assert_eq!(scene.redo().unwrap_err().code(), Code::Conflict);
}

#[test]
fn a_new_change_drops_what_could_be_redone() {
    let scene = Scene::new();
    scene.label("a");
    scene.undo().unwrap();
    scene.label("b");
    assert_eq!(scene.redo().unwrap_err().code(), Code::Conflict);
    assert_eq!(scene.labels().len(), 1);
}

#[test]
fn history_survives_a_restart_in_both_directions() {
    let (scene, samples, labels) = Scene::with_samples(2);
    scene.set_label(&samples, Some(labels[1]));
    scene.delete(&samples[..1]);
    let scene = scene.reopened();
    scene.undo().unwrap();
    assert_eq!(scene.sample(samples[0]).label_id, Some(labels[1]));
    let scene = scene.reopened();
    scene.redo().unwrap();
    assert_eq!(scene.dataset().sample_count, 1);
    scene.undo().unwrap();
    scene.undo().unwrap();
    assert_eq!(scene.sample(samples[0]).label_id, None);
    scene.assert_sound();
}

#[test]
fn undoing_a_deleted_class_brings_back_its_annotations_and_its_index() {
    let (scene, samples, labels) = Scene::with_samples(3);
    let third = scene.label("dirt");
    scene.set_label(&samples[..2], Some(labels[0]));
    scene
        .undoable("draw", |tx| {
            tx.annotations_mut().insert(samples[2], Some(labels[0]), &square(), AnnotationSource::Person)
        })
        .unwrap();
    let before = scene.labels();
    scene.undoable("delete_label", |tx| tx.labels_mut().delete(labels[0])).unwrap();
    assert_eq!(scene.sample(samples[0]).label_id, None);
    assert_eq!(scene.labels().iter().map(|label| label.class_idx).collect::<Vec<_>>(), [0, 1]);
    scene.assert_sound();
    scene.undo().unwrap();
    assert_eq!(scene.labels(), before);
    assert_eq!(scene.labels()[2].id, third.id);
    assert_eq!(scene.sample(samples[0]).label_id, Some(labels[0]));
    assert_eq!(scene.sample(samples[2]).region_count, 1);
    scene.assert_sound();
    scene.redo().unwrap();
    scene.assert_sound();
}

#[test]
fn undoing_a_merge_separates_the_classes_again() {
    let (scene, samples, labels) = Scene::with_samples(4);
    scene.set_label(&samples[..2], Some(labels[0]));
    scene.set_label(&samples[2..], Some(labels[1]));
    scene.undoable("merge_label", |tx| tx.labels_mut().merge(labels[0], labels[1])).unwrap();
    assert_eq!(scene.labels()[0].sample_count, 4);
    scene.undo().unwrap();
    assert_eq!(scene.labels().iter().map(|label| label.sample_count).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(scene.sample(samples[0]).label_id, Some(labels[0]));
    scene.assert_sound();
}

#[test]
fn the_batches_of_an_import_are_one_step() {
    let scene = Scene::new();
    let group = Uuid::now_v7();
    for batch in 0..3u64 {
        let op = Op::undoable(scene.dataset, "import").group(group);
        scene.store.transact(&owner(), op, |tx| insert(tx, scene.dataset, &format!("{batch}.jpg"), batch)).unwrap();
    }
    let state = scene.store.read(|read| read.op_log().of_dataset(scene.dataset)).unwrap();
    assert_eq!((state.kept, state.undo.unwrap().count), (1, 3));
    scene.undo().unwrap();
    assert_eq!(scene.dataset().sample_count, 0);
    scene.redo().unwrap();
    assert_eq!(scene.dataset().sample_count, 3);
    assert_eq!(scene.names(&SampleFilter::default(), SampleSort::Added), ["0.jpg", "1.jpg", "2.jpg"]);
    scene.assert_sound();
}

#[test]
fn a_change_between_two_batches_keeps_them_apart() {
    let scene = Scene::new();
    let group = Uuid::now_v7();
    for batch in 0..2u64 {
        let op = Op::undoable(scene.dataset, "import").group(group);
        scene.store.transact(&owner(), op, |tx| insert(tx, scene.dataset, &format!("{batch}.jpg"), batch)).unwrap();
        scene.label(&format!("class {batch}"));
    }
    assert_eq!(scene.store.read(|read| read.op_log().of_dataset(scene.dataset)).unwrap().kept, 4);
}

#[test]
fn histories_of_datasets_do_not_mix() {
    let scene = Scene::new();
    let other = create_dataset(&scene.store, "other").id;
    let first = scene.add(1);
    scene.undo().unwrap();
    // The other dataset takes the next rows: the undone ones must not collide with them on redo.
    let op = Op::undoable(other, "import");
    scene.store.transact(&owner(), op, |tx| insert(tx, other, "b.jpg", 7)).unwrap();
    scene.redo().unwrap();
    assert_eq!(scene.sample(first[0]).name, "00.jpg");
    scene.store.undo(&owner(), other).unwrap();
    assert_eq!(scene.dataset().sample_count, 1);
    scene.assert_sound();
}

#[test]
fn ten_thousand_samples_are_one_step() {
    let (scene, samples, labels) = Scene::with_samples(10_000);
    scene.set_label(&samples, Some(labels[1]));
    assert_eq!(scene.dataset().labelled_count, 10_000);
    let state = scene.undo().unwrap();
    assert_eq!(scene.dataset().labelled_count, 0);
    assert_eq!(state.redo.unwrap().count, 10_000);
    scene.redo().unwrap();
    assert_eq!(scene.labels()[1].sample_count, 10_000);
    scene.assert_sound();
}

#[test]
fn undo_returns_the_very_same_bytes() {
    let (scene, samples, labels) = Scene::with_samples(2);
    let id = scene
        .undoable("draw", |tx| tx.annotations_mut().insert(samples[0], None, &square(), AnnotationSource::Import))
        .unwrap();
    let before = scene.store.read(|read| read.annotations().get(id)).unwrap();
    scene
        .undoable("change", |tx| {
            let other = Geometry::Box(Rect { x0: 0.1, y0: 0.2, x1: 0.30000000000000004, y1: 1e-300 + 1.0 });
            tx.annotations_mut().update(id, Some(labels[0]), &other)
        })
        .unwrap();
    let after = scene.store.read(|read| read.annotations().get(id)).unwrap();
    scene.undo().unwrap();
    assert_eq!(scene.store.read(|read| read.annotations().get(id)).unwrap(), before);
    scene.redo().unwrap();
    assert_eq!(scene.store.read(|read| read.annotations().get(id)).unwrap(), after);
}

#[test]
fn undo_and_redo_are_in_the_audit_log() {
    let scene = Scene::new();
    scene.label("a");
    scene.undo().unwrap();
    scene.redo().unwrap();
    let ops: Vec<String> = scene
        .store
        .read(|read| read.audit_log().list(&Default::default()))
        .unwrap()
        .items
        .into_iter()
        .map(|entry| entry.op)
        .collect();
    assert_eq!(ops[..3], ["redo", "undo", "create_label"]);
}

#[test]
fn a_history_that_does_not_fit_changes_nothing() {
    let (scene, samples, labels) = Scene::with_samples(2);
    scene.set_label(&samples, Some(labels[0]));
    scene.store.close().unwrap();
    let path = scene.folder.path().join("library.sqlite");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute("UPDATE op_log SET images = x'01FFFF' WHERE op = 'set_label'", [])
        .unwrap();
    let scene = scene.reopened();
    assert_eq!(scene.undo().unwrap_err().code(), Code::Internal);
    assert_eq!(scene.dataset().labelled_count, 2);
    scene.assert_sound();
}

/// One random thing a person might do.
#[derive(Debug, Clone)]
enum Step {
    Label(usize, usize, Option<usize>),
    Split(usize, usize, Option<Split>),
    Delete(usize, usize),
    Draw(usize, Option<usize>),
    NewClass(u8),
    DropClass(usize),
    Merge(usize, usize),
    Rename(usize, u8),
    Undo,
    Redo,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = || proptest::option::of(0usize..4);
    let split = || proptest::option::of(prop_oneof![Just(Split::Train), Just(Split::Val), Just(Split::Test)]);
    let step = prop_oneof![
        4 => (0usize..8, 1usize..4, class()).prop_map(|(at, n, c)| Step::Label(at, n, c)),
        2 => (0usize..8, 1usize..4, split()).prop_map(|(at, n, s)| Step::Split(at, n, s)),
        1 => (0usize..8, 1usize..3).prop_map(|(at, n)| Step::Delete(at, n)),
        1 => (0usize..8, class()).prop_map(|(at, c)| Step::Draw(at, c)),
        1 => any::<u8>().prop_map(Step::NewClass),
        1 => (0usize..4).prop_map(Step::DropClass),
        1 => (0usize..4, 0usize..4).prop_map(|(a, b)| Step::Merge(a, b)),
        1 => (0usize..4, any::<u8>()).prop_map(|(a, n)| Step::Rename(a, n)),
        4 => Just(Step::Undo),
        3 => Just(Step::Redo),
    ];
    proptest::collection::vec(step, 1..25)
}

/// Does it where it makes sense; what the store refuses must change nothing, which the recount shows.
fn walk(scene: &Scene, step: &Step) {
    let living =
        scene.store.sample_window(scene.dataset, &SampleFilter::default(), SampleSort::Added, 0, 500).unwrap().items;
    let labels = scene.labels();
    let some = |at: usize, n: usize| living.iter().skip(at).take(n).map(|sample| sample.id).collect::<Vec<_>>();
    let label = |at: usize| labels.get(at).map(|label| label.id);
    match step {
        Step::Label(at, n, class) => {
            scene.set_label(&some(*at, *n), class.and_then(label));
        }
        Step::Split(at, n, split) => scene.set_split(&some(*at, *n), *split),
        Step::Delete(at, n) => scene.delete(&some(*at, *n)),
        Step::Draw(at, class) => {
            for id in some(*at, 1) {
                scene
                    .undoable("draw", |tx| {
                        tx.annotations_mut().insert(id, class.and_then(label), &square(), AnnotationSource::Person)
                    })
                    .unwrap();
            }
        }
        Step::NewClass(name) => {
            drop(scene.undoable("create_label", |tx| tx.labels_mut().create(scene.dataset, &name.to_string(), None)));
        }
        Step::DropClass(at) => {
            if let Some(id) = label(*at) {
                scene.undoable("delete_label", |tx| tx.labels_mut().delete(id)).unwrap();
            }
        }
        Step::Merge(a, b) => {
            if let (Some(a), Some(b)) = (label(*a), label(*b)) {
                drop(scene.undoable("merge_label", |tx| tx.labels_mut().merge(a, b)));
            }
        }
        Step::Rename(at, name) => {
            if let Some(id) = label(*at) {
                drop(scene.undoable("update_label", |tx| tx.labels_mut().update(id, &name.to_string(), "#000000")));
            }
        }
        Step::Undo => drop(scene.undo()),
        Step::Redo => drop(scene.redo()),
    }
}

/// Everything a person can see of the dataset.
fn picture(scene: &Scene) -> String {
    let samples = scene.store.read(|read| read.samples().all_of_dataset(scene.dataset)).unwrap();
    let annotations: Vec<_> = samples
        .iter()
        .map(|sample| scene.store.read(|read| read.annotations().of_sample(sample.id)).unwrap())
        .collect();
    let mut dataset = scene.dataset();
    dataset.updated_ms = 0;
    format!("{dataset:#?}{samples:#?}{annotations:#?}{:#?}", scene.labels())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn counts_equal_a_recount_after_any_walk(steps in steps()) {
        let (scene, ..) = Scene::with_samples(8);
        for step in &steps {
            walk(&scene, step);
        }
        prop_assert_eq!(scene.store.check_integrity().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn undoing_everything_and_redoing_everything_comes_back_exactly(steps in steps()) {
        let (scene, ..) = Scene::with_samples(8);
        for step in &steps {
            walk(&scene, step);
        }
        while scene.redo().is_ok() {}
        let end = picture(&scene);
        while scene.undo().is_ok() {}
        prop_assert_eq!(scene.dataset().sample_count, 0);
        prop_assert_eq!(scene.labels().len(), 0);
        prop_assert_eq!(scene.store.check_integrity().unwrap(), Vec::<String>::new());
        while scene.redo().is_ok() {}
        prop_assert_eq!(picture(&scene), end);
        prop_assert_eq!(scene.store.check_integrity().unwrap(), Vec::<String>::new());
    }
}
