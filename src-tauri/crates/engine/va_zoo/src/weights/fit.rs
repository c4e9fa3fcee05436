//! Fitting the arrays of a file to a network, and saying what became of each.

use va_error::{Code, Error, Result};
use va_graph::{Graph, Op};

use super::array::{Array, Arrays};
use super::bicubic::resize_grid;

/// What [`fit_weights`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FitReport {
    /// Taken as they are.
    pub loaded: Vec<String>,
    /// Position embeddings resized to the image: name, side of the grid in the file, side in the network.
    pub resized: Vec<(String, usize, usize)>,
    /// Of the classifier, for other classes: they start anew.
    pub new: Vec<String>,
    /// In the file, not in the network.
    pub skipped: Vec<String>,
}

/// The arrays of `file` for `graph`, whose classifier is the layer `head`: names as in timm, a classifier of other
/// classes left out, position embeddings resized bicubically as timm does, weights of 1×1 convolutions and linear layers
/// taken for each other.
///
/// # Errors
/// `InvalidInput` when a weight is missing or has another shape; `NotFinite` when one holds NaN or infinity.
pub fn fit_weights(graph: &Graph, head: &str, mut file: Arrays) -> Result<(Arrays, FitReport)> {
    let (mut fitted, mut report) = (Arrays::new(), FitReport::default());
    let params = graph.params().into_iter().map(|spec| (spec.name, spec.shape));
    let wanted: Vec<_> = params.chain(graph.buffers().into_iter().map(|spec| (spec.name, spec.shape))).collect();
    let missing: Vec<&str> = wanted.iter().map(|(name, _)| name.as_str()).filter(|n| !file.contains_key(*n)).collect();
    let is_head = |name: &str| name.strip_prefix(head).is_some_and(|rest| rest.starts_with('.'));
    let lacking: Vec<&&str> = missing.iter().filter(|name| !is_head(name)).collect();
    if let Some(first) = lacking.first() {
        return Err(Error::invalid(format!(
            "the weights are of another architecture than {}: they lack `{first}` and {} more",
            graph.name(),
            lacking.len() - 1
        )));
    }
    for (name, shape) in wanted {
        let Some(array) = file.remove(&name) else {
            report.new.push(name);
            continue;
        };
        if !array.values.iter().all(|v| v.is_finite()) {
            return Err(Error::new(Code::NotFinite, format!("the weights are damaged: `{name}` is not finite")));
        }
        match fit_one(graph, &name, array, &shape, &mut report)? {
            Some(array) => drop(fitted.insert(name, array)),
            None if is_head(&name) => report.new.push(name),
            None => return Err(Error::invalid(format!("`{name}` of the weights has not the shape {shape:?}"))),
        }
    }
    report.skipped = file.into_keys().filter(|name| !name.ends_with("num_batches_tracked")).collect();
    Ok((fitted, report))
}

/// The array in this shape, if it can be had.
fn fit_one(graph: &Graph, name: &str, array: Array, shape: &[usize], report: &mut FitReport) -> Result<Option<Array>> {
    if trimmed(&array.shape) == trimmed(shape) {
        report.loaded.push(name.to_owned());
        return Ok(Some(Array { shape: shape.to_vec(), values: array.values }));
    }
    let is_embedding = graph.nodes().iter().any(|node| node.op == Op::Tokens && node.param_name("pos_embed") == name);
    let ([1, tokens, channels], [1, wanted, same]) = (array.shape.as_slice(), shape) else { return Ok(None) };
    if !is_embedding || channels != same || *tokens == 0 {
        return Ok(None);
    }
    let (from, to) = ((tokens - 1).isqrt(), (wanted - 1).isqrt());
    if from == 0 || from * from != tokens - 1 || to * to != wanted - 1 {
        let message = format!("`{name}` has {tokens} positions, which cannot be resized to {wanted}: not a square");
        return Err(Error::invalid(message));
    }
    let (class, grid) = array.values.split_at(*channels);
    let mut values = class.to_vec();
    values.extend(resize_grid(grid, from, to, *channels));
    report.resized.push((name.to_owned(), from, to));
    Ok(Some(Array { shape: shape.to_vec(), values }))
}

/// A shape without ones at its end: `[out, in, 1, 1]` and `[out, in]` hold the same numbers.
pub(super) fn trimmed(shape: &[usize]) -> &[usize] {
    let len = shape.iter().rposition(|&d| d != 1).map_or(0, |at| at + 1);
    &shape[..len]
}
