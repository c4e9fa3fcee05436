use va_domain::{AnnotationSource, Entity, Event, Origin};
use va_error::{Code, Error};
use va_store::Op;

use crate::scene::{Scene, create_dataset, insert, owner};

#[test]
fn a_change_that_fails_has_not_happened() {
    let scene = Scene::new();
    let error = scene
        .undoable("import", |tx| {
            insert(tx, scene.dataset, "a.jpg", 1)?;
            Err::<(), _>(Error::invalid("no"))
        })
        .unwrap_err();
    assert_eq!(error.message(), "no");
    assert_eq!(scene.dataset().sample_count, 0);
    assert_eq!(scene.store.read(|read| read.media().total_bytes()).unwrap(), 0);
    scene.assert_sound();
}

#[test]
fn a_change_that_panics_has_not_happened_and_the_store_goes_on() {
    let scene = Scene::new();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        scene.undoable("import", |tx| -> va_error::Result<()> {
            insert(tx, scene.dataset, "a.jpg", 1).unwrap();
            panic!("test")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(scene.dataset().sample_count, 0);
    assert_eq!(scene.add(1).len(), 1);
    scene.assert_sound();
}

#[test]
fn rows_with_a_history_cannot_be_changed_behind_its_back() {
    let (scene, samples, labels) = Scene::with_samples(1);
    for op in [Op::audited("sneak"), Op::quiet("sneak")] {
        let done = scene.store.transact(&owner(), op, |tx| {
            tx.samples_mut().set_label(&samples, Some(labels[0]), AnnotationSource::Person)
        });
        assert_eq!(done.unwrap_err().code(), Code::Internal);
    }
    assert_eq!(scene.sample(samples[0]).label_id, None);
}

#[test]
fn an_undoable_change_stays_in_its_dataset() {
    let (scene, samples, _) = Scene::with_samples(1);
    let other = create_dataset(&scene.store, "other");
    let done =
        scene.store.transact(&owner(), Op::undoable(other.id, "sneak"), |tx| tx.samples_mut().delete(samples[0]));
    assert_eq!(done.unwrap_err().code(), Code::Internal);
    assert_eq!(scene.dataset().sample_count, 1);
}

#[test]
fn an_undoable_change_that_changes_nothing_leaves_no_trace() {
    let (scene, samples, labels) = Scene::with_samples(1);
    scene.set_label(&samples, Some(labels[0]));
    let before = scene.store.read(|read| read.audit_log().list(&Default::default())).unwrap().total;
    assert_eq!(scene.set_label(&samples, Some(labels[0])), 0);
    let after = scene.store.read(|read| read.audit_log().list(&Default::default())).unwrap().total;
    assert_eq!(before, after);
}

#[test]
fn the_changes_name_what_to_refresh() {
    let (scene, samples, labels) = Scene::with_samples(2);
    let op = Op::undoable(scene.dataset, "set_label");
    let done = scene
        .store
        .transact(&owner(), op, |tx| tx.samples_mut().set_label(&samples, Some(labels[0]), AnnotationSource::Person))
        .unwrap();
    let events = done.changes.events();
    let ids = |wanted: Entity| {
        events.iter().find_map(|event| match event {
            Event::Changed { entity, ids, dataset_id } if *entity == wanted => Some((ids.clone(), *dataset_id)),
            _ => None,
        })
    };
    let mut expected: Vec<_> = samples.iter().map(|id| id.0).collect();
    expected.sort_unstable();
    assert_eq!(ids(Entity::Sample), Some((expected, Some(scene.dataset))));
    assert_eq!(ids(Entity::Dataset), Some((vec![scene.dataset.0], None)));
    assert!(ids(Entity::History).is_some());
    assert!(ids(Entity::Project).is_none());
}

#[test]
fn quiet_changes_leave_no_audit_entry_and_audited_ones_do() {
    let scene = Scene::new();
    let total = || scene.store.read(|read| read.audit_log().list(&Default::default())).unwrap().total;
    let before = total();
    scene.quiet(|tx| tx.settings_mut().put("a", &1)).unwrap();
    assert_eq!(total(), before);
    scene.audited(|tx| tx.settings_mut().put("a", &2)).unwrap();
    assert_eq!(total(), before + 1);
}

#[test]
fn the_audit_entry_says_who_and_what() {
    let scene = Scene::new();
    let mut actor = owner();
    actor.name = "ann".to_owned();
    actor.origin = Origin::Http;
    let op = Op::undoable(scene.dataset, "create_label").summary("scratch");
    scene.store.transact(&actor, op, |tx| tx.labels_mut().create(scene.dataset, "scratch", None)).unwrap();
    let newest = scene.store.read(|read| read.audit_log().list(&Default::default())).unwrap().items.remove(0);
    assert_eq!(
        (newest.actor.as_str(), newest.op.as_str(), newest.summary.as_str()),
        ("ann", "create_label", "scratch")
    );
}

#[test]
fn a_deleted_dataset_takes_no_changes() {
    let (scene, samples, labels) = Scene::with_samples(1);
    scene.audited(|tx| tx.datasets_mut().delete(scene.dataset)).unwrap();
    let error = scene
        .undoable("set_label", |tx| tx.samples_mut().set_label(&samples, Some(labels[0]), AnnotationSource::Person));
    assert_eq!(error.unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.undo().unwrap_err().code(), Code::NotFound);
}
