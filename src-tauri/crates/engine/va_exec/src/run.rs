//! Running a plan.

use std::collections::BTreeMap;
use std::time::Instant;

use candle_core::Tensor;
use va_error::{Context, Result};

use crate::error::CandleContext;
use crate::network::{Mode, Network};
use crate::plan::{Plan, Step};

impl Plan {
    pub(crate) fn run_forward(&self, key: u64) -> Result<()> {
        run(&self.forward, key, "forward", |_, _| {})
    }

    pub(crate) fn run_backward(&self, key: u64) -> Result<()> {
        run(&self.backward, key, "backward", |_, _| {})
    }
}

fn run(steps: &[Step], key: u64, pass: &str, mut done: impl FnMut(&Step, f64)) -> Result<()> {
    for step in steps {
        let start = Instant::now();
        (step.run)(key).engine(pass).with_context(|| format!("{pass} pass, node {}", step.node))?;
        done(step, start.elapsed().as_secs_f64());
    }
    Ok(())
}

impl Network {
    /// Seconds a step by pass and kind of operator, mean of `repeats` passes on `x`, largest first. In training gradients
    /// and running statistics are moved: not for use inside a run.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn profile(&mut self, x: &Tensor, mode: Mode, repeats: usize) -> Result<Vec<(String, f64)>> {
        self.forward(x, mode)?;
        let kinds: Vec<&str> = self.graph().nodes().iter().map(|node| node.op.kind()).collect();
        let plan = self.last_plan();
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for _ in 0..repeats {
            for (pass, steps) in [("forward", &plan.forward), ("backward", &plan.backward)] {
                run(steps, 0, pass, |step, seconds| {
                    *sums.entry(format!("{pass} {}", kinds[step.node])).or_default() += seconds;
                })?;
            }
        }
        let mut rows: Vec<(String, f64)> = sums.into_iter().map(|(k, s)| (k, s / repeats.max(1) as f64)).collect();
        rows.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(rows)
    }
}
