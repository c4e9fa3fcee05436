use va_domain::Split;
use va_error::Code;
use va_store::table::dataset_versions::content_hash;

use crate::scene::{Scene, insert};

fn freeze(scene: &Scene) -> va_domain::DatasetVersion {
    scene.audited(|tx| tx.dataset_versions_mut().freeze(scene.dataset, "note")).unwrap()
}

#[test]
fn a_version_holds_what_was_there() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.set_label(&samples[..2], Some(labels[1]));
    scene.set_split(&samples[..1], Some(Split::Test));
    let version = freeze(&scene);
    assert_eq!((version.number, version.sample_count, version.splits.test, version.splits.none), (1, 3, 1, 2));
    assert_eq!(version.classes, ["ok", "crack"]);
    let frozen = scene.store.read(|read| read.dataset_versions().samples(version.id, None)).unwrap();
    assert_eq!(frozen.iter().map(|sample| sample.sample_id).collect::<Vec<_>>(), samples);
    assert_eq!(
        frozen.iter().map(|sample| sample.classes.clone()).collect::<Vec<_>>(),
        [Some(vec![1]), Some(vec![1]), None]
    );
    let test = scene.store.read(|read| read.dataset_versions().samples(version.id, Some(Split::Test))).unwrap();
    assert_eq!(test.len(), 1);
}

#[test]
fn a_version_does_not_follow_later_changes() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.set_label(&samples, Some(labels[0]));
    let version = freeze(&scene);
    let before = scene.store.read(|read| read.dataset_versions().samples(version.id, None)).unwrap();
    scene.set_label(&samples, Some(labels[1]));
    scene.delete(&samples[..2]);
    scene.undoable("x", |tx| tx.labels_mut().delete(labels[0])).unwrap();
    assert_eq!(scene.store.read(|read| read.dataset_versions().samples(version.id, None)).unwrap(), before);
    assert_eq!(scene.store.read(|read| read.dataset_versions().get(version.id)).unwrap(), version);
}

#[test]
fn nothing_changed_means_the_same_version() {
    let (scene, samples, labels) = Scene::with_samples(2);
    let first = freeze(&scene);
    assert_eq!(freeze(&scene).id, first.id);
    scene.set_label(&samples, Some(labels[0]));
    let second = freeze(&scene);
    assert_eq!(second.number, 2);
    assert_ne!(second.content_hash, first.content_hash);
    scene.undo().unwrap();
    let third = freeze(&scene);
    assert_eq!((third.number, third.content_hash), (3, first.content_hash), "the same content has the same hash");
}

#[test]
fn the_hash_does_not_depend_on_names_or_order_but_on_media_class_split_and_class_names() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.set_label(&samples[..1], Some(labels[0]));
    let version = freeze(&scene);
    let classes = version.classes.clone();
    let frozen = scene.store.read(|read| read.dataset_versions().samples(version.id, None)).unwrap();
    let hash = |samples: &[_]| content_hash(&classes, samples).unwrap().0;
    assert_eq!(hash(&frozen), version.content_hash);
    let mut other = frozen.clone();
    other.reverse();
    other[0].name = "renamed".to_owned();
    assert_eq!(hash(&other), version.content_hash);
    let mut split = frozen.clone();
    split[0].split = Some(Split::Val);
    let mut class = frozen.clone();
    class[0].classes = Some(vec![1]);
    let changed =
        [hash(&split), hash(&class), hash(&frozen[1..]), content_hash(&["ok".to_owned()], &frozen).unwrap().0];
    assert!(changed.iter().all(|other| *other != version.content_hash));
}

#[test]
fn sets_of_classes_are_frozen_and_told_apart_by_the_hash() {
    let (scene, samples, labels) = Scene::with_samples(3);
    scene.set_label(&samples[..1], Some(labels[1]));
    let single = freeze(&scene);
    scene.toggle(&samples[..1], Some(labels[0]));
    scene.toggle(&samples[1..2], None);
    let version = freeze(&scene);
    let frozen = scene.store.read(|read| read.dataset_versions().samples(version.id, None)).unwrap();
    let classes: Vec<_> = frozen.iter().map(|sample| sample.classes.clone()).collect();
    assert_eq!(classes, [Some(vec![0, 1]), Some(vec![]), None], "both, none by a person's word, nobody said anything");
    let hash = |change: fn(&mut Vec<_>)| {
        let mut other = frozen.clone();
        change(&mut other);
        content_hash(&version.classes, &other).unwrap().0
    };
    assert_eq!(hash(|_| ()), version.content_hash);
    for other in [
        hash(|s: &mut Vec<va_store::table::dataset_versions::FrozenSample>| s[0].classes = Some(vec![0])),
        hash(|s| s[1].classes = None),
        hash(|s| s[2].classes = Some(vec![])),
    ] {
        assert_ne!(other, version.content_hash);
    }
    scene.undo().unwrap();
    scene.undo().unwrap();
    assert_eq!(freeze(&scene).content_hash, single.content_hash);
}

#[test]
fn the_file_itself_refuses_to_change_a_version() {
    let (scene, ..) = Scene::with_samples(1);
    freeze(&scene);
    scene.store.close().unwrap();
    let conn = rusqlite::Connection::open(scene.folder.path().join("library.sqlite")).unwrap();
    assert!(conn.execute("UPDATE dataset_versions SET note = 'x'", []).is_err());
    assert!(conn.execute("UPDATE dataset_version_samples SET split = 0", []).is_err());
}

#[test]
fn versions_are_listed_newest_first() {
    let scene = Scene::new();
    for n in 0..3 {
        scene.undoable("import", |tx| insert(tx, scene.dataset, &n.to_string(), n)).unwrap();
        freeze(&scene);
    }
    let versions = scene.store.read(|read| read.dataset_versions().of_dataset(scene.dataset)).unwrap();
    assert_eq!(versions.iter().map(|version| version.number).collect::<Vec<_>>(), [3, 2, 1]);
    let missing = va_domain::DatasetVersionId::new();
    assert_eq!(scene.store.read(|read| read.dataset_versions().get(missing)).unwrap_err().code(), Code::NotFound);
}
