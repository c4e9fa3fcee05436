use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_error::{Error, Result};

use crate::{Augmentation, DeviceChoice, MAX_IMAGE_SIZE_PX, Task};

/// Everything that decides a run, so that the same settings, data and engine give the same weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TrainSettings {
    /// Architecture of the zoo: `resnet18`.
    pub arch: String,
    /// Name (or SHA-256) of installed weights to start from; None starts from the seed.
    pub weights: Option<String>,
    /// Height and width of the network's input in pixels, 32–1024; which of them an architecture takes is its own.
    pub image_size_px: u32,
    /// Samples an optimiser step, 1–1024.
    pub batch_size: u32,
    /// Samples of one forward and backward, gradients added up to the batch; 0 takes the whole batch, or less where
    /// memory asks for it. Batch norms see this many samples.
    pub micro_batch_size: u32,
    /// Passes over the training split, 1–10,000.
    pub epochs: u32,
    /// What values between layers are kept and multiplied in while training; weights and sums are f32 either way, and
    /// so are validation, evaluation and the exported model.
    pub precision: Precision,
    /// Drops activations after the forward and computes them again for the backward: less memory, about a third more time,
    /// the same result.
    pub activation_checkpointing: bool,
    pub optimiser: Optimiser,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Share of the velocity that SGD keeps a step, 0–0.999; AdamW does not use it.
    pub momentum: f64,
    /// Decay of the weights, not applied to one-dimensional parameters.
    pub weight_decay: f64,
    pub schedule: ScheduleKind,
    /// Epochs of linear warm-up before the schedule; of the rise in `one_cycle` (0: three tenths of the run).
    pub warmup_epochs: f64,
    /// `step`: every so many epochs; `plateau`: after so many epochs without a better validation loss.
    pub decay_epochs: u32,
    /// What the rate is then multiplied by, 0.01–0.99.
    pub decay_factor: f64,
    /// What the learning rate of everything but the last layer is multiplied by, 0–1.
    pub backbone_rate_factor: f64,
    /// In so many first epochs only the last layer is trained.
    pub freeze_backbone_epochs: u32,
    /// Share of the running average of the weights that is kept a step, 0–0.99999; 0 keeps no average. With one, it is
    /// what is validated and exported.
    pub ema_decay: f64,
    /// Share of probability moved from the true class to all, 0–0.5; with several classes an image, of every class
    /// towards one half.
    pub label_smoothing: f64,
    /// Images are blended in pairs with a share from Beta(α, α), 0–10; 0 never blends.
    pub mixup_alpha: f64,
    pub class_balance: ClassBalance,
    /// Largest norm of the gradient; 0 does not clip.
    pub clip_norm: f64,
    /// Stop after so many epochs without a better validation loss; 0 never.
    pub early_stop_epochs: u32,
    pub augmentation: Augmentation,
    pub seed: u64,
    pub device: DeviceChoice,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    #[default]
    F32,
    /// Half the memory between layers, and faster on a processor with bf16 instructions (Kalamkar et al. 2019).
    Bf16,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Optimiser {
    /// Loshchilov & Hutter 2019, decoupled weight decay.
    #[default]
    AdamW,
    /// Stochastic gradient descent with Nesterov's momentum, as PyTorch defines it.
    Sgd,
}

/// How the learning rate goes on after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// Half a cosine to zero.
    #[default]
    Cosine,
    /// Up along a cosine from a 25th of the peak, then down to nearly nothing.
    OneCycle,
    /// Multiplied by `decay_factor` every `decay_epochs`.
    Step,
    /// Multiplied by `decay_factor` after `decay_epochs` without a better validation loss.
    Plateau,
}

/// What is done about classes with few samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassBalance {
    #[default]
    None,
    /// A class counts in the loss by the inverse of its frequency. With several classes an image, its positive samples
    /// count by the number of negative ones for each of them.
    Weights,
    /// Every class is shown equally often: samples of rare ones several times an epoch, with other augmentations. Not
    /// with several classes an image.
    Sampling,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            arch: "resnet18".to_owned(),
            weights: None,
            image_size_px: 128,
            batch_size: 32,
            micro_batch_size: 0,
            epochs: 30,
            precision: Precision::F32,
            activation_checkpointing: false,
            optimiser: Optimiser::AdamW,
            learning_rate: 1e-3,
            momentum: 0.9,
            weight_decay: 0.05,
            schedule: ScheduleKind::Cosine,
            warmup_epochs: 2.0,
            decay_epochs: 10,
            decay_factor: 0.1,
            backbone_rate_factor: 1.0,
            freeze_backbone_epochs: 0,
            ema_decay: 0.0,
            label_smoothing: 0.0,
            mixup_alpha: 0.0,
            class_balance: ClassBalance::None,
            clip_norm: 1.0,
            early_stop_epochs: 0,
            augmentation: Augmentation::default(),
            seed: 42,
            device: DeviceChoice::Auto,
        }
    }
}

