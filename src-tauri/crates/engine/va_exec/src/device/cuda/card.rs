//! The card that this process uses: its device, its kernels, what is known of its libraries.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use candle_core::cuda_backend::CudaDevice;
use candle_core::{Error, Result, bail};
use cudarc::driver::sys::{
    CUdevice_attribute, CUmemPool_attribute, cuDeviceGraphMemTrim, cuMemPoolSetAttribute, cuMemPoolTrimTo,
};
use cudarc::driver::{CudaContext, CudaFunction, CudaModule, CudaStream, result};
use cudarc::nvrtc::Ptx;

use super::blas::Finished;
use super::dnn::Dnn;
use super::errors::CudaResult;
use super::lane::Lane;
use super::{ptx, record};
use crate::device::Number;
use crate::device::kept::KeptChoices;
use crate::error::words;

/// Compute capability that the kernels are compiled for, as `build.rs` says.
const OLDEST: [i32; 2] = [8, 0];

type Kernel = (&'static str, Number);

pub(crate) struct Card {
    device: CudaDevice,
    /// On Candle's stream.
    main: Lane,
    recorder: Lane,
    modules: Mutex<HashMap<Kernel, Arc<CudaModule>>>,
    functions: Mutex<HashMap<Kernel, CudaFunction>>,
    dnn: Dnn,
    finished: Finished,
}

/// The card, opened on first use; the first that the driver lists (`CUDA_VISIBLE_DEVICES` chooses).
///
/// # Errors
/// Why it could not be opened.
pub(crate) fn card() -> Result<&'static Card> {
    static CARD: OnceLock<std::result::Result<Card, String>> = OnceLock::new();
    let card = CARD.get_or_init(|| Card::open().map_err(|error| words(&error))).as_ref();
    let card = card.map_err(|error| Error::Msg(format!("the GPU cannot be used: {error}")))?;
    // cuBLAS and cuDNN use the context of the thread that calls them.
    card.stream().context().bind_to_thread().cuda()?;
    Ok(card)
}

/// Refuses a card that the kernels are not compiled for.
fn ensure_served(context: &CudaContext) -> Result<()> {
    let [major, minor] = capability(context)?;
    if [major, minor] >= OLDEST {
        return Ok(());
    }
    bail!(
        "{} has compute capability {major}.{minor}; the GPU engine needs {}.{} or newer (NVIDIA Ampere, 2020)",
        context.name().cuda()?,
        OLDEST[0],
        OLDEST[1]
    )
}

fn capability(context: &CudaContext) -> Result<[i32; 2]> {
    let attribute = |attribute| context.attribute(attribute).cuda();
    Ok([
        attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
        attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
    ])
}

impl Card {
    fn open() -> Result<Self> {
        // Before the libraries, which would refuse an old card in words of their own.
        let context = CudaContext::new(0).cuda()?;
        ensure_served(&context)?;
        let device = CudaDevice::new_with_stream(0)?;
        // SAFETY: networks run on this one stream, so its order is the only one there is; on the stream of the recorder
        // nothing runs, and `images` orders its own by events of its own.
        unsafe { device.disable_event_tracking() };
        let stream = device.cuda_stream();
        let card = Self {
            recorder: Lane::new(stream.context().new_stream().cuda()?)?,
            main: Lane::new(stream)?,
            device,
            modules: Mutex::default(),
            functions: Mutex::default(),
            dnn: Dnn::default(),
            finished: Finished::new()?,
        };
        card.keep_memory()?;
        Ok(card)
    }

    /// Freed memory stays with this process, so that a step of steady state asks the driver for none.
    fn keep_memory(&self) -> Result<()> {
        let mut all = u64::MAX;
        // SAFETY: the attribute is one number of 64 bits.
        unsafe {
            let pool = result::device::get_mem_pool(self.stream().context().cu_device()).cuda()?;
            let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            cuMemPoolSetAttribute(pool, attribute, (&raw mut all).cast()).result().cuda()
        }
    }

    pub fn device(&self) -> &CudaDevice {
        &self.device
    }

    /// Where networks run.
    pub(super) fn stream(&self) -> &Arc<CudaStream> {
        self.main.stream()
    }

    /// Where this thread's work goes.
    pub(super) fn lane(&self) -> &Lane {
        if record::is_recording() { &self.recorder } else { &self.main }
    }

    pub(super) fn recorder(&self) -> &Lane {
        &self.recorder
    }

    pub(super) fn dnn(&self) -> &Dnn {
        &self.dnn
    }

    pub(super) fn finished(&self) -> &Finished {
        &self.finished
    }

    /// From now on the fastest algorithms are measured, once for each shape; kept in `folder` by card and library.
    pub fn measure_algorithms(&self, folder: &Path) -> Result<()> {
        let [major, minor] = self.capability()?;
        let name: String = self.name()?.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let file = format!("{name}-{major}.{minor}-cudnn-{}.txt", cudarc::cudnn::result::get_version());
        self.dnn.keep(KeptChoices::open(folder.join(file)));
        Ok(())
    }

    /// A kernel of `gpu/<file>.cu`, compiled for this card on first use.
    pub(super) fn function(&self, file: &'static str, kernel: &'static str, number: Number) -> Result<CudaFunction> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(&(kernel, number)) {
            return Ok(function.clone());
        }
        // Where the driver loads lazily, this is when.
        let function = self.module(file, number)?.load_function(kernel).cuda()?;
        functions.insert((kernel, number), function.clone());
        Ok(function)
    }

    fn module(&self, file: &'static str, number: Number) -> Result<Arc<CudaModule>> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules.get(&(file, number)) {
            return Ok(module.clone());
        }
        let Some(source) = ptx::of(file, number) else { bail!("BUG: there is no file {file}.cu") };
        let module = self.stream().context().load_module(Ptx::from_src(source)).cuda()?;
        modules.insert((file, number), module.clone());
        Ok(module)
    }

    /// Bytes that can still be used, what this process keeps but does not use among them.
    pub fn free_bytes(&self) -> Result<u64> {
        self.trim()?;
        let (free, _) = self.stream().context().mem_get_info().cuda()?;
        Ok(free as u64)
    }

    /// Gives memory back to the driver that this process keeps but does not use; that of recorded graphs lies apart, and
    /// either would not serve the other.
    pub fn trim(&self) -> Result<()> {
        self.stream().synchronize().cuda()?;
        // SAFETY: trimming frees only what nothing uses.
        unsafe {
            let pool = result::device::get_mem_pool(self.stream().context().cu_device()).cuda()?;
            cuMemPoolTrimTo(pool, 0).result().cuda()?;
            cuDeviceGraphMemTrim(self.stream().context().cu_device()).result().cuda()
        }
    }

    /// As `NVIDIA H100 80GB HBM3`.
    pub fn name(&self) -> Result<String> {
        self.stream().context().name().cuda()
    }

    /// As the driver's tools write it: `GPU-8932f937-d72c-4106-c12f-20bd9faed9f6`.
    pub fn uuid(&self) -> Result<String> {
        let bytes = self.stream().context().uuid().cuda()?.bytes;
        let hex: String = bytes.iter().map(|byte| format!("{:02x}", byte.to_ne_bytes()[0])).collect();
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &hex[part]);
        Ok(format!("GPU-{}", parts.join("-")))
    }

    /// Compute capability, as `[9, 0]`.
    pub fn capability(&self) -> Result<[i32; 2]> {
        capability(self.stream().context())
    }
}
