//! How much memory a run takes at its worst moment, and the largest micro-batch that fits.

use va_domain::{Optimiser, TrainSettings};
use va_error::Result;
use va_exec::{Mode, Network, Precision};

/// Program, stacks, generated code and what the allocator keeps: 90 to 150 MB were measured, over five networks.
const BASE_BYTES: u64 = 120 << 20;
/// What the libraries of a GPU take for themselves and ask for beside a plan: windows and workspaces of convolutions.
const GPU_BASE_BYTES: u64 = 1536 << 20;
/// What a GPU that prepares images holds for every value of a batch, in bytes: two batches of bytes, their sources (two and a
/// half times the side), half resized, moved and half blurred ones, and the network's input.
const STAGED_BYTES: u64 = 2 + 13 + 3 + 1 + 4 + 4;
/// Batches in memory at a time: in use, as the network's input, two made ahead, one under way, two used ones whose memory
/// goes to the next.
const LOADED_BATCHES: u64 = 7;

/// Of one run on this machine now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryPlan {
    /// Samples of one forward and backward; less than asked where that does not fit.
    pub micro_batch: u32,
    /// With that micro-batch, decoded images that the loader keeps included.
    pub peak_bytes: u64,
    /// None where the system does not say: then everything fits.
    pub free_bytes: Option<u64>,
    pub fits: bool,
    /// Of one checkpoint.
    pub checkpoint_bytes: u64,
}

impl MemoryPlan {
    /// # Errors
    /// When no plan can be made for the network.
    pub fn make(
        net: &mut Network,
        settings: &TrainSettings,
        train_len: usize,
        decoded_bytes: u64,
        free_bytes: Option<u64>,
    ) -> Result<Self> {
        let batch = settings.batch_size.min(u32::try_from(train_len.max(1)).unwrap_or(u32::MAX));
        let asked = if settings.micro_batch_size == 0 { batch } else { settings.micro_batch_size.min(batch) };
        let numbers = Numbers::of(net, settings);
        let fixed = if net.device().is_cpu() {
            let kept = decoded_bytes.min(image_cache_bytes(free_bytes));
            BASE_BYTES + numbers.peak_bytes() + loaded(settings) + kept
        } else {
            GPU_BASE_BYTES + numbers.peak_bytes_elsewhere() + STAGED_BYTES * batch_values(settings)
        };
        // A batch norm over one sample of one pixel has no variance.
        let least = asked.min(2);
        let mut micro_batch = asked;
        // Validation is in f32 whatever training is in.
        let mut evaluator = net.sharing(Precision::F32)?;
        loop {
            let size = micro_batch as usize;
            let activations =
                net.activation_bytes(size, Mode::Train)? + evaluator.activation_bytes(size, Mode::Eval)?;
            let peak_bytes = fixed + activations as u64;
            let fits = free_bytes.is_none_or(|free| peak_bytes <= free);
            if fits || micro_batch == least {
                let checkpoint_bytes = numbers.saved_bytes();
                return Ok(Self { micro_batch, peak_bytes, free_bytes, fits, checkpoint_bytes });
            }
            micro_batch = micro_batch.div_ceil(2).max(least);
        }
    }

    /// What a GPU may use for images that come to it once: half of what is left, because other programs want some, too.
    pub fn spare_bytes(&self) -> u64 {
        self.free_bytes.map_or(0, |free| free.saturating_sub(self.peak_bytes) / 2)
    }
}

/// Weights and everything of their size.
struct Numbers {
    /// Bytes of the weights and running statistics.
    each: u64,
    /// Tensors of that size in the optimiser's state.
    moments: u64,
    /// Running average.
    averages: u64,
}

impl Numbers {
    fn of(net: &Network, settings: &TrainSettings) -> Self {
        let moments = match settings.optimiser {
            Optimiser::AdamW => 2,
            Optimiser::Sgd => 1,
        };
        let each = 4 * (net.layout().param_len() + net.layout().buffer_len()) as u64;
        Self { each, moments, averages: u64::from(settings.ema_decay > 0.0) }
    }

    fn saved_bytes(&self) -> u64 {
        self.each * (1 + self.moments + self.averages)
    }

    /// While a checkpoint is written: gradients, and all that it holds once more, its largest part a third time.
    fn peak_bytes(&self) -> u64 {
        self.each + 2 * self.saved_bytes() + self.each * self.moments
    }

