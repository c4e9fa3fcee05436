//! Images a second of an import (read, hashed, proved whole, thumbnail made, copied and synced, rows written) against reading
//! and JPEG decode (libjpeg-turbo) alone, on all cores, as one JSON line:
//!
//! ```text
//! cargo run -p va_app --example import_speed -- [images] [width] [height] [rounds]
//! ```
//! Ours and the bare work in turn, each round into a new library.

#![allow(clippy::print_stdout, reason = "its only output")]

#[path = "../../../data/va_media/examples/photograph/mod.rs"]
mod photograph;

use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use serde_json::json;
use va_app::import::{ImportRequest, import_now};
use va_app::{Actor, App, OpenOptions, Origin, datasets};
use va_error::{Context, Error, Result};
use va_media::Limits;

/// The application's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let words: Vec<u32> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let at = |place: usize, standard: u32| words.get(place).copied().unwrap_or(standard);
    let (count, width, height, rounds) = (at(0, 256), at(1, 1280), at(2, 960), at(3, 5));
    let place = tempfile::tempdir().context("cannot make a folder")?;
    let source = place.path().join("photographs");
    let files: Vec<PathBuf> = (0..count).map(|i| source.join(format!("{i:05}.jpg"))).collect();
    std::fs::create_dir_all(&source).context("cannot make a folder")?;
    (0..count).into_par_iter().try_for_each(|i| {
        std::fs::write(&files[i as usize], photograph::photograph(width, height, i)?)
            .context("cannot write a photograph")
    })?;

    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        bare.push(decoded(&files)?);
        ours.push(imported(&place.path().join(format!("library {round}")), &source, count)?);
    }
    let [bare, ours] = [bare, ours].map(median);
    println!(
        "{}",
        json!({
            "images": count, "width_px": width, "height_px": height, "rounds": rounds,
            "images_per_s": { "bare": bare, "import": ours }, "import_to_bare": ours / bare,
        })
    );
    Ok(())
}

fn decoded(files: &[PathBuf]) -> Result<f64> {
    let began = Instant::now();
    files.par_iter().try_for_each(|file| {
        let bytes = std::fs::read(file).context("cannot read a photograph")?;
        va_media::decode(&bytes, &Limits::default()).map(drop)
    })?;
    Ok(files.len() as f64 / began.elapsed().as_secs_f64())
}

fn imported(library: &Path, source: &Path, count: u32) -> Result<f64> {
    let actor = Actor::owner(Origin::Cli);
    let app = App::open(library, OpenOptions { create: true, run_jobs: true })?;
    let dataset = datasets::create(&app, &actor, "photographs", "", None)?.id;
    let request = ImportRequest { paths: vec![source.to_owned()], ..ImportRequest::default() };
    let began = Instant::now();
    let report = import_now(&app, &actor, dataset, &request)?;
    let seconds = began.elapsed().as_secs_f64();
    app.close()?;
    std::fs::remove_dir_all(library).context("cannot remove a library")?;
    if report.imported != u64::from(count) {
        return Err(Error::internal(format!("{} of {count} photographs came in", report.imported)));
    }
    Ok(f64::from(count) / seconds)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
