use std::path::Path;

use va_domain::NetworkDescription;
use va_error::Result;
use va_graph::drawing;

/// Draws and counts the network of a model folder; its weights are not read.
///
/// # Errors
/// As [`crate::Engine::open_session`]; `TooLarge` for a network that no drawing could show.
pub fn describe_network(model_dir: &Path) -> Result<NetworkDescription> {
    let graph = va_infer::read_network(model_dir)?;
    Ok(NetworkDescription {
        svg: drawing::draw(&graph)?,
        parameters: graph.param_count() as u64,
        multiply_adds: graph.cost().multiply_adds,
        peak_activation_bytes: graph.peak_activation_bytes(),
    })
}
