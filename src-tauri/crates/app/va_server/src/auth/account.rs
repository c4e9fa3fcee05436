//! The owner's account: a password that programs sign in with, checked by argon2id.

use std::fs;
use std::path::Path;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use serde::{Deserialize, Serialize};
use va_error::{Context as _, Error, Result};

use super::secret::write_private;
use super::{SecretPlace, Secrets};
use crate::random::random_text;

const ACCOUNT_FILE: &str = "account.json";
const SECRET: &str = "owner-password";

/// The one account of a library's service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub username: String,
    /// argon2id in PHC form.
    password_hash: String,
}

impl Account {
    /// The account of the service folder; on the first start it is made with a password drawn at random.
    ///
    /// # Errors
    /// `Io` when the account or the secret cannot be read or written.
    pub fn open(folder: &Path, secrets: &Secrets) -> Result<(Self, SecretPlace)> {
        let path = folder.join(ACCOUNT_FILE);
        if let Some((password, place)) = secrets.get(SECRET)? {
            let kept = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
            let account = match kept {
                Some(account) if account.accepts(&account.username, &password) => account,
                _ => Self::write(&path, &password)?,
            };
            return Ok((account, place));
        }
        let password = random_text(20)?;
        let place = secrets.put(SECRET, &password)?;
        Ok((Self::write(&path, &password)?, place))
    }

    /// The password itself, for the user who asks at this machine.
    ///
    /// # Errors
    /// `Io` when the secret cannot be read; `NotFound` before the first start.
    pub fn password(secrets: &Secrets) -> Result<(String, SecretPlace)> {
        let none = || Error::not_found("there is no password yet: it is made by the first `visaion start`");
        secrets.get(SECRET)?.ok_or_else(none)
    }

    fn write(path: &Path, password: &str) -> Result<Self> {
        let hash = Argon2::default()
            .hash_password(password.as_bytes())
            .map_err(|error| Error::internal(format!("cannot hash the password: {error}")))?;
        let account = Self { username: "owner".to_owned(), password_hash: hash.to_string() };
        write_private(path, &serde_json::to_vec_pretty(&account)?).context("cannot keep the account")?;
        Ok(account)
    }

    /// Slow on purpose (argon2id): call it off the event loop.
    pub fn accepts(&self, username: &str, password: &str) -> bool {
        let Ok(hash) = PasswordHash::new(&self.password_hash) else { return false };
        // Always hash, so that an unknown name takes as long as a wrong password.
        let right = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
        right && username == self.username
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_survives_a_restart_and_knows_its_password() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::in_file(dir.path());
        let (first, _) = Account::open(dir.path(), &secrets).unwrap();
        let (second, _) = Account::open(dir.path(), &secrets).unwrap();
        assert_eq!(first.password_hash, second.password_hash);
        assert!(first.password_hash.starts_with("$argon2id$"));
        let (password, _) = Account::password(&secrets).unwrap();
        assert!(second.accepts("owner", &password));
        assert!(!second.accepts("owner", "wrong"));
        assert!(!second.accepts("someone", &password));
        let kept = fs::read_to_string(dir.path().join(ACCOUNT_FILE)).unwrap();
        assert!(!kept.contains(&password));
    }
}
