//! Pooling.

use candle_core::Result;

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

fn check(geo: &PoolGeometry, x: Buffer, y: Buffer) -> Result<()> {
    x.expect(FILE, "input", geo.batch * geo.image_len())?;
    y.expect(FILE, "output", geo.batch * geo.out_image_len())
}

impl DeviceKernel<1> for MaxPoolForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        check(&self.0, x, y)?;
        let call = Call::over(FILE, "max_pool", x.number, y.len).value(y).value(x);
        call.shape(&shape(&self.0)).count(y.len).run(gpu)
    }
}

impl DeviceKernel<2> for MaxPoolGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [x, dy]: [Buffer; 2]) -> Result<()> {
        check(&self.geometry, x, dy)?;
        dx.expect(Self::NAME, "input gradient", x.len)?;
        let call = Call::over(FILE, "max_pool_grad", x.number, dx.len).value(dx).value(x).value(dy);
        call.shape(&shape(&self.geometry)).flag(self.accumulate).count(dx.len).run(gpu)
    }
}

impl DeviceKernel<1> for AvgPoolForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        check(&self.geometry, x, y)?;
        let call = Call::over(FILE, "avg_pool", x.number, y.len).value(y).value(x);
        call.shape(&shape(&self.geometry)).flag(self.count_include_pad).count(y.len).run(gpu)
    }
}

impl DeviceKernel<1> for AvgPoolGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [dy]: [Buffer; 1]) -> Result<()> {
        check(&self.geometry, dx, dy)?;
        let call = Call::over(FILE, "avg_pool_grad", dx.number, dx.len).value(dx).value(dy);
        let call = call.shape(&shape(&self.geometry)).flag(self.count_include_pad);
        call.flag(self.accumulate).count(dx.len).run(gpu)
    }
}

impl DeviceKernel<1> for GlobalAvgPoolForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "input", y.len * self.pixels)?;
        let call = Call::over(FILE, "global_avg_pool", Number::of_values(&[x, y]), y.len).value(y).value(x);
        call.count(self.pixels).count(self.channels).count(y.len).run(gpu)
    }
}

impl DeviceKernel<1> for GlobalAvgPoolGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [dy]: [Buffer; 1]) -> Result<()> {
        dx.expect(Self::NAME, "input gradient", dy.len * self.pixels)?;
        let call = Call::over(FILE, "global_avg_pool_grad", dx.number, dx.len).value(dx).value(dy);
        call.count(self.pixels).count(self.channels).flag(self.accumulate).count(dx.len).run(gpu)
    }
}
