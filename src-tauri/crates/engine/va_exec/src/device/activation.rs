//! Activations and products of values.

use candle_core::Result;

use super::{Buffer, Call, DeviceKernel, Gpu, Number};
use crate::kernels::activation::{Activation, ActivationGrad, MulAssign, Product};
use crate::kernels::op::SliceKernel;

const FILE: &str = "elementwise";

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
        let call = Call::over(FILE, "activation", Number::of_values(&[y, x]), y.len);
        call.value(y).value(x).count(self.code()).count(y.len).run(gpu)
    }
}

impl DeviceKernel<1> for ActivationGrad {
    fn run_on(&self, gpu: &dyn Gpu, dy: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "source", dy.len)?;
        let call = Call::over(FILE, "activation_grad", Number::of_values(&[dy, x]), dy.len);
        call.value(dy).value(x).count(self.0.code()).count(dy.len).run(gpu)
    }
}

impl DeviceKernel<1> for MulAssign {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "source", y.len)?;
        Call::over(FILE, "mul", Number::of_values(&[y, x]), y.len).value(y).value(x).count(y.len).run(gpu)
    }
}

impl DeviceKernel<2> for Product {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [a, b]: [Buffer; 2]) -> Result<()> {
        a.expect(Self::NAME, "first factor", y.len)?;
        b.expect(Self::NAME, "second factor", y.len)?;
        let call = Call::over(FILE, "product", Number::of_values(&[y, a, b]), y.len);
        call.value(y).value(a).value(b).flag(self.accumulate).count(y.len).run(gpu)
    }
}
