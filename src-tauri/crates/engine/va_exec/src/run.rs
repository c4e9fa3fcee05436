//! Running a plan.

use va_error::{Context, Result};

use crate::error::CandleContext;
use crate::plan::{Plan, Step};

impl Plan {
    pub(crate) fn run_forward(&self, key: u64) -> Result<()> {
        run(&self.forward, key, "forward")
    }

    pub(crate) fn run_backward(&self, key: u64) -> Result<()> {
        run(&self.backward, key, "backward")
    }
}

fn run(steps: &[Step], key: u64, pass: &str) -> Result<()> {
    for step in steps {
        (step.run)(key).engine(pass).with_context(|| format!("{pass} pass, node {}", step.node))?;
    }
    Ok(())
}
