//! Losses and their gradients.

use candle_core::Result;

use super::{Buffer, Call, DeviceKernel, Gpu, Number};
use crate::kernels::loss::{BinaryCrossEntropyGrad, BinaryCrossEntropyRows, CrossEntropyGrad, CrossEntropyRows};
use crate::kernels::op::SliceKernel;

const FILE: &str = "loss";

impl DeviceKernel<2> for CrossEntropyGrad {
    fn run_on(&self, gpu: &dyn Gpu, grad: Buffer, [logits, wanted]: [Buffer; 2]) -> Result<()> {
        let rows = grad.rows(Self::NAME, self.classes)?;
        logits.expect(Self::NAME, "logits", grad.len)?;
        wanted.expect(Self::NAME, "wanted", grad.len)?;
        let call = Call::by_row(FILE, "cross_entropy_grad", grad.number, rows).value(grad).real(logits).real(wanted);
        call.count(self.classes).run(gpu)
    }
}

impl DeviceKernel<2> for BinaryCrossEntropyGrad {
    fn run_on(&self, gpu: &dyn Gpu, grad: Buffer, [logits, wanted]: [Buffer; 2]) -> Result<()> {
        logits.expect(Self::NAME, "logits", grad.len)?;
        wanted.expect(Self::NAME, "wanted", 2 * grad.len)?;
        let call = Call::over(FILE, "binary_cross_entropy_grad", grad.number, grad.len).value(grad).real(logits);
        call.real(wanted).count(grad.len).run(gpu)
    }
}

impl DeviceKernel<2> for CrossEntropyRows {
    fn run_on(&self, gpu: &dyn Gpu, losses: Buffer, [logits, wanted]: [Buffer; 2]) -> Result<()> {
        logits.expect(Self::NAME, "logits", losses.len * self.classes)?;
        wanted.expect(Self::NAME, "wanted", losses.len * self.classes)?;
        let call = Call::by_row(FILE, "cross_entropy", Number::F32, losses.len).real(losses).real(logits).real(wanted);
        call.count(self.classes).run(gpu)
    }
}

impl DeviceKernel<2> for BinaryCrossEntropyRows {
    fn run_on(&self, gpu: &dyn Gpu, losses: Buffer, [logits, wanted]: [Buffer; 2]) -> Result<()> {
        let entries = losses.len * self.classes;
        logits.expect(Self::NAME, "logits", entries)?;
        wanted.expect(Self::NAME, "wanted", 2 * entries)?;
        let call = Call::by_row(FILE, "binary_cross_entropy", Number::F32, losses.len).real(losses).real(logits);
        call.real(wanted).count(self.classes).count(entries).run(gpu)
    }
}
