//! The kernels on a GPU, as far as they are decided on the host: which kernel of `gpu/*.cu` is started over which grid with
//! which arguments, and which products go between. Nothing here knows CUDA: a [`Gpu`] does what is asked, the card
//! (`cuda`) or, in tests, an emulation of it on the CPU (`emulation`), so that the same host code and the same kernel
//! sources are tried on machines without a card.
//!
//! Every operation of a plan has a [`DeviceKernel`] or does not compile. Results do not depend on timing: sums are made in
//! parts that are joined in order, gradients of windows are gathered, nothing is added atomically.

mod activation;
mod attention;
pub(crate) mod augment;
#[cfg(test)]
mod augment_tests;
pub(crate) mod batch_norm;
mod call;
pub(crate) mod cases;
mod channels;
mod convolution;
#[cfg(feature = "cuda")]
pub(crate) mod cuda;
mod depthwise;
mod elementwise;
#[cfg(test)]
pub(crate) mod emulation;
pub(crate) mod image_store;
#[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "the card keeps them"))]
mod kept;
mod layer_norm;
mod linear;
mod loss;
mod matmul;
#[cfg(test)]
mod model_tests;
mod optimiser;
mod pool;
mod spread;
#[cfg(test)]
mod step_tests;
#[cfg(test)]
mod tests;
mod tokens;
#[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "only a card has queues"))]
pub(crate) mod turns;
mod update;
mod weights;

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::kernels::geometry::ConvGeometry;
use crate::kernels::op::SliceKernel;
pub(crate) use call::{Arg, Call};
pub(crate) use matmul::{MatMul, Matrix};
pub(crate) use update::DeviceUpdate;

/// Number type of memory on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Number {
    F32,
    Bf16,
    F64,
    /// A whole number of 32 bits.
    Word,
}

impl Number {
    pub fn size(self) -> usize {
        match self {
            Self::F32 | Self::Word => 4,
            Self::Bf16 => 2,
            Self::F64 => 8,
        }
    }

    /// What values are kept in, from all operands of an operation: bf16 where one of them is.
    pub fn of_values(operands: &[Buffer]) -> Self {
        if operands.iter().any(|operand| operand.number == Self::Bf16) { Self::Bf16 } else { Self::F32 }
    }
}

/// Contiguous numbers on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buffer {
    pub address: u64,
    pub len: usize,
    pub number: Number,
}

impl Buffer {
    /// `len` numbers from `at` on.
    ///
    /// # Errors
    /// When they are not all inside.
    pub fn part(self, at: usize, len: usize) -> Result<Self> {
        if at + len > self.len {
            bail!("numbers {at} to {} of a buffer of {}", at + len, self.len)
        }
        Ok(Self { address: self.address + (at * self.number.size()) as u64, len, ..self })
    }

    /// Refuses a length that does not fit.
    pub fn expect(self, name: &str, what: &str, len: usize) -> Result<()> {
        if self.len != len {
            bail!("{name}: {what} has {} elements, expected {len}", self.len)
        }
        Ok(())
    }

    /// Refuses memory that is not `len` times 32 bits.
    pub fn expect_bits(self, what: &str, len: usize) -> Result<()> {
        if self.number.size() != 4 {
            bail!("{what} do not fit into {:?}", self.number)
        }
        self.expect(what, "memory", len)
    }

    /// Rows of `channels`.
    pub fn rows(self, name: &str, channels: usize) -> Result<usize> {
        if channels == 0 || !self.len.is_multiple_of(channels) {
            bail!("{name}: {} elements do not split into {channels} channels", self.len)
        }
        Ok(self.len / channels)
    }
}

/// Which of a convolution's products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ConvPass {
    /// `y (+)= conv(x, w)`.
    Forward { keep: bool },
    /// `dx = convᵀ(dy, w)`.
    InputGrad,
    /// `dw = x ⋆ dy`.
    WeightGrad,
}

/// What happens to a product before it is written: a bias is added, one number a column in the number type of the result, then
/// ReLU is applied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finish {
    pub bias: Buffer,
    /// Adds to what is in the result.
    pub keep: bool,
    pub relu: bool,
}

/// What a device does for the kernels. Work is done in the order in which it is asked for.
pub(crate) trait Gpu {
    fn launch(&self, call: &Call) -> Result<()>;

