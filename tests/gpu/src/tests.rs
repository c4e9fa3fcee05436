//! The checks over engines that are not right, and over one that stands in for a card whose memory ends: a check that must
//! fail does fail.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use va_domain::{Forecast, ModelPrecision, TrainSettings};
use va_engine::{
    Batch, BatchRequest, CpuEngine, DataSize, Engine, EngineDescription, Explainer, ExportedModel, ModelCard, RgbImage,
    SampleSource, Session, Stop, TrainEvent, TrainHost, TrainJob, TrainOutcome, WantedImage,
};
use va_error::{Error, Result};

use crate::attempt;
use crate::sizes::Sizes;
use crate::subject::Subject;

/// What is wrong with an engine.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// A probability of every image is off.
    Probabilities,
    /// A resumed run begins elsewhere.
    Resume,
    /// A loss that is no number.
    Loss,
    /// Where memory ends, it gives up.
    GivesUp,
    /// Where memory ends, the step is another one than it would have been.
    Trace,
    /// Some passes cannot be recorded.
    Refuses,
    /// Its sessions record nothing.
    Unrecorded,
}

/// The processor's engine with a fault, with memory that ends where a batch is larger than half after somebody took it, and
/// with a count of recordings as a card's: one a run, one an answer of a session.
struct Odd {
    fault: Fault,
    is_full: Mutex<bool>,
    recorded: Arc<AtomicU64>,
}

impl Odd {
    fn is_full(&self) -> bool {
        *self.is_full.lock().unwrap()
    }

    fn itself(&self, request: &Value) -> Result<Value> {
        match request["check"].as_str() {
            Some("hold") => *self.is_full.lock().unwrap() = true,
            Some("release") => *self.is_full.lock().unwrap() = false,
            Some("recordings") => {
                let refused: &[&str] = if self.fault == Fault::Refuses { &["forward pass: no"] } else { &[] };
                return Ok(json!({ "made": self.recorded.load(Ordering::Relaxed), "refused": refused }));
            }
            _ => return va_check::run(request),
        }
        Ok(Value::Null)
    }

    /// A run that finds at its first batch that memory ended: it goes on in halves.
    fn train_in_halves(&self, job: &TrainJob, host: &mut dyn TrainHost, mut first: First) -> Result<TrainOutcome> {
        if self.fault == Fault::GivesUp {
            return Err(Error::internal("the memory of the GPU is full"));
        }
        let half = job.settings.batch_size / 2;
        let job = TrainJob { micro_batch_limit: Some(half), ..job.clone() };
        if self.fault == Fault::Trace {
            first.1.pixels.iter_mut().for_each(|value| *value *= 1.5);
        }
        let message = "8 samples at a time do not fit in memory: from now on 4".to_owned();
        host.event(TrainEvent::Note { message });
        let mut host = Faulty { host, first: Some(first), fault: self.fault, hides_start: true };
        CpuEngine::new().train(&job, &mut host)
    }
}

/// The first batch, asked for before the run.
type First = (BatchRequest, Batch);

struct Faulty<'a> {
    host: &'a mut dyn TrainHost,
    first: Option<First>,
    fault: Fault,
    /// The start was told already.
    hides_start: bool,
}

impl TrainHost for Faulty<'_> {
    fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        if let Some((_, first)) = self.first.take_if(|(asked, _)| *asked == request) {
            *batch = first;
            return Ok(());
        }
        self.host.next_batch(request, batch)
    }

    fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.host.next_images(request, batch)
    }

    fn copy_images(&mut self, wanted: &[WantedImage], room: &mut [u8]) -> Result<()> {
        self.host.copy_images(wanted, room)
    }

    fn event(&mut self, mut event: TrainEvent) {
        if self.hides_start && matches!(event, TrainEvent::RunStarted { .. }) {
            return;
        }
        if let (Fault::Loss, TrainEvent::Step { loss, step: 3, .. }) = (self.fault, &mut event) {
            *loss = f64::NAN;
        }
        self.host.event(event);
    }

    fn should_stop(&mut self) -> Stop {
        self.host.should_stop()
    }
}

