//! An update on the device: what differs between steps is written into its memory before, so that the kernels can be
//! recorded, and what it found is read from there after. No step of it asks for memory.

use std::sync::Arc;

use candle_core::{DType, Error, Result, Tensor, bail};

use super::spread::width;
use super::{Buffer, Call, Gpu, Number, computes_on, elementwise, on_device};
use crate::error::words;
use crate::groups::ParamGroup;
use crate::kernels::host::write_words;
use crate::optim::AdamW;
use crate::plan::Step;
use crate::update::{Moved, Rule, UpdateAt};

const FILE: &str = "optimiser";

/// Words of `Control` and of a `Group` of `gpu/optimiser.cu`, and of an f64.
const CONTROL: usize = 10;
const GROUP: usize = 4;
const DOUBLE: usize = 2;

/// Numbers whose squares one block sums.
const PART: usize = 1 << 14;

pub(crate) struct DeviceUpdate(Arc<Tensors>);

struct Tensors {
    moved: Moved,
    /// `Control`, and after it the groups.
    control: Tensor,
    /// `Report`.
    report: Tensor,
    /// Sums of squares of the parts of gradients, parameters and buffers.
    sums: [Tensor; 3],
}

impl DeviceUpdate {
    /// Of parameters in so many groups at most; None where no device computes on them.
    pub fn of(moved: &Moved, groups: usize) -> Result<Option<Self>> {
        if !computes_on(&moved.params) {
            return Ok(None);
        }
        on_device(&[&moved.params], |gpu, _| load(gpu, is_adam(moved)))?;
        let words = |len: usize| Tensor::zeros(len.max(1), DType::U32, moved.params.device());
        let sums_of = |tensor: &Tensor| words(DOUBLE * tensor.elem_count().div_ceil(PART));
        Ok(Some(Self(Arc::new(Tensors {
            moved: moved.clone(),
            control: words(CONTROL + GROUP * groups.max(1))?,
            report: words(4 * DOUBLE)?,
            sums: [sums_of(&moved.grads)?, sums_of(&moved.params)?, sums_of(&moved.buffers)?],
        }))))
    }

    /// Writes what the next update follows.
    pub fn begin(&self, at: &UpdateAt) -> Result<()> {
        let (mut words, room) = (control(at), self.0.control.elem_count());
        if words.len() > room {
            bail!("BUG: {} groups are more than were said", at.groups.len())
        }
        words.resize(room, 0);
        write_words(&self.0.control, &words)
    }

    /// Of the last update: the gradient's norm, sums of squares of parameters and of buffers. Waits for it.
    pub fn report(&self) -> Result<[f64; 3]> {
        let mut found = [0.0; 3];
        on_device(&[&self.0.report], |gpu, buffers| {
            let [norm, _, params, statistics] = gpu.download(doubles(buffers[0]))?[..] else {
                bail!("BUG: a report has four numbers")
            };
            found = [norm, params, statistics];
            Ok(())
        })?;
        Ok(found)
    }

    /// By itself, now.
    pub fn run(&self, at: &UpdateAt) -> Result<()> {
        self.begin(at)?;
        self.0.runs().into_iter().try_for_each(|run| run(&self.0))
    }

    /// Its kernels, in order.
    pub fn steps(&self) -> Vec<Step> {
        let step = |run: fn(&Tensors) -> Result<()>| {
            let tensors = self.0.clone();
            Step::beside(move || run(&tensors).map_err(|error| not_again(&error)))
        };
        self.0.runs().map(step).into()
    }
}

fn is_adam(moved: &Moved) -> bool {
    moved.state.elem_count() == 2 * moved.params.elem_count()
}

/// What is started once weights move: it must not fail then because there is no memory to load it.
fn load(gpu: &dyn Gpu, is_adam: bool) -> Result<()> {
    let moves = if is_adam { "adam_update" } else { "sgd_update" };
    gpu.load(FILE, Number::F32, &["squares", "begin_update", moves, "end_update", "follow"])?;
    // What a step has learned is copied at its very end.
    gpu.load(elementwise::FILE, Number::F32, &["copy"])
}

/// No step asks for memory; should the driver do so all the same, weights may have moved: unlike a batch that does not fit it
/// must not look as if the step could be tried again.
fn not_again(error: &Error) -> Error {
    Error::Msg(words(error).replace("OUT_OF_MEMORY", "NO_MEMORY_LEFT"))
}

impl Tensors {
    fn runs(&self) -> [fn(&Self) -> Result<()>; 4] {
        [Self::measure, Self::move_params, Self::look, Self::follow]
    }

    /// The gradient's norm, and the factor that clips it.
    fn measure(&self) -> Result<()> {
        on_device(&[&self.moved.grads, &self.sums[0], &self.report, &self.control], |gpu, buffers| {
            let [grads, sums, report, control] = four(buffers);
            squares(gpu, doubles(sums), grads)?;
            let call = Call::by_row(FILE, "begin_update", Number::F32, 1).words(report).double(doubles(sums));
            call.count(grads.len.div_ceil(PART)).words(control).run(gpu)
        })
    }

    fn move_params(&self) -> Result<()> {
        let Moved { params, state, grads, .. } = &self.moved;
        let tensors = [params, state, grads, &self.control, &self.report];
        on_device(&tensors, |gpu, buffers| {
            let &[params, state, grads, control, report] = buffers else { bail!("BUG: five tensors") };
            let (name, state) = match is_adam(&self.moved) {
                true => ("adam_update", vec![state.part(0, params.len)?, state.part(params.len, params.len)?]),
                false => ("sgd_update", vec![state]),
            };
            let operands = [&[params], &state[..], &[grads]].concat();
            // The second moments lie wherever the first ones end; all others begin where a card can read many at once.
            let width = width(&[params, state[0], grads], &[]);
            let call = Call::by_elements(FILE, name, Number::F32, params.len, width);
            operands.iter().fold(call, |call, &operand| call.real(operand)).words(control).words(report).run(gpu)
        })
    }

