//! What each command does, one file an area.

mod datasets;
mod explain;
mod gpu_pack;
mod jobs;
mod machine;
mod models;
mod projects;
mod quickstart;
mod service;
mod train;
mod weights;

use va_error::Result;

use crate::args::{Args, Command};
use crate::interrupt;
use crate::session::Session;

/// Runs the command that was typed.
///
/// # Errors
/// One message that says what happened and what to do.
pub fn run(args: Args) -> Result<()> {
    let session = Session::new(args.library, args.json)?;
    if let Command::Start(start) = &args.command {
        return service::start(&session, start);
    }
    interrupt::listen()?;
    match args.command {
        Command::Quickstart { out } => quickstart::run(&session, out.as_deref()),
        Command::Project(command) => projects::run(&session, command),
        Command::Dataset(command) => datasets::run(&session, command),
        Command::Train(args) => train::train(&session, &args),
        Command::Evaluate { model, split } => train::evaluate(&session, &model, split.into()),
        Command::Predict { model, threshold, paths } => models::predict(&session, &model, threshold, &paths),
        Command::Explain { model, image, class, layer, opacity, out } => {
            explain::run(&session, &explain::Asked { model, image, class, layer, opacity, out })
        }
        Command::Export { model, format, precision, out } => {
            models::export(&session, &model, format.into(), precision.into(), &out)
        }
        Command::Weights(command) => weights::run(&session, command),
        Command::GpuPack(command) => gpu_pack::run(&session, command),
        Command::Job(command) => jobs::run(&session, command),
        Command::Resources => machine::resources(&session),
        Command::Diagnostics { out } => machine::diagnostics(&session, &out),
        Command::Start(_) => Ok(()),
        Command::Status { show_password } => service::status(&session, show_password),
        Command::Stop => service::stop(&session),
    }
}
