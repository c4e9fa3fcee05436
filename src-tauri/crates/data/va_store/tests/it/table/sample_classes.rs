use va_domain::{AnnotationSource, Label, LabelId, LabelledState, SampleFilter, SampleId, SampleSort};

use crate::scene::Scene;

fn classes(scene: &Scene, sample: SampleId) -> Vec<LabelId> {
    scene.sample(sample).label_ids
}

fn counts(scene: &Scene) -> Vec<u64> {
    scene.labels().iter().map(|label: &Label| label.sample_count).collect()
}

fn no_class(scene: &Scene) -> u64 {
    scene.store.read(|read| read.datasets().no_class_count(scene.dataset)).unwrap()
}

#[test]
fn a_toggle_adds_a_class_and_takes_it_where_all_have_it() {
    let (scene, samples, labels) = Scene::with_samples(3);
    assert_eq!(scene.toggle(&samples[..1], Some(labels[1])), 1);
    assert_eq!(scene.toggle(&samples[..2], Some(labels[1])), 1, "one has it: the other gets it too");
    assert_eq!(scene.toggle(&samples[..2], Some(labels[0])), 2);
    assert_eq!(classes(&scene, samples[0]), labels, "by class_idx");
    assert_eq!(scene.sample(samples[0]).label_id, Some(labels[1]), "the first that was given");
    assert_eq!((counts(&scene), scene.dataset().labelled_count), (vec![2, 2], 2));
    assert_eq!(scene.toggle(&samples[..2], Some(labels[1])), 2);
    assert_eq!((classes(&scene, samples[0]), counts(&scene)), (vec![labels[0]], vec![2, 0]));
    scene.assert_sound();
    for _ in 0..4 {
        scene.undo().unwrap();
        scene.assert_sound();
    }
    assert_eq!((counts(&scene), scene.dataset().labelled_count), (vec![0, 0], 0));
    for _ in 0..4 {
        scene.redo().unwrap();
        scene.assert_sound();
    }
    assert_eq!((classes(&scene, samples[1]), counts(&scene)), (vec![labels[0]], vec![2, 0]));
}

#[test]
fn that_an_image_shows_none_is_a_word_of_its_own() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.toggle(&samples[..1], Some(labels[0]));
    assert_eq!(scene.toggle(&samples[..2], None), 2);
    assert!(scene.sample(samples[0]).no_class && classes(&scene, samples[0]).is_empty());
    assert_eq!((no_class(&scene), scene.dataset().labelled_count), (2, 2));
    let names = |state| scene.names(&SampleFilter { state: Some(state), ..Default::default() }, SampleSort::Added);
    assert_eq!(names(LabelledState::NoClass), ["00.jpg", "01.jpg"]);
    assert_eq!(names(LabelledState::Labelled), ["00.jpg", "01.jpg"]);
    assert_eq!(names(LabelledState::Unlabelled), ["02.jpg"]);
    scene.assert_sound();
    scene.toggle(&samples[1..2], Some(labels[1]));
    assert!(!scene.sample(samples[1]).no_class, "a class takes it back");
    scene.undo().unwrap();
    assert!(scene.sample(samples[1]).no_class);
    scene.delete(&samples[..1]);
    assert_eq!(no_class(&scene), 1);
    scene.toggle(&samples[1..2], None);
    assert_eq!((no_class(&scene), scene.dataset().labelled_count), (0, 0), "said again, it is taken back");
    scene.assert_sound();
}

#[test]
fn setting_a_class_replaces_the_others_in_one_step() {
    let (scene, samples, labels) = Scene::with_samples(2);
    labels.iter().for_each(|label| {
        scene.toggle(&samples, Some(*label));
    });
    assert_eq!(scene.set_label(&samples[..1], Some(labels[1])), 1);
    assert_eq!((classes(&scene, samples[0]), counts(&scene)), (vec![labels[1]], vec![1, 2]));
    assert_eq!(scene.set_label(&samples[..1], Some(labels[1])), 0, "nothing to change");
    scene.undo().unwrap();
    assert_eq!((classes(&scene, samples[0]), counts(&scene)), (labels, vec![2, 2]));
    scene.toggle(&samples[..1], None);
    assert_eq!(scene.set_label(&samples, None), 2, "the word goes, and the classes of the other");
    assert_eq!((counts(&scene), no_class(&scene), scene.dataset().labelled_count), (vec![0, 0], 0, 0));
    scene.assert_sound();
}

#[test]
fn every_class_counts_and_finds_its_samples_also_after_deletion_and_undo() {
    let (scene, samples, labels) = Scene::with_samples(4);
    scene.toggle(&samples[..3], Some(labels[0]));
    scene.toggle(&samples[1..], Some(labels[1]));
    let of = |label| scene.names(&SampleFilter { label_ids: vec![label], ..Default::default() }, SampleSort::Name);
    assert_eq!(of(labels[0]), ["00.jpg", "01.jpg", "02.jpg"]);
    assert_eq!(of(labels[1]), ["01.jpg", "02.jpg", "03.jpg"]);
    let both = SampleFilter { label_ids: labels, ..Default::default() };
    assert_eq!(scene.names(&both, SampleSort::Label).len(), 4, "each once");
    scene.delete(&samples[1..2]);
    assert_eq!(counts(&scene), [2, 2]);
    scene.undo().unwrap();
    assert_eq!(counts(&scene), [3, 3]);
    scene.assert_sound();
}

#[test]
fn a_merge_leaves_an_image_with_both_classes_one() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.toggle(&samples[..2], Some(labels[0]));
    scene.toggle(&samples[1..], Some(labels[1]));
    let merged = scene.undoable("x", |tx| tx.labels_mut().merge(labels[0], labels[1])).unwrap();
    assert_eq!(merged.sample_count, 3);
    assert!(samples.iter().all(|id| classes(&scene, *id) == [labels[1]]));
    scene.assert_sound();
    scene.undo().unwrap();
    assert_eq!((classes(&scene, samples[1]), counts(&scene)), (labels, vec![2, 2]));
    scene.assert_sound();
}

#[test]
fn an_import_adds_a_class_once() {
    let (scene, samples, labels) = Scene::with_samples(1);
    let add = || {
        scene
            .undoable("import", |tx| tx.samples_mut().add_label(&samples, labels[0], AnnotationSource::Import))
            .unwrap()
    };
    assert_eq!((add(), add()), (1, 0));
}
