use std::path::Path;

use serde_json::json;
use va_api::{Client, Quickstart, QuickstartPhase, quickstart};
use va_domain::{Actor, CertificateVerdict, Job, Origin};
use va_error::{Code, Error, Result};

use crate::follow::Shown;
use crate::session::{Need, Session, absolute};
use crate::{interrupt, output};

/// The whole road on the bundled sample.
pub fn run(session: &Session, out: Option<&Path>) -> Result<()> {
    let out = out.map(absolute).transpose()?;
    let made: Quickstart = session.with(Need::Jobs, |client| {
        let Client::Local { app, .. } = client else {
            return Err(Error::new(
                Code::LibraryLocked,
                "the quick start needs a library that no other program has open: stop the other one (`visaion stop`), or \
                 name another library with --library",
            ));
        };
        let mut shown = Shown::new(session.json);
        let mut phase_before = None;
        let outcome = quickstart(app, &Actor::owner(Origin::Cli), out.as_deref(), |phase, job| {
            if phase_before != Some(phase) && !session.json {
                output::note(title(phase));
            }
            phase_before = Some(phase);
            shown.job(job);
            if interrupt::asked() && !job.state.is_final() {
                cancel(app, job);
            }
        });
        shown.end();
        outcome
    })?;
    let passed = made.certificate.verdict == CertificateVerdict::Pass;
    if session.json {
        output::json(&made)?;
    } else {
        let seconds = &made.seconds;
        output::line(format!("model        {}@{}", made.model.name, made.version.number))?;
        output::line(format!(
            "accuracy     {} on {} test images",
            output::percent(made.test_accuracy),
            made.evaluation.summary.sample_count
        ))?;
        output::line(format!("ONNX         {}", made.onnx_path.display()))?;
        output::line(format!("certificate  {}", if passed { "PASS" } else { "FAIL" }))?;
        output::line(format!(
            "time         {:.0} s (import {:.0}, train {:.0}, evaluate {:.0}, export {:.0})",
            seconds.total, seconds.import, seconds.train, seconds.evaluate, seconds.export
        ))?;
        output::line("next: `visaion start` shows all of it in a browser")?;
    }
    if passed {
        Ok(())
    } else {
        Err(Error::internal("the exported file does not give the model's results; do not use it"))
    }
}

fn title(phase: QuickstartPhase) -> &'static str {
    match phase {
        QuickstartPhase::Import => "1/4 importing the sample images",
        QuickstartPhase::Train => "2/4 training",
        QuickstartPhase::Evaluate => "3/4 evaluating on the test split",
        QuickstartPhase::Export => "4/4 exporting and verifying",
    }
}

fn cancel(app: &va_api::App, job: &Job) {
    let asked = va_api::dispatch(app, &Actor::owner(Origin::Cli), "job_cancel", json!({ "id": job.id }));
    if let Err(error) = asked {
        // It has just ended by itself, most likely: then there is nothing to stop.
        tracing::debug!(%error, "the job was not cancelled");
    }
}
