//! What happens at start-up to jobs that a crash, a power cut or `kill -9` left running.

use va_domain::{Job, JobState, now_ms};
use va_error::Result;

use super::rows;
use crate::App;

/// After so many interruptions at the same place a job is left alone: it may be what ends the program.
const MAX_SAME_PLACE: usize = 3;

/// Running becomes interrupted, and interrupted is queued again: training goes on from its last checkpoint, an import
/// skips what it has, and every other kind writes its result only at the end, so it can simply be run again.
pub(super) fn recover(app: &App) -> Result<()> {
    for mut job in rows::in_state(app, JobState::Running)? {
        job.state = JobState::Interrupted;
        rows::interrupt(app, &job)?;
    }
    for mut job in rows::in_state(app, JobState::Interrupted)? {
        requeue(app, &mut job)?;
    }
    Ok(())
}

fn requeue(app: &App, job: &mut Job) -> Result<()> {
    let places = rows::interruptions(app, job.id)?;
    if stuck(&places) {
        let message = "VisAIon was ended while this job ran, three times at the same place, so the job is not started \
                       again by itself (it may need more memory than there is). Its progress is safe: resume it, or \
                       start it with smaller settings.";
        if job.error.as_deref() != Some(message) {
            job.error = Some(message.to_owned());
            job.ended_ms = Some(now_ms());
            rows::save(app, job)?;
        }
        return Ok(());
    }
    job.state = JobState::Queued;
    rows::save(app, job)?;
    rows::note(app, job.id, "queued again")
}

/// Whether the last interruptions all happened at the same progress.
fn stuck(places: &[String]) -> bool {
    places.len() >= MAX_SAME_PLACE && {
        let last = &places[places.len() - MAX_SAME_PLACE..];
        last.iter().all(|place| place == &last[0])
    }
}

#[cfg(test)]
mod tests {
    use super::stuck;

    #[test]
    fn three_interruptions_at_one_place_are_a_trap_but_progress_is_not() {
        let places = |list: &[&str]| list.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        assert!(!stuck(&places(&["0", "0"])));
        assert!(stuck(&places(&["5", "0", "0", "0"])));
        assert!(!stuck(&places(&["0", "0", "1"])));
    }
}