    /// Where a checkpoint is put together in other memory than the network's, a GPU's: beside gradients and what is saved,
    /// the weights once more while the average stands in for them.
    fn peak_bytes_elsewhere(&self) -> u64 {
        self.each + self.saved_bytes() + self.each * self.averages
    }
}

/// What the loader may keep of decoded images: a quarter of what is free, at most 2 GiB.
pub(crate) fn image_cache_bytes(free_bytes: Option<u64>) -> u64 {
    free_bytes.map_or(256 << 20, |free| (free / 4).min(2 << 30))
}

fn loaded(settings: &TrainSettings) -> u64 {
    LOADED_BATCHES * 4 * batch_values(settings)
}

fn batch_values(settings: &TrainSettings) -> u64 {
    u64::from(settings.batch_size) * u64::from(settings.image_size_px).pow(2) * 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::network;

    fn plan(settings: &TrainSettings, free: Option<u64>) -> MemoryPlan {
        MemoryPlan::make(&mut network(settings, 3).unwrap(), settings, 1000, 50 << 20, free).unwrap()
    }

    #[test]
    fn halves_the_micro_batch_until_it_fits() {
        let settings = TrainSettings { image_size_px: 64, batch_size: 32, ..TrainSettings::default() };
        let whole = plan(&settings, None);
        assert_eq!((whole.micro_batch, whole.fits), (32, true));
        let tight = plan(&settings, Some(whole.peak_bytes - 1));
        assert_eq!((tight.micro_batch, tight.fits), (16, true));
        assert!(tight.peak_bytes < whole.peak_bytes);
        let hopeless = plan(&settings, Some(1 << 20));
        assert_eq!((hopeless.micro_batch, hopeless.fits), (2, false));
        let own = TrainSettings { micro_batch_size: 4, ..settings };
        assert_eq!(plan(&own, None).micro_batch, 4);
        assert!(plan(&own, None).peak_bytes < tight.peak_bytes);
    }

    #[test]
    fn images_are_kept_in_half_of_what_a_run_leaves() {
        let settings = TrainSettings { image_size_px: 64, batch_size: 32, ..TrainSettings::default() };
        let peak_bytes = plan(&settings, None).peak_bytes;
        let spare = |free| plan(&settings, free).spare_bytes();
        assert_eq!(spare(Some(peak_bytes + 1000)), 500);
        assert_eq!((spare(Some(peak_bytes)), spare(Some(1 << 20)), spare(None)), (0, 0, 0));
    }

    #[test]
    fn bf16_needs_less_than_f32() {
        let f32 = TrainSettings { image_size_px: 64, batch_size: 32, ..TrainSettings::default() };
        let bf16 = TrainSettings { precision: va_domain::Precision::Bf16, ..f32.clone() };
        let activations = |settings| network(settings, 3).unwrap().activation_bytes(32, Mode::Train).unwrap();
        let (wide, narrow) = (activations(&f32) as u64, activations(&bf16) as u64);
        assert!(4 * narrow < 3 * wide, "{narrow} of {wide}");
        assert_eq!(plan(&f32, None).peak_bytes - plan(&bf16, None).peak_bytes, wide - narrow);
    }

    #[test]
    fn activation_checkpointing_needs_less_and_is_never_turned_on_by_itself() {
        let kept = TrainSettings { image_size_px: 64, batch_size: 32, ..TrainSettings::default() };
        let dropped = TrainSettings { activation_checkpointing: true, ..kept.clone() };
        let (whole, less) = (plan(&kept, None), plan(&dropped, None));
        assert!(less.peak_bytes < whole.peak_bytes, "{less:?} {whole:?}");
        // Memory between the two: without it the micro-batch shrinks, with it the whole batch fits.
        let between = Some(less.peak_bytes + (whole.peak_bytes - less.peak_bytes) / 2);
        assert_eq!((plan(&kept, between).micro_batch, plan(&dropped, between).micro_batch), (16, 32));
    }

    #[test]
    fn an_average_takes_memory_and_sgd_less_than_adamw() {
        let adam = TrainSettings { image_size_px: 32, batch_size: 4, ..TrainSettings::default() };
        let averaged = TrainSettings { ema_decay: 0.999, ..adam.clone() };
        let sgd = TrainSettings { optimiser: Optimiser::Sgd, ..adam.clone() };
        let peak = |settings: &TrainSettings| plan(settings, None).peak_bytes;
        assert!(peak(&sgd) < peak(&adam) && peak(&adam) < peak(&averaged));
    }
}
