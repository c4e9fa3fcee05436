//! Checks that the engine makes of itself.

use std::path::Path;

use serde_json::{Value, json};
use va_error::{Error, Result};

use crate::sizes::Sizes;
use crate::subject::Subject;

/// Every kernel against the reference in f64.
pub fn operators(subject: &Subject<'_>, _: &Sizes, _: &Path) -> Result<Vec<Value>> {
    ask(subject, &json!({ "check": "operators" }))
}

/// Batches prepared on the card against the host's.
pub fn images(subject: &Subject<'_>, _: &Sizes, _: &Path) -> Result<Vec<Value>> {
    ask(subject, &json!({ "check": "images" }))
}

/// A training step of whole networks against f64.
pub fn networks(subject: &Subject<'_>, sizes: &Sizes, _: &Path) -> Result<Vec<Value>> {
    let (only, batches) = sizes.networks.unzip();
    ask(subject, &json!({ "check": "networks", "only": only, "batches": batches }))
}

/// Recorded passes against stepwise ones.
pub fn replay(subject: &Subject<'_>, _: &Sizes, _: &Path) -> Result<Vec<Value>> {
    ask(subject, &json!({ "check": "replay" }))
}

/// Training steps from images that are on the device already.
pub fn speed(subject: &Subject<'_>, sizes: &Sizes, _: &Path) -> Result<Vec<Value>> {
    let request = json!({
        "check": "speed", "steps": sizes.steps, "size": sizes.image_px, "works": sizes.works(),
    });
    ask(subject, &request)
}

fn ask(subject: &Subject<'_>, request: &Value) -> Result<Vec<Value>> {
    match (subject.itself)(request)? {
        Value::Array(lines) => Ok(lines),
        other => Err(Error::internal(format!("the engine answers {request} with {other}"))),
    }
}
