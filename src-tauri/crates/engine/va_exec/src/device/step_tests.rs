//! Whole training steps on the emulated card: recorded, replayed, beside those of the CPU, and when something is wrong.

use candle_core::{DType, Device, Tensor};
use va_error::Code;

use super::emulation::{on_crowded_emulated_gpu, on_emulated_gpu, on_emulated_gpu_ending_at};
use super::tests::{distance, values};
use crate::{
    AdamW, Backend, BinaryCrossEntropy, CounterRng, CrossEntropy, Network, Precision, Recordings, Rule, Sgd,
    SoftTarget, Update, UpdateAt, UpdateReport, Wanted,
};

const BATCH: usize = 4;
const SIZE: usize = 32;
const CLASSES: usize = 3;

#[derive(Clone, Copy)]
struct Work {
    arch: &'static str,
    precision: Precision,
    sgd: bool,
    many_labels: bool,
    /// Samples that go through the network at once.
    part: usize,
    replays: bool,
    steps: u64,
}

const WORK: Work = Work {
    arch: "convnext_atto",
    precision: Precision::F32,
    sgd: false,
    many_labels: false,
    part: BATCH,
    replays: true,
    steps: 3,
};

/// What training leaves.
#[derive(Debug, PartialEq)]
struct Left {
    logits: Vec<f64>,
    params: Vec<f64>,
    buffers: Vec<f64>,
    state: Vec<f64>,
    averages: [Vec<f64>; 2],
    norms: Vec<f64>,
    /// Of the network and of updates by themselves.
    recordings: [Recordings; 2],
}

struct Training {
    work: Work,
    net: Network,
    update: Update,
    averages: [Tensor; 2],
}

impl Training {
    fn begin(work: Work) -> Self {
        let rates = va_zoo::Regularisation { dropout: 0.2, stochastic_depth: 0.3 };
        let rates = if work.arch == "convnext_atto" { rates } else { va_zoo::Regularisation::default() };
        let graph = va_zoo::build_with(work.arch, CLASSES, SIZE, 3, rates).unwrap();
        let mut net = Network::with(graph, work.precision, Backend::Reference).unwrap();
        net.replay_passes(work.replays);
        net.init(2).unwrap();
        let mut update = Update::new(&net, Self::rule(work, 1)).unwrap();
        let averages = [net.params(), net.buffers()].map(|tensor| tensor.force_contiguous().unwrap());
        update.follow(Some(averages.clone()));
        Self { work, net, update, averages }
    }

    fn rule(work: Work, step: u64) -> Rule {
        let lr = 1e-3 / step as f64;
        match work.sgd {
            true => Rule::Sgd(Sgd { lr: 10.0 * lr, momentum: 0.9, nesterov: true, weight_decay: 1e-2 }),
            false => Rule::AdamW(AdamW { lr, weight_decay: 0.1, ..AdamW::default() }),
        }
    }

    /// The first layer stays, another begins at the second step, the others have a rate of their own.
    fn at(&self, step: u64) -> UpdateAt {
        let names: Vec<String> = self.net.layout().params().iter().map(|entry| entry.name.clone()).collect();
        let groups = self.net.layout().groups_since(|entry| match &entry.name {
            name if *name == names[0] => (0.0, 0),
            name if *name == names[1] => (if step > 1 { 1.0 } else { 0.0 }, 1),
            _ => (0.7, 0),
        });
        UpdateAt { rule: Self::rule(self.work, step), step, groups, clip_norm: Some(0.5), average_decay: 0.5 }
    }

    fn images(step: u64, range: std::ops::Range<usize>) -> Tensor {
        let (rng, image) = (CounterRng::new(3, "images"), SIZE * SIZE * 3);
        let draw = |i: usize| rng.normal(step * 100_000 + i as u64) as f32;
        let data: Vec<f32> = (range.start * image..range.end * image).map(draw).collect();
        Tensor::from_vec(data, (range.len(), SIZE, SIZE, 3), &Device::Cpu).unwrap()
    }

    fn wanted(&self, range: std::ops::Range<usize>) -> Wanted {
        if self.work.many_labels {
            let all: Vec<f64> = (0..BATCH * CLASSES).map(|i| if i % 4 == 0 { 0.9 } else { 0.1 }).collect();
            let part = &all[range.start * CLASSES..range.end * CLASSES];
            let loss = BinaryCrossEntropy { positive_weights: Some(vec![1.0, 2.0, 0.5]) };
            return loss.wanted(part, CLASSES, all.len()).unwrap();
        }
        let loss = CrossEntropy { label_smoothing: 0.1, class_weights: Some(vec![1.0, 2.0, 0.5]) };
        let blended = SoftTarget { class: 0, other: 2, share: 0.7 };
        let all = [SoftTarget::hard(1), blended, SoftTarget::hard(2), SoftTarget::hard(0)];
        loss.wanted(&all[range], CLASSES, loss.weight_of(&all).unwrap()).unwrap()
    }

