//! A GPU for tests: the sources of the kernels compiled as C++ (`gpu/emulation.h`), their grids run on the CPU on Candle's
//! CPU storages, products by plain loops. It says whether kernels and host code are right, not whether they are fast or
//! whether the compiler for the card agrees.
#![allow(unsafe_code)]

mod library;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};
use half::bf16;
use libloading::Library;

use super::{Buffer, Call, ConvPass, DeviceKernel, Finish, Gpu, MatMul, Matrix, Number, Recorded, Work};
use crate::kernels::geometry::ConvGeometry;

/// The compiled kernels, once for each number type.
struct Kernels {
    _folder: tempfile::TempDir,
    f32: Library,
    bf16: Library,
}

fn kernels() -> &'static Mutex<Kernels> {
    static KERNELS: OnceLock<Mutex<Kernels>> = OnceLock::new();
    KERNELS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (f32, bf16) = (compile(folder.path(), "f32", &[]), compile(folder.path(), "bf16", &["-DVALUE_BF16"]));
        Mutex::new(Kernels { _folder: folder, f32, bf16 })
    })
}

/// All files as one library.
fn compile(folder: &Path, name: &str, flags: &[&str]) -> Library {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("gpu");
    let out = folder.join(format!("lib{name}.so"));
    let mut command = Command::new("c++");
    command
        .args([
            "-std=c++17",
            "-O1",
            "-U_FORTIFY_SOURCE",
            "-ffp-contract=off",
            "-shared",
            "-fPIC",
            "-DEMULATED",
            "-x",
            "c++",
            "-o",
        ])
        .arg(&out)
        .args(flags);
    let files = std::fs::read_dir(&sources).unwrap().map(|entry| entry.unwrap().path());
    command.args(files.filter(|path| path.extension().is_some_and(|ending| ending == "cu")));
    assert!(command.status().unwrap().success(), "the kernels are no C++");
    // SAFETY: a library made just now, of the sources beside this file.
    unsafe { Library::new(&out) }.unwrap()
}

/// The emulated card of one operation; scratch memory lives as long as it.
#[derive(Default)]
pub(crate) struct Emulated {
    scratch: RefCell<Vec<Vec<u64>>>,
}

impl Gpu for Emulated {
    fn launch(&self, call: &Call) -> Result<()> {
        if keep(|| Asked::Call(call.clone())) {
            return Ok(());
        }
        load(call.kernel, call.number)?;
        note(call);
        let kernels = kernels().lock().unwrap_or_else(PoisonError::into_inner);
        let library = if call.number == Number::Bf16 { &kernels.bf16 } else { &kernels.f32 };
        let mut args: Vec<*const u8> = call.args.iter().map(super::Arg::address).collect();
        let symbol = format!("emulated_{}\0", call.kernel);
        // SAFETY: the symbol is what `KERNEL` makes; arguments are those of the kernel, or the test is there to find it.
        unsafe {
            let run = library.get::<unsafe extern "C" fn(*const u32, u32, *mut *const u8)>(symbol.as_bytes());
            let Ok(run) = run else { bail!("there is no kernel {} in {}", call.kernel, call.file) };
            run(call.grid.as_ptr(), call.threads, args.as_mut_ptr());
        }
        Ok(())
    }

