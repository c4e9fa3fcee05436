//! What the folders of a tree mean: which of the layouts it is, where the class stands, whether there are splits.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;

use va_domain::ImportFormat;

use crate::component::{is_container, split_of_component};
use crate::{Directory, Tree};

/// How to read the folder names of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub format: ImportFormat,
    /// Leading folders that all images share and that say nothing.
    pub skip: usize,
    /// The first folder after `skip` is the split.
    pub has_splits: bool,
    /// Why, for a person.
    pub reason: String,
}

const EXTENSIONS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "png", "bmp", "dib", "webp", "tif", "tiff"];

pub(crate) fn extension(name: &OsStr) -> String {
    Path::new(name).extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

pub(crate) fn looks_like_image(name: &OsStr) -> bool {
    EXTENSIONS.contains(&extension(name).as_str())
}

/// Folder names without the containers at their end: `["MT_Break", "Imgs"]` means `["MT_Break"]`.
pub(crate) fn meaning(directory: &Directory) -> &[String] {
    let mut components = directory.components.as_slice();
    while let [rest @ .., last] = components {
        if !is_container(last) {
            break;
        }
        components = rest;
    }
    components
}

/// Decides what `wanted` leaves open. The shape follows from the names of folders that hold images; in a tree without a
/// single image name (extensions missing) from all of them.
pub(crate) fn detect(tree: &Tree, wanted: ImportFormat) -> Shape {
    let with_images: Vec<&Directory> =
        tree.directories.iter().filter(|d| d.files.iter().any(|name| looks_like_image(name))).collect();
    let holders = if with_images.is_empty() { tree.directories.iter().collect() } else { with_images };
    let paths: Vec<&[String]> = holders.iter().map(|d| meaning(d)).collect();
    let skip = shared_prefix(&paths);
    let firsts: HashSet<&str> = paths.iter().filter_map(|p| p.get(skip)).map(String::as_str).collect();
    let has_splits = !firsts.is_empty()
        && paths.iter().all(|p| p.get(skip).is_some_and(|first| split_of_component(first).is_some()));
    let class_at = skip + usize::from(has_splits);
    let classes: HashSet<&str> = paths.iter().filter_map(|p| p.get(class_at)).map(String::as_str).collect();
    let (format, why) = match wanted {
        ImportFormat::Auto => guess(&holders, &paths, class_at, &classes),
        given => (given, "as asked".to_owned()),
    };
    let reason = if has_splits { format!("{why}; the folders train / val / test give the splits") } else { why };
    Shape { format, skip, has_splits, reason }
}

/// How many leading folders all images share, the last one kept (it may be the class) and a split never passed over.
fn shared_prefix(paths: &[&[String]]) -> usize {
    let Some(first) = paths.first() else { return 0 };
    let mut shared = 0;
    while let Some(name) = first.get(shared) {
        let same = paths.iter().all(|p| p.len() >= shared + 2 && p[shared] == *name);
        if !same || split_of_component(name).is_some() {
            break;
        }
        shared += 1;
    }
    shared
}

fn guess(
    holders: &[&Directory],
    paths: &[&[String]],
    class_at: usize,
    classes: &HashSet<&str>,
) -> (ImportFormat, String) {
    let (pairs, photos) =
        holders.iter().map(|d| count_pairs(d)).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    if pairs > 0 && pairs * 2 >= photos {
        return (ImportFormat::Masks, format!("{pairs} of {photos} images have a mask of the same name beside them"));
    }
    let below: usize = holders.iter().zip(paths).filter(|(_, p)| p.len() > class_at).map(|(d, _)| d.files.len()).sum();
    let all: usize = holders.iter().map(|d| d.files.len()).sum();
    if !classes.is_empty() && below * 2 >= all {
        let word = if classes.len() == 1 { "folder" } else { "folders" };
        return (ImportFormat::Folders, format!("the images lie in {} {word}, one a class", classes.len()));
    }
    (ImportFormat::Plain, "the images lie in one folder, without classes".to_owned())
}

/// Images with a mask beside them (as `layout::pair_masks` pairs them), and images that could have one.
fn count_pairs(directory: &Directory) -> (usize, usize) {
    let pngs: HashSet<&OsStr> =
        directory.files.iter().filter(|n| extension(n) == "png").filter_map(|n| Path::new(n).file_stem()).collect();
    let (mut pairs, mut photos) = (0, 0);
    for name in directory.files.iter().filter(|n| looks_like_image(n)) {
        let Some(stem) = Path::new(name).file_stem() else { continue };
        let mut marked = stem.to_owned();
        marked.push("_mask");
        let is_png = extension(name) == "png";
        let paired = pngs.contains(marked.as_os_str()) || (!is_png && pngs.contains(stem));
        // A PNG alone may be an image or a mask: it decides nothing.
        photos += usize::from(paired || !is_png);
        pairs += usize::from(paired);
    }
    (pairs, photos)
}
