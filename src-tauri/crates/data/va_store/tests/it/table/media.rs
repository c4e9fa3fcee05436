use va_domain::MediaHash;
use va_error::Code;
use va_store::table::media::MediaRow;

use crate::scene::{Scene, insert};

fn row(text: &str) -> MediaRow {
    MediaRow {
        hash: MediaHash::of(text.as_bytes()),
        size_bytes: 10,
        width_px: 3,
        height_px: 4,
        format: "png".to_owned(),
        orientation: 6,
    }
}

#[test]
fn media_are_kept_once_and_their_size_is_counted_once() {
    let scene = Scene::new();
    scene.quiet(|tx| tx.media_mut().put(&row("a"))).unwrap();
    scene.quiet(|tx| tx.media_mut().put(&row("a"))).unwrap();
    scene.quiet(|tx| tx.media_mut().put(&row("b"))).unwrap();
    assert_eq!(scene.store.read(|read| read.media().total_bytes()).unwrap(), 20);
    assert_eq!(scene.store.read(|read| read.media().get(&row("a").hash)).unwrap(), row("a"));
    scene.assert_sound();
}

#[test]
fn what_is_no_hash_is_refused() {
    let scene = Scene::new();
    for hash in ["", "zz", "../../etc/passwd", &"g".repeat(64)] {
        let found = scene.store.read(|read| read.media().find(&MediaHash(hash.to_owned())));
        assert_eq!(found.unwrap_err().code(), Code::InvalidInput, "{hash}");
    }
    let missing = scene.store.read(|read| read.media().get(&MediaHash::of(b"no")));
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
}

#[test]
fn undoing_an_import_keeps_the_media_for_redo() {
    let scene = Scene::new();
    scene.undoable("import", |tx| insert(tx, scene.dataset, "a", 1)).unwrap();
    scene.undo().unwrap();
    assert_eq!(scene.store.read(|read| read.media().total_bytes()).unwrap(), 1001);
    scene.redo().unwrap();
    scene.assert_sound();
}

#[test]
fn an_impossible_orientation_is_refused() {
    let scene = Scene::new();
    let bad = MediaRow { orientation: 9, ..row("a") };
    assert_eq!(scene.quiet(|tx| tx.media_mut().put(&bad)).unwrap_err().code(), Code::Conflict);
}