    fn load(&self, _: &'static str, number: Number, kernels: &[&'static str]) -> Result<()> {
        kernels.iter().try_for_each(|kernel| load(kernel, number))
    }

    fn operand(&self, tensor: &Tensor) -> Result<Buffer> {
        let (storage, layout) = tensor.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { bail!("the emulated card is a CPU") };
        buffer_of(storage, layout)
    }

    fn scratch(&self, number: Number, len: usize) -> Result<Buffer> {
        if !has_room() {
            bail!("CUDA_ERROR_OUT_OF_MEMORY");
        }
        // Numbers that are none, so that what reads before it writes is found.
        let memory = vec![u64::MAX; (len * number.size()).div_ceil(8)];
        let address = memory.as_ptr() as u64;
        let mut memory = Some(memory);
        RECORDING.with_borrow_mut(|recording| recording.iter_mut().for_each(|r| r.scratch.extend(memory.take())));
        self.scratch.borrow_mut().extend(memory);
        Ok(Buffer { address, len, number })
    }

    fn upload(&self, words: &[u32]) -> Result<u64> {
        let buffer = self.scratch(Number::Word, words.len())?;
        self.write(buffer, words)?;
        Ok(buffer.address)
    }

    fn write(&self, to: Buffer, words: &[u32]) -> Result<()> {
        no_recording("an upload")?;
        to.expect_bits("words of the host", words.len())?;
        for (i, &word) in words.iter().enumerate() {
            // SAFETY: inside the buffer.
            unsafe { (to.address as *mut u32).add(i).write(word) };
        }
        Ok(())
    }

    fn matmul(&self, product: &MatMul) -> Result<()> {
        if keep(|| Asked::Product(*product)) {
            return Ok(());
        }
        multiply(product, |_, sum| sum);
        Ok(())
    }

    fn matmul_finished(&self, product: &MatMul, bias: Buffer, relu: bool) -> Result<bool> {
        if !keep(|| Asked::Finished(*product, bias, relu)) {
            multiply(product, |column, sum| {
                let sum = sum + read(bias, column);
                if relu { sum.max(0.0) } else { sum }
            });
        }
        Ok(true)
    }

    fn convolve(&self, pass: ConvPass, geometry: &ConvGeometry, operands: [Buffer; 3]) -> Result<bool> {
        if !LIBRARY.get() {
            return Ok(false);
        }
        if !keep(|| Asked::Convolution(pass, geometry.clone(), operands)) {
            library::convolve(pass, geometry, operands);
        }
        Ok(true)
    }

    fn convolve_finished(&self, geometry: &ConvGeometry, operands: [Buffer; 3], finish: Finish) -> Result<bool> {
        if !LIBRARY.get() {
            return Ok(false);
        }
        if !keep(|| Asked::FinishedConvolution(geometry.clone(), operands, finish)) {
            library::finished(geometry, operands, finish);
        }
        Ok(true)
    }

    fn download(&self, numbers: Buffer) -> Result<Vec<f64>> {
        no_recording("a download")?;
        // SAFETY: memory of this device.
        Ok(unsafe { std::slice::from_raw_parts(numbers.address as *const f64, numbers.len) }.to_vec())
    }
}

/// Every sum goes through `finish(column, sum)` before it is written.
fn multiply(product: &MatMul, finish: impl Fn(usize, f32) -> f32) {
    let [m, n, k] = product.size;
    for copy in 0..product.batch {
        for i in 0..m {
            for j in 0..n {
                let at = |matrix: &Matrix, row, col| index(matrix, copy, row, col);
                let mut sum = 0.0f32;
                for l in 0..k {
                    let a = read(product.a.data, at(&product.a, i, l));
                    sum += a * read(product.b.data, at(&product.b, l, j));
                }
                let place = at(&product.dst, i, j);
                let base = if product.accumulate { read(product.dst.data, place) } else { 0.0 };
                write(product.dst.data, place, finish(j, base + sum));
            }
        }
    }
}

fn index(matrix: &Matrix, copy: usize, row: usize, col: usize) -> usize {
    let (row, col) = if matrix.transposed { (col, row) } else { (row, col) };
    copy * matrix.step + row * matrix.stride + col
}

fn read(data: Buffer, at: usize) -> f32 {
    assert!(at < data.len);
    // SAFETY: inside the buffer.
    unsafe {
        match data.number {
            Number::Bf16 => (data.address as *const bf16).add(at).read().to_f32(),
            _ => (data.address as *const f32).add(at).read(),
        }
    }
}

fn write(data: Buffer, at: usize, value: f32) {
    assert!(at < data.len);
    // SAFETY: inside the buffer, which the operation has for itself.
    unsafe {
        match data.number {
            Number::Bf16 => (data.address as *mut bf16).add(at).write(bf16::from_f32(value)),
            _ => (data.address as *mut f32).add(at).write(value),
        }
    }
}

