use va_domain::PageRequest;
use va_error::Code;

use crate::scene::{Scene, create_dataset};

#[test]
fn names_are_unique_whatever_their_case() {
    let scene = Scene::new();
    let error = scene.audited(|tx| tx.datasets_mut().create("TILES", "")).unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    let other = create_dataset(&scene.store, "wood");
    let error = scene.audited(|tx| tx.datasets_mut().update(other.id, "Tiles", "")).unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    let same = scene.audited(|tx| tx.datasets_mut().update(other.id, "WOOD", "grain")).unwrap();
    assert_eq!((same.name.as_str(), same.description.as_str()), ("WOOD", "grain"));
}

#[test]
fn a_deleted_dataset_is_gone_its_name_is_free_and_lineage_still_finds_it() {
    let (scene, samples, _) = Scene::with_samples(2);
    scene.audited(|tx| tx.datasets_mut().delete(scene.dataset)).unwrap();
    assert_eq!(scene.store.read(|read| read.datasets().get(scene.dataset)).unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.store.read(|read| read.datasets().get_even_deleted(scene.dataset)).unwrap().name, "tiles");
    assert_eq!(scene.store.read(|read| read.samples().get(samples[0])).unwrap().name, "00.jpg");
    assert_ne!(create_dataset(&scene.store, "tiles").id, scene.dataset);
    scene.assert_sound();
}

#[test]
fn the_list_is_by_name_in_pages_with_search() {
    let scene = Scene::new();
    ["beta", "Alpha", "gamma"].iter().for_each(|name| drop(create_dataset(&scene.store, name)));
    let list = |search: &str, cursor| {
        let page = PageRequest { limit: Some(2), cursor };
        scene.store.read(|read| read.datasets().list(search, &page)).unwrap()
    };
    let names =
        |page: &va_domain::Page<va_domain::Dataset>| page.items.iter().map(|d| d.name.clone()).collect::<Vec<_>>();
    let first = list("", None);
    assert_eq!((names(&first), first.total), (vec!["Alpha".to_owned(), "beta".to_owned()], 4));
    assert_eq!(names(&list("", first.next_cursor)), ["gamma", "tiles"]);
    assert_eq!(names(&list("A", None)), ["Alpha", "beta"]);
    assert_eq!(list("A", None).total, 3);
}

#[test]
fn counts_start_at_zero_and_follow() {
    let (scene, samples, labels) = Scene::with_samples(5);
    scene.set_label(&samples[..2], Some(labels[0]));
    scene.set_split(&samples[..4], Some(va_domain::Split::Val));
    let dataset = scene.dataset();
    assert_eq!((dataset.sample_count, dataset.labelled_count, dataset.label_count), (5, 2, 2));
    assert_eq!((dataset.splits.val, dataset.splits.none), (4, 1));
}
