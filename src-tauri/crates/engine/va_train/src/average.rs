use candle_core::Tensor;
use va_error::{Error, Result};
use va_exec::{Network, update_average};

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

    /// After optimiser step `step`, counted from 1.
    pub fn update(&self, net: &Network, step: u64) -> Result<()> {
        let decay = self.decay.min((1.0 + step as f64) / (10.0 + step as f64));
        update_average(&self.params, net.params(), decay)?;
        update_average(&self.buffers, net.buffers(), decay)
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

    /// Goes on from a checkpoint.
    pub fn restore(&mut self, params: &Tensor, buffers: &Tensor) -> Result<()> {
        if params.dims() != self.params.dims() || buffers.dims() != self.buffers.dims() {
            return Err(Error::invalid("the weight average has another size than this network"));
        }
        let here = |tensor: &Tensor| tensor.to_device(self.params.device()).map_err(unreadable);
        (self.params, self.buffers, self.aside) = (copy(&here(params)?)?, copy(&here(buffers)?)?, None);
        Ok(())
    }
}

fn copy(tensor: &Tensor) -> Result<Tensor> {
    tensor.force_contiguous().map_err(unreadable)
}

fn unreadable(error: candle_core::Error) -> Error {
    Error::internal("cannot copy a flat tensor").with_source(error)
}
