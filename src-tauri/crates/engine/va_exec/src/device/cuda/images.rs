//! Batches of images on the card, made one ahead.
//!
//! Two streams: on one the network computes (Candle's), on the other sources are copied from pinned memory and images made
//! of them, while the network computes. Events are not tracked for us, so the order is made by hand, for each slot:
//! - `ready`, after a batch was made; the network's stream waits for it before it reads.
//! - `read`, after the network's stream was asked to read; the other stream waits for it before it writes the slot anew.
//! - `copied`, after the copy out of the pinned room; the host waits for it before it writes the room anew.
//!
//! All three are recorded and waited for from the one thread that trains, so each wait finds the event of the batch that it
//! means. Sources that are kept are written and read on the other stream alone. Memory of the slots is given back on that
//! stream, behind its wait for `read`; the end waits for both.
#![allow(unsafe_code)]

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use candle_core::cuda_backend::CudaStorage;
use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Tensor, bail};
use cudarc::driver::{CudaEvent, CudaSlice, CudaStream, DevicePtr, result};
use va_error::{Error, Result};

use super::card::{Card, card};
use super::errors::CudaResult;
use super::operation::Operation;
use crate::device::augment::{Preparation, normalise};
use crate::device::image_store::{ImageStore, Intake, Place};
use crate::error::CandleContext;
use crate::images::{CopySources, IMAGE_SLOTS, ImageCard, ImageCardOptions, ImageJob};

const WHAT: &str = "preparing images";

pub(crate) struct CudaImages {
    card: &'static Card,
    stream: Arc<CudaStream>,
    slots: [Slot; IMAGE_SLOTS],
    store: ImageStore,
    /// What the store shares out.
    stretches: Vec<CudaSlice<u8>>,
    /// `[3, 256]`.
    table: CudaSlice<f32>,
    size: usize,
}

struct Slot {
    room: Room,
    /// Sources that are not kept.
    passing: Memory,
    /// `[N, S, S, 3]`.
    images: Memory,
    /// N; 0 for none.
    count: usize,
    ready: CudaEvent,
    read: CudaEvent,
    copied: CudaEvent,
}

/// # Errors
/// When there is no card that can be used, or no memory.
pub(crate) fn images(options: &ImageCardOptions) -> Result<CudaImages> {
    open(options).engine(WHAT)
}

fn open(options: &ImageCardOptions) -> candle_core::Result<CudaImages> {
    let card = card()?;
    let stream = card.stream().context().new_stream().cuda()?;
    let table = stream.clone_htod(&options.table).cuda()?;
    // The network's stream reads it, too.
    stream.synchronize().cuda()?;
    let event = || card.stream().context().new_event(None).cuda();
    let slot = || {
        Ok(Slot {
            room: Room::default(),
            passing: Memory::default(),
            images: Memory::default(),
            count: 0,
            ready: event()?,
            read: event()?,
            copied: event()?,
        })
    };
    let slots: [candle_core::Result<Slot>; IMAGE_SLOTS] = std::array::from_fn(|_| slot());
    let [first, second] = slots;
    Ok(CudaImages {
        card,
        stream,
        slots: [first?, second?],
        store: ImageStore::new(options.kept_bytes),
        stretches: Vec::new(),
        table,
        size: options.size,
    })
}

impl ImageCard for CudaImages {
    fn begin(&mut self, slot: usize, jobs: &[ImageJob], copy: &mut CopySources<'_>) -> Result<()> {
        card().engine(WHAT)?;
        jobs.iter().try_for_each(|job| job.check(self.size))?;
        let (stream, stretches) = (&self.stream, &mut self.stretches);
        let intake = self.store.take_in(jobs, &mut |bytes| {
            // SAFETY: a source is written before it is read.
            let memory = unsafe { stream.alloc::<u8>(bytes as usize) }.cuda()?;
            let address = memory.device_ptr(stream).0;
            stretches.push(memory);
            Ok(address)
        });
        let begun = self.slots[slot].begin(self.card, &self.stream, self.size, jobs, &intake, copy);
        if begun.is_err() {
            self.store.forget(&intake);
        }
        begun
    }

    fn input(&self, slot: usize, range: Range<usize>, blends: &[(u32, f32)]) -> Result<Tensor> {
        let (card, batch) = (card().engine(WHAT)?, &self.slots[slot]);
        if range.is_empty() || range.end > batch.count || blends.len() != range.len() {
            return Err(Error::invalid(format!("images {range:?} of a batch of {} were asked for", batch.count)));
        }
        card.stream().wait(&batch.ready).cuda().engine(WHAT)?;
        let read = Read {
            addresses: [batch.images.address(&self.stream), self.table.device_ptr(&self.stream).0],
            places: [batch.count, range.start],
            blends,
        };
        let shape = (range.len(), self.size, self.size, 3);
        let input = Tensor::zeros(shape, DType::F32, &Device::Cuda(card.device().clone()));
        let input = input.and_then(|input| input.inplace_op1(&read).map(|()| input)).engine(WHAT)?;
        batch.read.record(card.stream()).cuda().engine(WHAT)?;
        Ok(input)
    }

    fn give_up_kept(&mut self) -> Result<bool> {
        self.store.give_up();
        if self.stretches.is_empty() {
            return Ok(false);
        }
        card().engine(WHAT)?;
        // Images that are being made of them are done then.
        self.stream.synchronize().cuda().engine(WHAT)?;
        self.stretches.clear();
        self.stream.synchronize().cuda().engine(WHAT)?;
        self.card.trim().engine(WHAT)?;
        Ok(true)
    }
}

