use serde::{Deserialize, Serialize};

use va_domain::WeightsReport;

use crate::EpochMetrics;

/// Where a run is, beside the numbers in tensors. Random draws are functions of (seed, epoch, sample), so the position
/// is all there is to save of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RunState {
    /// Optimiser steps done.
    pub step: u64,
    /// Epochs done, validation included.
    pub epoch: u32,
    /// Steps done of the epoch under way.
    pub step_in_epoch: u32,
    /// Sums over the epoch under way.
    pub loss_sum: f64,
    pub correct: u64,
    pub seen: u64,
    pub best: Option<EpochMetrics>,
    /// Epochs since the best.
    pub stale_epochs: u32,
    pub early_stopped: bool,
    /// Samples of one forward and backward; 0 before the run decided.
    pub micro_batch: u32,
    pub plateau: Plateau,
    /// Of the weight file that the run started from.
    pub initial_weights: Option<WeightsReport>,
}

/// What the plateau schedule watches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Plateau {
    best: Option<f64>,
    stale_epochs: u32,
    /// How often the rate was reduced.
    pub reductions: u32,
}

impl Plateau {
    /// Hears the loss of an epoch; true when the rate goes down now.
    pub fn hear(&mut self, loss: f64, patience: u32) -> bool {
        if self.best.is_none_or(|best| loss < best) {
            (self.best, self.stale_epochs) = (Some(loss), 0);
            return false;
        }
        self.stale_epochs += 1;
        if self.stale_epochs < patience {
            return false;
        }
        (self.stale_epochs, self.reductions) = (0, self.reductions + 1);
        true
    }
}

impl RunState {
    pub fn add_step(&mut self, loss: f64, correct: u64, batch_len: usize) {
        self.step += 1;
        self.step_in_epoch += 1;
        self.loss_sum += loss * batch_len as f64;
        self.correct += correct;
        self.seen += batch_len as u64;
    }

    /// Ends the epoch under way; returns its metrics.
    pub fn finish_epoch(&mut self, val: Option<crate::ValMetrics>) -> EpochMetrics {
        let seen = self.seen.max(1) as f64;
        self.epoch += 1;
        let mut metrics = EpochMetrics {
            epoch: self.epoch,
            step: self.step,
            train_loss: self.loss_sum / seen,
            train_accuracy: self.correct as f64 / seen,
            val,
            is_best: false,
        };
        metrics.is_best = self.is_best(&metrics);
        if metrics.is_best {
            self.best = Some(metrics.clone());
            self.stale_epochs = 0;
        } else {
            self.stale_epochs += 1;
        }
        (self.step_in_epoch, self.loss_sum, self.correct, self.seen) = (0, 0.0, 0, 0);
        metrics
    }

    /// A lower validation loss; without a validation split, simply the latest epoch.
    fn is_best(&self, new: &EpochMetrics) -> bool {
        let best = self.best.as_ref().and_then(|best| best.val);
        match (new.val, best) {
            (Some(new), Some(best)) => new.loss < best.loss,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValMetrics;

    fn val(loss: f64) -> Option<ValMetrics> {
        Some(ValMetrics { loss, accuracy: 0.5, macro_f1: 0.5, micro_f1: None, mean_average_precision: None })
    }

    #[test]
    fn the_lowest_validation_loss_is_best_and_others_count_as_stale() {
        let mut state = RunState::default();
        state.add_step(2.0, 3, 4);
        state.add_step(1.0, 1, 4);
        let first = state.finish_epoch(val(0.7));
        assert_eq!((first.train_loss, first.train_accuracy, first.is_best), (1.5, 0.5, true));
        assert!(!state.finish_epoch(val(0.7)).is_best);
        assert!(!state.finish_epoch(val(0.9)).is_best);
        assert_eq!((state.stale_epochs, state.best.as_ref().map(|b| b.epoch)), (2, Some(1)));
        assert!(state.finish_epoch(val(0.6)).is_best);
        assert_eq!((state.stale_epochs, state.step_in_epoch, state.seen), (0, 0, 0));
    }

    #[test]
    fn a_plateau_reduces_after_its_patience_and_begins_to_count_anew() {
        let mut plateau = Plateau::default();
        let heard = [3.0, 2.0, 2.0, 2.5, 2.1, 1.0, 1.5, 1.5].map(|loss| plateau.hear(loss, 2));
        assert_eq!(heard, [false, false, false, true, false, false, false, true]);
        assert_eq!(plateau.reductions, 2);
    }

    #[test]
    fn without_validation_the_latest_epoch_is_best() {
        let mut state = RunState::default();
        assert!(state.finish_epoch(None).is_best && state.finish_epoch(None).is_best);
    }
}
