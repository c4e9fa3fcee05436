//! Which architecture a weight file is of.

use va_error::{Error, Result};
use va_graph::Graph;

use super::array::{Array, Arrays};
use super::fit::{FitReport, fit_weights, trimmed};
use crate::registry::{Arch, arch_names, archs, build};

/// What classifiers of published weights tell apart, where a file has no classifier of its own.
const USUAL_CLASSES: usize = 1000;

/// A weight file and the architecture that takes all of it, or most.
#[derive(Debug, Clone)]
pub struct IdentifiedWeights {
    pub arch: &'static Arch,
    /// Of the file's own classifier.
    pub class_count: Option<usize>,
    /// How it fits the architecture with the file's own classes, at its published image size.
    pub report: FitReport,
}

/// Finds the architecture whose every weight, the classifier's aside, is in the file in its shape; of several the one that
/// leaves the least of the file over.
///
/// # Errors
/// `InvalidInput` when there is none, `NotFinite` when a number is none.
pub fn identify_weights(arrays: Arrays) -> Result<IdentifiedWeights> {
    let mut best: Option<(usize, &'static Arch, Graph)> = None;
    for arch in archs() {
        let classes = class_count(arch, &arrays).unwrap_or(USUAL_CLASSES);
        let graph = build(arch.name, classes, arch.default_image_size, 3)?;
        let taken = taken(&graph, arch.head, &arrays);
        if let Some(taken) = taken.filter(|taken| best.as_ref().is_none_or(|(most, ..)| taken > most)) {
            best = Some((taken, arch, graph));
        }
    }
    let Some((_, arch, graph)) = best else {
        let names = arch_names().join(", ");
        return Err(Error::invalid(format!(
            "the file has the weights of none of the architectures that can be trained here ({names})"
        )));
    };
    let class_count = class_count(arch, &arrays);
    let (_, report) = fit_weights(&graph, arch.head, arrays)?;
    Ok(IdentifiedWeights { arch, class_count, report })
}

fn class_count(arch: &Arch, arrays: &Arrays) -> Option<usize> {
    let weight = arrays.get(&format!("{}.weight", arch.head))?;
    weight.shape.first().copied().filter(|&classes| classes > 0)
}

/// How many arrays of the file the network takes; None when a weight outside the classifier is missing or of another shape.
fn taken(graph: &Graph, head: &str, arrays: &Arrays) -> Option<usize> {
    let params = graph.params().into_iter().map(|spec| (spec.name, spec.shape));
    let buffers = graph.buffers().into_iter().map(|spec| (spec.name, spec.shape));
    let mut taken = 0;
    for (name, shape) in params.chain(buffers) {
        let is_head = name.strip_prefix(head).is_some_and(|rest| rest.starts_with('.'));
        match arrays.get(&name) {
            Some(array) if fits(&name, array, &shape) => taken += 1,
            _ if is_head => {}
            _ => return None,
        }
    }
    Some(taken)
}

/// Position embeddings are resized to other images, so only their width counts.
fn fits(name: &str, array: &Array, shape: &[usize]) -> bool {
    let is_embedding = name.ends_with("pos_embed") && array.shape.len() == 3 && array.shape[2] == shape[2];
    is_embedding || trimmed(&array.shape) == trimmed(shape)
}
