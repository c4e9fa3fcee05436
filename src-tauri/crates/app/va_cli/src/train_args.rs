//! The flags of `visaion train`. What is not given keeps its default. The doc comments are the help texts.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use va_domain::{Augmentation, ClassBalance, DeviceChoice, Optimiser, Precision, ScheduleKind, TrainSettings};
use va_error::{Context as _, Error, Result};

use crate::args::{ClassBalanceArg, DeviceArg, OptimiserArg, ScheduleArg, TaskArg, TrainPrecisionArg};

#[derive(Debug, ClapArgs)]
pub struct TrainArgs {
    /// A name or an id
    #[arg(long)]
    pub dataset: String,
    #[arg(long, default_value = "classification", value_enum)]
    pub task: TaskArg,
    #[arg(long, default_value = "resnet18")]
    pub arch: String,
    /// Start from these installed weights (`visaion weights list`) instead of the seed
    #[arg(long, value_name = "NAME")]
    pub weights: Option<String>,
    /// Passes over the training split
    #[arg(long, value_name = "N")]
    pub epochs: Option<u32>,
    /// Height and width of the network's input
    #[arg(long, value_name = "PX")]
    pub image_size: Option<u32>,
    /// Samples an optimiser step
    #[arg(long, value_name = "N")]
    pub batch: Option<u32>,
    /// Peak learning rate
    #[arg(long, value_name = "X")]
    pub lr: Option<f64>,
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[arg(long, default_value = "auto", value_enum)]
    pub device: DeviceArg,
    /// Numbers between layers while training: bf16 takes half the memory, and less time on a processor made for it
    #[arg(long, value_enum)]
    pub precision: Option<TrainPrecisionArg>,
    /// Compute activations again instead of keeping them: less memory, about a third more time, the same result
    #[arg(long)]
    pub activation_checkpointing: bool,
    /// Link the model to this project (a name or an id)
    #[arg(long)]
    pub project: Option<String>,
    /// Name of the model; if it exists it gets a new version
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    #[command(flatten)]
    pub learning: LearningArgs,
    #[command(flatten)]
    pub images: ImageArgs,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Learning")]
pub struct LearningArgs {
    #[arg(long, value_enum)]
    pub optimiser: Option<OptimiserArg>,
    /// Share of the velocity that sgd keeps a step, 0 to 0.999
    #[arg(long, value_name = "X")]
    pub momentum: Option<f64>,
    /// Decay of the weights a step, times the learning rate
    #[arg(long, value_name = "X")]
    pub weight_decay: Option<f64>,
    /// How the learning rate goes on after the warm-up
    #[arg(long, value_enum)]
    pub schedule: Option<ScheduleArg>,
    /// Epochs of rising learning rate at the start
    #[arg(long, value_name = "EPOCHS")]
    pub warmup_epochs: Option<f64>,
    /// Schedule step: every so many epochs; plateau: after so many without a better validation loss
    #[arg(long, value_name = "EPOCHS")]
    pub decay_epochs: Option<u32>,
    /// What the learning rate is then multiplied by, 0.01 to 0.99
    #[arg(long, value_name = "X")]
    pub decay_factor: Option<f64>,
    /// Learning rate of everything but the last layer, as a share of the whole, 0 to 1
    #[arg(long, value_name = "SHARE")]
    pub backbone_rate_factor: Option<f64>,
    /// In so many first epochs only the last layer is trained
    #[arg(long, value_name = "EPOCHS")]
    pub freeze_backbone_epochs: Option<u32>,
    /// Validate and keep a running average of the weights with this decay a step (0.999, say); 0 without
    #[arg(long, value_name = "X")]
    pub ema_decay: Option<f64>,
    /// Share of probability moved from the true class to all, 0 to 0.5
    #[arg(long, value_name = "SHARE")]
    pub label_smoothing: Option<f64>,
    /// What is done about classes with few samples
    #[arg(long, value_enum)]
    pub class_balance: Option<ClassBalanceArg>,
    /// Largest norm of the gradient; 0 does not clip
    #[arg(long, value_name = "X")]
    pub clip_norm: Option<f64>,
    /// Stop after so many epochs without a better validation loss; 0 never
    #[arg(long, value_name = "EPOCHS")]
    pub early_stop_epochs: Option<u32>,
    /// Samples of one forward and backward, added up to the batch; 0: as many as fit
    #[arg(long, value_name = "N")]
    pub micro_batch: Option<u32>,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Training images")]
pub struct ImageArgs {
    /// Blend images in pairs with a share from Beta(X, X) (0.2, say); 0 never
    #[arg(long, value_name = "X")]
    pub mixup_alpha: Option<f64>,
    /// The changes of training images as JSON, or @FILE: {"rotation": {"strength": 10, "probability": 0.5}, …}
    #[arg(long, value_name = "JSON")]
    pub augmentation: Option<String>,
}

impl TrainArgs {
    /// # Errors
    /// When the augmentation cannot be read.
    pub fn settings(&self) -> Result<TrainSettings> {
        let standard = TrainSettings::default();
        let (learning, images) = (&self.learning, &self.images);
        let epochs = self.epochs.unwrap_or(standard.epochs);
        let settings = TrainSettings {
            arch: self.arch.clone(),
            weights: self.weights.clone(),
            image_size_px: self.image_size.unwrap_or(standard.image_size_px),
            batch_size: self.batch.unwrap_or(standard.batch_size),
            micro_batch_size: learning.micro_batch.unwrap_or(standard.micro_batch_size),
            epochs,
            precision: self.precision.map_or(standard.precision, Precision::from),
            activation_checkpointing: self.activation_checkpointing,
            optimiser: learning.optimiser.map_or(standard.optimiser, Optimiser::from),
            learning_rate: self.lr.unwrap_or(standard.learning_rate),
            momentum: learning.momentum.unwrap_or(standard.momentum),
            weight_decay: learning.weight_decay.unwrap_or(standard.weight_decay),
            schedule: learning.schedule.map_or(standard.schedule, ScheduleKind::from),
            // A short run has no room for the usual warm-up.
            warmup_epochs: learning.warmup_epochs.unwrap_or(standard.warmup_epochs.min(f64::from(epochs) / 4.0)),
            decay_epochs: learning.decay_epochs.unwrap_or(standard.decay_epochs),
            decay_factor: learning.decay_factor.unwrap_or(standard.decay_factor),
            backbone_rate_factor: learning.backbone_rate_factor.unwrap_or(standard.backbone_rate_factor),
            freeze_backbone_epochs: learning.freeze_backbone_epochs.unwrap_or(standard.freeze_backbone_epochs),
            ema_decay: learning.ema_decay.unwrap_or(standard.ema_decay),
            label_smoothing: learning.label_smoothing.unwrap_or(standard.label_smoothing),
            mixup_alpha: images.mixup_alpha.unwrap_or(standard.mixup_alpha),
            class_balance: learning.class_balance.map_or(standard.class_balance, ClassBalance::from),
            clip_norm: learning.clip_norm.unwrap_or(standard.clip_norm),
            early_stop_epochs: learning.early_stop_epochs.unwrap_or(standard.early_stop_epochs),
            augmentation: images.augmentation.as_deref().map_or(Ok(standard.augmentation), augmentation)?,
            seed: self.seed.unwrap_or(standard.seed),
            device: DeviceChoice::from(self.device),
        };
        settings.check()?;
        Ok(settings)
    }
}

/// JSON, or the file behind an `@`.
fn augmentation(text: &str) -> Result<Augmentation> {
    let json = match text.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(PathBuf::from(file)).with_context(|| format!("cannot read the file {file}"))?
        }
        None => text.to_owned(),
    };
    serde_json::from_str(&json)
        .map_err(|error| Error::invalid(format!("--augmentation is no JSON of the changes of images: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn settings(flags: &[&str]) -> Result<TrainSettings> {
        let words = ["visaion", "train", "--dataset", "tiles"].iter().chain(flags);
        match Args::parse_from(words).command {
            Command::Train(args) => args.settings(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_flags_the_defaults_and_with_them_what_they_say() {
        assert_eq!(settings(&[]).unwrap(), TrainSettings::default());
        let flags = "--optimiser sgd --momentum 0.8 --schedule one_cycle --ema-decay 0.99 --mixup-alpha 0.2 \
                     --class-balance sampling --micro-batch 8 --freeze-backbone-epochs 2 --early-stop-epochs 5 --precision bf16 \
                     --activation-checkpointing";
        let made = settings(&flags.split_whitespace().collect::<Vec<_>>()).unwrap();
        let expected = TrainSettings {
            optimiser: Optimiser::Sgd,
            momentum: 0.8,
            schedule: ScheduleKind::OneCycle,
            ema_decay: 0.99,
            mixup_alpha: 0.2,
            class_balance: ClassBalance::Sampling,
            micro_batch_size: 8,
            freeze_backbone_epochs: 2,
            early_stop_epochs: 5,
            precision: Precision::Bf16,
            activation_checkpointing: true,
            ..TrainSettings::default()
        };
        assert_eq!(made, expected);
        assert_eq!(settings(&["--epochs", "4"]).unwrap().warmup_epochs, 1.0);
    }

    #[test]
    fn the_augmentation_is_json_or_a_file_and_mistakes_are_told() {
        let blur = r#"{"blur": {"strength": 1.5, "probability": 0.3}}"#;
        let read = settings(&["--augmentation", blur]).unwrap();
        assert_eq!((read.augmentation.blur.strength, read.augmentation.blur.probability), (1.5, 0.3));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), blur).unwrap();
        assert_eq!(settings(&["--augmentation", &format!("@{}", file.path().display())]).unwrap(), read);
        assert!(settings(&["--augmentation", "blur"]).unwrap_err().to_string().contains("--augmentation"));
        assert!(settings(&["--ema-decay", "2"]).unwrap_err().to_string().contains("weight average"));
    }
}
