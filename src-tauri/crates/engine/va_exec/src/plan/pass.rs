//! A pass of a plan: its steps, and on a GPU what was recorded of them. Starting a kernel takes the host some microseconds,
//! as long as a small kernel runs; a recording starts all of them at once.
//!
//! Every step does the same each time; what differs between runs lies in memory that the host writes before (the batch, what
//! it should say, the keys of random draws, the learning rate). A pass runs step by step at first: kernels are loaded,
//! algorithms chosen, none of which can be recorded. At its second run it is recorded, and replayed from then on. A replay
//! does exactly what the steps did, on the same buffers.

use std::sync::Arc;
use std::time::Instant;

use candle_core::Device;
use parking_lot::Mutex;
use va_error::{Code, Context, Result};
use va_graph::NodeId;

use crate::device::{self, Recorded};
use crate::error::CandleContext;

/// Some kernel calls, on behalf of a node where there is one.
#[derive(Clone)]
pub(crate) struct Step {
    pub node: Option<NodeId>,
    run: Arc<dyn Fn() -> candle_core::Result<()> + Send + Sync>,
}

impl Step {
    pub fn of(node: NodeId, run: impl Fn() -> candle_core::Result<()> + Send + Sync + 'static) -> Self {
        Self { node: Some(node), run: Arc::new(run) }
    }

    /// What belongs to no node.
    pub fn beside(run: impl Fn() -> candle_core::Result<()> + Send + Sync + 'static) -> Self {
        Self { node: None, run: Arc::new(run) }
    }
}

pub(crate) struct Pass {
    name: &'static str,
    steps: Vec<Step>,
    state: Mutex<State>,
}

enum State {
    /// Step by step, for ever.
    Stepwise,
    /// Step by step this time, recorded the next.
    Fresh,
    /// To be recorded now.
    Warm,
    Recorded(Box<dyn Recorded>),
    /// The device would not record it; step by step.
    Refused(String),
}

/// What a plan has recorded so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recordings {
    /// Passes that are replayed as a whole.
    pub replayed: usize,
    /// Why others are not.
    pub refused: Vec<String>,
}

impl Pass {
    /// With `records`, on a device that can.
    pub fn new(name: &'static str, steps: Vec<Step>, device: &Device, records: bool) -> Self {
        // One start is not made faster by recording it.
        let records = records && steps.len() > 1 && device::is_gpu(device);
        Self { name, steps, state: Mutex::new(if records { State::Fresh } else { State::Stepwise }) }
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// To be joined with those of other passes.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub fn run(&self, device: &Device) -> Result<()> {
        let mut state = self.state.lock();
        match &*state {
            State::Recorded(recorded) => return recorded.replay().engine(self.name),
            State::Stepwise | State::Refused(_) => return self.stepwise(),
            State::Fresh => {
                // A run that failed has not loaded and chosen everything.
                let done = self.stepwise();
                if done.is_ok() {
                    *state = State::Warm;
                }
                return done;
            }
            State::Warm => {}
        }
        // Recording does nothing of the work itself, and a replay that the memory is too small for does nothing either: a
        // recording's scratch memory is its own, and what ran step by step fits without it.
        let recorded = device::record(device, &mut || self.steps.iter().try_for_each(|step| (step.run)()));
        let refusal = match recorded.engine(self.name) {
            Ok(recorded) => match recorded.replay().engine(self.name) {
                Err(error) if error.code() == Code::TooLarge => error,
                done => {
                    *state = State::Recorded(recorded);
                    return done;
                }
            },
            Err(error) => error,
        };
        *state = State::Refused(refusal.chain());
        self.stepwise()
    }

    fn stepwise(&self) -> Result<()> {
        self.steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&self, step: &Step) -> Result<()> {
        let done = (step.run)().engine(self.name);
        match step.node {
            Some(node) => done.with_context(|| format!("{} pass, node {node}", self.name)),
            None => done,
        }
    }

    /// Step by step, telling the seconds of each.
    pub fn measure(&self, mut done: impl FnMut(&Step, f64)) -> Result<()> {
        for step in &self.steps {
            let start = Instant::now();
            self.step(step)?;
            done(step, start.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Adds what has been recorded of this pass.
    pub fn tell(&self, recordings: &mut Recordings) {
        match &*self.state.lock() {
            State::Recorded(_) => recordings.replayed += 1,
            State::Refused(why) => recordings.refused.push(format!("{} pass: {why}", self.name)),
            State::Stepwise | State::Fresh | State::Warm => {}
        }
    }
}
