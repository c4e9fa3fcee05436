//! How often one caller may ask: a bucket of tokens that refills.

use std::collections::HashMap;
use std::time::Instant;

use parking_lot::Mutex;
use va_error::{Code, Error, Result};

/// Callers that are remembered; beyond it, full buckets are forgotten.
const MAX_CALLERS: usize = 1024;

/// A burst and the requests a second that refill it.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub burst: f64,
    pub per_second: f64,
}

/// Requests of every caller.
#[derive(Debug)]
pub(crate) struct RateLimit {
    rate: Rate,
    callers: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl RateLimit {
    pub fn new(rate: Rate) -> Self {
        Self { rate, callers: Mutex::default() }
    }

    /// # Errors
    /// `RateLimited` when the caller has used up its burst.
    pub fn take(&self, caller: &str) -> Result<()> {
        self.take_at(caller, Instant::now())
    }

    fn take_at(&self, caller: &str, now: Instant) -> Result<()> {
        let Rate { burst, per_second } = self.rate;
        let mut callers = self.callers.lock();
        let refilled = |bucket: &Bucket| {
            (bucket.left + now.saturating_duration_since(bucket.at).as_secs_f64() * per_second).min(burst)
        };
        if callers.len() >= MAX_CALLERS {
            callers.retain(|_, bucket| refilled(bucket) < burst);
        }
        let bucket = callers.entry(caller.to_owned()).or_insert(Bucket { left: burst, at: now });
        bucket.left = refilled(bucket);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Error::new(Code::RateLimited, "too many requests: wait a moment and try again"));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_served_then_as_much_as_refills() {
        let limit = RateLimit::new(Rate { burst: 3.0, per_second: 1.0 });
        let start = Instant::now();
        for _ in 0..3 {
            limit.take_at("a", start).unwrap();
        }
        assert_eq!(limit.take_at("a", start).unwrap_err().code(), Code::RateLimited);
        limit.take_at("b", start).unwrap();
        limit.take_at("a", start + Duration::from_secs(1)).unwrap();
        assert!(limit.take_at("a", start + Duration::from_secs(1)).is_err());
    }
}
