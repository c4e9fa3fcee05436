//! The images of a tree with what its folders, or CSV files in them, say about them: classes, split, mask.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use va_domain::{CsvFile, ImportFormat, ImportOptions, Split};
use va_error::{Result, WarningReport};

use crate::component::{class_of_component, split_of_component};
use crate::csv_labels::CsvLabels;
use crate::detect::{Shape, detect, extension, looks_like_image, meaning};
use crate::{Directory, Tree};

/// A file that may be an image, and what its place or a table says about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundImage {
    pub path: PathBuf,
    /// None of them where nobody said; several only where the import takes several.
    pub classes: Vec<String>,
    /// It shows none of the classes: then there is none.
    pub no_class: bool,
    pub split: Option<Split>,
    /// The mask of its region, a file of its own.
    pub mask: Option<PathBuf>,
}

/// A tree with its meaning.
#[derive(Debug)]
pub struct Layout {
    tree: Tree,
    shape: Shape,
    /// With the format CSV.
    csv: Option<CsvLabels>,
    /// Only images that a row names.
    only_named: bool,
}

impl Layout {
    /// Decides what the folders mean; `Auto` looks at them and at the CSV files among them, the others are taken at their
    /// word.
    ///
    /// # Errors
    /// `InvalidInput` when CSV is demanded and no file with labels of these images can be read.
    pub fn of(mut tree: Tree, options: &ImportOptions) -> Result<Self> {
        let csv = match options.format {
            ImportFormat::Auto | ImportFormat::Csv => CsvLabels::of(&mut tree, None, options)?,
            _ => None,
        };
        Ok(Self::with(tree, csv, options.format, false))
    }

    /// The images that one CSV file of the tree names, and no others.
    ///
    /// # Errors
    /// `InvalidInput` when it cannot be read, or names none that is there.
    pub fn of_csv(mut tree: Tree, csv: &Path, options: &ImportOptions) -> Result<Self> {
        let labels = CsvLabels::of(&mut tree, Some(csv), options)?;
        // Nobody asked for the rest of the folder.
        tree.left_out = WarningReport::default();
        Ok(Self::with(tree, labels, ImportFormat::Csv, true))
    }

    fn with(tree: Tree, csv: Option<CsvLabels>, wanted: ImportFormat, only_named: bool) -> Self {
        let mut shape = detect(&tree, wanted);
        if csv.is_some() {
            shape.format = ImportFormat::Csv;
            shape.reason = "a CSV file names the images and their classes".to_owned();
        }
        Self { tree, shape, csv, only_named }
    }

    /// Never `Auto`.
    pub fn format(&self) -> ImportFormat {
        self.shape.format
    }

    /// Why it was taken for this format, for a person.
    pub fn reason(&self) -> &str {
        &self.shape.reason
    }

    /// The folders or a CSV file say which images are for training, validation and test.
    pub fn has_splits(&self) -> bool {
        self.shape.has_splits || self.csv.as_ref().is_some_and(|csv| csv.has_splits)
    }

    /// The CSV files that were read, by their whole paths, and how.
    pub fn csv_files(&self) -> &[CsvFile] {
        self.csv.as_ref().map_or(&[], |csv| &csv.files)
    }

    /// Rows of them that could not be used, or not whole: `/path/labels.csv:7`.
    pub fn rows_left_out(&self) -> WarningReport {
        self.csv.as_ref().map(|csv| csv.rows_left_out.clone()).unwrap_or_default()
    }

    /// Folders and entries that could not be looked at.
    pub fn left_out(&self) -> &WarningReport {
        &self.tree.left_out
    }

    /// Every file, masks included.
    pub fn file_count(&self) -> u64 {
        self.tree.file_count()
    }

    /// The images in the order of folders and names, one folder in memory at a time; those that a CSV file names come before
    /// the others, so that of two copies the one with labels counts. Masks come with their image; a mask whose image is
    /// missing goes to `lonely`.
    pub fn images<'a>(&'a self, lonely: &'a mut WarningReport) -> Box<dyn Iterator<Item = FoundImage> + 'a> {
        let directories = self.tree.directories.iter();
        let Some(csv) = &self.csv else {
            return Box::new(directories.flat_map(move |directory| self.images_in(directory, lonely)));
        };
        let named = directories.clone().flat_map(move |directory| self.images_of_csv(directory, csv, true));
        let others = directories.filter(|_| !self.only_named);
        Box::new(named.chain(others.flat_map(move |directory| self.images_of_csv(directory, csv, false))))
    }

    /// The images of a folder that a row names, or those that none does: they come without classes.
    fn images_of_csv(&self, directory: &Directory, csv: &CsvLabels, is_named: bool) -> Vec<FoundImage> {
        let names = meaning(directory);
        let of_folder = self.split_of(names);
        let paths = directory.files.iter().map(|name| directory.path.join(name));
        let wanted = paths.filter(|path| !csv.is_passed_over(path) && csv.of_image(path).is_some() == is_named);
        wanted
            .map(|path| {
                let said = csv.of_image(&path).cloned().unwrap_or_default();
                let split = said.split.or(of_folder);
                FoundImage { path, classes: said.classes, no_class: said.no_class, split, mask: None }
            })
            .collect()
    }

    fn split_of(&self, names: &[String]) -> Option<Split> {
        self.shape.has_splits.then(|| names.get(self.shape.skip)).flatten().and_then(|n| split_of_component(n))
    }

    fn images_in(&self, directory: &Directory, lonely: &mut WarningReport) -> Vec<FoundImage> {
        let names = meaning(directory);
        let split = self.split_of(names);
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
                classes: class.iter().cloned().collect(),
                no_class: false,
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
