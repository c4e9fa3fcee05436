use std::time::Duration;

use serde_json::{Value, json};

/// How large the work of each check is.
pub struct Sizes {
    /// Networks whose speed is measured and whose sessions are compared.
    pub archs: &'static [&'static str],
    /// Height and width of their images.
    pub image_px: u32,
    /// Precision and batch of the measured training steps.
    pub training: &'static [(&'static str, u32)],
    pub inference: &'static [u32],
    pub steps: u32,
    /// The one work of the network table and how many of its batches, or all.
    pub networks: Option<(&'static str, u32)>,
    /// Of the run whose memory ends.
    pub memory_px: u32,
    pub memory_batch: u32,
    pub photographs: usize,
    /// Samples of a long run that share a file: epochs of some seconds, so that checkpoints are as rare as in earnest.
    pub photograph_repeats: usize,
    /// Width and height.
    pub photograph_px: [u32; 2],
    /// Of the run over photographs.
    pub loader_arch: &'static str,
    pub loader_precision: va_domain::Precision,
    pub loader_batch: u32,
    pub loader_epochs: u32,
    /// Share of the steady state in which the device must not wait for data.
    pub least_busy: f64,
    pub soak: Duration,
    pub soak_pause_every: Duration,
    pub soak_px: u32,
    pub soak_batch: u32,
}

impl Sizes {
    /// On a card; the architectures and batches are those of the targets.
    pub fn card(steps: u32, soak: Duration) -> Self {
        Self {
            archs: &["resnet50", "mobilenetv4_conv_small"],
            image_px: 224,
            training: &[("bf16", 64), ("bf16", 8), ("f32", 64), ("f32", 8)],
            inference: &[1, 8, 64],
            steps,
            networks: None,
            memory_px: 160,
            memory_batch: 64,
            photographs: 768,
            photograph_repeats: 12,
            photograph_px: [640, 480],
            loader_arch: "resnet50",
            loader_precision: va_domain::Precision::Bf16,
            loader_batch: 64,
            loader_epochs: 4,
            least_busy: 0.95,
            soak,
            soak_pause_every: (soak / 8).clamp(Duration::from_secs(2), Duration::from_secs(20)),
            soak_px: 128,
            soak_batch: 32,
        }
    }

    /// Small enough for a test on a processor, where nothing is said about speed.
    pub fn processor() -> Self {
        Self {
            archs: &["mobilenetv4_conv_small"],
            image_px: 32,
            training: &[("f32", 4), ("bf16", 2)],
            inference: &[1, 8],
            steps: 2,
            networks: Some(("convnext_atto f32", 2)),
            memory_px: 32,
            memory_batch: 8,
            photographs: 40,
            photograph_repeats: 1,
            photograph_px: [80, 60],
            loader_arch: "mobilenetv4_conv_small",
            loader_precision: va_domain::Precision::F32,
            loader_batch: 8,
            loader_epochs: 3,
            least_busy: 0.0,
            soak: Duration::from_secs(3),
            soak_pause_every: Duration::from_millis(300),
            soak_px: 32,
            soak_batch: 8,
        }
    }

    /// The training steps to measure, as the engine is asked for them.
    pub fn works(&self) -> Vec<Value> {
        let work = |arch: &str| {
            let of =
                |&(precision, batch): &(&str, u32)| json!({ "arch": arch, "precision": precision, "batch": batch });
            self.training.iter().map(of).collect::<Vec<_>>()
        };
        self.archs.iter().flat_map(|arch| work(arch)).collect()
    }
}
