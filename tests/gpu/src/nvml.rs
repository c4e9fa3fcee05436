//! How busy the card says that it is, through the driver's management library, which is opened at run time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nvml_wrapper::enum_wrappers::device::{Clock, Sampling};
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::{Device, Nvml};
use serde_json::{Value, json};

/// The driver averages over a sixth of a second to a second, and keeps some seconds of such samples.
const EVERY: Duration = Duration::from_millis(200);
/// Clocks that are further apart are not the same clock.
const SAME_CLOCK_US: i64 = 10_000_000;

/// Microseconds of the system's clock.
pub fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// At the end of a while, the share of it in which a kernel ran, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub at_us: u64,
    pub share: f64,
}

/// Reads a card's utilisation until it ends.
pub struct Utilisation {
    over: Arc<AtomicBool>,
    reader: JoinHandle<Option<Vec<Reading>>>,
}

impl Utilisation {
    /// Of the card with this UUID; of the first where nobody knows it.
    pub fn begin(uuid: Option<String>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        Self { over, reader: thread::spawn(move || read_until(&told, uuid)) }
    }

    /// None where the driver does not say: an old card, one divided by MIG.
    pub fn end(self) -> Option<Vec<Reading>> {
        self.over.store(true, Ordering::Relaxed);
        self.reader.join().ok().flatten().filter(|readings| !readings.is_empty())
    }
}

fn read_until(over: &AtomicBool, uuid: Option<String>) -> Option<Vec<Reading>> {
    let nvml = Nvml::init().ok()?;
    let card = uuid.map_or_else(|| nvml.device_by_index(0), |uuid| nvml.device_by_uuid(uuid)).ok()?;
    let mut readings = Vec::new();
    // What the driver kept from before is not wanted.
    let mut seen = fine(&card, 0).and_then(|samples| samples.last().map(|sample| sample.at_us));
    while !over.load(Ordering::Relaxed) {
        thread::sleep(EVERY);
        match seen.and_then(|seen| fine(&card, seen)) {
            Some(samples) => {
                seen = samples.last().map(|sample| sample.at_us).or(seen);
                readings.extend(on_our_clock(samples));
            }
            // The figure that every card has.
            None => readings.extend(card.utilization_rates().ok().map(|rates| reading(now_us(), rates.gpu.into()))),
        }
    }
    Some(readings)
}

/// Samples after this one, by the driver's clock; None where the card has none of these.
fn fine(card: &Device<'_>, seen_us: u64) -> Option<Vec<Reading>> {
    let samples = card.samples(Sampling::GpuUtilization, seen_us).ok()?;
    let mut samples: Vec<Reading> = samples
        .into_iter()
        .filter(|sample| sample.timestamp > seen_us)
        .map(|sample| reading(sample.timestamp, percent(&sample.value)))
        .collect();
    samples.sort_by_key(|sample| sample.at_us);
    Some(samples)
}

fn percent(value: &SampleValue) -> f64 {
    match *value {
        SampleValue::F64(value) => value,
        SampleValue::U32(value) => value.into(),
        SampleValue::U64(value) => value as f64,
        SampleValue::I64(value) => value as f64,
    }
}

fn reading(at_us: u64, percent: f64) -> Reading {
    Reading { at_us, share: percent / 100.0 }
}

/// The driver may count from another moment than the system: its newest sample is of now, then.
fn on_our_clock(mut samples: Vec<Reading>) -> Vec<Reading> {
    let Some(newest) = samples.last().map(|sample| sample.at_us) else { return samples };
    let apart = now_us() as i64 - newest as i64;
    if apart.abs() > SAME_CLOCK_US {
        samples.iter_mut().for_each(|sample| sample.at_us = sample.at_us.saturating_add_signed(apart));
    }
    samples
}

/// Driver, and of every card its name, memory in use and clocks: what figures depend on. None without a driver.
pub fn cards() -> Option<Value> {
    let nvml = Nvml::init().ok()?;
    let cards = (0..nvml.device_count().ok()?).filter_map(|index| {
        let card = nvml.device_by_index(index).ok()?;
        let memory = card.memory_info().ok()?;
        Some(json!({
            "name": card.name().ok()?, "uuid": card.uuid().ok(), "memory_total_bytes": memory.total,
            "memory_used_bytes": memory.used, "largest_sm_clock_mhz": card.max_clock_info(Clock::SM).ok(),
            "programs": card.running_compute_processes().map_or(0, |all| all.len()),
        }))
    });
    Some(json!({ "driver": nvml.sys_driver_version().ok(), "cards": cards.collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_counts_from_elsewhere_is_brought_to_ours() {
        let ours = vec![reading(now_us() - 700_000, 90.0), reading(now_us() - 500_000, 100.0)];
        assert_eq!(on_our_clock(ours.clone()), ours);
        let since_start = on_our_clock(vec![reading(1_000_000, 90.0), reading(1_200_000, 100.0)]);
        assert!(now_us() - since_start[1].at_us < 1_000_000, "{since_start:?}");
        assert_eq!(since_start[1].at_us - since_start[0].at_us, 200_000);
    }
}
