use va_domain::{ModelId, NetworkDescription};
use va_engine::describe_network;
use va_error::{Context, Result};

use crate::App;

/// The network of a version, drawn and counted.
///
/// # Errors
/// `NotFound`; `TooLarge` for a network that no drawing could show; when the model's files are missing or damaged.
pub fn network(app: &App, id: ModelId, number: u32) -> Result<NetworkDescription> {
    let version = super::version_by_number(app, id, number)?;
    let folder = super::folder_of(app.library_dir(), version.id);
    describe_network(&folder).context("the network cannot be drawn")
}
