//! Where each parameter and buffer lies in the flat tensors, and how it is laid out there.

use std::collections::HashMap;

use va_error::{Error, Result};
use va_graph::{Graph, Init, NodeId, Op};

/// One parameter inside the flat tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamEntry {
    pub name: String,
    /// First element in the flat tensor.
    pub offset: usize,
    pub len: usize,
    /// PyTorch shape (`[out, in / groups, kh, kw]`, `[out, in]`, `[C]`).
    pub shape: Vec<usize>,
    /// Whether the flat tensor holds it as `[kh, kw, in / groups, out]` instead of in PyTorch order.
    pub hwio: bool,
    pub init: Init,
    /// Whether weight decay applies.
    pub decay: bool,
    pub node: NodeId,
}

/// One buffer inside the flat buffer tensor, in PyTorch order.
#[derive(Debug, Clone, PartialEq)]
pub struct BufferEntry {
    pub name: String,
    pub offset: usize,
    pub len: usize,
    pub shape: Vec<usize>,
    pub init: Init,
    pub node: NodeId,
}

/// The order and place of everything in the flat tensors of one graph: names in byte order, no gaps.
#[derive(Debug, Clone)]
pub struct FlatLayout {
    params: Vec<ParamEntry>,
    buffers: Vec<BufferEntry>,
    param_index: HashMap<String, usize>,
    buffer_index: HashMap<String, usize>,
}

impl FlatLayout {
    pub fn of(graph: &Graph) -> Self {
        let mut offset = 0;
        let mut params = Vec::new();
        for spec in graph.params() {
            let len = spec.elements();
            let hwio = matches!(graph.node(spec.node).op, Op::Conv2d(_)) && spec.shape.len() == 4;
            let (name, shape) = (spec.name, spec.shape);
            params.push(ParamEntry {
                name,
                offset,
                len,
                shape,
                hwio,
                init: spec.init,
                decay: spec.decay,
                node: spec.node,
            });
            offset += len;
        }
        offset = 0;
        let mut buffers = Vec::new();
        for spec in graph.buffers() {
            let len = spec.elements();
            let (name, shape) = (spec.name, spec.shape);
            buffers.push(BufferEntry { name, offset, len, shape, init: spec.init, node: spec.node });
            offset += len;
        }
        let param_index = params.iter().enumerate().map(|(i, e)| (e.name.clone(), i)).collect();
        let buffer_index = buffers.iter().enumerate().map(|(i, e)| (e.name.clone(), i)).collect();
        Self { params, buffers, param_index, buffer_index }
    }

    /// Parameters in flat order.
    pub fn params(&self) -> &[ParamEntry] {
        &self.params
    }

    /// Buffers in flat order.
    pub fn buffers(&self) -> &[BufferEntry] {
        &self.buffers
    }

    /// Length of the flat parameter tensor.
    pub fn param_len(&self) -> usize {
        self.params.last().map_or(0, |e| e.offset + e.len)
    }

    /// Length of the flat buffer tensor.
    pub fn buffer_len(&self) -> usize {
        self.buffers.last().map_or(0, |e| e.offset + e.len)
    }

    /// # Errors
    /// `NotFound` when no parameter has that name.
    pub fn param(&self, name: &str) -> Result<&ParamEntry> {
        self.param_index
            .get(name)
            .map(|&i| &self.params[i])
            .ok_or_else(|| Error::not_found(format!("the network has no parameter `{name}`")))
    }

    /// # Errors
    /// `NotFound` when no buffer has that name.
    pub fn buffer(&self, name: &str) -> Result<&BufferEntry> {
        self.buffer_index
            .get(name)
            .map(|&i| &self.buffers[i])
            .ok_or_else(|| Error::not_found(format!("the network has no buffer `{name}`")))
    }
}
