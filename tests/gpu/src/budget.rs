//! Who may take how much of the time.

use std::time::{Duration, Instant};

/// Nothing can be done in less.
const LEAST: Duration = Duration::from_secs(5);
/// Of its time a soak trains this share; the rest is for what comes before, and for the pause that is due.
const SOAKING: f64 = 0.6;

/// The time for everything, where it is bounded, and the most that one check may take.
pub struct Budget {
    began: Instant,
    total: Option<Duration>,
    most: Duration,
}

impl Budget {
    pub fn new(total: Option<Duration>, most: Option<Duration>) -> Self {
        Self { began: Instant::now(), total, most: most.unwrap_or(Duration::MAX) }
    }

    /// How long what comes next may take, which takes so much at most where nothing is wrong; None where no time is left.
    pub fn of_next(&self, usual: Duration, is_last: bool) -> Option<Duration> {
        let left = self.total.map(|total| total.saturating_sub(self.began.elapsed()));
        share(usual.min(self.most), left, is_last)
    }
}

/// One that hangs leaves half of the time to the others.
fn share(usual: Duration, left: Option<Duration>, is_last: bool) -> Option<Duration> {
    let Some(left) = left else { return Some(usual) };
    let most = if is_last { left } else { left / 2 };
    (left >= LEAST).then(|| usual.min(most))
}

/// What a check may take on a card of today where nothing is wrong, generously; the soak beside the training that is wanted.
pub fn usual(name: &str, soak: Duration) -> Duration {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    match name {
        "card" => minutes(2),
        "networks" | "speed" | "loader" => minutes(10),
        "pytorch" => minutes(40),
        "soak" => minutes(5) + 2 * soak,
        _ => minutes(5),
    }
}

/// How long the soak trains when it may take so long.
pub fn soaking(limit: Duration, wanted: Duration) -> Duration {
    wanted.min(limit.mul_f64(SOAKING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_hangs_leaves_half_and_the_last_has_all() {
        let seconds = Duration::from_secs;
        assert_eq!(share(seconds(300), None, false), Some(seconds(300)));
        assert_eq!(share(seconds(300), Some(seconds(480)), false), Some(seconds(240)));
        assert_eq!(share(seconds(100), Some(seconds(480)), false), Some(seconds(100)));
        assert_eq!(share(seconds(900), Some(seconds(480)), true), Some(seconds(480)));
        assert_eq!(share(seconds(300), Some(seconds(4)), true), None);
    }

    #[test]
    fn a_bounded_suite_gives_less_and_less_and_a_check_never_more_than_asked() {
        let budget = Budget::new(Some(Duration::from_secs(480)), Some(Duration::from_secs(30)));
        assert_eq!(budget.of_next(usual("speed", Duration::ZERO), false), Some(Duration::from_secs(30)));
        assert_eq!(Budget::new(Some(Duration::ZERO), None).of_next(usual("speed", Duration::ZERO), false), None);
        assert_eq!(
            Budget::new(None, None).of_next(usual("pytorch", Duration::ZERO), false),
            Some(usual("pytorch", Duration::ZERO))
        );
        let wanted = Duration::from_secs(600);
        assert_eq!(soaking(Duration::from_secs(100), wanted), Duration::from_secs(60));
        assert_eq!(soaking(usual("soak", wanted), wanted), wanted, "an unbounded one trains as long as it should");
    }
}
