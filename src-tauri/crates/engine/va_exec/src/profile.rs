//! Where the time of a plan goes.

use std::collections::BTreeMap;

use candle_core::Tensor;
use va_error::Result;

use crate::network::{Mode, Network};

impl Network {
    /// Seconds a step by pass and kind of operator, mean of `repeats` passes on `x`, largest first. In training gradients
    /// and running statistics are moved: not for use inside a run. On a GPU these are the host's seconds for starting the
    /// kernels.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn profile(&mut self, x: &Tensor, mode: Mode, repeats: usize) -> Result<Vec<(String, f64)>> {
        self.forward(x, mode)?;
        let kinds: Vec<&str> = self.graph().nodes().iter().map(|node| node.op.kind()).collect();
        let plan = self.last_plan();
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for _ in 0..repeats {
            for (name, pass) in [("forward", &plan.forward), ("backward", &plan.backward)] {
                pass.measure(|step, seconds| {
                    let kind = step.node.map_or("other", |node| kinds[node]);
                    *sums.entry(format!("{name} {kind}")).or_default() += seconds;
                })?;
            }
        }
        let mut rows: Vec<(String, f64)> = sums.into_iter().map(|(k, s)| (k, s / repeats.max(1) as f64)).collect();
        rows.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(rows)
    }
}
