use va_domain::{AnnotationSource, DatasetId, EvaluationSample, Geometry, PageRequest, Split, now_ms};
use va_error::Code;
use va_geometry::Rect;
use va_store::table::audit_log::AuditVerdict;
use va_store::{Op, Purged};

use crate::scene::{Scene, create_dataset, insert, owner};

/// A moment that lies behind everything so far and before everything to come.
fn moment() -> i64 {
    let moment = now_ms() + 1;
    while now_ms() <= moment {
        std::hint::spin_loop();
    }
    moment
}

fn purge(scene: &Scene, before_ms: i64) -> Purged {
    let purged = scene.store.purge(&owner(), before_ms).unwrap();
    scene.assert_sound();
    assert!(matches!(scene.store.read(|read| read.audit_log().verify()).unwrap(), AuditVerdict::Intact { .. }));
    purged
}

fn last_audit(scene: &Scene) -> (String, String) {
    let page = PageRequest { limit: Some(1), cursor: None };
    let entry = scene.store.read(|read| read.audit_log().list(&page)).unwrap().items.remove(0);
    (entry.op, entry.summary)
}

fn delete_dataset(scene: &Scene, id: DatasetId) {
    scene.audited(|tx| tx.datasets_mut().delete(id)).unwrap();
}

#[test]
fn what_was_deleted_long_ago_goes_with_its_history_and_its_originals() {
    let (scene, samples, labels) = Scene::with_samples(5);
    scene.set_label(&samples, Some(labels[0]));
    scene.delete(&samples[..2]);
    let month_later = moment();
    scene.set_label(&samples[3..], Some(labels[1]));
    scene.delete(&samples[2..3]);
    assert_eq!(purge(&scene, 1), Purged::default(), "nothing is that old");

    let purged = purge(&scene, month_later);
    assert_eq!((purged.samples, purged.datasets, purged.media.len()), (2, 0, 2));
    assert_eq!(last_audit(&scene), ("purge".to_owned(), "2 samples, 0 datasets, 2 originals".to_owned()));
    let gone = scene.store.read(|read| read.samples().get_even_deleted(samples[0]));
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);
    assert!(scene.store.read(|read| read.samples().get_even_deleted(samples[2])).is_ok(), "deleted since");
    let scene = scene.reopened();
    assert_eq!(purge(&scene, month_later), Purged::default(), "once is enough");

    assert_eq!(scene.store.read(|read| read.op_log().of_dataset(scene.dataset)).unwrap().kept, 2);
    scene.undo().unwrap();
    assert_eq!(scene.sample(samples[2]).label_id, Some(labels[0]));
    scene.undo().unwrap();
    assert_eq!(scene.sample(samples[4]).label_id, Some(labels[0]));
    assert_eq!(scene.undo().unwrap_err().code(), Code::Conflict, "what came before is final now");
    scene.redo().unwrap();
    scene.redo().unwrap();
    scene.assert_sound();
}

#[test]
fn a_tombstone_that_a_later_step_touched_waits_for_that_step() {
    let (scene, samples, labels) = Scene::with_samples(2);
    scene
        .undoable("draw", |tx| {
            let square = Geometry::Box(Rect { x0: 1.0, y0: 2.0, x1: 3.5, y1: 4.0 });
            tx.annotations_mut().insert(samples[0], Some(labels[0]), &square, AnnotationSource::Person)
        })
        .unwrap();
    scene.delete(&samples);
    let month_later = moment();
    scene.undoable("delete_label", |tx| tx.labels_mut().delete(labels[0])).unwrap();
    assert_eq!(purge(&scene, month_later).samples, 1, "the other one has the box of the deleted class");
    scene.undo().unwrap();
    assert_eq!(scene.labels().len(), 2);
    scene.assert_sound();
    scene.redo().unwrap();
    assert_eq!(purge(&scene, moment()).samples, 1);
}

#[test]
fn what_can_be_redone_keeps_its_originals() {
    let (scene, ..) = Scene::with_samples(3);
    scene.undo().unwrap();
    assert_eq!(purge(&scene, moment()), Purged::default());
    scene.redo().unwrap();
    assert_eq!(scene.dataset().sample_count, 3);
    scene.undo().unwrap();
    scene.label("another");
    assert_eq!(purge(&scene, moment()).media.len(), 3, "nothing brings them back now");
}

#[test]
fn what_a_version_or_a_result_shows_stays() {
    let (scene, samples, labels) = Scene::with_samples(4);
    scene.set_label(&samples, Some(labels[0]));
    scene.set_split(&samples, Some(Split::Train));
    let evaluation = crate::table::evaluations::evaluation(&scene);
    let shown = EvaluationSample {
        sample_id: samples[0],
        name: "00.jpg".to_owned(),
        actual: Some(0),
        predicted: Some(1),
        actual_classes: vec![0],
        predicted_classes: vec![1],
        probabilities: vec![0.4, 0.6],
        loss: 0.9,
        current_label_id: None,
    };
    scene.quiet(|tx| tx.predictions_mut().append(evaluation.id, &[shown])).unwrap();
    scene.audited(|tx| tx.dataset_versions_mut().freeze(scene.dataset, "")).unwrap();
    let later = scene.add(1);
    scene.delete(&samples);
    scene.delete(&later);
    let purged = purge(&scene, moment());
    assert_eq!((purged.samples, purged.media.len()), (1, 1), "only the one that came after the version");
    assert!(samples.iter().all(|id| scene.store.read(|read| read.samples().get_even_deleted(*id)).is_ok()));
    delete_dataset(&scene, scene.dataset);
    assert_eq!(purge(&scene, moment()), Purged::default(), "a model comes from it");
}

#[test]
fn a_deleted_dataset_goes_whole_but_not_what_another_one_shows() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.set_label(&samples, Some(labels[0]));
    scene.audited(|tx| tx.dataset_versions_mut().freeze(scene.dataset, "")).unwrap();
    let other = create_dataset(&scene.store, "other").id;
    // The same bytes as the first sample of the first dataset.
    scene.store.transact(&owner(), Op::undoable(other, "import"), |tx| insert(tx, other, "same.jpg", 0)).unwrap();
    delete_dataset(&scene, scene.dataset);
    let purged = purge(&scene, moment());
    assert_eq!((purged.samples, purged.datasets, purged.media.len()), (0, 1, 2));
    let gone = scene.store.read(|read| read.datasets().get_even_deleted(scene.dataset));
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.store.read(|read| read.samples().all_of_dataset(other)).unwrap().len(), 1);
}
