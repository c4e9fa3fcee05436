use serde_json::{Value, json};
use va_api::{JobNotes, job_result};
use va_domain::{Job, JobId, JobKind, JobState, Page};
use va_error::{Error, Result};

use crate::args::JobCommand;
use crate::follow::follow;
use crate::output;
use crate::session::{Need, Session, every_page};

pub fn run(session: &Session, command: JobCommand) -> Result<()> {
    match command {
        JobCommand::List { kind, state } => list(session, kind.map(Into::into), state.map(Into::into)),
        JobCommand::Show { id } => {
            let id = parse(&id)?;
            show(session, id)
        }
        JobCommand::Cancel { id } => {
            let id = parse(&id)?;
            let job: Job = session.with(Need::Library, |client| client.ask("job_cancel", json!({ "id": id })))?;
            print(session, &job)
        }
        JobCommand::Resume { id } => resume(session, parse(&id)?),
    }
}

fn parse(text: &str) -> Result<JobId> {
    text.parse().map_err(|_| Error::invalid(format!("{text:?} is not the id of a job; `visaion job list` shows them")))
}

fn list(session: &Session, kind: Option<JobKind>, state: Option<JobState>) -> Result<()> {
    let request = json!({ "kind": kind, "state": state });
    let page: Page<Job> = session.with(Need::Library, |client| every_page(client, "job_list", &request))?;
    if session.json {
        return output::json(&page);
    }
    let rows: Vec<_> = page
        .items
        .iter()
        .map(|job| Ok([word(job.kind)?, word(job.state)?, progress(job), job.title.clone(), job.id.to_string()]))
        .collect::<Result<_>>()?;
    output::table(["kind", "state", "progress", "title", "id"], &rows, "no jobs yet")
}

/// A job goes on where the library is open; without an owner that is here, so this waits for its end.
fn resume(session: &Session, id: JobId) -> Result<()> {
    let job: Job = session.with(Need::Jobs, |client| {
        let job: Job = client.ask("job_resume", json!({ "id": id }))?;
        if client.is_attached() {
            return Ok(job);
        }
        let ended = follow(session, client, &job)?;
        job_result::<Value>(ended.clone())?;
        Ok(ended)
    })?;
    print(session, &job)
}

/// The job and what it said in words: a split that was made, a continuation that is not bit-exact.
fn show(session: &Session, id: JobId) -> Result<()> {
    let (job, notes): (Job, JobNotes) = session.with(Need::Library, |client| {
        Ok((client.ask("job_get", json!({ "id": id }))?, client.ask("job_notes", json!({ "id": id }))?))
    })?;
    print(session, &job)?;
    if !session.json {
        for note in &notes.notes {
            output::line(format!("  {note}"))?;
        }
    }
    Ok(())
}

fn print(session: &Session, job: &Job) -> Result<()> {
    if session.json {
        return output::json(job);
    }
    output::line(format!("{} ({})", job.title, job.id))?;
    output::line(format!("{} {} {}", word(job.kind)?, word(job.state)?, progress(job)))?;
    if let Some(error) = &job.error {
        output::line(format!("failed: {error}"))?;
    }
    Ok(())
}

fn progress(job: &Job) -> String {
    match (job.progress.done, job.progress.total) {
        (_, 0) => String::new(),
        (done, total) => format!("{done}/{total} {}", job.progress.unit),
    }
}

/// The name on the wire.
fn word(value: impl serde::Serialize) -> Result<String> {
    Ok(serde_json::to_value(value)?.as_str().unwrap_or_default().to_owned())
}