    /// Whether every number is one.
    fn look(&self) -> Result<()> {
        let tensors = [&self.moved.params, &self.sums[1], &self.moved.buffers, &self.sums[2], &self.report];
        on_device(&tensors, |gpu, buffers| {
            let ([params, of_params], [statistics, of_statistics]) =
                ([buffers[0], buffers[1]], [buffers[2], buffers[3]]);
            squares(gpu, doubles(of_params), params)?;
            squares(gpu, doubles(of_statistics), statistics)?;
            let call = Call::by_row(FILE, "end_update", Number::F32, 1).words(buffers[4]);
            let call = call.double(doubles(of_params)).count(params.len.div_ceil(PART));
            call.double(doubles(of_statistics)).count(statistics.len.div_ceil(PART)).run(gpu)
        })
    }

    fn follow(&self) -> Result<()> {
        let Some([params, buffers]) = &self.moved.average else { return Ok(()) };
        for (average, values) in [(params, &self.moved.params), (buffers, &self.moved.buffers)] {
            on_device(&[average, values, &self.control, &self.report], |gpu, buffers| {
                let [average, values, control, report] = four(buffers);
                let width = width(&[average, values], &[]);
                let call = Call::by_elements(FILE, "follow", Number::F32, average.len, width);
                call.real(average).real(values).words(control).words(report).run(gpu)
            })?;
        }
        Ok(())
    }
}

/// Sums of squares of each [`PART`], in f64.
fn squares(gpu: &dyn Gpu, sums: Buffer, x: Buffer) -> Result<()> {
    let call = Call::by_row(FILE, "squares", Number::F32, x.len.div_ceil(PART)).double(sums).real(x);
    call.count(PART).count(x.len).run(gpu)
}

fn four(buffers: &[Buffer]) -> [Buffer; 4] {
    [buffers[0], buffers[1], buffers[2], buffers[3]]
}

/// Words as the f64 that they hold.
fn doubles(words: Buffer) -> Buffer {
    Buffer { len: words.len / DOUBLE, number: Number::F64, ..words }
}

/// `Control` of `gpu/optimiser.cu`, and after it the groups.
fn control(at: &UpdateAt) -> Vec<u32> {
    let norm = at.clip_norm.unwrap_or(f64::INFINITY).to_bits();
    let numbers = match at.rule {
        Rule::AdamW(adam) => [adam.beta1, 1.0 - adam.beta1, adam.beta2, 1.0 - adam.beta2, adam.eps],
        Rule::Sgd(sgd) => [sgd.momentum, f64::from(u8::from(sgd.nesterov)), 0.0, 0.0, 0.0],
    };
    let mut words = vec![norm as u32, (norm >> 32) as u32];
    words.extend(numbers.iter().chain(&[1.0 - at.average_decay]).map(|&v| (v as f32).to_bits()));
    words.extend([at.groups.len() as u32, 0]);
    for group in &at.groups {
        words.push(group.range.end as u32);
        words.extend(treatment(at, group).map(|v| (v as f32).to_bits()));
    }
    words
}

/// Rate, decay and root of a `Group`.
fn treatment(at: &UpdateAt, group: &ParamGroup) -> [f64; 3] {
    match at.rule {
        Rule::AdamW(_) if group.rate == 0.0 => [0.0, 1.0, 1.0],
        Rule::AdamW(AdamW { lr, beta1, beta2, weight_decay, .. }) => {
            let t = (at.step - group.idle_steps) as f64;
            let [first, second] = [beta1, beta2].map(|beta| 1.0 - beta.powf(t));
            let lr = lr * group.rate;
            [lr / first, if group.decay { 1.0 - lr * weight_decay } else { 1.0 }, second.sqrt()]
        }
        Rule::Sgd(sgd) => {
            let decay = if group.decay { sgd.weight_decay } else { 0.0 };
            [sgd.lr * group.rate, decay, if group.rate != 0.0 { 1.0 } else { 0.0 }]
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::emulation::on_emulated_gpu;
    use super::*;
    use crate::CounterRng;

    #[test]
    fn the_norm_is_summed_in_f64() {
        let values: Vec<f32> = (0..200_003).map(|i| CounterRng::new(1, "squares").normal(i) as f32).collect();
        let exact: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        let len = values.len();
        let zeros = |len: usize| Tensor::zeros(len, DType::F32, &Device::Cpu).unwrap();
        let grads = Tensor::from_vec(values, len, &Device::Cpu).unwrap();
        let moved = Moved { params: zeros(len), grads, buffers: zeros(3), state: zeros(len), average: None };
        let groups = vec![ParamGroup { range: 0..len, decay: false, rate: 0.0, idle_steps: 0 }];
        let rule = Rule::Sgd(crate::Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0.0 });
        let at = UpdateAt { rule, step: 1, groups, clip_norm: None, average_decay: 0.0 };
        let (found, _) = on_emulated_gpu(|| {
            let update = DeviceUpdate::of(&moved, 1).unwrap().unwrap();
            update.run(&at).unwrap();
            update.report().unwrap()
        });
        assert!((found[0] / exact - 1.0).abs() < 1e-12 && found[1..] == [0.0, 0.0], "{found:?} {exact}");
    }
}
