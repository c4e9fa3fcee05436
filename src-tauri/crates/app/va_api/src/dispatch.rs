//! One way in for every adapter: find the command, check the role and the request, run it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use va_app::App;
use va_domain::{Actor, Job, JobState};
use va_error::{Code, Error, Result};

use crate::check::check_request;
use crate::command::command;

/// Runs the command `name` with `request` (an object; null is the empty one). Blocks: call it off an event loop.
///
/// # Errors
/// `NotFound` for an unknown command, `Forbidden` for too small a role, `InvalidInput` naming the field that is wrong,
/// and what the command itself says.
pub fn dispatch(app: &App, actor: &Actor, name: &str, request: Value) -> Result<Value> {
    let command = command(name).ok_or_else(|| Error::not_found(format!("there is no command {name:?}")))?;
    if actor.role < command.role {
        let message = format!("{name} needs the role {:?} or higher; {} is {:?}", command.role, actor.name, actor.role);
        return Err(Error::new(Code::Forbidden, message.to_lowercase()));
    }
    let request = if request.is_null() { json!({}) } else { request };
    check_request(command, &request)?;
    (command.run)(app, actor, request)
}

/// [`dispatch`] with types on both sides.
///
/// # Errors
/// As [`dispatch`]; `Internal` when the answer is not an `R`.
pub fn ask<R: DeserializeOwned>(app: &App, actor: &Actor, name: &str, request: impl Serialize) -> Result<R> {
    read_answer(name, dispatch(app, actor, name, serde_json::to_value(request)?)?)
}

/// Waits for a job of this process's own library and reads its result.
///
/// # Errors
/// What the job failed with; `Cancelled` when it was stopped.
pub fn finish<R: DeserializeOwned>(app: &App, job: &Job) -> Result<R> {
    job_result(va_app::jobs::wait(app, job.id, |_| {})?)
}

/// The result of a job that has ended.
///
/// # Errors
/// What the job failed with; `Cancelled` when it was stopped.
pub fn job_result<R: DeserializeOwned>(job: Job) -> Result<R> {
    match job.state {
        JobState::Succeeded => read_answer(&job.title, job.result.unwrap_or_default()),
        JobState::Failed => {
            let why = job.error.unwrap_or_else(|| "no reason was kept".to_owned());
            Err(Error::conflict(format!("{} failed: {why}", job.title)).with_details(json!({ "job_id": job.id })))
        }
        state => {
            let message = format!("{} was stopped; `visaion job resume {}` goes on", job.title, job.id);
            Err(Error::new(Code::Cancelled, message).with_details(json!({ "job_id": job.id, "state": state })))
        }
    }
}

pub(crate) fn read_answer<R: DeserializeOwned>(name: &str, answer: Value) -> Result<R> {
    serde_json::from_value(answer)
        .map_err(|error| Error::internal(format!("{name} answered in an unknown form: {error}")))
}
