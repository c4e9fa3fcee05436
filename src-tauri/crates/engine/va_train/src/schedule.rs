use va_domain::{ScheduleKind, TrainSettings};

/// One-cycle begins at this share of the peak and ends at `ONE_CYCLE_END` of it.
const ONE_CYCLE_START: f64 = 1.0 / 25.0;
const ONE_CYCLE_END: f64 = ONE_CYCLE_START / 1e4;
/// The rise of a one-cycle run without a warm-up of its own.
const ONE_CYCLE_RISE: f64 = 0.3;

/// Learning rate by optimiser step, `done` counted from 0. In the warm-up (all but one-cycle) it is
/// `peak · (done + 1) / warmup`; then, with `t = (done - warmup) / (total - warmup)`:
///
/// ```text
/// cosine     peak · (1 + cos(π t)) / 2                                   (Loshchilov & Hutter 2017)
/// step       peak · factor^(done / decay steps, whole)
/// plateau    peak · factor^(reductions so far)
/// one-cycle  from peak / 25 up to the peak over the warm-up, then down to peak / 250,000, both along half a cosine
///            (Smith & Topin 2018, numbers of PyTorch)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    pub kind: ScheduleKind,
    pub peak: f64,
    pub warmup_steps: u64,
    pub total_steps: u64,
    /// Of `step`; at least 1.
    pub decay_steps: u64,
    pub decay_factor: f64,
}

impl Schedule {
    /// `warmup_epochs` is rounded to whole steps.
    pub fn new(settings: &TrainSettings, steps_per_epoch: u32) -> Self {
        let steps = |epochs: f64| (epochs * f64::from(steps_per_epoch)).round_ties_even() as u64;
        let total_steps = u64::from(settings.epochs) * u64::from(steps_per_epoch);
        let mut warmup_steps = steps(settings.warmup_epochs).min(total_steps);
        if settings.schedule == ScheduleKind::OneCycle && warmup_steps == 0 {
            warmup_steps = (total_steps as f64 * ONE_CYCLE_RISE).round_ties_even() as u64;
        }
        Self {
            kind: settings.schedule,
            peak: settings.learning_rate,
            warmup_steps,
            total_steps,
            decay_steps: steps(f64::from(settings.decay_epochs)).max(1),
            decay_factor: settings.decay_factor,
        }
    }

    /// Of the step after `done` finished ones; `reductions` counts the plateaus met.
    pub fn rate(&self, done: u64, reductions: u32) -> f64 {
        if self.kind == ScheduleKind::OneCycle {
            return self.one_cycle(done);
        }
        if done < self.warmup_steps {
            return self.peak * (done + 1) as f64 / self.warmup_steps as f64;
        }
        match self.kind {
            ScheduleKind::Cosine | ScheduleKind::OneCycle => {
                self.peak * 0.5 * (1.0 + (std::f64::consts::PI * self.progress(done)).cos())
            }
            ScheduleKind::Step => self.peak * self.decay_factor.powf((done / self.decay_steps) as f64),
            ScheduleKind::Plateau => self.peak * self.decay_factor.powf(f64::from(reductions)),
        }
    }

    fn progress(&self, done: u64) -> f64 {
        let length = self.total_steps.saturating_sub(self.warmup_steps).max(1) as f64;
        ((done - self.warmup_steps) as f64 / length).min(1.0)
    }

    fn one_cycle(&self, done: u64) -> f64 {
        let between = |from: f64, to: f64, t: f64| {
            self.peak * (to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * t).cos()))
        };
        if done < self.warmup_steps {
            return between(ONE_CYCLE_START, 1.0, done as f64 / self.warmup_steps as f64);
        }
        between(1.0, ONE_CYCLE_END, self.progress(done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind, warmup_epochs: f64, epochs: u32, steps_per_epoch: u32) -> Schedule {
        let settings = TrainSettings {
            schedule: kind,
            learning_rate: 0.1,
            warmup_epochs,
            epochs,
            decay_epochs: 2,
            decay_factor: 0.5,
            ..TrainSettings::default()
        };
        Schedule::new(&settings, steps_per_epoch)
    }

    #[test]
    fn cosine_rises_in_a_line_and_falls_in_a_cosine() {
        let schedule = schedule(ScheduleKind::Cosine, 1.0, 5, 10);
        let rate = |done| schedule.rate(done, 0);
        assert!((rate(0) - 0.01).abs() < 1e-15);
        assert!((rate(9) - 0.1).abs() < 1e-15);
        assert!((rate(10) - 0.1).abs() < 1e-15);
        assert!((rate(30) - 0.05).abs() < 1e-15);
        assert!(rate(49) < 2e-4 && rate(49) > 0.0);
        assert!((10..49).all(|step| rate(step + 1) < rate(step)));
    }

    #[test]
    fn warm_up_may_be_absent_or_everything() {
        assert_eq!(schedule(ScheduleKind::Cosine, 0.0, 2, 3).rate(0, 0), 0.1);
        let all = schedule(ScheduleKind::Cosine, 2.0, 2, 3);
        assert!([5, 6].iter().all(|&step| (all.rate(step, 0) - 0.1).abs() < 1e-15));
        for kind in [ScheduleKind::Step, ScheduleKind::Plateau] {
            assert!((schedule(kind, 1.0, 5, 10).rate(4, 0) - 0.05).abs() < 1e-15);
        }
    }

    #[test]
    fn steps_halve_the_rate_every_two_epochs() {
        let schedule = schedule(ScheduleKind::Step, 1.0, 6, 10);
        let at = [10, 19, 20, 39, 40].map(|done| schedule.rate(done, 9));
        assert_eq!(at, [0.1, 0.1, 0.05, 0.05, 0.025]);
    }

    #[test]
    fn plateaus_count_wherever_they_come() {
        let schedule = schedule(ScheduleKind::Plateau, 0.0, 6, 10);
        assert_eq!([0, 1, 2].map(|reductions| schedule.rate(7, reductions)), [0.1, 0.05, 0.025]);
    }

    /// `torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=…)` anneals between the same three rates.
    #[test]
    fn one_cycle_goes_up_and_nearly_to_nothing() {
        let schedule = schedule(ScheduleKind::OneCycle, 0.0, 10, 10);
        let rate = |done| schedule.rate(done, 0);
        assert_eq!(schedule.warmup_steps, 30);
        assert!((rate(0) - 0.004).abs() < 1e-15 && (rate(30) - 0.1).abs() < 1e-15);
        assert!((rate(15) - 0.052).abs() < 1e-12, "half way up the cosine");
        assert!((0..30).all(|step| rate(step + 1) > rate(step)) && (30..99).all(|step| rate(step + 1) < rate(step)));
        assert!((rate(100) - 0.1 * ONE_CYCLE_END).abs() < 1e-12);
        assert_eq!(super::tests::schedule(ScheduleKind::OneCycle, 2.0, 10, 10).warmup_steps, 20);
    }
}
