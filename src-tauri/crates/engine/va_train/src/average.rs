use candle_core::Tensor;
use va_error::{Error, Result};
use va_exec::{Network, copy_into, own_copy};

/// The running average of weights and running statistics (Polyak & Juditsky 1992; exponential as in Tan & Le 2019):
/// `average ← d · average + (1 - d) · value` every step, with `d = min(decay, (1 + step) / (10 + step))` so that the
/// random start is forgotten soon.
pub(crate) struct Average {
    decay: f64,
    /// `[P]`.
    pub params: Tensor,
    /// `[B]`.
    pub buffers: Tensor,
    /// The network's own numbers while the average stands in for them.
    aside: Option<(Tensor, Tensor)>,
}

impl Average {
    /// Begins with the network as it is.
    pub fn new(net: &Network, decay: f64) -> Result<Self> {
        Ok(Self { decay, params: copy(net.params())?, buffers: copy(net.buffers())?, aside: None })
    }

    /// What optimiser step `step`, counted from 1, keeps of it.
    pub fn decay_at(&self, step: u64) -> f64 {
        self.decay.min((1.0 + step as f64) / (10.0 + step as f64))
    }

    /// The storage itself, which each update moves.
    pub fn tensors(&self) -> [Tensor; 2] {
        [self.params.clone(), self.buffers.clone()]
    }

    /// Puts the average into the network, for evaluation, until [`Average::hide`].
    pub fn show(&mut self, net: &mut Network) -> Result<()> {
        if self.aside.is_none() {
            self.aside = Some((copy(net.params())?, copy(net.buffers())?));
        }
        net.set_params(&self.params)?;
        net.set_buffers(&self.buffers)
    }

    /// Gives the network its own numbers back, bit for bit.
    pub fn hide(&mut self, net: &mut Network) -> Result<()> {
        let Some((params, buffers)) = self.aside.take() else { return Ok(()) };
        net.set_params(&params)?;
        net.set_buffers(&buffers)
    }

    /// Goes on from a checkpoint, in place.
    pub fn restore(&mut self, params: &Tensor, buffers: &Tensor) -> Result<()> {
        if params.dims() != self.params.dims() || buffers.dims() != self.buffers.dims() {
            return Err(Error::invalid("the weight average has another size than this network"));
        }
        self.aside = None;
        let copied = copy_into(&self.params, params).and_then(|()| copy_into(&self.buffers, buffers));
        copied.map_err(unreadable)
    }
}

fn copy(tensor: &Tensor) -> Result<Tensor> {
    own_copy(tensor).map_err(unreadable)
}

fn unreadable(error: candle_core::Error) -> Error {
    Error::internal("cannot copy a flat tensor").with_source(error)
}
