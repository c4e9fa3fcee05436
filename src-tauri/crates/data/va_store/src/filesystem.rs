//! A library on a network drive is refused: WAL needs memory shared between processes, and locks that hold.

use std::path::Path;

use va_error::{Code, Error, Result};

/// Kinds of file systems that lie on another machine (Linux `statfs` magic numbers).
const NETWORK: [(u64, &str); 11] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x5346_414F, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x0102_1997, "9P"),
    (0x1980_0202, "GPFS"),
];

/// The name of the network file system with this magic number.
pub(crate) fn network_name(magic: u64) -> Option<&'static str> {
    let magic = magic & 0xFFFF_FFFF;
    NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

/// # Errors
/// `InvalidInput` when the folder lies on a network drive.
pub(crate) fn refuse_network(folder: &Path) -> Result<()> {
    match network_file_system(folder) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            Code::InvalidInput,
            format!(
                "{} lies on a network drive ({name}), where the library could be damaged; \
                 choose a folder on a disk of this machine",
                folder.display()
            ),
        )),
    }
}

#[cfg(target_os = "linux")]
fn network_file_system(folder: &Path) -> Option<&'static str> {
    // A failing statfs is no proof of a network; opening the file will tell what is wrong.
    let status = rustix::fs::statfs(folder).ok()?;
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // the width of f_type differs by platform
    network_name(status.f_type as u64)
}

#[cfg(not(target_os = "linux"))]
fn network_file_system(folder: &Path) -> Option<&'static str> {
    let text = folder.as_os_str().to_string_lossy();
    (text.starts_with(r"\\") && !text.starts_with(r"\\?\") && !text.starts_with(r"\\.\")
        || text.starts_with(r"\\?\UNC\"))
    .then_some("network share")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_magic() {
        assert_eq!(network_name(0x6969), Some("NFS"));
        assert_eq!(network_name(0xFF53_4D42), Some("CIFS"));
        assert_eq!(network_name(0xFFFF_FFFF_FF53_4D42), Some("CIFS"), "sign-extended on 64 bits");
        assert_eq!(network_name(0xEF53), None, "ext4");
        assert_eq!(network_name(0x9123_683E), None, "btrfs");
        assert_eq!(network_name(0x0102_1994), None, "tmpfs");
    }

    #[test]
    fn a_folder_of_this_machine_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        refuse_network(folder.path()).unwrap();
    }
}
