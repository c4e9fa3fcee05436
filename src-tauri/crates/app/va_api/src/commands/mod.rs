//! The commands by feature: each file holds the requests and answers of its feature and declares its commands.

pub mod datasets;
pub mod evaluations;
pub mod gpu_pack;
pub mod import;
pub mod jobs;
pub mod labels;
pub mod models;
pub mod projects;
pub mod samples;
pub mod service;
pub mod train;
pub mod weights;

use crate::command::Command;

pub(crate) fn table() -> Vec<Command> {
    let features = [
        ("projects", projects::commands()),
        ("datasets", datasets::commands()),
        ("labels", labels::commands()),
        ("samples", samples::commands()),
        ("import", import::commands()),
        ("training", train::commands()),
        ("weights", weights::commands()),
        ("gpu pack", gpu_pack::commands()),
        ("jobs", jobs::commands()),
        ("models", models::commands()),
        ("evaluations", evaluations::commands()),
        ("service", service::commands()),
    ];
    features
        .into_iter()
        .flat_map(|(tag, commands)| commands.into_iter().map(move |command| Command { tag, ..command }))
        .collect()
}
