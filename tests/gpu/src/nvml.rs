//! How busy the card says that it is, through the driver's management library, which is opened at run time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nvml_wrapper::Nvml;
use serde_json::{Value, json};

/// The driver averages over a sixth of a second to a second.
const EVERY: Duration = Duration::from_millis(200);

/// Reads the first card's utilisation until it ends.
pub struct Utilisation {
    over: Arc<AtomicBool>,
    reader: JoinHandle<Option<f64>>,
}

impl Utilisation {
    pub fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        Self { over, reader: thread::spawn(move || mean_until(&told)) }
    }

    /// Mean share of the time in which a kernel ran, 0 to 1; None where the driver does not say.
    pub fn end(self) -> Option<f64> {
        self.over.store(true, Ordering::Relaxed);
        self.reader.join().ok().flatten()
    }
}

fn mean_until(over: &AtomicBool) -> Option<f64> {
    let nvml = Nvml::init().ok()?;
    let card = nvml.device_by_index(0).ok()?;
    let (mut sum, mut count) = (0.0, 0u32);
    while !over.load(Ordering::Relaxed) {
        if let Ok(rates) = card.utilization_rates() {
            sum += f64::from(rates.gpu) / 100.0;
            count += 1;
        }
        thread::sleep(EVERY);
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// Driver, and of every card its name, memory in use and clocks: what figures depend on. None without a driver.
pub fn cards() -> Option<Value> {
    let nvml = Nvml::init().ok()?;
    let cards = (0..nvml.device_count().ok()?).filter_map(|index| {
        let card = nvml.device_by_index(index).ok()?;
        let memory = card.memory_info().ok()?;
        let clock = |kind| card.max_clock_info(kind).ok();
        Some(json!({
            "name": card.name().ok()?, "memory_total_bytes": memory.total, "memory_used_bytes": memory.used,
            "largest_sm_clock_mhz": clock(nvml_wrapper::enum_wrappers::device::Clock::SM),
            "programs": card.running_compute_processes().map_or(0, |all| all.len()),
        }))
    });
    Some(json!({ "driver": nvml.sys_driver_version().ok(), "cards": cards.collect::<Vec<_>>() }))
}