    fn step(&mut self, step: u64) -> va_error::Result<(Vec<f64>, UpdateReport)> {
        let at = self.at(step);
        let mut logits = Vec::new();
        if self.work.part == BATCH {
            self.net.set_step_key(step);
            let (images, wanted) = (Self::images(step, 0..BATCH), self.wanted(0..BATCH));
            let learned = self.net.learn_and_update(&images, &wanted, &mut self.update, &at)?;
            assert!((learned.loss()? - wanted.loss(&learned.logits)?).abs() < 1e-6);
            logits = values(&learned.logits);
        } else {
            self.net.zero_grad()?;
            for start in (0..BATCH).step_by(self.work.part) {
                let range = start..start + self.work.part;
                self.net.set_step_key(step + 100 * start as u64);
                let (images, wanted) = (Self::images(step, range.clone()), self.wanted(range));
                logits.extend(values(&self.net.learn(&images, &wanted)?.logits));
            }
            self.net.update(&mut self.update, &at)?;
        }
        Ok((logits, self.update.report()?))
    }

    fn left(&self, logits: Vec<f64>, norms: Vec<f64>) -> Left {
        let averages = self.averages.each_ref().map(values);
        let (params, buffers, state) =
            (values(self.net.params()), values(self.net.buffers()), values(self.update.state()));
        Left {
            logits,
            params,
            buffers,
            state,
            averages,
            norms,
            recordings: [self.net.recordings(), self.update.recordings()],
        }
    }
}

/// Steps by themselves: the first step by step, the second recorded, the others replayed.
fn trained(work: Work) -> Left {
    let mut training = Training::begin(work);
    let (mut logits, mut norms) = (Vec::new(), Vec::new());
    for step in 1..=work.steps {
        let (found, report) = training.step(step).unwrap();
        assert!(report.params_are_finite && report.buffers_are_finite);
        logits.extend(found);
        norms.push(report.grad_norm);
    }
    training.left(logits, norms)
}

#[test]
fn a_replayed_step_gives_the_same_bits_and_still_draws() {
    for work in [
        WORK,
        Work { arch: "mobilenetv4_conv_small", precision: Precision::Bf16, sgd: true, ..WORK },
        Work { part: 2, many_labels: true, ..WORK },
    ] {
        let (stepwise, _) = on_emulated_gpu(|| trained(Work { replays: false, ..work }));
        let (replayed, _) = on_emulated_gpu(|| trained(work));
        assert_eq!(stepwise.recordings, <[Recordings; 2]>::default());
        // A step of one part is one recording; several parts share one, and the update has its own.
        let replays = |replayed| Recordings { replayed, refused: Vec::new() };
        assert_eq!(replayed.recordings, [replays(1), replays(usize::from(work.part < BATCH))]);
        let without = |left: Left| Left { recordings: <[Recordings; 2]>::default(), ..left };
        assert!(without(replayed) == without(stepwise), "{} in parts of {}", work.arch, work.part);
    }
    assert_eq!(trained(WORK).recordings, <[Recordings; 2]>::default(), "the CPU records nothing");
}

/// With everything that a step can do: the CPU computes the same, to rounding.
#[test]
fn a_step_on_the_card_is_that_of_the_processor() {
    for work in [
        WORK,
        Work { sgd: true, many_labels: true, ..WORK },
        Work { arch: "vit_tiny_patch16_224", part: 2, ..WORK },
        // Batch norms over four numbers: later steps would tell how rounding grows.
        Work { arch: "resnet18", sgd: true, steps: 1, ..WORK },
    ] {
        let processor = trained(work);
        let (card, _) = on_emulated_gpu(|| trained(work));
        let of = |left: &Left| {
            let Left { logits, params, buffers, state, averages, norms, .. } = left;
            [logits, params, buffers, state, &averages[0], &averages[1], norms].map(Clone::clone)
        };
        let names = ["logits", "parameters", "statistics", "state", "average", "averaged statistics", "norms"];
        for ((name, ours), theirs) in names.iter().zip(of(&card)).zip(of(&processor)) {
            assert_eq!(ours.len(), theirs.len());
            let apart = distance(&ours, &theirs);
            assert!(apart < 2e-4, "{} {name}: {apart:e}", work.arch);
        }
        assert!(card.norms.iter().any(|&norm| norm > 0.5), "nothing was clipped: {:?}", card.norms);
    }
}

