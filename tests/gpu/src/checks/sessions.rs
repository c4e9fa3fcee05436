use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use va_domain::TrainSettings;
use va_engine::{CpuEngine, Engine, RgbImage, SampleSource, Session};
use va_error::{Error, Result};

use super::Found;
use crate::course::Course;
use crate::pictures::Pictures;
use crate::sizes::Sizes;
use crate::subject::{Subject, line};

/// Largest difference of a probability: what a certificate allows an exported file.
const TOLERANCE: f32 = 1e-4;
/// More than one batch of a session on any device.
const IMAGES: usize = 70;
const WARM_UP: u32 = 5;

/// The engine's sessions against those of the processor on the same model folders, and how fast they are.
pub fn run(subject: &Subject<'_>, sizes: &Sizes, dir: &Path, found: &mut Found<'_>) -> Result<()> {
    for arch in sizes.archs {
        let course = Course {
            settings: TrainSettings {
                arch: (*arch).to_owned(),
                image_size_px: sizes.image_px,
                batch_size: 8,
                epochs: 2,
                learning_rate: 1e-4,
                ..TrainSettings::default()
            },
            train: Arc::new(Pictures { len: 32, size_px: sizes.image_px }),
            val: None,
            dir: dir.join(arch),
        };
        course.run(subject, false, &mut ())?;
        let session = subject.engine.open_session(&course.model_dir())?;
        let processor = CpuEngine::new().open_session(&course.model_dir())?;
        found(compare(arch, session.as_ref(), processor.as_ref(), sizes.image_px)?);
        for &batch in sizes.inference {
            found(speed(arch, session.as_ref(), batch, sizes)?);
        }
    }
    Ok(())
}

fn compare(arch: &str, ours: &dyn Session, processor: &dyn Session, size_px: u32) -> Result<Value> {
    let source = Pictures { len: IMAGES, size_px: size_px + 9 };
    let images: Vec<RgbImage> = (0..IMAGES).map(|index| source.load(index)).collect::<Result<_>>()?;
    let (ours, expected) = (ours.probabilities(&images)?, processor.probabilities(&images)?);
    let apart = largest_difference(&ours, &expected);
    let name = format!("{arch}, probabilities as on the processor");
    let figures = json!({ "images": ours.len(), "largest_difference": apart, "limit": TOLERANCE });
    Ok(line(name, ours.len() == IMAGES && apart <= TOLERANCE, figures))
}

/// Infinite where the rows are not alike.
pub fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    let alike = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.len() == b.len());
    let differences = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs());
    let largest =
        differences.fold(0.0, |most: f32, apart| if apart.is_nan() { f32::INFINITY } else { most.max(apart) });
    if alike { largest } else { f32::INFINITY }
}

/// From pixels on the host to logits on the host: the median.
fn speed(arch: &str, session: &dyn Session, batch: u32, sizes: &Sizes) -> Result<Value> {
    let numbers = (sizes.image_px as usize).pow(2) * 3 * batch as usize;
    let pixels: Vec<f32> = (0..numbers).map(|i| ((i * 7919) % 251) as f32 / 125.0 - 1.0).collect();
    let mut seconds = Vec::new();
    for step in 0..WARM_UP + sizes.steps {
        let began = Instant::now();
        session.logits(&pixels)?;
        if step >= WARM_UP {
            seconds.push(began.elapsed().as_secs_f64());
        }
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2).copied().ok_or_else(|| Error::invalid("measure at least one step"))?;
    let figures = json!({
        "arch": arch, "precision": "f32", "batch": batch, "images_per_s": f64::from(batch) / median,
    });
    Ok(line(format!("{arch} f32, inference batch {batch}"), true, figures))
}