impl Engine for Odd {
    fn describe(&self) -> EngineDescription {
        CpuEngine::new().describe()
    }

    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        CpuEngine::new().forecast(settings, data)
    }

    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        self.recorded.fetch_add(1, Ordering::Relaxed);
        let mut job = job.clone();
        if self.fault == Fault::Resume && job.resume {
            job.resume = false;
            job.settings.seed += 1;
        }
        if job.settings.micro_batch_size == 0 && !job.resume {
            let request = BatchRequest { phase: va_engine::Phase::Train, epoch: 0, step: 0 };
            let mut batch = Batch::default();
            host.next_batch(request, &mut batch)?;
            if self.is_full() {
                host.event(TrainEvent::RunStarted {
                    parameter_count: 0,
                    steps_per_epoch: 0,
                    epochs: 0,
                    done_steps: 0,
                    micro_batch_size: job.settings.batch_size,
                    device: String::new(),
                });
                return self.train_in_halves(&job, host, (request, batch));
            }
            let first = Some((request, batch));
            return CpuEngine::new().train(&job, &mut Faulty { host, first, fault: self.fault, hides_start: false });
        }
        CpuEngine::new().train(&job, &mut Faulty { host, first: None, fault: self.fault, hides_start: false })
    }

    fn open_session(&self, model_dir: &Path) -> Result<Box<dyn Session>> {
        let (session, recorded) = (CpuEngine::new().open_session(model_dir)?, self.recorded.clone());
        Ok(Box::new(Off { session, fault: self.fault, recorded }))
    }

    fn open_explainer(&self, model_dir: &Path) -> Result<Box<dyn Explainer>> {
        CpuEngine::new().open_explainer(model_dir)
    }

    fn export_onnx(
        &self,
        model_dir: &Path,
        out: &Path,
        samples: &dyn SampleSource,
        precision: ModelPrecision,
    ) -> Result<ExportedModel> {
        CpuEngine::new().export_onnx(model_dir, out, samples, precision)
    }
}

struct Off {
    session: Box<dyn Session>,
    fault: Fault,
    recorded: Arc<AtomicU64>,
}

impl Session for Off {
    fn card(&self) -> &ModelCard {
        self.session.card()
    }

    fn logits(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        self.session.logits(pixels)
    }

    fn probabilities(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        let mut rows = self.session.probabilities(images)?;
        self.recorded.fetch_add(u64::from(self.fault != Fault::Unrecorded), Ordering::Relaxed);
        if self.fault == Fault::Probabilities {
            // Larger than a certificate allows by little.
            rows.iter_mut().for_each(|row| row[0] += 2e-4);
        }
        Ok(rows)
    }
}

/// The named check of an engine with this fault. One at a time: the soak weighs the whole process.
fn checked(name: &str, fault: Fault, sizes: &Sizes) -> Value {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let odd = Odd { fault, is_full: Mutex::new(false), recorded: Arc::default() };
    let subject = Subject { engine: &odd, itself: &|request: &Value| odd.itself(request) };
    let dir = tempfile::tempdir().unwrap();
    attempt::make(name, &subject, sizes, &dir.path().join(name), &mut |_| {}).result(name, 0.0)
}

/// Whether each line passed; none where the check could not be made.
fn lines(name: &str, fault: Fault) -> Vec<bool> {
    let result = checked(name, fault, &Sizes::processor());
    let lines = result["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert_eq!(
        result["passed"] == true,
        !lines.is_empty() && lines.iter().all(|line| line["passed"] == true),
        "{result}"
    );
    lines.iter().map(|line| line["passed"] == true).collect()
}

#[test]
fn memory_that_ends_is_seen_to_be_answered_with_halves_and_no_trace() {
    assert_eq!(lines("memory", Fault::None), [true, true]);
    assert_eq!(lines("memory", Fault::GivesUp), [false; 0]);
    assert_eq!(lines("memory", Fault::Trace), [true, false]);
}

#[test]
fn a_run_that_resumes_elsewhere_fails() {
    assert_eq!(lines("resume", Fault::Resume), [false]);
}

#[test]
fn probabilities_that_are_off_fail() {
    let lines = lines("sessions", Fault::Probabilities);
    assert!(!lines[0] && lines[1..].iter().all(|passed| *passed), "{lines:?}");
}

#[test]
fn a_soak_with_a_loss_that_is_no_number_fails() {
    assert_eq!(lines("soak", Fault::Loss), [false, true, true, true]);
}

#[test]
fn a_soak_whose_passes_are_not_recorded_fails() {
    assert_eq!(lines("soak", Fault::Refuses), [true, true, true, false]);
    assert_eq!(lines("soak", Fault::Unrecorded), [true, true, true, false]);
}

#[test]
fn a_device_that_waits_too_long_fails() {
    let result = checked("loader", Fault::None, &Sizes { least_busy: 1.01, ..Sizes::processor() });
    assert_eq!(result["passed"], false, "{result}");
    let share = result["lines"][0]["busy"].as_f64().unwrap();
    assert!(share > 0.0 && share <= 1.0, "{result}");
}
