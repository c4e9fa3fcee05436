//! Batches of images on the card, made one ahead.
//!
//! Two streams: on one the network computes (Candle's), on the other sources are copied from pinned memory and images made
//! of them, while the network computes. Events are not tracked for us, so the order is made by hand, for each slot, by its
//! `Turns`: one event each after a batch was made, after it was read and after the pinned room was copied from.
//!
//! All of it is asked for from the one thread that trains. Sources that are kept are written and read on the other stream
//! alone. Memory of the slots is given back on that stream, behind its wait for the reading; the end waits for both.
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
use crate::device::turns::{Queue, Queues, Turns};
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
    turns: Turns<CudaEvent>,
}

/// Both streams, as the turns know them.
struct Streams<'a> {
    network: &'a CudaStream,
    images: &'a CudaStream,
}

impl<'a> Streams<'a> {
    fn of(card: &'a Card, images: &'a CudaStream) -> Self {
        Self { network: card.stream(), images }
    }

    fn stream(&self, queue: Queue) -> &'a CudaStream {
        match queue {
            Queue::Network => self.network,
            Queue::Images => self.images,
        }
    }
}

impl Queues for Streams<'_> {
    type Mark = CudaEvent;
    type Error = Error;

    fn set(&self, queue: Queue, mark: &CudaEvent) -> Result<()> {
        mark.record(self.stream(queue)).cuda().engine(WHAT)
    }

    fn wait(&self, queue: Queue, mark: &CudaEvent) -> Result<()> {
        self.stream(queue).wait(mark).cuda().engine(WHAT)
    }

    fn finish(&self, mark: &CudaEvent) -> Result<()> {
        mark.synchronize().cuda().engine(WHAT)
    }
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
            turns: Turns::new([event()?, event()?, event()?]),
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
        let read = Read {
            addresses: [batch.images.address(&self.stream), self.table.device_ptr(&self.stream).0],
            places: [batch.count, range.start],
            blends,
        };
        let shape = (range.len(), self.size, self.size, 3);
        batch.turns.read(&Streams::of(card, &self.stream), || {
            let input = Tensor::zeros(shape, DType::F32, &Device::Cuda(card.device().clone()));
            input.and_then(|input| input.inplace_op1(&read).map(|()| input)).engine(WHAT)
        })
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
        let Self { room, passing, images, turns, .. } = self;
        let streams = Streams::of(card, stream);
        turns.write(&streams, || {
            passing.hold(stream, intake.passing_bytes).engine(WHAT)?;
            images.hold(stream, jobs.len() * size * size * 3).engine(WHAT)?;
            let passing = passing.address(stream);
            let address = |place: Place| match place {
                Place::Kept(address) => address,
                Place::Passing(at) => passing + at as u64,
            };
            let sources: Vec<u64> = intake.sources.iter().map(|&place| address(place)).collect();
            let operation = Operation::on(card, stream);
            let images = images.address(stream);
            // Orders are copied from ordinary memory, which waits for what is on the stream: so before the sources.
            let preparation = Preparation::upload(&operation, images, size, jobs, &sources).engine(WHAT)?;
            if !intake.wanted.is_empty() {
                turns.fill(&streams, || fetch(room, stream, intake, &address, copy))?;
            }
            preparation.run(&operation).engine(WHAT)
        })?;
        self.count = jobs.len();
        Ok(())
    }
}

/// Copies what is wanted into the room and from there to the card.
fn fetch(
    room: &mut Room,
    stream: &CudaStream,
    intake: &Intake,
    address: &dyn Fn(Place) -> u64,
    copy: &mut CopySources<'_>,
) -> Result<()> {
    let room = room.of(intake.room_bytes).engine(WHAT)?;
    copy(&intake.wanted, room)?;
    for part in &intake.copies {
        let bytes = &room[part.from..part.from + part.bytes];
        // SAFETY: the store and `hold` have reserved as much at that address; the room is not touched before the next turn
        // to fill it.
        unsafe { result::memcpy_htod_async(address(part.to), bytes, stream.cu_stream()) }.cuda().engine(WHAT)?;
    }
    Ok(())
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
            // SAFETY: given by `malloc_host`, given back once; copies out of it are done (the turn to fill it, or the end's wait).
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