/// What an operation asked for while it was recorded.
enum Asked {
    Call(Call),
    Product(MatMul),
    Finished(MatMul, Buffer, bool),
    Convolution(ConvPass, ConvGeometry, [Buffer; 3]),
    FinishedConvolution(ConvGeometry, [Buffer; 3], Finish),
}

/// What was asked for, and the scratch memory that it uses.
#[derive(Default)]
struct Recording {
    asked: Vec<Asked>,
    scratch: Vec<Vec<u64>>,
}

impl Recorded for Recording {
    fn replay(&self) -> Result<()> {
        if CROWDED.get() {
            bail!("CUDA_ERROR_OUT_OF_MEMORY");
        }
        let gpu = Emulated::default();
        self.asked.iter().try_for_each(|asked| match asked {
            Asked::Call(call) => gpu.launch(call),
            Asked::Product(product) => gpu.matmul(product),
            Asked::Finished(product, bias, relu) => gpu.matmul_finished(product, *bias, *relu).map(drop),
            Asked::Convolution(pass, geometry, operands) => gpu.convolve(*pass, geometry, *operands).map(drop),
            Asked::FinishedConvolution(geometry, operands, finish) => {
                gpu.convolve_finished(geometry, *operands, *finish).map(drop)
            }
        })
    }
}

pub(super) fn is_on() -> bool {
    ON.get()
}

pub(super) fn record(work: &mut dyn FnMut() -> Result<()>) -> Result<Box<dyn Recorded>> {
    RECORDING.set(Some(Recording::default()));
    let done = work();
    let recording = RECORDING.take().expect("BUG: set just before");
    done?;
    Ok(Box::new(recording))
}

/// Keeps what is asked for if it is being recorded.
fn keep(asked: impl FnOnce() -> Asked) -> bool {
    RECORDING.with_borrow_mut(|recording| recording.as_mut().map(|recording| recording.asked.push(asked())).is_some())
}

/// A card fails here too: what comes from the host or goes there is gone when the work is replayed.
fn no_recording(what: &str) -> Result<()> {
    if RECORDING.with_borrow(Option::is_some) { bail!("{what} cannot be recorded") } else { Ok(()) }
}

