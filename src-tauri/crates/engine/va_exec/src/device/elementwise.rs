//! Copies, sums, casts, dropout and joins of channels.

use candle_core::{Result, bail};

use super::spread::width;
use super::{Buffer, Call, DeviceKernel, Gpu, Number};
use crate::kernels::channel_scale::StochasticDepth;
use crate::kernels::elementwise::{AddAssign, Cast, ConcatPart, Copy, Dropout, Fill, SplitPart};
use crate::kernels::op::SliceKernel;

pub(super) const FILE: &str = "elementwise";

/// A kernel on operands of the same length, element by element.
pub(super) fn start(kernel: &'static str, number: Number, operands: &[Buffer]) -> Call {
    let len = operands.first().map_or(0, |operand| operand.len);
    Call::by_elements(FILE, kernel, number, len, width(operands, &[]))
}

/// Numbers of one type as the other one.
pub(super) fn cast(gpu: &dyn Gpu, y: Buffer, x: Buffer) -> Result<()> {
    match (y.number, x.number) {
        (Number::Bf16, Number::F32) => start("cast_narrow", Number::Bf16, &[y, x]).value(y).real(x).run(gpu),
        (Number::F32, Number::Bf16) => start("cast_wide", Number::Bf16, &[y, x]).real(y).value(x).run(gpu),
        _ => start("copy", y.number, &[y, x]).value(y).value(x).run(gpu),
    }
}

impl DeviceKernel<1> for Copy {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "source", y.len)?;
        start("copy", y.number, &[y, x]).value(y).value(x).run(gpu)
    }
}

impl DeviceKernel<1> for Cast {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "source", y.len)?;
        cast(gpu, y, x)
    }
}

impl DeviceKernel<0> for Fill {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, []: [Buffer; 0]) -> Result<()> {
        start("fill", y.number, &[y]).value(y).float(self.0).run(gpu)
    }
}

impl DeviceKernel<1> for AddAssign {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "source", y.len)?;
        start("add", Number::of_values(&[y, x]), &[y, x]).value(y).value(x).flag(self.relu).run(gpu)
    }
}

/// Zeroes groups of `group` elements with probability `p`, as `CounterRng::uniform` draws.
fn leave_out(gpu: &dyn Gpu, y: Buffer, p: f64, key: Buffer, group: usize) -> Result<()> {
    key.expect("a draw", "key", 2)?;
    // The draw is a whole number of units of 2^-53, so this comparison is exactly that of the real numbers.
    let threshold = (p * (1u64 << 53) as f64).ceil() as u64;
    let call = Call::over(FILE, "leave_out", y.number, y.len).value(y).words(key).long(threshold);
    call.float(1.0 / (1.0 - p)).count(group).count(y.len).run(gpu)
}

impl DeviceKernel<1> for Dropout {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [key]: [Buffer; 1]) -> Result<()> {
        leave_out(gpu, y, self.p, key, 1)
    }
}

impl DeviceKernel<1> for StochasticDepth {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [key]: [Buffer; 1]) -> Result<()> {
        y.rows(Self::NAME, self.sample_len)?;
        leave_out(gpu, y, self.p, key, self.sample_len)
    }
}

/// A narrow matrix and the columns of a wide one.
struct Columns {
    wide: usize,
    narrow: usize,
    at: usize,
}

impl Columns {
    fn run(&self, gpu: &dyn Gpu, kernel: &'static str, [y, x]: [Buffer; 2], [wide, narrow]: [Buffer; 2]) -> Result<()> {
        let rows = wide.rows(kernel, self.wide)?;
        if self.narrow == 0 || self.at + self.narrow > self.wide || narrow.len != rows * self.narrow {
            bail!("{kernel}: {} of {} channels at {} do not fit", self.narrow, self.wide, self.at)
        }
        let place = [self.narrow, self.wide, self.at];
        let width = width(&[y, x], &place);
        let call = Call::by_elements(FILE, kernel, Number::of_values(&[y, x]), narrow.len, width);
        call.value(y).value(x).shape(&place).run(gpu)
    }
}

impl DeviceKernel<1> for ConcatPart {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        let columns = Columns { wide: self.dst_channels, narrow: self.channels, at: self.at };
        columns.run(gpu, "concat", [y, x], [y, x])
    }
}

impl DeviceKernel<1> for SplitPart {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        let columns = Columns { wide: self.src_channels, narrow: self.channels, at: self.at };
        columns.run(gpu, "split", [y, x], [x, y])
    }
}
