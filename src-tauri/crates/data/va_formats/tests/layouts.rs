//! Layouts as people have them, and the folders that are none.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use va_domain::{ImportFormat, ImportOptions};
use va_error::{Code, WarningReport};
use va_formats::{FoundImage, Layout, Tree};

fn tree_of(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    root
}

fn of_format(format: ImportFormat) -> ImportOptions {
    ImportOptions { format, ..ImportOptions::default() }
}

fn walk(root: &Path) -> Tree {
    Tree::walk(&[root.to_owned()], &|| false).unwrap()
}

fn read(root: &Path, format: ImportFormat) -> (Layout, Vec<FoundImage>, WarningReport) {
    let layout = Layout::of(walk(root), &of_format(format)).unwrap();
    let mut lonely = WarningReport::default();
    let images = layout.images(&mut lonely).collect();
    (layout, images, lonely)
}

/// `file: class/split/mask` lines, so that a test reads like the folder.
fn lines(root: &Path, images: &[FoundImage]) -> Vec<String> {
    let below = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
    let mut lines: Vec<String> = images
        .iter()
        .map(|i| {
            let class = i.classes.first().map_or("-", String::as_str);
            let split = i.split.map_or("-".to_owned(), |s| format!("{s:?}").to_lowercase());
            let mask = i.mask.as_deref().map_or("-".to_owned(), below);
            format!("{}: {class} {split} {mask}", below(&i.path))
        })
        .collect();
    lines.sort();
    lines
}

fn check(files: &[&str], format: ImportFormat, expected: &[&str]) {
    let root = tree_of(files);
    let (layout, images, _) = read(root.path(), ImportFormat::Auto);
    assert_eq!(
        (layout.format(), lines(root.path(), &images)),
        (format, expected.iter().map(|s| (*s).to_owned()).collect())
    );
}

#[test]
fn a_folder_a_class() {
    check(
        &["cat/1.jpg", "cat/2.png", "dog/1.jpg"],
        ImportFormat::Folders,
        &["cat/1.jpg: cat - -", "cat/2.png: cat - -", "dog/1.jpg: dog - -"],
    );
}

#[test]
fn folders_deeper_down_belong_to_their_class() {
    check(
        &["cat/a/1.jpg", "cat/b/2.jpg", "dog/1.jpg", "README.md"],
        ImportFormat::Folders,
        &["README.md: - - -", "cat/a/1.jpg: cat - -", "cat/b/2.jpg: cat - -", "dog/1.jpg: dog - -"],
    );
}

#[test]
fn split_folders_become_splits() {
    check(
        &["train/cat/1.jpg", "valid/cat/2.jpg", "test/dog/3.jpg"],
        ImportFormat::Folders,
        &["test/dog/3.jpg: dog test -", "train/cat/1.jpg: cat train -", "valid/cat/2.jpg: cat val -"],
    );
    check(&["Train/1.jpg", "Test/2.jpg"], ImportFormat::Plain, &["Test/2.jpg: - test -", "Train/1.jpg: - train -"]);
}

#[test]
fn a_class_called_test_is_a_class() {
    check(&["test/1.jpg", "good/2.jpg"], ImportFormat::Folders, &["good/2.jpg: good - -", "test/1.jpg: test - -"]);
}

#[test]
fn folders_around_everything_say_nothing() {
    check(
        &["download/v2/cat/1.jpg", "download/v2/dog/2.jpg"],
        ImportFormat::Folders,
        &["download/v2/cat/1.jpg: cat - -", "download/v2/dog/2.jpg: dog - -"],
    );
    check(&["images/1.jpg", "images/2.jpg"], ImportFormat::Plain, &["images/1.jpg: - - -", "images/2.jpg: - - -"]);
}

#[test]
fn masks_beside_their_images() {
    check(
        &["MT_Break/Imgs/1.jpg", "MT_Break/Imgs/1.png", "MT_Free/Imgs/2.jpg", "MT_Free/Imgs/2.png"],
        ImportFormat::Masks,
        &["MT_Break/Imgs/1.jpg: MT_Break - MT_Break/Imgs/1.png", "MT_Free/Imgs/2.jpg: MT_Free - MT_Free/Imgs/2.png"],
    );
    check(
        &["1.png", "1_mask.png", "2.png", "2_mask.png"],
        ImportFormat::Masks,
        &["1.png: - - 1_mask.png", "2.png: - - 2_mask.png"],
    );
}

#[test]
fn every_file_of_a_mask_folder_is_accounted_for() {
    let root = tree_of(&["a/1.jpg", "a/1.png", "a/2.jpg", "a/lost.png", "a/note.txt", "b/only.png"]);
    let (layout, images, lonely) = read(root.path(), ImportFormat::Masks);
    let masks = images.iter().filter(|i| i.mask.is_some()).count();
    assert_eq!(images.len() + masks + lonely.len(), layout.file_count() as usize);
    assert!(lonely.warnings[0].subject.ends_with("lost.png"));
    assert!(lines(root.path(), &images).contains(&"b/only.png: b - -".to_owned()), "PNGs alone are the images");
}

