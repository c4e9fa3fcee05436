//! Checks that the engine makes of itself.

use std::path::Path;

use serde_json::{Value, json};
use va_error::{Error, Result};

use super::Found;
use crate::sizes::Sizes;
use crate::subject::{Subject, line};

/// The card is there and answers.
pub fn card(subject: &Subject<'_>, _: &Sizes, _: &Path, found: &mut Found<'_>) -> Result<()> {
    found(line("the card answers", true, (subject.itself)(&json!({ "check": "card" }))?));
    Ok(())
}

/// Every kernel against the reference in f64.
pub fn operators(subject: &Subject<'_>, _: &Sizes, _: &Path, found: &mut Found<'_>) -> Result<()> {
    ask(subject, &json!({ "check": "operators" }), found)
}

/// Batches prepared on the card against the host's.
pub fn images(subject: &Subject<'_>, _: &Sizes, _: &Path, found: &mut Found<'_>) -> Result<()> {
    ask(subject, &json!({ "check": "images" }), found)
}

/// A training step of whole networks against f64, one after the other.
pub fn networks(subject: &Subject<'_>, sizes: &Sizes, _: &Path, found: &mut Found<'_>) -> Result<()> {
    let (only, batches) = sizes.networks.unzip();
    let works = only.map_or_else(va_check::network_works, |only| Ok(vec![only.to_owned()]))?;
    let mut ask = |work| ask(subject, &json!({ "check": "networks", "only": work, "batches": batches }), found);
    works.iter().try_for_each(&mut ask)
}

/// Recorded passes against stepwise ones.
pub fn replay(subject: &Subject<'_>, _: &Sizes, _: &Path, found: &mut Found<'_>) -> Result<()> {
    ask(subject, &json!({ "check": "replay" }), found)
}

/// Training steps from images that are on the device already, one work after the other.
pub fn speed(subject: &Subject<'_>, sizes: &Sizes, _: &Path, found: &mut Found<'_>) -> Result<()> {
    sizes.works().into_iter().try_for_each(|work| {
        let request = json!({ "check": "speed", "steps": sizes.steps, "size": sizes.image_px, "works": [work] });
        ask(subject, &request, found)
    })
}

fn ask(subject: &Subject<'_>, request: &Value, found: &mut Found<'_>) -> Result<()> {
    match (subject.itself)(request)? {
        Value::Array(lines) => lines.into_iter().for_each(found),
        other => return Err(Error::internal(format!("the engine answers {request} with {other}"))),
    }
    Ok(())
}
