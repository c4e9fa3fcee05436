//! How long a job will still take, and how often it may say so.

use std::time::{Duration, Instant};

use va_domain::JobProgress;

/// Events of one job: at most ten a second.
const EVENT_EVERY: Duration = Duration::from_millis(100);
/// Rows of one job's progress: at most one a second, because each is a synced transaction.
const STORE_EVERY: Duration = Duration::from_secs(1);
/// No estimate before this much was seen: the first items open files and warm caches.
const ESTIMATE_AFTER: Duration = Duration::from_secs(1);

/// What a report of progress should cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub event: bool,
    pub store: bool,
}

/// Turns reports of progress into the estimate and the two rates.
#[derive(Debug)]
pub struct Pace {
    /// When and from which count the present unit began.
    from: Instant,
    from_done: u64,
    unit: String,
    total: u64,
    phase: String,
    last_done: u64,
    last_event: Option<Instant>,
    last_store: Option<Instant>,
}

impl Pace {
    pub fn new(now: Instant) -> Self {
        Self {
            from: now,
            from_done: 0,
            unit: String::new(),
            total: 0,
            phase: String::new(),
            last_done: 0,
            last_event: None,
            last_store: None,
        }
    }

    /// Takes a report; fills `remaining_ms` and says what is due. A new phase or the end is always told.
    pub fn report(&mut self, progress: &mut JobProgress, now: Instant) -> Due {
        if progress.unit != self.unit || progress.total != self.total || progress.done < self.last_done {
            (self.from, self.from_done) = (now, progress.done);
            (self.unit, self.total) = (progress.unit.clone(), progress.total);
        }
        self.last_done = progress.done;
        if progress.remaining_ms.is_none() {
            progress.remaining_ms = self.remaining_ms(progress, now);
        }
        let new_phase = progress.phase != self.phase;
        self.phase.clone_from(&progress.phase);
        let passed = |last: Option<Instant>, every| last.is_none_or(|last| now.duration_since(last) >= every);
        let due = Due {
            event: new_phase || passed(self.last_event, EVENT_EVERY),
            store: new_phase || passed(self.last_store, STORE_EVERY),
        };
        if due.event {
            self.last_event = Some(now);
        }
        if due.store {
            self.last_store = Some(now);
        }
        due
    }

    fn remaining_ms(&self, progress: &JobProgress, now: Instant) -> Option<u64> {
        let elapsed = now.duration_since(self.from);
        let made = progress.done.checked_sub(self.from_done).filter(|made| *made > 0)?;
        let left = progress.total.checked_sub(progress.done)?;
        if progress.total == 0 || elapsed < ESTIMATE_AFTER {
            return None;
        }
        Some((elapsed.as_secs_f64() * 1000.0 * left as f64 / made as f64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(done: u64, phase: &str) -> JobProgress {
        JobProgress { done, total: 100, unit: "images".into(), phase: phase.into(), ..JobProgress::default() }
    }

    #[test]
    fn the_estimate_is_linear_in_what_was_made() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let mut progress = at(20, "copying");
        pace.report(&mut progress, start);
        assert_eq!(progress.remaining_ms, None, "nothing was seen yet");
        let mut progress = at(40, "copying");
        pace.report(&mut progress, start + Duration::from_secs(2));
        assert_eq!(progress.remaining_ms, Some(6000), "20 took 2 s, 60 are left");
    }

    #[test]
    fn a_resumed_count_or_another_unit_starts_a_new_estimate() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.report(&mut at(90, "copying"), start);
        let mut progress = at(10, "copying");
        pace.report(&mut progress, start + Duration::from_secs(5));
        assert_eq!(progress.remaining_ms, None);
    }

    #[test]
    fn events_come_ten_times_and_rows_once_a_second_but_a_new_phase_at_once() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let mut events = 0;
        let mut rows = 0;
        for ms in 0..1000 {
            let due = pace.report(&mut at(ms / 10, "copying"), start + Duration::from_millis(ms));
            events += u32::from(due.event);
            rows += u32::from(due.store);
        }
        assert_eq!((events, rows), (10, 1));
        let due = pace.report(&mut at(100, "checking"), start + Duration::from_millis(1001));
        assert_eq!(due, Due { event: true, store: true });
    }
}
