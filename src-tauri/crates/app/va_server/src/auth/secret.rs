//! Where the owner's password is kept: the operating system's keyring, or a file only the user can read.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use va_error::{Context as _, Result};

/// A locked keyring may ask the user; without an answer the file is used.
const KEYRING_TIMEOUT: Duration = Duration::from_secs(10);
const SERVICE: &str = "visaion";

/// Where a secret was found or put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// The operating system's keyring, under this service and this account.
    Keyring { service: String, account: String },
    /// This machine has no keyring: a file that only the user can read.
    File(PathBuf),
}

/// The secrets of one library's service.
#[derive(Debug, Clone)]
pub struct Secrets {
    folder: PathBuf,
    use_keyring: bool,
}

impl Secrets {
    /// In the keyring where there is one, else in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), use_keyring: true }
    }

    /// In `folder` only.
    pub fn in_file(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), use_keyring: false }
    }

    /// The secret of a name and where it lies.
    ///
    /// # Errors
    /// `Io` when a file is there and cannot be read.
    pub fn get(&self, name: &str) -> Result<Option<(String, SecretPlace)>> {
        let path = self.folder.join(name);
        match fs::read_to_string(&path) {
            Ok(secret) => return Ok(Some((secret, SecretPlace::File(path)))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        let account = self.account(name);
        let found = self.keyring(account.clone(), |entry| entry.get_password());
        Ok(found.map(|secret| (secret, SecretPlace::Keyring { service: SERVICE.to_owned(), account })))
    }

    /// Keeps a secret and says where.
    ///
    /// # Errors
    /// `Io` when there is no keyring and the file cannot be written.
    pub fn put(&self, name: &str, secret: &str) -> Result<SecretPlace> {
        let account = self.account(name);
        let text = secret.to_owned();
        if self.keyring(account.clone(), move |entry| entry.set_password(&text)).is_some() {
            return Ok(SecretPlace::Keyring { service: SERVICE.to_owned(), account });
        }
        let path = self.folder.join(name);
        write_private(&path, secret.as_bytes())?;
        Ok(SecretPlace::File(path))
    }

    fn account(&self, name: &str) -> String {
        format!("{name}@{}", self.folder.display())
    }

    /// Asks the keyring on a thread of its own: it may wait for the user, and its client starts a runtime.
    fn keyring<T: Send + 'static>(
        &self,
        account: String,
        ask: impl FnOnce(keyring::Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Option<T> {
        if !self.use_keyring {
            return None;
        }
        let (answer, answered) = sync_channel(1);
        let asking = std::thread::Builder::new().name("keyring".to_owned()).spawn(move || {
            // Nobody waits any more after the time-out; then the answer is not needed.
            let _ = answer.send(keyring::Entry::new(SERVICE, &account).and_then(ask));
        });
        asking.ok()?;
        match answered.recv_timeout(KEYRING_TIMEOUT) {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the keyring gives nothing");
                None
            }
            Err(_) => None,
        }
    }
}

/// Writes a file that only the user can read: never visible half-written or with wider rights.
///
/// # Errors
/// `Io` when the folder cannot be written.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        // Temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_secret_in_a_file_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::in_file(&dir.path().join("service"));
        assert!(secrets.get("owner-password").unwrap().is_none());
        let SecretPlace::File(path) = secrets.put("owner-password", "s3cret").unwrap() else { panic!("not a file") };
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(secrets.get("owner-password").unwrap().unwrap().0, "s3cret");
    }
}
