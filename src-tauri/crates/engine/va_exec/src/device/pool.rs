//! Pooling.

use candle_core::Result;

use super::spread::{Columns, width};
use super::{Buffer, Call, DeviceKernel, Gpu, Number};
use crate::kernels::geometry::PoolGeometry;
use crate::kernels::op::SliceKernel;
use crate::kernels::pool::{
    AvgPoolForward, AvgPoolGrad, GlobalAvgPoolForward, GlobalAvgPoolGrad, MaxPoolForward, MaxPoolGrad,
};

const FILE: &str = "pool";

/// The geometry as `Pool` of `gpu/pool.cu`.
fn shape(geo: &PoolGeometry) -> [usize; 12] {
    let ([h, w], [ho, wo]) = (geo.size, geo.out_size);
    let ([kh, kw], [sh, sw], [ph, pw]) = (geo.kernel, geo.stride, geo.padding);
    [geo.batch, h, w, geo.channels, ho, wo, kh, kw, sh, sw, ph, pw]
}

/// A kernel over the pixels and channels of its first operand.
fn start(kernel: &'static str, channels: usize, operands: &[Buffer]) -> Call {
    let len = operands.first().map_or(0, |operand| operand.len);
    let call = Call::by_elements(FILE, kernel, Number::of_values(operands), len, width(operands, &[channels]));
    operands.iter().fold(call, |call, &operand| call.value(operand))
}

fn check(geo: &PoolGeometry, x: Buffer, y: Buffer) -> Result<()> {
    x.expect(FILE, "input", geo.batch * geo.image_len())?;
    y.expect(FILE, "output", geo.batch * geo.out_image_len())
}

impl DeviceKernel<1> for MaxPoolForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        check(&self.0, x, y)?;
        start("max_pool", self.0.channels, &[y, x]).shape(&shape(&self.0)).run(gpu)
    }
}

impl DeviceKernel<2> for MaxPoolGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [x, dy]: [Buffer; 2]) -> Result<()> {
        check(&self.geometry, x, dy)?;
        dx.expect(Self::NAME, "input gradient", x.len)?;
        let call = start("max_pool_grad", self.geometry.channels, &[dx, x, dy]);
        call.shape(&shape(&self.geometry)).flag(self.accumulate).run(gpu)
    }
}

impl DeviceKernel<1> for AvgPoolForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        check(&self.geometry, x, y)?;
        let call = start("avg_pool", self.geometry.channels, &[y, x]);
        call.shape(&shape(&self.geometry)).flag(self.count_include_pad).run(gpu)
    }
}

impl DeviceKernel<1> for AvgPoolGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [dy]: [Buffer; 1]) -> Result<()> {
        check(&self.geometry, dx, dy)?;
        let call = start("avg_pool_grad", self.geometry.channels, &[dx, dy]).shape(&shape(&self.geometry));
        call.flag(self.count_include_pad).flag(self.accumulate).run(gpu)
    }
}

impl DeviceKernel<1> for GlobalAvgPoolForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "input", y.len * self.pixels)?;
        let samples = y.rows(Self::NAME, self.channels)?;
        let columns = Columns::of_samples(samples, self.pixels, self.channels, &[x]);
        let call = Call::by_column(FILE, "global_avg_pool", Number::of_values(&[x, y]), &columns);
        call.value(y).value(x).run(gpu)
    }
}

impl DeviceKernel<1> for GlobalAvgPoolGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [dy]: [Buffer; 1]) -> Result<()> {
        dx.expect(Self::NAME, "input gradient", dy.len * self.pixels)?;
        let call = start("global_avg_pool_grad", self.channels, &[dx, dy]);
        call.count(self.pixels).count(self.channels).flag(self.accumulate).run(gpu)
    }
}
