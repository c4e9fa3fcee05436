/// Learning rate by optimiser step: linear warm-up, then half a cosine to zero (Loshchilov & Hutter 2017), per step:
///
/// ```text
/// step < warmup:  peak · (step + 1) / warmup
/// otherwise:      peak · (1 + cos(π · (step - warmup) / (total - warmup))) / 2
/// ```
/// with `step` counted from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CosineSchedule {
    pub peak: f64,
    pub warmup_steps: u64,
    pub total_steps: u64,
}

impl CosineSchedule {
    /// `warmup_epochs` is rounded to whole steps.
    pub fn new(peak: f64, warmup_epochs: f64, epochs: u32, steps_per_epoch: u32) -> Self {
        let total_steps = u64::from(epochs) * u64::from(steps_per_epoch);
        let warmup_steps = (warmup_epochs * f64::from(steps_per_epoch)).round_ties_even() as u64;
        Self { peak, warmup_steps: warmup_steps.min(total_steps), total_steps }
    }

    /// Of the step after `done` finished ones.
    pub fn rate(&self, done: u64) -> f64 {
        if done < self.warmup_steps {
            return self.peak * (done + 1) as f64 / self.warmup_steps as f64;
        }
        let length = self.total_steps.saturating_sub(self.warmup_steps).max(1) as f64;
        let progress = ((done - self.warmup_steps) as f64 / length).min(1.0);
        self.peak * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_in_a_line_and_falls_in_a_cosine() {
        let schedule = CosineSchedule::new(0.1, 1.0, 5, 10);
        assert!((schedule.rate(0) - 0.01).abs() < 1e-15);
        assert!((schedule.rate(9) - 0.1).abs() < 1e-15);
        assert!((schedule.rate(10) - 0.1).abs() < 1e-15);
        assert!((schedule.rate(30) - 0.05).abs() < 1e-15);
        assert!(schedule.rate(49) < 2e-4 && schedule.rate(49) > 0.0);
        assert!((10..49).all(|step| schedule.rate(step + 1) < schedule.rate(step)));
    }

    #[test]
    fn warm_up_may_be_absent_or_everything() {
        assert_eq!(CosineSchedule::new(1.0, 0.0, 2, 3).rate(0), 1.0);
        let all = CosineSchedule::new(1.0, 2.0, 2, 3);
        assert_eq!((all.rate(5), all.rate(6)), (1.0, 1.0));
    }
}
