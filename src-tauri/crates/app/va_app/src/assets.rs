//! Where the files that come with the application lie: the sample project, and later the catalogue and presets.

use std::path::{Path, PathBuf};

use va_error::{Error, Result};

/// The `assets` folder: named by `VISAION_ASSETS`, else beside the program as installed, else in the checkout it was built
/// from.
///
/// # Errors
/// `NotFound` naming the places that were looked at.
pub fn assets_dir() -> Result<PathBuf> {
    let named = std::env::var_os("VISAION_ASSETS").map(PathBuf::from);
    let program = std::env::current_exe().ok().and_then(|path| path.canonicalize().ok());
    find(named, program.as_deref().and_then(Path::parent))
}

/// The bundled sample: a folder a class with real images, its licence beside them.
///
/// # Errors
/// `NotFound` when the application was installed without its assets.
pub fn sample_assets_dir() -> Result<PathBuf> {
    Ok(assets_dir()?.join("sample"))
}

fn find(named: Option<PathBuf>, program_dir: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = named {
        if is_assets(&named) {
            return Ok(named);
        }
        return Err(Error::not_found(format!(
            "VISAION_ASSETS names {}, which holds no sample project; unset it or name the assets folder",
            named.display()
        )));
    }
    let beside = ["assets", "../share/visaion/assets", "../lib/visaion/assets"];
    let installed = program_dir.into_iter().flat_map(|dir| beside.iter().map(move |place| dir.join(place)));
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../assets");
    let places: Vec<PathBuf> = installed.chain([checkout]).collect();
    match places.iter().find(|place| is_assets(place)) {
        Some(place) => Ok(place.canonicalize().unwrap_or_else(|_| place.clone())),
        None => Err(Error::not_found(format!(
            "the files that come with VisAIon are missing (looked in {}): reinstall it, or set VISAION_ASSETS",
            places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn is_assets(folder: &Path) -> bool {
    folder.join("sample").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_folder_wins_and_must_be_right() {
        let folder = tempfile::tempdir().unwrap();
        assert!(find(Some(folder.path().to_owned()), None).unwrap_err().message().contains("VISAION_ASSETS"));
        std::fs::create_dir(folder.path().join("sample")).unwrap();
        assert_eq!(find(Some(folder.path().to_owned()), None).unwrap(), folder.path());
    }

    #[test]
    fn an_installed_program_finds_them_beside_it_and_a_build_in_its_checkout() {
        let place = tempfile::tempdir().unwrap();
        let bin = place.path().join("bin");
        let share = place.path().join("share/visaion/assets");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(share.join("sample")).unwrap();
        assert_eq!(find(None, Some(&bin)).unwrap(), share.canonicalize().unwrap());
        assert!(find(None, None).unwrap().join("sample/LICENSE").is_file());
    }
}
