use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use va_error::Result;

use crate::RgbImage;

/// Decoded and reduced images kept in memory, as many as fit the budget; the rest is made anew each time (or read from
/// the disk cache). It changes speed, never a pixel.
pub(crate) struct ImageCache {
    slots: Vec<OnceLock<Arc<RgbImage>>>,
    budget: Arc<Budget>,
}

/// Bytes that the caches of one loader may use together.
pub(crate) struct Budget {
    left: AtomicU64,
}

impl Budget {
    pub fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(bytes) })
    }

    fn take(&self, bytes: u64) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }
}

impl ImageCache {
    pub fn new(len: usize, budget: &Arc<Budget>) -> Self {
        Self { slots: (0..len).map(|_| OnceLock::new()).collect(), budget: Arc::clone(budget) }
    }

    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        self.slots.iter().filter_map(OnceLock::get).map(|image| image.bytes() as u64).sum()
    }

    pub fn get(&self, index: usize, make: impl FnOnce() -> Result<RgbImage>) -> Result<Arc<RgbImage>> {
        let slot = &self.slots[index];
        if let Some(image) = slot.get() {
            return Ok(Arc::clone(image));
        }
        let image = Arc::new(make()?);
        if self.budget.take(image.bytes() as u64) {
            // Another thread may have been faster with the same image; then this one is simply dropped.
            let _ = slot.set(Arc::clone(&image));
        }
        Ok(image)
    }
}
