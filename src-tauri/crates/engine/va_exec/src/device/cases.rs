//! The operator table: every kernel of a plan on a small problem, made again in f64 by the reference kernels. The tests run
//! it on the emulated card, the GPU suite on a real one.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::DeviceKernel;
use crate::backend::Precision;
use crate::kernels::lay_out::LaidOut;
use crate::kernels::op::Inplace;
use crate::rng::CounterRng;

mod batch_norm;
mod list;
mod updates;

pub(crate) use list::all;

/// What an operand holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In the precision of the activations.
    Value,
    /// In f32 whatever the precision.
    Real,
    /// As `Real`, above zero.
    Positive,
    /// As `Value`, a thousand deviations away from zero.
    Far,
    /// Whole numbers of the host.
    Words,
}

#[derive(Debug, Clone, Copy)]
struct Operand {
    kind: Kind,
    len: usize,
}

fn value(len: usize) -> Operand {
    Operand { kind: Kind::Value, len }
}

fn real(len: usize) -> Operand {
    Operand { kind: Kind::Real, len }
}

fn positive(len: usize) -> Operand {
    Operand { kind: Kind::Positive, len }
}

fn far(len: usize) -> Operand {
    Operand { kind: Kind::Far, len }
}

/// Numbers before and after an operand, which are none: a kernel that reads or writes them is found. The first leaves operands
/// where a card reads many numbers at once, the second does not.
const MARGINS: [usize; 2] = [8, 9];

fn words(len: usize) -> Operand {
    Operand { kind: Kind::Words, len }
}

type Run = Arc<dyn Fn(&Tensor, &[Tensor]) -> Result<()> + Send + Sync>;

/// One kernel with its operands.
#[derive(Clone)]
pub(crate) struct Case {
    pub name: String,
    dst: Operand,
    srcs: Vec<Operand>,
    run: Run,
}

fn case0<K: DeviceKernel<0> + Send + Sync + 'static>(name: &str, dst: Operand, kernel: K) -> Case {
    let kernel = Inplace(kernel);
    let run = move |dst: &Tensor, _: &[Tensor]| dst.inplace_op1(&kernel);
    Case { name: name.to_owned(), dst, srcs: Vec::new(), run: Arc::new(run) }
}

fn case1<K: DeviceKernel<1> + Send + Sync + 'static>(name: &str, dst: Operand, src: Operand, kernel: K) -> Case {
    let kernel = Inplace(kernel);
    let run = move |dst: &Tensor, srcs: &[Tensor]| dst.inplace_op2(&srcs[0], &kernel);
    Case { name: name.to_owned(), dst, srcs: vec![src], run: Arc::new(run) }
}

fn case2<K: DeviceKernel<2> + Send + Sync + 'static>(name: &str, dst: Operand, srcs: [Operand; 2], kernel: K) -> Case {
    let kernel = Inplace(kernel);
    let run = move |dst: &Tensor, srcs: &[Tensor]| dst.inplace_op3(&srcs[0], &srcs[1], &kernel);
    Case { name: name.to_owned(), dst, srcs: srcs.to_vec(), run: Arc::new(run) }
}

/// Of kernels that a GPU joins, with as many sources as they have.
fn joined(
    name: &str,
    dst: Operand,
    srcs: Vec<Operand>,
    run: impl Fn(&Tensor, &[Tensor]) -> Result<()> + Send + Sync + 'static,
) -> Case {
    Case { name: name.to_owned(), dst, srcs, run: Arc::new(run) }
}

