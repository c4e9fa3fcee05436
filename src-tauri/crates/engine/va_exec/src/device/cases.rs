//! The operator table: every kernel of a plan on a small problem, made again in f64 by the reference kernels. The tests run
//! it on the emulated card, the GPU suite on a real one.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};

use super::DeviceKernel;
use crate::backend::Precision;
use crate::kernels::lay_out::LaidOut;
use crate::kernels::op::Inplace;
use crate::rng::CounterRng;

mod list;

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
    /// The error of this kernel on `device` in `precision`: Euclidean, as a share of the result in f64 from the same numbers.
    ///
    /// # Errors
    /// When the kernel fails.
    pub fn error(&self, device: &Device, precision: Precision) -> Result<f64> {
        let exact = self.result(&Device::Cpu, precision, DType::F64)?;
        let found = self.result(device, precision, precision.activations())?;
        let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let apart = length(&mut found.iter().zip(&exact).map(|(a, b)| a - b));
        Ok(apart / length(&mut exact.iter().copied()).max(1e-30))
    }

    /// The result with values in `numbers`, of operands that are rounded to the precision whatever `numbers` is.
    fn result(&self, device: &Device, precision: Precision, numbers: DType) -> Result<Vec<f64>> {
        let make = |operand: &Operand, place: usize| -> Result<Tensor> {
            let rng = CounterRng::new(7, &format!("{} {place}", self.name));
            let draw = |i: usize| match operand.kind {
                Kind::Positive => 0.1 + rng.uniform(i as u64),
                Kind::Value | Kind::Real => rng.normal(i as u64),
            };
            let data: Vec<f64> = (0..operand.len).map(draw).collect();
            let (rounded, kept) = match operand.kind {
                Kind::Value => (precision.activations(), numbers),
                Kind::Real | Kind::Positive if numbers == DType::F64 => (precision.params(), DType::F64),
                Kind::Real | Kind::Positive => (precision.params(), precision.params()),
            };
            Tensor::from_vec(data, operand.len, &Device::Cpu)?.to_dtype(rounded)?.to_dtype(kept)?.to_device(device)
        };
        let dst = make(&self.dst, 0)?;
        let places = self.srcs.iter().zip(1..);
        let srcs = places.map(|(operand, place)| make(operand, place)).collect::<Result<Vec<Tensor>>>()?;
        (self.run)(&dst, &srcs)?;
        dst.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec1()
    }
}
