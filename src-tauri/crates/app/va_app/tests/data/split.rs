use std::collections::BTreeMap;

use va_app::{datasets, history, samples, split};
use va_domain::{LabelMode, LabelledState, SampleFilter, SampleSort, Split, SplitRatios};
use va_error::Code;

use crate::scene::{Scene, owner};

fn splits(scene: &Scene) -> BTreeMap<String, Option<Split>> {
    let all =
        samples::window(&scene.app, scene.dataset.id, &SampleFilter::default(), SampleSort::Added, 0, 500).unwrap();
    all.items.into_iter().map(|sample| (sample.name, sample.split)).collect()
}

fn run(scene: &Scene, seed: u64, only_unsplit: bool) -> split::SplitResult {
    split::split(&scene.app, &owner(), scene.dataset.id, SplitRatios::default(), seed, only_unsplit).unwrap()
}

#[test]
fn every_class_is_shared_out_alike() {
    let scene = Scene::new();
    let (many, few) = (scene.label("many"), scene.label("few"));
    let ids = scene.add(120);
    samples::set_label(&scene.app, &owner(), &ids[..100], Some(many.id), LabelMode::Set).unwrap();
    samples::set_label(&scene.app, &owner(), &ids[100..], Some(few.id), LabelMode::Set).unwrap();
    let result = run(&scene, 42, false);
    assert_eq!((result.counts.train, result.counts.val, result.counts.test, result.counts.none), (84, 18, 18, 0));
    assert!(result.report.is_empty());
    let in_class = |label, split| {
        let filter = SampleFilter { label_ids: vec![label], splits: vec![split], ..SampleFilter::default() };
        scene.app.store().sample_count(scene.dataset.id, &filter).unwrap()
    };
    assert_eq!([Split::Train, Split::Val, Split::Test].map(|split| in_class(few.id, split)), [14, 3, 3]);
}

#[test]
fn a_seed_gives_the_same_split_in_any_library_and_another_seed_another() {
    let (a, b) = (Scene::new(), Scene::new());
    a.add(40);
    b.add(40);
    run(&a, 7, false);
    run(&b, 7, false);
    assert_eq!(splits(&a), splits(&b));
    run(&b, 8, false);
    assert_ne!(splits(&a), splits(&b));
}

#[test]
fn a_class_with_one_sample_goes_to_train_and_is_reported() {
    let scene = Scene::new();
    let label = scene.label("rare");
    let ids = scene.add(11);
    samples::set_label(&scene.app, &owner(), &ids[..1], Some(label.id), LabelMode::Set).unwrap();
    let result = run(&scene, 1, false);
    assert_eq!(samples::get(&scene.app, ids[0]).unwrap().split, Some(Split::Train));
    assert_eq!(result.report.warnings.len(), 1);
    assert_eq!(result.report.warnings[0].subject, "rare");
}

#[test]
fn images_with_several_classes_are_shared_out_by_each_of_them() {
    let scene = Scene::new();
    let classes = ["scratch", "dent", "rare"].map(|name| scene.label(name).id);
    let ids = scene.add(200);
    let toggle = |ids: &[_], label| {
        samples::set_label(&scene.app, &owner(), ids, Some(label), LabelMode::Toggle).unwrap();
    };
    toggle(&ids[..100], classes[0]);
    toggle(&ids[50..150], classes[1]);
    toggle(&ids[90..110], classes[2]);
    samples::set_label(&scene.app, &owner(), &ids[150..], None, LabelMode::Toggle).unwrap();
    let result = run(&scene, 42, false);
    assert!(result.report.is_empty());
    let in_split = |filter: SampleFilter| {
        [Split::Train, Split::Val, Split::Test].map(|split| {
            let filter = SampleFilter { splits: vec![split], ..filter.clone() };
            scene.app.store().sample_count(scene.dataset.id, &filter).unwrap()
        })
    };
    for (label, total) in classes.into_iter().zip([100.0, 100.0, 20.0]) {
        let found = in_split(SampleFilter { label_ids: vec![label], ..SampleFilter::default() });
        for (found, share) in found.into_iter().zip([0.7, 0.15, 0.15]) {
            assert!((found as f64 - share * total).abs() <= 2.0, "{found} of {total}, share {share}");
        }
    }
    let none = in_split(SampleFilter { state: Some(LabelledState::NoClass), ..SampleFilter::default() });
    assert_eq!(none.iter().sum::<u64>(), 50);
    assert!(none[0] >= 33 && none[0] <= 37, "{none:?}");
    let before = splits(&scene);
    run(&scene, 42, false);
    assert_eq!(splits(&scene), before, "the same seed gives the same split");
}

#[test]
fn only_what_is_in_no_split_can_be_split() {
    let scene = Scene::new();
    let ids = scene.add(10);
    samples::set_split(&scene.app, &owner(), &ids, Some(Split::Test)).unwrap();
    scene.add(10);
    let result = run(&scene, 42, true);
    assert_eq!((result.counts.train, result.counts.val, result.counts.test), (7, 2, 11));
}

#[test]
fn a_split_is_one_step_of_undo() {
    let scene = Scene::new();
    scene.add(20);
    run(&scene, 42, false);
    let before = splits(&scene);
    history::undo(&scene.app, &owner(), scene.dataset.id).unwrap();
    assert_eq!(datasets::get(&scene.app, scene.dataset.id).unwrap().splits.none, 20);
    history::redo(&scene.app, &owner(), scene.dataset.id).unwrap();
    assert_eq!(splits(&scene), before);
}

#[test]
fn shares_that_do_not_add_up_are_refused() {
    let scene = Scene::new();
    for (train, val, test) in [(0.5, 0.2, 0.2), (1.2, -0.1, -0.1), (f64::NAN, 0.5, 0.5)] {
        let ratios = SplitRatios { train, val, test };
        let error = split::split(&scene.app, &owner(), scene.dataset.id, ratios, 1, false).unwrap_err();
        assert_eq!(error.code(), Code::InvalidInput);
    }
}