    /// Loads kernels of `gpu/<file>.cu`, which their first start would do otherwise, and for which memory may be too small.
    fn load(&self, file: &'static str, number: Number, kernels: &[&'static str]) -> Result<()>;

    /// A tensor of this device, which must live as long as what is recorded.
    fn operand(&self, tensor: &Tensor) -> Result<Buffer>;

    /// Memory of unknown content that is this operation's until it has returned.
    fn scratch(&self, number: Number, len: usize) -> Result<Buffer>;

    /// As [`Gpu::scratch`], with these words in it; its address.
    fn upload(&self, words: &[u32]) -> Result<u64>;

    /// Writes these bits over memory of 32-bit numbers or words of the same length.
    fn write(&self, to: Buffer, words: &[u32]) -> Result<()>;

    fn matmul(&self, product: &MatMul) -> Result<()>;

    /// The product, then a bias for each column (in the number type of the result), then with `relu` that, written once.
    /// False where the device has no kernel for it; nothing has been done then.
    fn matmul_finished(&self, product: &MatMul, bias: Buffer, relu: bool) -> Result<bool>;

    /// The product by a library that is made for convolutions; false where it has none for this shape. Operands are result
    /// and sources in the order of the CPU kernel, all in the number type of the values, weights and their gradient
    /// `[K, kh, kw, C / groups]`.
    fn convolve(&self, pass: ConvPass, geometry: &ConvGeometry, operands: [Buffer; 3]) -> Result<bool>;

    /// A forward product of that library with bias and, perhaps, ReLU in the same kernel; operands as in [`Gpu::convolve`].
    /// False where it has no such kernel for this shape, or none that is worth it; nothing has been done then.
    fn convolve_finished(&self, geometry: &ConvGeometry, operands: [Buffer; 3], finish: Finish) -> Result<bool>;

    /// Waits for a buffer of f64 and copies it here.
    fn download(&self, numbers: Buffer) -> Result<Vec<f64>>;
}

/// Work that a device has recorded: which kernels it starts over which memory. That memory must stay where it is.
pub(crate) trait Recorded: Send + Sync {
    /// Does all of it, in the order in which it was recorded.
    fn replay(&self) -> Result<()>;
}

/// Whether these tensors are on a GPU, which records its work and has weights laid out for it.
pub(crate) fn is_gpu(device: &Device) -> bool {
    #[cfg(test)]
    if device.is_cpu() {
        return emulation::is_on();
    }
    device.is_cuda()
}

/// Whether it is a GPU that computes on this tensor. In f64, which none of its kernels computes in, is the reference.
pub(crate) fn computes_on(tensor: &Tensor) -> bool {
    is_gpu(tensor.device()) && tensor.dtype() != DType::F64
}

/// What asks a GPU for more than one operation of a plan, with the memory of its tensors.
type Work<'a> = dyn FnMut(&dyn Gpu, &[Buffer]) -> Result<()> + 'a;

/// What goes beyond one operation of a plan: `work` on the GPU where these tensors are, with the memory of each.
pub(crate) fn on_device(tensors: &[&Tensor], mut work: impl FnMut(&dyn Gpu, &[Buffer]) -> Result<()>) -> Result<()> {
    #[cfg(test)]
    if tensors.iter().all(|tensor| tensor.device().is_cpu()) {
        return emulation::on_device(tensors, &mut work);
    }
    #[cfg(feature = "cuda")]
    return cuda::on_device(tensors, &mut work);
    #[cfg(not(feature = "cuda"))]
    {
        let _ = &mut work;
        bail!("there is no GPU here")
    }
}

/// Records what `work` asks of the device, without doing it. Everything that it asks must be able to be asked again:
/// nothing may be downloaded or uploaded, and kernels must be loaded.
///
/// # Errors
/// When the device refuses, or `work` fails; nothing has been done then.
pub(crate) fn record(device: &Device, work: &mut dyn FnMut() -> Result<()>) -> Result<Box<dyn Recorded>> {
    #[cfg(test)]
    if device.is_cpu() {
        return emulation::record(work);
    }
    #[cfg(feature = "cuda")]
    if device.is_cuda() {
        return cuda::record(work);
    }
    let _ = work;
    bail!("{device:?} records nothing")
}

/// A kernel's way of running on a GPU: the same operands and the same result as [`SliceKernel::run`].
pub(crate) trait DeviceKernel<const N: usize>: SliceKernel<N> {
    /// # Errors
    /// When a length or number type does not fit, or the device fails.
    fn run_on(&self, gpu: &dyn Gpu, dst: Buffer, srcs: [Buffer; N]) -> Result<()>;
}

impl<K: DeviceKernel<N>, const N: usize> DeviceKernel<N> for &K {
    fn run_on(&self, gpu: &dyn Gpu, dst: Buffer, srcs: [Buffer; N]) -> Result<()> {
        K::run_on(self, gpu, dst, srcs)
    }
}
