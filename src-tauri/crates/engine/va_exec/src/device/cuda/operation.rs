//! What one operation asks of the card.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::sync::Arc;

use candle_core::cuda_backend::CudaStorage;
use candle_core::{DType, Layout, Result, Storage, Tensor, bail};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut, LaunchConfig, PushKernelArg, result};
use half::bf16;

use super::blas;
use super::card::Card;
use super::dnn::Asked;
use super::errors::CudaResult;
use super::lane::Lane;
use crate::device::{Arg, Buffer, Call, ConvPass, Finish, Gpu, MatMul, Number};
use crate::kernels::geometry::ConvGeometry;

/// Its scratch memory is given back when it ends: in the order of the stream, so after the kernels that use it.
pub(super) struct Operation<'a> {
    card: &'a Card,
    lane: &'a Lane,
    stream: &'a Arc<CudaStream>,
    scratch: RefCell<Vec<CudaSlice<u8>>>,
}

impl<'a> Operation<'a> {
    pub fn new(card: &'a Card) -> Self {
        Self::on(card, card.lane().stream())
    }

    /// On a stream beside the networks': of kernels alone, products have the lane's.
    pub fn on(card: &'a Card, stream: &'a Arc<CudaStream>) -> Self {
        Self { card, lane: card.lane(), stream, scratch: RefCell::default() }
    }

    pub(super) fn lane(&self) -> &'a Lane {
        self.lane
    }

    /// An operand that is read.
    pub fn read(&self, storage: &CudaStorage, layout: &Layout) -> Result<Buffer> {
        let stream = self.stream;
        // Events are not tracked, so what comes beside the address has nothing to do.
        let buffer = match candle_core::backend::BackendStorage::dtype(storage) {
            DType::F32 => {
                let slice = storage.as_cuda_slice::<f32>()?;
                Buffer { address: slice.device_ptr(stream).0, len: slice.len(), number: Number::F32 }
            }
            DType::BF16 => {
                let slice = storage.as_cuda_slice::<bf16>()?;
                Buffer { address: slice.device_ptr(stream).0, len: slice.len(), number: Number::Bf16 }
            }
            DType::U32 => {
                let slice = storage.as_cuda_slice::<u32>()?;
                Buffer { address: slice.device_ptr(stream).0, len: slice.len(), number: Number::Word }
            }
            other => bail!("the GPU computes in f32 and bf16, not in {other:?}"),
        };
        inside(buffer, layout)
    }

    /// The operand that is written.
    pub fn written(&self, storage: &mut CudaStorage, layout: &Layout) -> Result<Buffer> {
        let stream = self.stream;
        let buffer = match candle_core::backend::BackendStorage::dtype(storage) {
            DType::F32 => {
                let slice = storage.as_cuda_slice_mut::<f32>()?;
                let len = slice.len();
                Buffer { address: slice.device_ptr_mut(stream).0, len, number: Number::F32 }
            }
            DType::BF16 => {
                let slice = storage.as_cuda_slice_mut::<bf16>()?;
                let len = slice.len();
                Buffer { address: slice.device_ptr_mut(stream).0, len, number: Number::Bf16 }
            }
            DType::U32 => {
                let slice = storage.as_cuda_slice_mut::<u32>()?;
                let len = slice.len();
                Buffer { address: slice.device_ptr_mut(stream).0, len, number: Number::Word }
            }
            other => bail!("the GPU computes in f32 and bf16, not in {other:?}"),
        };
        inside(buffer, layout)
    }
}

fn inside(buffer: Buffer, layout: &Layout) -> Result<Buffer> {
    match layout.contiguous_offsets() {
        Some((start, end)) => buffer.part(start, end - start),
        None => bail!("a kernel needs contiguous operands; call .contiguous() first"),
    }
}

impl Gpu for Operation<'_> {
    fn launch(&self, call: &Call) -> Result<()> {
        let function = self.card.function(call.file, call.kernel, call.number)?;
        let [x, y, z] = call.grid;
        let config = LaunchConfig { grid_dim: (x, y, z), block_dim: (call.threads, 1, 1), shared_mem_bytes: 0 };
        let mut launch = self.stream.launch_builder(&function);
        for arg in &call.args {
            match arg {
                Arg::Address(value) | Arg::Long(value) => launch.arg(value),
                Arg::Word(value) => launch.arg(value),
                Arg::Float(value) => launch.arg(value),
                // The driver reads as many bytes from there as the kernel's structure has.
                Arg::Words(words) => launch.arg(&words[0]),
            };
        }
        // SAFETY: the kernel is ours; grid, buffers and lengths were checked where the call was made, and the emulation
        // runs the same calls in the tests.
        unsafe { launch.launch(config) }.cuda()?;
        Ok(())
    }

    fn load(&self, file: &'static str, number: Number, kernels: &[&'static str]) -> Result<()> {
        kernels.iter().try_for_each(|kernel| self.card.function(file, kernel, number).map(drop))
    }

    fn operand(&self, tensor: &Tensor) -> Result<Buffer> {
        let (storage, layout) = tensor.storage_and_layout();
        match &*storage {
            Storage::Cuda(storage) => self.read(storage, layout),
            _ => bail!("BUG: an operand lies not on the card"),
        }
    }

    fn scratch(&self, number: Number, len: usize) -> Result<Buffer> {
        let bytes = (len * number.size()).max(1);
        // SAFETY: every kernel writes its scratch memory before it reads it; the emulation finds one that does not.
        let slice = unsafe { self.stream.alloc::<u8>(bytes) }.cuda()?;
        let address = slice.device_ptr(self.stream).0;
        self.scratch.borrow_mut().push(slice);
        Ok(Buffer { address, len, number })
    }

    fn upload(&self, words: &[u32]) -> Result<u64> {
        let buffer = self.scratch(Number::Word, words.len())?;
        self.write(buffer, words)?;
        Ok(buffer.address)
    }

    fn write(&self, to: Buffer, words: &[u32]) -> Result<()> {
        if super::record::is_recording() {
            bail!("words of the host cannot be recorded: they are gone when the work is replayed")
        }
        to.expect_bits("words of the host", words.len())?;
        // SAFETY: the memory is as long, and the driver takes pageable memory over before it returns.
        unsafe { result::memcpy_htod_async(to.address, words, self.stream.cu_stream()) }.cuda()
    }

    fn matmul(&self, product: &MatMul) -> Result<()> {
        blas::run(self.lane, product)
    }

    fn matmul_finished(&self, product: &MatMul, bias: Buffer, relu: bool) -> Result<bool> {
        self.card.finished().run(self, product, bias, relu)
    }

    fn convolve(&self, pass: ConvPass, geometry: &ConvGeometry, operands: [Buffer; 3]) -> Result<bool> {
        self.card.dnn().run(self, &Asked::product(pass, geometry, operands))
    }

    fn convolve_finished(&self, geometry: &ConvGeometry, operands: [Buffer; 3], finish: Finish) -> Result<bool> {
        self.card.dnn().run(self, &Asked::finished(geometry, operands, finish))
    }

    fn download(&self, numbers: Buffer) -> Result<Vec<f64>> {
        let mut values = vec![0.0f64; numbers.len];
        let stream = self.stream;
        // SAFETY: the buffer holds as many numbers, and they are here when the stream has come so far.
        unsafe { result::memcpy_dtoh_async(&mut values, numbers.address, stream.cu_stream()) }.cuda()?;
        stream.synchronize().cuda()?;
        Ok(values)
    }
}
