//! What a run was forecast to need, or what it then needed, as one JSON line:
//!
//! ```text
//! cargo run -p va_engine --example forecast_check -- forecast|train SETTINGS TRAIN_IMAGES VAL_IMAGES
//! ```
//! `SETTINGS` is JSON: fields of `TrainSettings` that differ from the default. Two processes, so that the memory of the
//! probe is not taken for the run's. Images are made here; the run is the engine's own, loader, validation, checkpoints
//! and the writing of the model included.

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use va_domain::{Task, TrainSettings};
use va_engine::{
    CpuEngine, DataSize, Engine, LoaderHost, RgbImage, SampleSource, Stop, TrainJob, kept_bytes, standard_preprocessing,
};
use va_error::{Context, Error, Result};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Squares whose shade tells the class.
struct Shades {
    len: usize,
    side_px: u32,
}

impl SampleSource for Shades {
    fn len(&self) -> usize {
        self.len
    }
    fn class_idx(&self, index: usize) -> u32 {
        (index % 3) as u32
    }
    fn key(&self, index: usize) -> String {
        format!("shade-{index}")
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        let pixels = (0..self.side_px * self.side_px * 3).map(|i| (i as usize * 31 + index * 80) as u8).collect();
        RgbImage::new(self.side_px, self.side_px, pixels)
    }
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, settings, train_len, val_len] = words.as_slice() else {
        return Err(Error::invalid("usage: forecast_check forecast|train SETTINGS TRAIN_IMAGES VAL_IMAGES"));
    };
    let settings: TrainSettings = serde_json::from_str(settings).context("cannot read the settings")?;
    let count = |word: &str| word.parse::<usize>().map_err(|_| Error::invalid(format!("{word} is not a number")));
    let (train_len, val_len) = (count(train_len)?, count(val_len)?);
    let line = match what.as_str() {
        "forecast" => {
            let (side, size) = (2 * settings.image_size_px, u64::from(settings.image_size_px));
            let decoded_bytes =
                train_len as u64 * kept_bytes(&settings, [side, side]) + val_len as u64 * 3 * size.pow(2);
            let data = DataSize { class_count: 3, train_len, val_len, decoded_bytes };
            let forecast = CpuEngine::new().forecast(&settings, &data)?;
            serde_json::to_string(&forecast)?
        }
        "train" => train(&settings, train_len, val_len)?,
        other => return Err(Error::invalid(format!("unexpected argument {other}"))),
    };
    println!("{line}");
    Ok(())
}

fn train(settings: &TrainSettings, train_len: usize, val_len: usize) -> Result<String> {
    let classes: Vec<String> = ["dark", "grey", "light"].map(str::to_owned).into();
    let folder = std::env::temp_dir().join(format!("visaion-forecast-{}", std::process::id()));
    let source = |len| Arc::new(Shades { len, side_px: 2 * settings.image_size_px });
    let preprocessing = standard_preprocessing(settings.image_size_px);
    let val: Option<Arc<dyn SampleSource>> = if val_len == 0 { None } else { Some(source(val_len)) };
    let mut host = LoaderHost::new(
        source(train_len),
        val,
        &classes,
        Task::Classification,
        settings,
        &preprocessing,
        None,
        |_| {},
        || Stop::Continue,
    )?;
    let job = TrainJob {
        task: Task::Classification,
        settings: settings.clone(),
        classes,
        train_len,
        val_len,
        decoded_bytes: host.decoded_bytes(),
        class_counts: host.class_counts().to_vec(),
        micro_batch_limit: None,
        kept_image_bytes: 0,
        preprocessing,
        checkpoint_dir: folder.join("run"),
        model_dir: folder.join("model"),
        resume: false,
        initial_weights: None,
    };
    let began = Instant::now();
    let outcome = CpuEngine::new().train(&job, &mut host)?;
    let seconds = began.elapsed().as_secs_f64();
    std::fs::remove_dir_all(&folder).context("cannot remove the run's folder")?;
    Ok(serde_json::json!({ "seconds": seconds, "steps": outcome.steps, "peak_bytes": peak_bytes()? }).to_string())
}

/// The most memory this process ever had (Linux).
fn peak_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("this system does not say how much memory")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    Ok(kib.ok_or_else(|| Error::internal("/proc/self/status has no VmHWM"))? * 1024)
}
