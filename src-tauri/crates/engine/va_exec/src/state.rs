//! Named tensors at the edge, in PyTorch's layout and with timm's names.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use va_error::{Code, Context, Error, Result};

use crate::error::CandleContext;
use crate::kernels::elementwise::Copy;
use crate::kernels::op::apply1;
use crate::layout::{BufferEntry, ParamEntry};
use crate::network::Network;

/// Parameters and buffers by name, on the CPU; convolution weights are `[out, in / groups, kh, kw]`.
pub type NamedTensors = BTreeMap<String, Tensor>;

/// What [`Network::load_state`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    pub loaded: Vec<String>,
    /// In the network, not in the state: left as they were.
    pub missing: Vec<String>,
    /// In the state, not in the network.
    pub unexpected: Vec<String>,
    /// In both with different shapes (name, found, expected): left as they were.
    pub mismatched: Vec<(String, Vec<usize>, Vec<usize>)>,
}

impl LoadReport {
    /// # Errors
    /// `InvalidInput` unless every parameter and buffer was loaded.
    pub fn ensure_complete(&self) -> Result<()> {
        if let Some((name, found, want)) = self.mismatched.first() {
            return Err(Error::invalid(format!(
                "the weights do not fit this network: `{name}` has shape {found:?}, expected {want:?}"
            )));
        }
        match self.missing.as_slice() {
            [] => Ok(()),
            [first, rest @ ..] => Err(Error::invalid(format!(
                "the weights do not fit this network: `{first}` and {} more are missing",
                rest.len()
            ))),
        }
    }
}

impl Network {
    /// A copy of the parameter of that name in PyTorch's shape and order.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn param(&self, name: &str) -> Result<Tensor> {
        read_param(&self.params, self.layout().param(name)?)
    }

    /// A copy of the gradient of that parameter in PyTorch's shape and order.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn grad(&self, name: &str) -> Result<Tensor> {
        read_param(&self.grads, self.layout().param(name)?)
    }

    /// A copy of the buffer of that name.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn buffer(&self, name: &str) -> Result<Tensor> {
        let entry = self.layout().buffer(name)?;
        self.buffers
            .narrow(0, entry.offset, entry.len)
            .and_then(|view| view.to_device(&Device::Cpu)?.force_contiguous())
            .engine("reading a buffer")
    }

    /// Copies of all parameters and buffers.
    ///
    /// # Errors
    /// Only when memory runs out.
    pub fn state(&self) -> Result<NamedTensors> {
        let mut state = NamedTensors::new();
        for entry in self.layout().params() {
            state.insert(entry.name.clone(), read_param(&self.params, entry)?);
        }
        for entry in self.layout().buffers() {
            state.insert(entry.name.clone(), self.buffer(&entry.name)?);
        }
        Ok(state)
    }

    /// Loads what fits by name and shape, converting the number type, and says what did not. PyTorch's
    /// `num_batches_tracked` is ignored.
    ///
    /// # Errors
    /// `NotFinite` when a tensor holds NaN or infinity; nothing has been changed then.
    pub fn load_state(&mut self, state: &NamedTensors) -> Result<LoadReport> {
        self.ensure_thawed()?;
        let mut report = LoadReport::default();
        let mut params = Vec::new();
        for entry in self.layout().params() {
            if let Some(tensor) = fitting(state, &entry.name, &entry.shape, &mut report)? {
                params.push((entry, tensor));
            }
        }
        let mut buffers = Vec::new();
        for entry in self.layout().buffers() {
            if let Some(tensor) = fitting(state, &entry.name, &entry.shape, &mut report)? {
                buffers.push((entry, tensor));
            }
        }
        for (entry, tensor) in params {
            self.write_param(entry, tensor)?;
        }
        for (entry, tensor) in buffers {
            self.write_buffer(entry, tensor)?;
        }
        let known = |name: &str| self.layout().param(name).is_ok() || self.layout().buffer(name).is_ok();
        let strange = state.keys().filter(|name| !known(name) && !name.ends_with(".num_batches_tracked"));
        report.unexpected = strange.cloned().collect();
        Ok(report)
    }

    /// Writes a tensor in PyTorch's shape into its place.
    pub(crate) fn write_param(&self, entry: &ParamEntry, tensor: &Tensor) -> Result<()> {
        let internal = if entry.hwio { tensor.permute((2, 3, 1, 0)) } else { Ok(tensor.clone()) };
        let place = self.params.narrow(0, entry.offset, entry.len);
        internal
            .and_then(|t| t.to_dtype(self.dtype())?.contiguous()?.flatten_all()?.to_device(self.device()))
            .and_then(|flat| apply1(Copy, &place?, &flat))
            .engine("writing a parameter")
            .with_context(|| format!("parameter `{}`", entry.name))
    }

    pub(crate) fn write_buffer(&self, entry: &BufferEntry, tensor: &Tensor) -> Result<()> {
        let place = self.buffers.narrow(0, entry.offset, entry.len);
        tensor
            .to_dtype(self.dtype())
            .and_then(|t| t.contiguous()?.flatten_all()?.to_device(self.device()))
            .and_then(|flat| apply1(Copy, &place?, &flat))
            .engine("writing a buffer")
    }
}

/// The tensor of that name if its shape fits; the report hears of it either way.
fn fitting<'a>(
    state: &'a NamedTensors,
    name: &str,
    shape: &[usize],
    report: &mut LoadReport,
) -> Result<Option<&'a Tensor>> {
    let Some(tensor) = state.get(name) else {
        report.missing.push(name.to_owned());
        return Ok(None);
    };
    if tensor.dims() != shape {
        report.mismatched.push((name.to_owned(), tensor.dims().to_vec(), shape.to_vec()));
        return Ok(None);
    }
    // A sum is finite only if every term is (f64 sums of f32 weights cannot overflow).
    let sum = tensor
        .to_dtype(candle_core::DType::F64)
        .and_then(|t| t.sum_all()?.to_scalar::<f64>())
        .engine("reading a weight")?;
    if !sum.is_finite() {
        let message =
            format!("the weights are damaged: `{name}` holds numbers that are not finite; nothing was loaded");
        return Err(Error::new(Code::NotFinite, message));
    }
    report.loaded.push(name.to_owned());
    Ok(Some(tensor))
}

fn read_param(flat: &Tensor, entry: &ParamEntry) -> Result<Tensor> {
    let view = flat.narrow(0, entry.offset, entry.len).and_then(|view| view.to_device(&Device::Cpu));
    let shape = entry.shape.clone();
    view.and_then(|view| {
        if let (true, &[o, i, kh, kw]) = (entry.hwio, shape.as_slice()) {
            return view.reshape((kh, kw, i, o))?.permute((3, 2, 0, 1))?.force_contiguous();
        }
        view.force_contiguous()?.reshape(shape)
    })
    .engine("reading a parameter")
}
