//! Opening a plug-in library.
#![allow(unsafe_code)]

use std::path::Path;

use libloading::Library;
use va_error::{Code, Error, Result};

use super::abi::{Answer, CHECK_SYMBOL, Status, TABLE_SYMBOL, Table, Text, VERSION, VERSION_SYMBOL};

/// Whose symbols a loaded library's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visible {
    ToItself,
    /// Libraries loaded later may use them.
    ToLaterOnes,
}

/// Loads a library with everything that it needs; what is missing fails here, not at its first use.
pub(crate) fn load(path: &Path, visible: Visible) -> std::result::Result<Library, libloading::Error> {
    // SAFETY: loading runs the library's initialisers. It is a file that the installation, the driver's or the person, put
    // there to be run, as they did with this program.
    #[cfg(unix)]
    unsafe {
        use libloading::os::unix::{Library as Unix, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
        let scope = if visible == Visible::ToLaterOnes { RTLD_GLOBAL } else { RTLD_LOCAL };
        Unix::open(Some(path), RTLD_NOW | scope).map(Library::from)
    }
    // SAFETY: as above. Windows finds the symbols of every loaded library.
    #[cfg(windows)]
    unsafe {
        let _ = visible;
        Library::new(path)
    }
}

/// A plug-in's checks of itself.
pub(super) type Check = unsafe extern "C" fn(Text, *mut Answer) -> Status;

/// A plug-in's functions, and the library that holds them.
pub(super) struct Opened {
    table: Table,
    check: Option<Check>,
    /// The functions are good while it is there.
    _library: Option<Library>,
}

impl Opened {
    pub fn within(table: Table, check: Check) -> Self {
        Self { table, check: Some(check), _library: None }
    }

    /// # Errors
    /// As [`super::PluginEngine::open`].
    pub fn open(path: &Path) -> Result<Self> {
        if !path.is_file() {
            return Err(Error::not_found(format!("there is no engine plug-in at {}", path.display())));
        }
        let refused = |what: &str, error: libloading::Error| {
            Error::invalid(format!("the engine plug-in {} {what}", path.display())).with_source(error)
        };
        let library = load(path, Visible::ToItself).map_err(|error| refused("cannot be opened", error))?;
        // SAFETY: the form of this function never changes.
        let version = unsafe {
            let function = library.get::<unsafe extern "C" fn() -> u32>(VERSION_SYMBOL.to_bytes_with_nul());
            function.map_err(|error| refused("is no engine of VisAIon", error))?()
        };
        if version != VERSION {
            return Err(Error::new(
                Code::Conflict,
                format!(
                    "the engine plug-in {} speaks version {version} of the engine interface, this application version \
                     {VERSION}; install the plug-in of the same release",
                    path.display()
                ),
            ));
        }
        // SAFETY: both sides have one version, so this is the function's form, and the table's.
        let table = unsafe {
            let function = library.get::<unsafe extern "C" fn() -> *const Table>(TABLE_SYMBOL.to_bytes_with_nul());
            let table = function.map_err(|error| refused("has no functions", error))?();
            table.as_ref().copied()
        };
        let table =
            table.ok_or_else(|| Error::invalid(format!("the engine plug-in {} gives no functions", path.display())))?;
        // SAFETY: the form of this function, where there is one.
        let check = unsafe { library.get::<Check>(CHECK_SYMBOL.to_bytes_with_nul()) }.ok().map(|check| *check);
        Ok(Self { table, check, _library: Some(library) })
    }

    pub fn check(&self) -> Option<Check> {
        self.check
    }

    pub fn table(&self) -> &Table {
        &self.table
    }
}
