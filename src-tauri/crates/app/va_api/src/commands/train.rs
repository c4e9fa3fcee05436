//! What training offers and what it would need.

use va_app::train::{self, TrainOptions};
use va_domain::{DatasetId, Forecast, Role, TrainSettings};

use crate::command::{Command, Method};
use crate::wire::{Nothing, request};

request! {
    TrainForecastRequest { dataset_id: DatasetId, #[serde(default)] settings: TrainSettings }
}

pub(crate) fn commands() -> Vec<Command> {
    vec![
        Command::new::<Nothing, TrainOptions>(
            "train_options",
            Method::Get,
            "/train/options",
            Role::Viewer,
            "Architectures, presets and devices",
            |app, _, _| Ok(train::options(app)),
        ),
        Command::new::<TrainForecastRequest, Forecast>(
            "train_forecast",
            Method::Post,
            "/train/forecast",
            Role::Viewer,
            "Memory and work of a training before it starts",
            |app, _, q| {
                let request = train::ForecastRequest { dataset_id: q.dataset_id, settings: q.settings };
                train::forecast(app, &request)
            },
        ),
    ]
}
