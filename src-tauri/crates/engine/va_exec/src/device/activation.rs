//! Activations and products of values.

use candle_core::Result;

use super::elementwise::start;
use super::{Buffer, DeviceKernel, Gpu, Number};
use crate::kernels::activation::{Activation, ActivationGrad, MulAssign, Product};
use crate::kernels::op::SliceKernel;

impl Activation {
    /// Its number in `gpu/function.cuh`.
    pub(super) fn code(self) -> usize {
        match self {
            Self::Relu => 1,
            Self::Gelu => 2,
            Self::Silu => 3,
            Self::HardSwish => 4,
            Self::Sigmoid => 5,
        }
    }
}

impl DeviceKernel<0> for Activation {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, []: [Buffer; 0]) -> Result<()> {
        DeviceKernel::<1>::run_on(self, gpu, y, [y])
    }
}

impl DeviceKernel<1> for Activation {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect("activation", "source", y.len)?;
        let call = start("activation", Number::of_values(&[y, x]), &[y, x]).value(y).value(x);
        call.count(self.code()).run(gpu)
    }
}

impl DeviceKernel<1> for ActivationGrad {
    fn run_on(&self, gpu: &dyn Gpu, dy: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "source", dy.len)?;
        let call = start("activation_grad", Number::of_values(&[dy, x]), &[dy, x]).value(dy).value(x);
        call.count(self.0.code()).run(gpu)
    }
}

impl DeviceKernel<1> for MulAssign {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "source", y.len)?;
        start("mul", Number::of_values(&[y, x]), &[y, x]).value(y).value(x).run(gpu)
    }
}

impl DeviceKernel<2> for Product {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [a, b]: [Buffer; 2]) -> Result<()> {
        a.expect(Self::NAME, "first factor", y.len)?;
        b.expect(Self::NAME, "second factor", y.len)?;
        let call = start("product", Number::of_values(&[y, a, b]), &[y, a, b]);
        call.value(y).value(a).value(b).flag(self.accumulate).run(gpu)
    }
}
