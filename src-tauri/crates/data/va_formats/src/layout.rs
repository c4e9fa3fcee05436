//! The images of a tree with what its folders say about them: class, split, mask.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use va_domain::{ImportFormat, Split};
use va_error::WarningReport;

use crate::component::{class_of_component, split_of_component};
use crate::detect::{Shape, detect, extension, looks_like_image, meaning};
use crate::{Directory, Tree};

/// A file that may be an image, and what its place says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImage {
    pub path: PathBuf,
    pub class: Option<String>,
    pub split: Option<Split>,
    /// The mask of its region, a file of its own.
    pub mask: Option<PathBuf>,
}

/// A tree with its meaning.
#[derive(Debug)]
pub struct Layout {
    tree: Tree,
    shape: Shape,
}

impl Layout {
    /// Decides what the folders mean; `Auto` looks at them, the others are taken at their word.
    pub fn of(tree: Tree, wanted: ImportFormat) -> Self {
        let shape = detect(&tree, wanted);
        Self { tree, shape }
    }

    /// Never `Auto`.
    pub fn format(&self) -> ImportFormat {
        self.shape.format
    }

    /// Why it was taken for this format, for a person.
    pub fn reason(&self) -> &str {
        &self.shape.reason
    }

    /// The folders say which images are for training, validation and test.
    pub fn has_splits(&self) -> bool {
        self.shape.has_splits
    }

    /// Folders and entries that could not be looked at.
    pub fn left_out(&self) -> &WarningReport {
        &self.tree.left_out
    }

    /// Every file, masks included.
    pub fn file_count(&self) -> u64 {
        self.tree.file_count()
    }

    /// The images in the order of folders and names, one folder in memory at a time. Masks come with their image; a mask
    /// whose image is missing goes to `lonely`.
    pub fn images<'a>(&'a self, lonely: &'a mut WarningReport) -> impl Iterator<Item = FoundImage> + 'a {
        self.tree.directories.iter().flat_map(move |directory| self.images_in(directory, lonely))
    }

    fn images_in(&self, directory: &Directory, lonely: &mut WarningReport) -> Vec<FoundImage> {
        let names = meaning(directory);
        let split =
            self.shape.has_splits.then(|| names.get(self.shape.skip)).flatten().and_then(|n| split_of_component(n));
        let class = match self.shape.format {
            ImportFormat::Plain => None,
            _ => names.get(self.shape.skip + usize::from(split.is_some())).and_then(|n| class_of_component(n)),
        };
        let pairing = match self.shape.format {
            ImportFormat::Masks => pair_masks(directory),
            _ => Pairing::default(),
        };
        for name in &pairing.lonely {
            lonely.push(directory.path.join(name).display().to_string(), "a mask whose image is not there");
        }
        let images =
            directory.files.iter().filter(|name| !pairing.used.contains(*name) && !pairing.lonely.contains(*name));
        images
            .map(|name| FoundImage {
                path: directory.path.join(name),
                class: class.clone(),
                split,
                mask: pairing.mask_of.get(name).map(|mask| directory.path.join(mask)),
            })
            .collect()
    }
}

#[derive(Default)]
struct Pairing {
    mask_of: HashMap<OsString, OsString>,
    used: HashSet<OsString>,
    lonely: HashSet<OsString>,
}

/// In one folder: `NAME.png` beside `NAME.jpg` (or any other image), or `NAME_mask.png` beside `NAME.png` or `NAME.jpg`, is
/// its mask. In a folder with such images, any further PNG is a mask that lost its image; in a folder of only PNGs they are
/// the images.
fn pair_masks(directory: &Directory) -> Pairing {
    let mut by_stem: HashMap<OsString, Vec<&OsString>> = HashMap::new();
    for name in directory.files.iter().filter(|n| looks_like_image(n)) {
        by_stem.entry(stem(name)).or_default().push(name);
    }
    let mut pairing = Pairing::default();
    for (image_stem, names) in &by_stem {
        let photo = names.iter().copied().find(|n| extension(n) != "png");
        let mut marked = image_stem.clone();
        marked.push("_mask");
        let mask = by_stem
            .get(&marked)
            .and_then(|m| m.iter().copied().find(|n| extension(n) == "png"))
            .or_else(|| photo.and_then(|_| names.iter().copied().find(|n| extension(n) == "png")));
        if let (Some(image), Some(mask)) = (photo.or_else(|| names.first().copied()), mask) {
            pairing.mask_of.insert(image.clone(), mask.clone());
            pairing.used.insert(mask.clone());
        }
    }
    let has_photos = directory.files.iter().any(|n| looks_like_image(n) && extension(n) != "png");
    if has_photos {
        let pngs = directory.files.iter().filter(|n| extension(n) == "png");
        pairing.lonely =
            pngs.filter(|n| !pairing.used.contains(*n) && !pairing.mask_of.contains_key(*n)).cloned().collect();
    }
    pairing
}

fn stem(name: &OsStr) -> OsString {
    Path::new(name).file_stem().unwrap_or(name).to_owned()
}