/// An image that is no number: the step says so, and neither weights nor optimiser nor average have moved.
#[test]
fn a_gradient_that_is_no_number_moves_nothing() {
    let check = || {
        let mut training = Training::begin(Work { arch: "mobilenetv4_conv_small", ..WORK });
        for step in 1..=2 {
            training.step(step).unwrap();
        }
        let before = training.left(Vec::new(), Vec::new());
        let images = Training::images(3, 0..BATCH).affine(f64::NAN, 0.0).unwrap();
        let (wanted, at) = (training.wanted(0..BATCH), training.at(3));
        let learned = training.net.learn_and_update(&images, &wanted, &mut training.update, &at).unwrap();
        assert!(learned.loss().unwrap().is_nan());
        assert!(!training.update.report().unwrap().grad_norm.is_finite());
        let after = training.left(Vec::new(), Vec::new());
        assert!((&before.params, &before.state, &before.averages) == (&after.params, &after.state, &after.averages));
    };
    check();
    on_emulated_gpu(check);
}

/// Weights that overflow in the update itself are seen at once.
#[test]
fn weights_that_stop_being_numbers_are_told() {
    let check = || {
        let mut training = Training::begin(Work { sgd: true, ..WORK });
        let at = UpdateAt {
            rule: Rule::Sgd(Sgd { lr: 3e38, momentum: 0.0, nesterov: false, weight_decay: 1e3 }),
            ..training.at(1)
        };
        let (images, wanted) = (Training::images(1, 0..BATCH), training.wanted(0..BATCH));
        training.net.learn_and_update(&images, &wanted, &mut training.update, &at).unwrap();
        let report = training.update.report().unwrap();
        assert!(report.grad_norm.is_finite() && !report.params_are_finite && report.buffers_are_finite, "{report:?}");
    };
    check();
    on_emulated_gpu(check);
}

/// Memory that ends anywhere in a step leaves weights, optimiser and average as they were: only the update moves them, and it
/// and what comes after ask for none.
#[test]
fn a_step_without_memory_moves_no_weights() {
    let work = Work { arch: "mobilenetv4_conv_small", ..WORK };
    let ((), pieces) = on_emulated_gpu_ending_at(None, || drop(Training::begin(work).step(1).unwrap()));
    let ends = [1, pieces / 3, 2 * pieces / 3].into_iter().chain(pieces - 4..=pieces);
    for piece in ends {
        let mut training = Training::begin(work);
        let before = training.left(Vec::new(), Vec::new());
        let (failed, _) = on_emulated_gpu_ending_at(Some(piece), || training.step(1).map(drop));
        assert_eq!(failed.unwrap_err().code(), Code::TooLarge, "piece {piece} of {pieces}");
        let after = training.left(Vec::new(), Vec::new());
        assert!((&before.params, &before.state, &before.averages) == (&after.params, &after.state, &after.averages));
    }
}

/// What ran step by step fits; a recording that does not is left, and said.
#[test]
fn a_recording_that_memory_is_too_small_for_is_left() {
    let (stepwise, _) = on_emulated_gpu(|| trained(Work { replays: false, ..WORK }));
    let crowded = on_crowded_emulated_gpu(|| trained(WORK));
    let [Recordings { replayed, refused }, _] = &crowded.recordings;
    assert!(*replayed == 0 && refused[0].contains("the memory of the GPU is full"), "{refused:?}");
    assert!(crowded.params == stepwise.params && crowded.averages == stepwise.averages);
}

/// An optimiser's state of another rule, groups of another network, a loss of another batch.
#[test]
fn what_does_not_fit_is_refused() {
    let check = || {
        let mut training = Training::begin(WORK);
        let (images, wanted, at) = (Training::images(1, 0..BATCH), training.wanted(0..BATCH), training.at(1));
        let other = UpdateAt { rule: Training::rule(Work { sgd: true, ..WORK }, 1), ..at.clone() };
        let mut finer = at.clone();
        finer.groups.insert(0, crate::ParamGroup { range: 0..0, ..at.groups[0].clone() });
        let Training { net, update, .. } = &mut training;
        assert!(update.report().is_err(), "there was none yet");
        assert!(net.learn_and_update(&images, &wanted, update, &other).is_err());
        assert!(net.learn_and_update(&images, &wanted, update, &finer).is_err());
        assert!(
            net.learn_and_update(&images, &wanted, update, &UpdateAt { groups: Vec::new(), ..at.clone() }).is_err()
        );
        assert!(net.learn_and_update(&images.narrow(0, 0, 2).unwrap(), &wanted, update, &at).is_err());
        assert!(update.report().is_err(), "none has run");
        assert!(update.set_state(&Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap()).is_err());
        assert!(net.learn_and_update(&images, &wanted, update, &at).is_ok() && update.report().is_ok());
    };
    check();
    on_emulated_gpu(check);
}

/// The update follows the network that it is given, not the one that it met first.
#[test]
fn another_network_is_seen() {
    on_emulated_gpu(|| {
        let (mut first, mut second) = (Training::begin(WORK), Training::begin(WORK));
        first.step(1).unwrap();
        std::mem::swap(&mut first.net, &mut second.net);
        let before = values(second.net.params());
        first.step(2).unwrap();
        assert!(values(second.net.params()) == before, "the network that was swapped away has moved");
        assert!(values(first.net.params()) != values(Training::begin(WORK).net.params()));
    });
}
