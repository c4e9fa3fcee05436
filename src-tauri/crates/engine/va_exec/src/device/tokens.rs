//! Tokens with a class token and positions.

use candle_core::Result;

use super::{Buffer, Call, DeviceKernel, Gpu};
use crate::kernels::op::SliceKernel;
use crate::kernels::tokens::{
    AddPositions, ClassTokenGrad, PlaceTokens, PositionGrad, SelectToken, SelectTokenGrad, TokenGeometry,
    TokensInputGrad,
};

const FILE: &str = "tokens";

fn sample_len(geo: &TokenGeometry) -> usize {
    geo.tokens * geo.channels
}

fn check(geo: &TokenGeometry, tokens: Buffer) -> Result<()> {
    tokens.expect(FILE, "tokens", geo.batch * sample_len(geo))
}

fn check_image(geo: &TokenGeometry, image: Buffer) -> Result<()> {
    image.expect(FILE, "image", geo.batch * (geo.tokens - 1) * geo.channels)
}

impl DeviceKernel<2> for PlaceTokens {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x, class]: [Buffer; 2]) -> Result<()> {
        let geo = &self.0;
        check(geo, y)?;
        check_image(geo, x)?;
        class.expect(Self::NAME, "class token", geo.channels)?;
        let call = Call::over(FILE, "tokens", x.number, y.len).value(y).value(x).real(class);
        call.count(geo.tokens).count(geo.channels).count(y.len).run(gpu)
    }
}

impl DeviceKernel<1> for AddPositions {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [positions]: [Buffer; 1]) -> Result<()> {
        y.rows(Self::NAME, positions.len)?;
        let call = Call::over(FILE, "add_positions", y.number, y.len).value(y).real(positions);
        call.count(positions.len).count(y.len).run(gpu)
    }
}

/// `grad += Σ dy` over samples of `sample` numbers, for the first numbers of each.
fn sum_samples(gpu: &dyn Gpu, grad: Buffer, dy: Buffer, sample: usize) -> Result<()> {
    let samples = dy.rows(FILE, sample)?;
    let call = Call::over(FILE, "sum_samples", dy.number, grad.len).real(grad).value(dy);
    call.count(samples).count(sample).count(grad.len).run(gpu)
}

impl DeviceKernel<1> for PositionGrad {
    fn run_on(&self, gpu: &dyn Gpu, grad: Buffer, [dy]: [Buffer; 1]) -> Result<()> {
        sum_samples(gpu, grad, dy, grad.len)
    }
}

impl DeviceKernel<1> for ClassTokenGrad {
    fn run_on(&self, gpu: &dyn Gpu, grad: Buffer, [dy]: [Buffer; 1]) -> Result<()> {
        check(&self.0, dy)?;
        grad.expect(Self::NAME, "class token", self.0.channels)?;
        sum_samples(gpu, grad, dy, sample_len(&self.0))
    }
}

impl DeviceKernel<1> for TokensInputGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [dy]: [Buffer; 1]) -> Result<()> {
        let geo = &self.geometry;
        check(geo, dy)?;
        check_image(geo, dx)?;
        let call = Call::over(FILE, "tokens_input_grad", dx.number, dx.len).value(dx).value(dy);
        call.count(geo.tokens).count(geo.channels).flag(self.accumulate).count(dx.len).run(gpu)
    }
}

impl DeviceKernel<1> for SelectToken {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        let geo = &self.geometry;
        check(geo, x)?;
        y.expect(Self::NAME, "output", geo.batch * geo.channels)?;
        let call = Call::over(FILE, "select_token", x.number, y.len).value(y).value(x);
        call.count(geo.tokens).count(geo.channels).count(self.index).count(y.len).run(gpu)
    }
}

impl DeviceKernel<1> for SelectTokenGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [dy]: [Buffer; 1]) -> Result<()> {
        let geo = &self.geometry;
        check(geo, dx)?;
        dy.expect(Self::NAME, "gradient", geo.batch * geo.channels)?;
        let call = Call::over(FILE, "select_token_grad", dx.number, dx.len).value(dx).value(dy);
        let call = call.count(geo.tokens).count(geo.channels).count(self.index);
        call.flag(self.accumulate).count(dx.len).run(gpu)
    }
}