#[test]
fn asked_formats_are_taken_at_their_word() {
    let root = tree_of(&["cat/1.jpg", "cat/1.png"]);
    let (_, images, _) = read(root.path(), ImportFormat::Plain);
    assert_eq!(lines(root.path(), &images), ["cat/1.jpg: - - -", "cat/1.png: - - -"]);
    let (_, images, _) = read(root.path(), ImportFormat::Folders);
    assert_eq!(lines(root.path(), &images), ["cat/1.jpg: cat - -", "cat/1.png: cat - -"]);
}

#[test]
fn several_class_folders_are_like_their_parent() {
    let root = tree_of(&["cat/1.jpg", "dog/2.jpg", "3.jpg"]);
    let paths: Vec<PathBuf> = ["cat", "dog", "3.jpg"].iter().map(|n| root.path().join(n)).collect();
    let layout = Layout::of(Tree::walk(&paths, &|| false).unwrap(), &ImportOptions::default()).unwrap();
    let images: Vec<_> = layout.images(&mut WarningReport::default()).collect();
    assert_eq!(lines(root.path(), &images), ["3.jpg: - - -", "cat/1.jpg: cat - -", "dog/2.jpg: dog - -"]);
}

#[test]
fn a_file_alone_is_plain_and_counted_once() {
    let root = tree_of(&["cat/1.jpg"]);
    let file = root.path().join("cat/1.jpg");
    let layout = Layout::of(Tree::walk(&[file.clone(), file], &|| false).unwrap(), &ImportOptions::default()).unwrap();
    assert_eq!((layout.format(), layout.file_count()), (ImportFormat::Plain, 1));
}

#[test]
fn a_missing_folder_is_not_found_and_a_walk_can_be_stopped() {
    let root = tree_of(&["1.jpg"]);
    let error = Tree::walk(&[root.path().join("none")], &|| false).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(Tree::walk(&[root.path().to_owned()], &|| true).unwrap_err().code(), Code::Cancelled);
}

#[test]
fn system_droppings_are_passed_over_and_hidden_files_named() {
    let root = tree_of(&[
        "a/1.jpg",
        "a/Thumbs.db",
        "a/.DS_Store",
        "a/._1.jpg",
        "a/.secret.jpg",
        ".git/config",
        "__MACOSX/x.jpg",
    ]);
    let tree = walk(root.path());
    assert_eq!(tree.file_count(), 1);
    let mut named: Vec<_> = tree.left_out.warnings.iter().map(|w| w.subject.rsplit('/').next().unwrap()).collect();
    named.sort_unstable();
    assert_eq!(named, [".git", ".secret.jpg"]);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_but_never_in_circles() {
        let outside = tree_of(&["3.jpg", "deep/4.jpg"]);
        symlink("..", outside.path().join("deep/up")).unwrap();
        let root = tree_of(&["cat/1.jpg", "dog/2.jpg"]);
        let link = |to: &Path, name: &str| symlink(to, root.path().join(name)).unwrap();
        link(Path::new(".."), "cat/up");
        link(Path::new("../dog"), "cat/other");
        link(Path::new("/"), "dog/everything");
        link(Path::new("me"), "me");
        link(Path::new("gone.jpg"), "dangling.jpg");
        link(Path::new("cat/1.jpg"), "linked.jpg");
        link(outside.path(), "far");
        let tree = walk(root.path());
        assert_eq!(tree.file_count(), 5, "{:?}", tree.directories);
        let count = |part: &str| tree.left_out.warnings.iter().filter(|w| w.reason.contains(part)).count();
        assert_eq!(
            (count("circles"), count("read anyway"), count("already read"), count("leads nowhere")),
            (2, 1, 1, 2)
        );
    }

    #[test]
    fn names_of_255_bytes_and_names_that_are_not_utf8_are_found() {
        let root = tree_of(&[]);
        let long = format!("{}.jpg", "n".repeat(251));
        let class = root.path().join(OsStr::from_bytes(b"caf\xe9"));
        fs::create_dir(&class).unwrap();
        fs::write(class.join(&long), b"x").unwrap();
        fs::write(class.join(OsStr::from_bytes(b"\xff\xfe.jpg")), b"x").unwrap();
        let (_, images, _) = read(root.path(), ImportFormat::Auto);
        assert_eq!(images.len(), 2);
        assert!(images.iter().all(|i| i.classes == ["caf\u{fffd}"] && i.path.exists()));
    }

    #[test]
    fn pipes_are_named_and_not_opened() {
        let root = tree_of(&["1.jpg"]);
        let made = std::process::Command::new("mkfifo").arg(root.path().join("pipe.jpg")).status();
        if made.is_ok_and(|status| status.success()) {
            let tree = walk(root.path());
            assert_eq!((tree.file_count(), tree.left_out.len()), (1, 1));
        }
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_named_and_the_rest_goes_on() {
        use std::os::unix::fs::PermissionsExt;
        let root = tree_of(&["a/1.jpg", "locked/2.jpg"]);
        let locked = root.path().join("locked");
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
        let blocked = fs::read_dir(&locked).is_err(); // the administrator reads everything
        let tree = walk(root.path());
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!((tree.file_count(), tree.left_out.len()), if blocked { (1, 1) } else { (2, 0) });
    }
}
