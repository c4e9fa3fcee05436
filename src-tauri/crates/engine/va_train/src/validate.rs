use std::sync::Arc;

use va_dataset::{BatchRequest, Phase};
use va_error::Result;

use crate::run::Run;
use crate::{Ending, TrainEvent, ValMetrics};

/// How a validation ended.
pub(crate) enum Validated {
    /// None without a validation split.
    Done(Option<ValMetrics>),
    Stopped(Ending),
}

impl Run<'_> {
    /// Of the averaged weights, where there are some.
    pub fn validate(&mut self) -> Result<Validated> {
        if self.val_steps == 0 {
            return Ok(Validated::Done(None));
        }
        let (epoch, batches) = (self.state.epoch + 1, self.val_steps);
        self.host.event(TrainEvent::ValidationStarted { epoch, batches });
        self.learner.show_average()?;
        let validated = self.validate_as_it_is()?;
        self.learner.hide_average()?;
        Ok(validated)
    }

    fn validate_as_it_is(&mut self) -> Result<Validated> {
        let task = Arc::clone(&self.learner.task);
        let mut validation = task.validation();
        for step in 0..self.val_steps {
            if let Some(ending) = self.stopped() {
                return Ok(Validated::Stopped(ending));
            }
            let request = BatchRequest { phase: Phase::Val, epoch: self.state.epoch, step };
            self.take_that_fits(request)?;
            let len = self.feed.batch().len();
            for range in self.learner.parts(len) {
                let logits = self.learner.evaluate_that_fits(&self.feed, range.clone())?;
                if range.end == len {
                    // A GPU is at the last part now; what is added next waits for it.
                    self.feed.ask_ahead(self.host);
                }
                validation.add(&logits, self.feed.batch(), range)?;
            }
        }
        Ok(Validated::Done(Some(validation.compute())))
    }
}
