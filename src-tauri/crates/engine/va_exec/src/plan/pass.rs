//! A pass of a plan: its steps, and on a GPU what was recorded of them. Starting a kernel takes the host some microseconds,
//! as long as a small kernel runs; a recording starts all of them at once.
//!
//! A pass runs step by step at first: kernels are loaded, algorithms chosen, none of which can be recorded. From its
//! second run on, every stretch of steps that do the same each time is recorded and replayed; steps that draw random numbers
//! by the step key stand between stretches. A replay does exactly what the steps did, on the same buffers.

use std::ops::Range;
use std::time::Instant;

use candle_core::Device;
use parking_lot::Mutex;
use va_error::{Context, Result};
use va_graph::NodeId;

use crate::device::{self, Recorded};
use crate::error::CandleContext;

/// One kernel call on behalf of a node.
pub(crate) struct Step {
    pub node: NodeId,
    run: Run,
}

enum Run {
    /// The same every time.
    Fixed(Box<dyn Fn() -> candle_core::Result<()> + Send + Sync>),
    /// Draws random numbers by the step key.
    Drawn(Box<dyn Fn(u64) -> candle_core::Result<()> + Send + Sync>),
}

impl Step {
    pub fn fixed(node: NodeId, run: impl Fn() -> candle_core::Result<()> + Send + Sync + 'static) -> Self {
        Self { node, run: Run::Fixed(Box::new(run)) }
    }

    pub fn drawn(node: NodeId, run: impl Fn(u64) -> candle_core::Result<()> + Send + Sync + 'static) -> Self {
        Self { node, run: Run::Drawn(Box::new(run)) }
    }

    fn run(&self, key: u64) -> candle_core::Result<()> {
        match &self.run {
            Run::Fixed(run) => run(),
            Run::Drawn(run) => run(key),
        }
    }

    fn is_fixed(&self) -> bool {
        matches!(self.run, Run::Fixed(_))
    }
}

pub(crate) struct Pass {
    name: &'static str,
    steps: Vec<Step>,
    /// All steps, in order.
    stretches: Vec<Stretch>,
}

/// Neighbouring steps; those that draw are each one for itself.
struct Stretch {
    steps: Range<usize>,
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
    /// Stretches that are replayed as a whole.
    pub replayed: usize,
    /// Why others are not.
    pub refused: Vec<String>,
}

impl Pass {
    /// With `records`, on a device that can.
    pub fn new(name: &'static str, steps: Vec<Step>, device: &Device, records: bool) -> Self {
        let records = records && device::is_gpu(device);
        let stretches = stretches(&steps, records);
        Self { name, steps, stretches }
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }

    pub fn run(&self, device: &Device, key: u64) -> Result<()> {
        self.stretches.iter().try_for_each(|stretch| self.run_stretch(stretch, device, key))
    }

    fn run_stretch(&self, stretch: &Stretch, device: &Device, key: u64) -> Result<()> {
        let steps = &self.steps[stretch.steps.clone()];
        let mut state = stretch.state.lock();
        match &*state {
            State::Recorded(recorded) => return self.replay(recorded.as_ref()),
            State::Stepwise | State::Refused(_) => return self.stepwise(steps, key),
            State::Fresh => {
                // A run that failed has not loaded and chosen everything.
                let done = self.stepwise(steps, key);
                if done.is_ok() {
                    *state = State::Warm;
                }
                return done;
            }
            State::Warm => {}
        }
        // Recording does nothing of the work itself, so that a device that refuses leaves everything as it was.
        match device::record(device, &mut || steps.iter().try_for_each(|step| step.run(key))) {
            Ok(recorded) => {
                let done = self.replay(recorded.as_ref());
                *state = State::Recorded(recorded);
                done
            }
            Err(error) => {
                *state = State::Refused(error.to_string());
                self.stepwise(steps, key)
            }
        }
    }

    fn replay(&self, recorded: &dyn Recorded) -> Result<()> {
        recorded.replay().engine(self.name)
    }

    fn stepwise(&self, steps: &[Step], key: u64) -> Result<()> {
        steps.iter().try_for_each(|step| self.step(step, key))
    }

    fn step(&self, step: &Step, key: u64) -> Result<()> {
        step.run(key).engine(self.name).with_context(|| format!("{} pass, node {}", self.name, step.node))
    }

    /// Step by step, telling the seconds of each.
    pub fn measure(&self, key: u64, mut done: impl FnMut(&Step, f64)) -> Result<()> {
        for step in &self.steps {
            let start = Instant::now();
            self.step(step, key)?;
            done(step, start.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Adds what this pass has recorded.
    pub fn tell(&self, recordings: &mut Recordings) {
        for stretch in &self.stretches {
            match &*stretch.state.lock() {
                State::Recorded(_) => recordings.replayed += 1,
                State::Refused(why) => recordings.refused.push(format!("{} pass: {why}", self.name)),
                State::Stepwise | State::Fresh | State::Warm => {}
            }
        }
    }
}

fn stretches(steps: &[Step], records: bool) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut start = 0;
    for part in steps.chunk_by(|a, b| a.is_fixed() && b.is_fixed()) {
        // One start is not made faster by recording it.
        let state = if records && part.len() > 1 { State::Fresh } else { State::Stepwise };
        stretches.push(Stretch { steps: start..start + part.len(), state: Mutex::new(state) });
        start += part.len();
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stand_between_stretches() {
        let fixed = || Step::fixed(1, || Ok(()));
        let drawn = || Step::drawn(2, |_| Ok(()));
        let steps = vec![fixed(), fixed(), drawn(), drawn(), fixed(), fixed(), fixed(), drawn(), fixed()];
        let found: Vec<(Range<usize>, bool)> = stretches(&steps, true)
            .iter()
            .map(|stretch| (stretch.steps.clone(), matches!(*stretch.state.lock(), State::Fresh)))
            .collect();
        assert_eq!(found, [(0..2, true), (2..3, false), (3..4, false), (4..7, true), (7..8, false), (8..9, false)]);
        assert!(stretches(&steps, false).iter().all(|stretch| matches!(*stretch.state.lock(), State::Stepwise)));
    }
}
