//! Where the socket of a library lies.

use std::path::{Path, PathBuf};

/// Unix sockets have at most 108 bytes of path, with the end mark.
#[cfg(unix)]
const MAX_PATH_BYTES: usize = 107;

/// The places to try, best first: in the library's folder, or, when that path is too long or its disk knows no
/// sockets, in the user's private runtime folder under a name made from the library's path.
#[cfg(unix)]
pub(super) fn places(library_dir: &Path) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    let beside = library_dir.join("attach.sock");
    let mut places = Vec::new();
    if beside.as_os_str().as_bytes().len() <= MAX_PATH_BYTES {
        places.push(beside);
    }
    places.push(runtime_dir().join(format!("visaion-{}.sock", fingerprint(library_dir.as_os_str().as_bytes()))));
    places
}

/// On Windows a named pipe, named after the library's path.
#[cfg(windows)]
pub(super) fn places(library_dir: &Path) -> Vec<PathBuf> {
    vec![PathBuf::from(format!("visaion-{}", fingerprint(library_dir.to_string_lossy().as_bytes())))]
}

fn fingerprint(bytes: &[u8]) -> String {
    let hash = va_domain::MediaHash::of(bytes);
    hash.as_str()[..24].to_owned()
}

/// `XDG_RUNTIME_DIR`, which is private to the user; without one, a folder of the user's own that only they can enter.
#[cfg(unix)]
fn runtime_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir()) {
        return dir;
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_dir());
    home.map_or_else(std::env::temp_dir, |home| home.join(".cache"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_long_library_path_falls_back_to_the_runtime_folder() {
        assert_eq!(places(Path::new("/home/a/VisAIon"))[0], Path::new("/home/a/VisAIon/attach.sock"));
        let long = PathBuf::from(format!("/home/{}", "x".repeat(120)));
        let places = places(&long);
        assert_eq!(places.len(), 1);
        assert!(!places[0].starts_with(&long));
    }
}