impl TrainSettings {
    /// # Errors
    /// `InvalidInput` naming the first setting outside its range, and the range.
    pub fn check(&self) -> Result<()> {
        whole("the image size", self.image_size_px, 32, MAX_IMAGE_SIZE_PX)?;
        whole("the batch size", self.batch_size, 1, 1024)?;
        whole("the micro-batch size", self.micro_batch_size, 0, self.batch_size)?;
        whole("the number of epochs", self.epochs, 1, 10_000)?;
        real("the learning rate", self.learning_rate, 1e-9, 10.0)?;
        real("the momentum", self.momentum, 0.0, 0.999)?;
        real("the weight decay", self.weight_decay, 0.0, 10.0)?;
        real("the warm-up", self.warmup_epochs, 0.0, f64::from(self.epochs))?;
        whole("the length of a decay", self.decay_epochs, 1, 10_000)?;
        real("the decay factor", self.decay_factor, 0.01, 0.99)?;
        real("the backbone's share of the learning rate", self.backbone_rate_factor, 0.0, 1.0)?;
        whole("the number of epochs with a frozen backbone", self.freeze_backbone_epochs, 0, self.epochs)?;
        real("the decay of the weight average", self.ema_decay, 0.0, 0.99999)?;
        real("the label smoothing", self.label_smoothing, 0.0, 0.5)?;
        real("the mixup strength", self.mixup_alpha, 0.0, 10.0)?;
        real("the gradient norm limit", self.clip_norm, 0.0, 1e6)?;
        self.augmentation.check()
    }

    /// Whether these settings mean something for the task.
    ///
    /// # Errors
    /// `InvalidInput` naming the setting that does not.
    pub fn check_for(&self, task: Task) -> Result<()> {
        let is_multilabel = task == Task::MultilabelClassification;
        if is_multilabel && self.class_balance == ClassBalance::Sampling {
            return Err(Error::invalid(
                "images with several classes cannot be shown so that every class is seen equally often: balance the \
                 classes by weights instead of sampling",
            ));
        }
        Ok(())
    }
}

fn whole(name: &str, value: u32, low: u32, high: u32) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format!("{name} is {value}; it must be between {low} and {high}")))
}

fn real(name: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if value.is_finite() && (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format!("{name} is {value}; it must be between {low} and {high}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_an_older_version_are_read_with_the_new_parts_off() {
        let old = r#"{"arch": "resnet18", "optimiser": "adam_w", "learning_rate": 0.001,
            "augmentation": {"crop_min_scale": 0.7, "flip_horizontal": true, "flip_vertical": false}}"#;
        assert_eq!(serde_json::from_str::<TrainSettings>(old).unwrap(), TrainSettings::default());
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let refused = |change: fn(&mut TrainSettings)| {
            let mut settings = TrainSettings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(refused(|s| s.ema_decay = 1.0).contains("weight average"));
        assert!(refused(|s| s.micro_batch_size = 33).contains("between 0 and 32"));
        assert!(refused(|s| s.mixup_alpha = f64::NAN).contains("mixup"));
        assert!(refused(|s| s.decay_factor = 1.0).contains("decay factor"));
        assert!(refused(|s| s.freeze_backbone_epochs = 31).contains("frozen"));
        assert!(refused(|s| s.augmentation.blur.strength = 9.0).contains("blur"));
        TrainSettings::default().check().unwrap();
    }

    #[test]
    fn balanced_sampling_has_no_meaning_with_several_classes_an_image() {
        let sampling = TrainSettings { class_balance: ClassBalance::Sampling, ..TrainSettings::default() };
        sampling.check_for(Task::Classification).unwrap();
        assert!(sampling.check_for(Task::MultilabelClassification).unwrap_err().to_string().contains("weights"));
        TrainSettings::default().check_for(Task::MultilabelClassification).unwrap();
    }
}
