//! Recording of work as a CUDA graph. It is recorded on a stream of its own, with handles of their own: what other threads
//! start meanwhile on the card's stream is not caught up in it.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::sync::Arc;

use candle_core::{Result, bail};
use cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureMode};
use cudarc::driver::{CudaGraph, CudaStream, result};

use super::card::card;
use super::errors::CudaResult;
use crate::device::Recorded;

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread's work is being recorded.
pub(super) fn is_recording() -> bool {
    RECORDING.get()
}

/// # Errors
/// When a step of `work` cannot be recorded; nothing has been done then.
pub(in crate::device) fn record(work: &mut dyn FnMut() -> Result<()>) -> Result<Box<dyn Recorded>> {
    let card = card()?;
    let lane = card.recorder();
    // Of this thread alone: what others ask of the driver meanwhile is no error.
    lane.stream().begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).cuda()?;
    RECORDING.set(true);
    let done = work();
    RECORDING.set(false);
    // Ended whatever came of it, or the stream would be lost.
    let graph = lane.stream().end_capture(CUgraphInstantiate_flags(0)).cuda();
    done?;
    match graph? {
        Some(graph) => Ok(Box::new(Graph { graph, stream: Arc::clone(card.stream()) })),
        None => bail!("the card has recorded nothing"),
    }
}

struct Graph {
    graph: CudaGraph,
    /// The card's stream, where it is replayed.
    stream: Arc<CudaStream>,
}

// SAFETY: used by one thread at a time, under the lock of the plan's stretch.
unsafe impl Send for Graph {}
// SAFETY: as above.
unsafe impl Sync for Graph {}

impl Recorded for Graph {
    fn replay(&self) -> Result<()> {
        // Scratch memory of the graph is taken and given back inside it, the plan's buffers live as long as the plan.
        card()?;
        // SAFETY: the graph is whole, and its buffers are where they were.
        unsafe { result::graph::launch(self.graph.cu_graph_exec(), self.stream.cu_stream()) }.cuda()
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // It may still run; destroying it meanwhile is allowed, giving up its memory is not.
        let _ = self.stream.synchronize();
    }
}
