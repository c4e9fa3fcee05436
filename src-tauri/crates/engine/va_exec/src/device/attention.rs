//! Attention: products of cuBLAS around a softmax of rows, one head of all samples at a time, so that the scores that live
//! at a time are `[N, T, T]`. They are made again in the backward.

use candle_core::Result;

use super::{Buffer, Call, DeviceKernel, Gpu, MatMul, Matrix, Number};
use crate::kernels::attention::{AttentionForward, AttentionGeometry, AttentionGrad};

const FILE: &str = "attention";

/// Sizes, and where things of one head lie.
struct Head {
    geo: AttentionGeometry,
    head: usize,
}

impl Head {
    fn channels(&self) -> usize {
        self.geo.channels / self.geo.heads
    }

    fn scale(&self) -> f64 {
        1.0 / (self.channels() as f64).sqrt()
    }

    /// From one sample's packed numbers to the next one's.
    fn packed_step(&self) -> usize {
        self.geo.tokens * 3 * self.geo.channels
    }

    /// Query (0), key (1) or value (2) of all samples, `[T, D]` each.
    fn packed(&self, qkv: Buffer, third: usize) -> Result<Matrix> {
        let at = third * self.geo.channels + self.head * self.channels();
        let data = qkv.part(at, qkv.len - at)?;
        Ok(Matrix::rows(data, 3 * self.geo.channels).every(self.packed_step()))
    }

    fn result(&self, y: Buffer) -> Result<Matrix> {
        let at = self.head * self.channels();
        Ok(Matrix::rows(y.part(at, y.len - at)?, self.geo.channels).every(self.geo.tokens * self.geo.channels))
    }

    /// `[T, T]` a sample.
    fn scores(&self, data: Buffer) -> Matrix {
        Matrix::rows(data, self.geo.tokens).every(self.geo.tokens * self.geo.tokens)
    }

    fn product(&self, size: [usize; 3], dst: Matrix, a: Matrix, b: Matrix) -> MatMul {
        MatMul::new(size, dst, a, b).batch(self.geo.batch)
    }

    /// `softmax(scale · Q Kᵀ)` into `p`, by way of `s`.
    fn probabilities(&self, gpu: &dyn Gpu, qkv: Buffer, s: Buffer, p: Buffer) -> Result<()> {
        let (t, d) = (self.geo.tokens, self.channels());
        let keys = Matrix { transposed: true, ..self.packed(qkv, 1)? };
        self.product([t, t, d], self.scores(s), self.packed(qkv, 0)?, keys).run(gpu)?;
        let call = Call::by_row(FILE, "softmax", p.number, self.geo.batch * t).value(p).real(s);
        call.float(self.scale()).count(t).run(gpu)
    }
}

fn check(geo: &AttentionGeometry, qkv: Buffer, y: Buffer) -> Result<()> {
    qkv.expect(FILE, "packed input", geo.batch * geo.tokens * 3 * geo.channels)?;
    y.expect(FILE, "result", geo.batch * geo.tokens * geo.channels)
}

/// Scores of one head of all samples, in f32 and as values.
fn scores(gpu: &dyn Gpu, geo: &AttentionGeometry, number: Number) -> Result<[Buffer; 2]> {
    let len = geo.batch * geo.tokens * geo.tokens;
    Ok([gpu.scratch(Number::F32, len)?, gpu.scratch(number, len)?])
}

impl DeviceKernel<1> for AttentionForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [qkv]: [Buffer; 1]) -> Result<()> {
        let geo = self.0;
        check(&geo, qkv, y)?;
        let [s, p] = scores(gpu, &geo, qkv.number)?;
        for head in 0..geo.heads {
            let head = Head { geo, head };
            head.probabilities(gpu, qkv, s, p)?;
            let size = [geo.tokens, head.channels(), geo.tokens];
            head.product(size, head.result(y)?, head.scores(p), head.packed(qkv, 2)?).run(gpu)?;
        }
        Ok(())
    }
}

impl DeviceKernel<2> for AttentionGrad {
    fn run_on(&self, gpu: &dyn Gpu, dqkv: Buffer, [qkv, dy]: [Buffer; 2]) -> Result<()> {
        let geo = self.geometry;
        check(&geo, qkv, dy)?;
        dqkv.expect(FILE, "gradient", qkv.len)?;
        let [s, p] = scores(gpu, &geo, qkv.number)?;
        let ds = gpu.scratch(qkv.number, p.len)?;
        for head in 0..geo.heads {
            self.head_grad(gpu, &Head { geo, head }, [dqkv, qkv, dy], [s, p, ds])?;
        }
        Ok(())
    }
}

impl AttentionGrad {
    fn head_grad(
        &self,
        gpu: &dyn Gpu,
        head: &Head,
        [dqkv, qkv, dy]: [Buffer; 3],
        [s, p, ds]: [Buffer; 3],
    ) -> Result<()> {
        let (t, d, add) = (self.geometry.tokens, head.channels(), self.accumulate);
        let flipped = |matrix: Matrix| Matrix { transposed: true, ..matrix };
        head.probabilities(gpu, qkv, s, p)?;
        let dy = head.result(dy)?;
        let dv = head.product([t, d, t], head.packed(dqkv, 2)?, flipped(head.scores(p)), dy);
        dv.accumulate(add).run(gpu)?;
        // The scores themselves are not needed any more.
        head.product([t, t, d], head.scores(s), dy, flipped(head.packed(qkv, 2)?)).run(gpu)?;
        let call = Call::by_row(FILE, "softmax_grad", p.number, self.geometry.batch * t).value(ds).value(p).real(s);
        call.float(head.scale()).count(t).run(gpu)?;
        let ds = head.scores(ds);
        let dq = head.product([t, d, t], head.packed(dqkv, 0)?, ds, head.packed(qkv, 1)?);
        dq.accumulate(add).run(gpu)?;
        let dk = head.product([t, d, t], head.packed(dqkv, 1)?, flipped(ds), head.packed(qkv, 0)?);
        dk.accumulate(add).run(gpu)
    }
}
