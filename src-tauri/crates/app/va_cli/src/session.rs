//! One run of the program: which library, how to print, and the connection to whoever owns the library.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use va_api::{Client, OpenOptions, connect};
use va_domain::Page;
use va_error::{Context as _, Error, Result};

/// A library and how to talk about it.
pub struct Session {
    pub library: PathBuf,
    pub json: bool,
}

/// Whether a command needs a library that is there, and whether it runs jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Reads or changes; jobs wait.
    Library,
    /// Starts or goes on with jobs.
    Jobs,
}

impl Session {
    /// # Errors
    /// `NotFound` when there is no home folder and no library was named.
    pub fn new(library: Option<PathBuf>, json: bool) -> Result<Self> {
        let library = library.map_or_else(va_api::default_library, Ok)?;
        Ok(Self { library: absolute(&library)?, json })
    }

    /// Opens the library (a new one where there is none) or attaches to its owner.
    ///
    /// # Errors
    /// What opening says.
    pub fn connect(&self, need: Need) -> Result<Client> {
        let options = OpenOptions { create: true, run_jobs: need == Need::Jobs };
        let client = connect(&self.library, options)
            .with_context(|| format!("cannot work with the library at {}", self.library.display()))?;
        crate::log::open(&self.library);
        Ok(client)
    }

    /// Runs `work` and gives the library back before anything is printed, so that no reader of our output can hold it.
    ///
    /// # Errors
    /// What `work` says, or closing the library.
    pub fn with<T>(&self, need: Need, work: impl FnOnce(&mut Client) -> Result<T>) -> Result<T> {
        let mut client = self.connect(need)?;
        let outcome = work(&mut client);
        let closed = client.close();
        let value = outcome?;
        closed?;
        Ok(value)
    }
}

/// All pages of a list.
///
/// # Errors
/// What the command says.
pub fn every_page<T: DeserializeOwned>(client: &Client, command: &str, request: &impl Serialize) -> Result<Page<T>> {
    let mut request = serde_json::to_value(request)?;
    request["limit"] = 500.into();
    let mut all = Page::whole(Vec::new());
    loop {
        let page: Page<T> = client.ask(command, &request)?;
        all.items.extend(page.items);
        all.total = page.total;
        match page.next_cursor {
            Some(cursor) => request["cursor"] = cursor.into(),
            None => return Ok(all),
        }
    }
}

/// The owner of the library may run in another folder: paths are sent whole.
///
/// # Errors
/// `Io` when the present folder is gone.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}

/// A path as it travels in a request.
///
/// # Errors
/// `InvalidInput` for a name that is not UTF-8.
pub fn path_text(path: &Path) -> Result<String> {
    let path = absolute(path)?;
    let not_text = || Error::invalid(format!("{} is not UTF-8: name the folder that holds it instead", path.display()));
    path.to_str().map(str::to_owned).ok_or_else(not_text)
}