/// As [`case2`] of a kernel whose second source, bias and weight or the weight alone, is laid out for it first: the weight as
/// the transpose of `matrix`.
fn laid_out<K: DeviceKernel<2> + Send + Sync + 'static>(
    name: &str,
    dst: Operand,
    srcs: [Operand; 2],
    matrix: [usize; 2],
    kernel: impl Fn(Option<LaidOut>) -> K + Send + Sync + 'static,
) -> Case {
    let bias = srcs[1].len - matrix[0] * matrix[1];
    let run = move |dst: &Tensor, srcs: &[Tensor]| {
        let weights = LaidOut::alone(&srcs[1], bias, matrix, srcs[0].dtype())?;
        dst.inplace_op3(&srcs[0], &srcs[1], &Inplace(kernel(Some(weights))))
    };
    Case { name: name.to_owned(), dst, srcs: srcs.to_vec(), run: Arc::new(run) }
}

impl Case {
    /// The error of this kernel on `device` in `precision`: Euclidean, as a share of the result in f64 from the same numbers,
    /// the larger one of operands that lie as a card likes them and of others.
    ///
    /// # Errors
    /// When the kernel fails.
    pub fn error(&self, device: &Device, precision: Precision) -> Result<f64> {
        let exact = self.result(&Device::Cpu, precision, DType::F64, MARGINS[0])?;
        let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let mut worst = 0.0;
        for margin in MARGINS {
            let found = self.result(device, precision, precision.activations(), margin)?;
            let apart = length(&mut found.iter().zip(&exact).map(|(a, b)| a - b));
            let error = apart / length(&mut exact.iter().copied()).max(1e-30);
            // What is no number stays the worst.
            worst = if error <= worst { worst } else { error };
        }
        Ok(worst)
    }

    /// The result with values in `numbers`, of operands that are rounded to the precision whatever `numbers` is and that have a
    /// margin around them.
    fn result(&self, device: &Device, precision: Precision, numbers: DType, margin: usize) -> Result<Vec<f64>> {
        let make = |operand: &Operand, place: usize| -> Result<Tensor> {
            let rng = CounterRng::new(7, &format!("{} {place}", self.name));
            if operand.kind == Kind::Words {
                // The same ones whatever the margin.
                let word = |i: usize| rng.bits((i as u64).wrapping_sub(margin as u64)) as u32;
                let words: Vec<u32> = (0..operand.len + 2 * margin).map(word).collect();
                let len = words.len();
                return Tensor::from_vec(words, len, &Device::Cpu)?.to_device(device);
            }
            let draw = |i: usize| match operand.kind {
                Kind::Positive => 0.1 + rng.uniform(i as u64),
                Kind::Value | Kind::Real | Kind::Words => rng.normal(i as u64),
                Kind::Far => 1.0 + 1e-3 * rng.normal(i as u64),
            };
            let around = || std::iter::repeat_n(f64::NAN, margin);
            let data: Vec<f64> = around().chain((0..operand.len).map(draw)).chain(around()).collect();
            let (rounded, kept) = match operand.kind {
                Kind::Value | Kind::Far => (precision.activations(), numbers),
                Kind::Real | Kind::Positive if numbers == DType::F64 => (precision.params(), DType::F64),
                Kind::Real | Kind::Positive | Kind::Words => (precision.params(), precision.params()),
            };
            let len = data.len();
            Tensor::from_vec(data, len, &Device::Cpu)?.to_dtype(rounded)?.to_dtype(kept)?.to_device(device)
        };
        let inside = |whole: &Tensor, operand: &Operand| whole.narrow(0, margin, operand.len);
        let whole = make(&self.dst, 0)?;
        let places = self.srcs.iter().zip(1..);
        let srcs =
            places.map(|(operand, place)| inside(&make(operand, place)?, operand)).collect::<Result<Vec<Tensor>>>()?;
        (self.run)(&inside(&whole, &self.dst)?, &srcs)?;
        let whole: Vec<f64> = whole.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec1()?;
        let (before, rest) = whole.split_at(margin);
        let (result, after) = rest.split_at(self.dst.len);
        if before.iter().chain(after).any(|v| !v.is_nan()) {
            bail!("{}: numbers beside the result were written", self.name)
        }
        Ok(result.to_vec())
    }
}
