//! What training offers and what it would need.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_domain::{DatasetId, DeviceInfo, Forecast, Role, TrainPreset, TrainSettings};

use crate::command::{Command, Method};
use crate::wire::{Nothing, request};

request! {
    TrainForecastRequest { dataset_id: DatasetId, #[serde(default)] settings: TrainSettings }
}

/// What a training can be made of on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrainOptions {
    /// Names for `settings.arch`.
    pub archs: Vec<String>,
    pub presets: Vec<TrainPreset>,
    pub devices: Vec<DeviceInfo>,
}

pub(crate) fn commands() -> Vec<Command> {
    vec![
        Command::new::<Nothing, TrainOptions>(
            "train_options",
            Method::Get,
            "/train/options",
            Role::Viewer,
            "Architectures, presets and devices",
        ),
        Command::new::<TrainForecastRequest, Forecast>(
            "train_forecast",
            Method::Post,
            "/train/forecast",
            Role::Viewer,
            "Memory and work of a training before it starts",
        ),
    ]
}