thread_local! {
    static RECORDING: RefCell<Option<Recording>> = const { RefCell::new(None) };
    static ON: Cell<bool> = const { Cell::new(false) };
    static LIBRARY: Cell<bool> = const { Cell::new(true) };
    static PIECES: Cell<usize> = const { Cell::new(0) };
    static CROWDED: Cell<bool> = const { Cell::new(false) };
    static ENDS_AT: Cell<Option<usize>> = const { Cell::new(None) };
    static SEEN: RefCell<HashMap<(&'static str, Number), usize>> = RefCell::default();
    static LOADED: RefCell<HashSet<(&'static str, Number)>> = RefCell::default();
}

/// A kernel that is there for the first time needs memory too.
fn load(kernel: &'static str, number: Number) -> Result<()> {
    if LOADED.with_borrow(|loaded| loaded.contains(&(kernel, number))) {
        return Ok(());
    }
    if !has_room() {
        bail!("CUDA_ERROR_OUT_OF_MEMORY");
    }
    LOADED.with_borrow_mut(|loaded| loaded.insert((kernel, number)));
    Ok(())
}

/// Counts a piece of memory that is asked for; false for the one that the memory ends at.
fn has_room() -> bool {
    PIECES.set(PIECES.get() + 1);
    ENDS_AT.get() != Some(PIECES.get())
}

/// Runs `body` on the emulated card, no kernel loaded yet, with memory that ends at the piece of this number, from 1, and has
/// room again afterwards; gives also how many pieces were asked for.
pub(crate) fn on_emulated_gpu_ending_at<R>(piece: Option<usize>, body: impl FnOnce() -> R) -> (R, usize) {
    PIECES.set(0);
    ENDS_AT.set(piece);
    LOADED.take();
    let (result, _) = on_emulated_gpu(body);
    ENDS_AT.set(None);
    (result, PIECES.get())
}

/// Runs `body` on the emulated card with no memory for what a recording needs beside.
pub(crate) fn on_crowded_emulated_gpu<R>(body: impl FnOnce() -> R) -> R {
    CROWDED.set(true);
    let (result, _) = on_emulated_gpu(body);
    CROWDED.set(false);
    result
}

fn note(call: &Call) {
    SEEN.with_borrow_mut(|seen| *seen.entry((call.kernel, call.number)).or_default() += 1);
}

/// Runs `body` with every kernel of this thread on the emulated card; gives also how often each kernel was started.
pub(crate) fn on_emulated_gpu<R>(body: impl FnOnce() -> R) -> (R, HashMap<(&'static str, Number), usize>) {
    ON.set(true);
    SEEN.take();
    let result = body();
    ON.set(false);
    (result, SEEN.take())
}

/// As [`on_emulated_gpu`], without a library for convolutions.
pub(crate) fn on_emulated_gpu_without_library<R>(body: impl FnOnce() -> R) -> R {
    LIBRARY.set(false);
    let (result, _) = on_emulated_gpu(body);
    LIBRARY.set(true);
    result
}

/// What [`crate::kernels::op::Inplace`] does first in tests; None where the card is not emulated now.
pub(crate) fn run<K: DeviceKernel<N>, const N: usize>(
    kernel: &K,
    dst: &mut CpuStorage,
    dst_layout: &Layout,
    srcs: [(&CpuStorage, &Layout); N],
) -> Option<Result<()>> {
    // What is in f64 is the reference that the card is compared with.
    let exact = |storage: &CpuStorage| matches!(storage, CpuStorage::F64(_));
    (ON.get() && !exact(dst) && !srcs.iter().any(|(storage, _)| exact(storage))).then(|| {
        let mut buffers = [Buffer { address: 0, len: 0, number: Number::F32 }; N];
        for (buffer, (storage, layout)) in buffers.iter_mut().zip(srcs) {
            *buffer = buffer_of(storage, layout)?;
        }
        let dst = match dst {
            CpuStorage::F32(data) => whole(data.as_mut_ptr() as u64, data.len(), Number::F32),
            CpuStorage::BF16(data) => whole(data.as_mut_ptr() as u64, data.len(), Number::Bf16),
            CpuStorage::U32(data) => whole(data.as_mut_ptr() as u64, data.len(), Number::Word),
            _ => bail!("the emulated card has f32 and bf16"),
        };
        kernel.run_on(&Emulated::default(), inside(dst, dst_layout)?, buffers)
    })
}

/// A tensor of this thread's emulated card.
pub(crate) fn buffer_of(storage: &CpuStorage, layout: &Layout) -> Result<Buffer> {
    let buffer = match storage {
        CpuStorage::F32(data) => whole(data.as_ptr() as u64, data.len(), Number::F32),
        CpuStorage::BF16(data) => whole(data.as_ptr() as u64, data.len(), Number::Bf16),
        CpuStorage::U32(data) => whole(data.as_ptr() as u64, data.len(), Number::Word),
        _ => bail!("the emulated card has f32 and bf16"),
    };
    inside(buffer, layout)
}

/// `work` on this thread's emulated card.
pub(super) fn on_device(tensors: &[&Tensor], work: &mut Work<'_>) -> Result<()> {
    let mut buffers = Vec::new();
    for tensor in tensors {
        let (storage, layout) = tensor.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { bail!("the emulated card is the CPU") };
        buffers.push(buffer_of(storage, layout)?);
    }
    work(&Emulated::default(), &buffers)
}

fn whole(address: u64, len: usize, number: Number) -> Buffer {
    Buffer { address, len, number }
}

fn inside(buffer: Buffer, layout: &Layout) -> Result<Buffer> {
    match layout.contiguous_offsets() {
        Some((start, end)) => buffer.part(start, end - start),
        None => bail!("a kernel needs contiguous operands"),
    }
}
