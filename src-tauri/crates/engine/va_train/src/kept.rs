use candle_core::Tensor;
use va_error::{Error, Result};
use va_exec::{Network, copy_into, own_copy};

/// The running statistics as they were before a step. They are all that a forward moves and a second try of the step would
/// move again: gradients begin at zero, parameters and optimiser move only after the last backward. One copy of a few
/// numbers a channel, on the network's device, a step.
pub(crate) struct KeptStatistics(Tensor);

impl KeptStatistics {
    /// # Errors
    /// When memory runs out.
    pub fn of(net: &Network) -> Result<Self> {
        own_copy(net.buffers()).map(Self).map_err(unreadable)
    }

    /// Notes them as they are now.
    pub fn keep(&self, net: &Network) -> Result<()> {
        copy_into(&self.0, net.buffers()).map_err(unreadable)
    }

    /// Gives them back, bit for bit.
    pub fn put_back(&self, net: &mut Network) -> Result<()> {
        net.set_buffers(&self.0)
    }
}

fn unreadable(error: candle_core::Error) -> Error {
    Error::internal("cannot keep the running statistics").with_source(error)
}