impl Drop for CudaImages {
    fn drop(&mut self) {
        // A failure here has been reported where it happened, or the device is lost and its memory with it.
        let _ = self.card.stream().synchronize();
        let _ = self.stream.synchronize();
    }
}

impl Slot {
    fn begin(
        &mut self,
        card: &Card,
        stream: &Arc<CudaStream>,
        size: usize,
        jobs: &[ImageJob],
        intake: &Intake,
        copy: &mut CopySources<'_>,
    ) -> Result<()> {
        self.count = 0;
        stream.wait(&self.read).cuda().engine(WHAT)?;
        self.passing.hold(stream, intake.passing_bytes).engine(WHAT)?;
        self.images.hold(stream, jobs.len() * size * size * 3).engine(WHAT)?;
        let passing = self.passing.address(stream);
        let address = |place: Place| match place {
            Place::Kept(address) => address,
            Place::Passing(at) => passing + at as u64,
        };
        let sources: Vec<u64> = intake.sources.iter().map(|&place| address(place)).collect();
        let operation = Operation::on(card, stream);
        let images = self.images.address(stream);
        // Orders are copied from ordinary memory, which waits for what is on the stream: so before the sources.
        let preparation = Preparation::upload(&operation, images, size, jobs, &sources).engine(WHAT)?;
        self.fetch(stream, intake, &address, copy)?;
        preparation.run(&operation).engine(WHAT)?;
        self.ready.record(stream).cuda().engine(WHAT)?;
        self.count = jobs.len();
        Ok(())
    }

    /// Copies what is wanted into the room and from there to the card.
    fn fetch(
        &mut self,
        stream: &CudaStream,
        intake: &Intake,
        address: &dyn Fn(Place) -> u64,
        copy: &mut CopySources<'_>,
    ) -> Result<()> {
        if intake.wanted.is_empty() {
            return Ok(());
        }
        self.copied.synchronize().cuda().engine(WHAT)?;
        let room = self.room.of(intake.room_bytes).engine(WHAT)?;
        copy(&intake.wanted, room)?;
        for part in &intake.copies {
            let bytes = &room[part.from..part.from + part.bytes];
            // SAFETY: the store and `hold` have reserved as much at that address; the room is not touched before `copied`.
            unsafe { result::memcpy_htod_async(address(part.to), bytes, stream.cu_stream()) }.cuda().engine(WHAT)?;
        }
        self.copied.record(stream).cuda().engine(WHAT)
    }
}

/// Memory on the card that grows.
#[derive(Default)]
struct Memory(Option<CudaSlice<u8>>);

impl Memory {
    /// What was in it is lost where it grows.
    fn hold(&mut self, stream: &Arc<CudaStream>, bytes: usize) -> candle_core::Result<()> {
        if self.0.as_ref().map_or(0, CudaSlice::len) < bytes {
            self.0 = None;
            // SAFETY: written before it is read.
            self.0 = Some(unsafe { stream.alloc::<u8>(with_reserve(bytes)) }.cuda()?);
        }
        Ok(())
    }

    /// 0 for none.
    fn address(&self, stream: &CudaStream) -> u64 {
        self.0.as_ref().map_or(0, |memory| memory.device_ptr(stream).0)
    }
}

/// Batches of images of mixed sizes differ: the next one may need a little more.
fn with_reserve(bytes: usize) -> usize {
    bytes + bytes / 8
}

/// Pinned memory of the host that grows: the card reads it without the processor.
struct Room {
    data: NonNull<u8>,
    len: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { data: NonNull::dangling(), len: 0 }
    }
}

impl Room {
    /// What was in it is lost where it grows; no copy out of it may be under way.
    fn of(&mut self, bytes: usize) -> candle_core::Result<&mut [u8]> {
        if self.len < bytes {
            *self = Self::default();
            let len = with_reserve(bytes);
            // SAFETY: the driver's memory is ours until `free_host`.
            let data = unsafe { result::malloc_host(len, 0) }.cuda()?;
            let Some(data) = NonNull::new(data.cast::<u8>()) else { bail!("the driver gave no memory") };
            // SAFETY: `len` bytes were given; bytes that were never written are none.
            unsafe { data.as_ptr().write_bytes(0, len) };
            *self = Self { data, len };
        }
        // SAFETY: so many bytes, and borrowed from `self`.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr(), bytes) })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: given by `malloc_host`, given back once; copies out of it are done (`copied`, or the end's wait).
            let _ = unsafe { result::free_host(self.data.as_ptr().cast()) };
        }
    }
}

/// Fills a tensor with images of a slot.
struct Read<'a> {
    addresses: [u64; 2],
    places: [usize; 2],
    blends: &'a [(u32, f32)],
}

impl InplaceOp1 for Read<'_> {
    fn name(&self) -> &'static str {
        "normalise"
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
        bail!("BUG: images on a card cannot be read into the host's memory")
    }

    fn cuda_fwd(&self, storage: &mut CudaStorage, layout: &Layout) -> candle_core::Result<()> {
        let operation = Operation::new(card()?);
        let y = operation.written(storage, layout)?;
        normalise(&operation, y, self.addresses, self.places, self.blends)
    }
}
