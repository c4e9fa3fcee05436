use va_domain::{AnnotationSource, MediaHash, SampleId, Split};
use va_error::Code;
use va_store::table::samples::NewSample;

use crate::scene::{Scene, create_dataset, insert};

#[test]
fn a_sample_shows_its_media() {
    let (scene, samples, _) = Scene::with_samples(1);
    let sample = scene.sample(samples[0]);
    assert_eq!(
        (sample.width_px, sample.height_px, sample.size_bytes, sample.format.as_str()),
        (640, 480, 1000, "jpeg")
    );
    assert_eq!((sample.split, sample.label_id, sample.region_count), (None, None, 0));
    assert_eq!(sample.media_hash, MediaHash::of(&0u64.to_le_bytes()));
}

#[test]
fn a_name_that_is_not_utf8_keeps_its_bytes() {
    let scene = Scene::new();
    let bytes = b"caf\xe9.jpg".to_vec();
    let id = scene
        .undoable("import", |tx| {
            insert(tx, scene.dataset, "other", 1)?;
            tx.samples_mut().insert(
                scene.dataset,
                &NewSample {
                    media_hash: MediaHash::of(&1u64.to_le_bytes()),
                    name: String::from_utf8_lossy(&bytes).into_owned(),
                    name_bytes: Some(bytes.clone()),
                    split: Some(Split::Test),
                },
            )
        })
        .unwrap();
    assert_eq!(scene.store.read(|read| read.samples().name_bytes(id)).unwrap(), Some(bytes.clone()));
    scene.undo().unwrap();
    scene.redo().unwrap();
    assert_eq!(scene.store.read(|read| read.samples().name_bytes(id)).unwrap(), Some(bytes));
    assert_eq!(scene.sample(id).split, Some(Split::Test));
}

#[test]
fn a_sample_needs_its_media() {
    let scene = Scene::new();
    let new = NewSample { media_hash: MediaHash::of(b"none"), name: "a".to_owned(), name_bytes: None, split: None };
    let error = scene.undoable("import", |tx| tx.samples_mut().insert(scene.dataset, &new)).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
}

#[test]
fn a_deleted_sample_is_gone_from_everything_but_lineage() {
    let (scene, samples, labels) = Scene::with_samples(2);
    scene.set_label(&samples, Some(labels[0]));
    scene.delete(&samples[..1]);
    let gone = samples[0];
    assert_eq!(scene.store.read(|read| read.samples().find(gone)).unwrap(), None);
    assert_eq!(scene.store.read(|read| read.samples().get_even_deleted(gone)).unwrap().id, gone);
    assert_eq!(scene.store.read(|read| read.annotations().of_sample(gone)).unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.undoable("x", |tx| tx.samples_mut().delete(gone)).unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.store.read(|read| read.samples().all_of_dataset(scene.dataset)).unwrap().len(), 1);
    scene.assert_sound();
}

#[test]
fn duplicates_are_found_in_the_dataset_alone_and_only_the_living() {
    let (scene, samples, _) = Scene::with_samples(2);
    let hash = MediaHash::of(&0u64.to_le_bytes());
    let find = |dataset| scene.store.read(|read| read.samples().with_media(dataset, &hash)).unwrap();
    assert_eq!(find(scene.dataset), samples[..1]);
    let other = create_dataset(&scene.store, "other").id;
    assert_eq!(find(other), []);
    scene.delete(&samples[..1]);
    assert_eq!(find(scene.dataset), []);
}

#[test]
fn one_missing_sample_stops_the_whole_change() {
    let (scene, samples, labels) = Scene::with_samples(2);
    let mut ids = samples;
    ids.push(SampleId::new());
    let error = scene.undoable("x", |tx| tx.samples_mut().set_label(&ids, Some(labels[0]), AnnotationSource::Person));
    assert_eq!(error.unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.dataset().labelled_count, 0);
}

#[test]
fn setting_a_class_counts_what_changed() {
    let (scene, samples, labels) = Scene::with_samples(3);
    assert_eq!(scene.set_label(&samples[..2], Some(labels[0])), 2);
    assert_eq!(scene.set_label(&samples, Some(labels[0])), 1);
    assert_eq!(scene.set_label(&samples, None), 3);
    assert_eq!(scene.set_label(&samples, None), 0);
}

#[test]
fn a_renamed_sample_is_sorted_and_found_by_its_new_name() {
    let (scene, samples, _) = Scene::with_samples(3);
    scene.undoable("x", |tx| tx.samples_mut().rename(samples[0], "Zebra.jpg")).unwrap();
    let names = scene.names(&Default::default(), va_domain::SampleSort::Name);
    assert_eq!(names, ["01.jpg", "02.jpg", "Zebra.jpg"]);
    let filter = va_domain::SampleFilter { search: "zeb".to_owned(), ..Default::default() };
    assert_eq!(scene.names(&filter, va_domain::SampleSort::Name), ["Zebra.jpg"]);
}

#[test]
fn samples_of_two_datasets_are_not_one_change() {
    let (scene, samples, _) = Scene::with_samples(1);
    let other = create_dataset(&scene.store, "other").id;
    let check = |dataset| scene.store.read(|read| read.samples().require_dataset(&samples, dataset));
    check(scene.dataset).unwrap();
    assert_eq!(check(other).unwrap_err().code(), Code::InvalidInput);
}
