//! Recording of work as a CUDA graph. It is recorded on a stream of its own, with handles of their own: what other threads
//! start meanwhile on the card's stream is not caught up in it.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, bail};
use cudarc::driver::sys::{CUgraph, CUgraphExec, CUgraphInstantiate_flags, CUstreamCaptureMode};
use cudarc::driver::{CudaStream, result};

use super::card::card;
use super::errors::CudaResult;
use crate::device::Recorded;
use crate::error::words;
use crate::plan::Recordings;

/// There is one recorder: who records waits for who records already.
static TURN: Mutex<()> = Mutex::new(());

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread's work is being recorded.
pub(super) fn is_recording() -> bool {
    RECORDING.get()
}

/// Reasons that are kept of those why something was not recorded.
const REASONS: usize = 16;

/// What this process has recorded so far, of all networks.
static SO_FAR: Mutex<Recordings> = Mutex::new(Recordings { replayed: 0, refused: Vec::new() });

/// Recordings that were made, and why others were refused: the first reasons.
pub(crate) fn recordings() -> Recordings {
    SO_FAR.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// # Errors
/// When a step of `work` cannot be recorded; nothing has been done then.
pub(in crate::device) fn record(work: &mut dyn FnMut() -> Result<()>) -> Result<Box<dyn Recorded>> {
    let recorded = attempt(work);
    let mut so_far = SO_FAR.lock().unwrap_or_else(PoisonError::into_inner);
    match &recorded {
        Ok(_) => so_far.replayed += 1,
        Err(error) if so_far.refused.len() < REASONS => so_far.refused.push(words(error)),
        Err(_) => {}
    }
    recorded
}

fn attempt(work: &mut dyn FnMut() -> Result<()>) -> Result<Box<dyn Recorded>> {
    let card = card()?;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let capture = Capture::begin(card.recorder().stream())?;
    let done = work();
    let graph = capture.end();
    done?;
    let graph = graph?;
    if graph.is_null() {
        bail!("the card has recorded nothing")
    }
    Graph::new(graph, Arc::clone(card.stream())).map(|graph| Box::new(graph) as Box<dyn Recorded>)
}

/// A recording under way; ended whatever comes of the work, a panic too, or stream and thread would be lost for everything
/// else.
struct Capture<'a> {
    stream: &'a CudaStream,
    is_open: bool,
}

impl<'a> Capture<'a> {
    fn begin(stream: &'a CudaStream) -> Result<Self> {
        // Of this thread alone: what others ask of the driver meanwhile is no error.
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream lives as long as the card, and only who has the turn uses it.
        unsafe { result::stream::begin_capture(stream.cu_stream(), mode) }.cuda()?;
        RECORDING.set(true);
        Ok(Self { stream, is_open: true })
    }

    /// What was recorded; null for nothing.
    fn end(mut self) -> Result<CUgraph> {
        self.close()
    }

    fn close(&mut self) -> Result<CUgraph> {
        self.is_open = false;
        RECORDING.set(false);
        // The driver itself is asked, because cudarc asks nothing while an error is noted, and memory that is given back
        // to a recording that has failed notes one.
        // SAFETY: begun on this stream by this thread.
        let graph = unsafe { result::stream::end_capture(self.stream.cu_stream()) }.cuda();
        if graph.is_err() {
            // That failure is told here; it must not be told again as that of the next call.
            let _ = self.stream.context().check_err();
        }
        graph
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let _ = self.close();
        }
    }
}

struct Graph {
    graph: CUgraph,
    exec: CUgraphExec,
    /// The card's stream, where it is replayed.
    stream: Arc<CudaStream>,
}

// SAFETY: used by one thread at a time, under the lock of its pass.
unsafe impl Send for Graph {}
// SAFETY: as above.
unsafe impl Sync for Graph {}

impl Graph {
    fn new(graph: CUgraph, stream: Arc<CudaStream>) -> Result<Self> {
        // SAFETY: a graph that was recorded just now.
        match unsafe { result::graph::instantiate(graph, CUgraphInstantiate_flags(0)) } {
            Ok(exec) => Ok(Self { graph, exec, stream }),
            Err(error) => {
                // SAFETY: ours, and given up once.
                let _ = unsafe { result::graph::destroy(graph) };
                Err(error).cuda()
            }
        }
    }
}

impl Recorded for Graph {
    fn replay(&self) -> Result<()> {
        // Scratch memory of the graph is taken and given back inside it, everything else is held by the steps of the pass.
        card()?;
        // SAFETY: the graph is whole, and its buffers are where they were.
        unsafe { result::graph::launch(self.exec, self.stream.cu_stream()) }.cuda()
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // It may still run; destroying it meanwhile is allowed, giving up its memory is not.
        let _ = self.stream.synchronize();
        // SAFETY: ours, and given up once.
        unsafe {
            let _ = result::graph::exec_destroy(self.exec);
            let _ = result::graph::destroy(self.graph);
        }
    }
}
