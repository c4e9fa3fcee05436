use va_domain::{AnnotationId, AnnotationSource, Geometry, SampleId};
use va_error::Code;
use va_geometry::{Mask, Rect};

use crate::scene::{Scene, create_dataset, owner};

fn square() -> Geometry {
    Geometry::Box(Rect { x0: 0.0, y0: 0.0, x1: 2.0, y1: 2.0 })
}

#[test]
fn a_mask_is_kept_exactly() {
    let (scene, samples, labels) = Scene::with_samples(1);
    let mask = Geometry::Mask(Mask { width_px: 4, height_px: 2, runs: vec![1, 3, 2, 2] });
    let id = scene
        .undoable("import", |tx| {
            tx.annotations_mut().insert(samples[0], Some(labels[1]), &mask, AnnotationSource::Import)
        })
        .unwrap();
    let found = scene.store.read(|read| read.annotations().of_sample(samples[0])).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, &found[0].geometry, found[0].label_id), (id, &mask, Some(labels[1])));
    assert_eq!(found[0].source, AnnotationSource::Import);
    assert_eq!(scene.sample(samples[0]).region_count, 1);
    assert_eq!(scene.sample(samples[0]).label_id, None, "a region is not the class of the image");
}

#[test]
fn an_image_has_a_class_once() {
    let (scene, samples, labels) = Scene::with_samples(1);
    scene.set_label(&samples, Some(labels[0]));
    let second = scene.undoable("x", |tx| {
        tx.annotations_mut().insert(samples[0], Some(labels[0]), &Geometry::Image, AnnotationSource::Person)
    });
    assert_eq!(second.unwrap_err().code(), Code::Conflict);
    let other = scene
        .undoable("x", |tx| {
            tx.annotations_mut().insert(samples[0], Some(labels[1]), &Geometry::Image, AnnotationSource::Person)
        })
        .unwrap();
    assert_eq!(scene.sample(samples[0]).label_ids, labels);
    let into_the_first =
        scene.undoable("x", |tx| tx.annotations_mut().update(other, Some(labels[0]), &Geometry::Image));
    assert_eq!(into_the_first.unwrap_err().code(), Code::Conflict);
    let none = scene
        .undoable("x", |tx| tx.annotations_mut().insert(samples[0], None, &Geometry::Image, AnnotationSource::Person));
    assert_eq!(none.unwrap_err().code(), Code::InvalidInput);
}

#[test]
fn a_region_does_not_become_a_class_nor_the_other_way_round() {
    let (scene, samples, labels) = Scene::with_samples(1);
    let region = scene
        .undoable("x", |tx| tx.annotations_mut().insert(samples[0], None, &square(), AnnotationSource::Person))
        .unwrap();
    let error =
        scene.undoable("x", |tx| tx.annotations_mut().update(region, Some(labels[0]), &Geometry::Image)).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    scene.set_label(&samples, Some(labels[0]));
    let class = scene.store.read(|read| read.annotations().of_sample(samples[0])).unwrap()[1].id;
    let error = scene.undoable("x", |tx| tx.annotations_mut().update(class, Some(labels[0]), &square())).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    scene.undoable("x", |tx| tx.annotations_mut().update(class, Some(labels[1]), &Geometry::Image)).unwrap();
    assert_eq!(scene.sample(samples[0]).label_id, Some(labels[1]));
}

#[test]
fn a_class_of_another_dataset_is_refused() {
    let (scene, samples, _) = Scene::with_samples(1);
    let other = create_dataset(&scene.store, "other").id;
    let foreign = scene
        .store
        .transact(&owner(), va_store::Op::undoable(other, "create_label"), |tx| {
            tx.labels_mut().create(other, "x", None)
        })
        .unwrap()
        .output
        .id;
    for change in [
        scene.undoable("x", |tx| {
            tx.annotations_mut().insert(samples[0], Some(foreign), &square(), AnnotationSource::Person).map(drop)
        }),
        scene.undoable("x", |tx| {
            tx.samples_mut().set_label(&samples, Some(foreign), AnnotationSource::Person).map(drop)
        }),
    ] {
        assert_eq!(change.unwrap_err().code(), Code::InvalidInput);
    }
}

#[test]
fn deleting_the_class_annotation_leaves_the_image_unlabelled() {
    let (scene, samples, labels) = Scene::with_samples(2);
    scene.set_label(&samples, Some(labels[0]));
    let class = scene.store.read(|read| read.annotations().of_sample(samples[0])).unwrap()[0].id;
    scene.undoable("x", |tx| tx.annotations_mut().delete(class)).unwrap();
    assert_eq!(scene.sample(samples[0]).label_id, None);
    assert_eq!(scene.dataset().labelled_count, 1);
    scene.assert_sound();
}

#[test]
fn what_does_not_exist_is_not_found() {
    let (scene, samples, _) = Scene::with_samples(1);
    let missing = AnnotationId::new();
    assert_eq!(scene.store.read(|read| read.annotations().get(missing)).unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.undoable("x", |tx| tx.annotations_mut().delete(missing)).unwrap_err().code(), Code::NotFound);
    let no_sample = scene
        .undoable("x", |tx| tx.annotations_mut().insert(SampleId::new(), None, &square(), AnnotationSource::Person));
    assert_eq!(no_sample.unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.store.read(|read| read.annotations().of_sample(samples[0])).unwrap(), []);
}

#[test]
fn a_bad_shape_is_refused_before_anything_is_written() {
    let (scene, samples, _) = Scene::with_samples(1);
    let bad = Geometry::Box(Rect { x0: f64::NAN, y0: 0.0, x1: 1.0, y1: 1.0 });
    let error = scene.undoable("x", |tx| tx.annotations_mut().insert(samples[0], None, &bad, AnnotationSource::Person));
    assert_eq!(error.unwrap_err().code(), Code::InvalidInput);
    assert_eq!(scene.sample(samples[0]).region_count, 0);
}
