//! Products of matrices, all row-major, as the host describes them.

use super::{Buffer, Gpu};
use candle_core::{Result, bail};

/// A matrix in device memory; `stride` numbers lie between its stored rows, `step` between the matrices of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix {
    pub data: Buffer,
    pub stride: usize,
    pub step: usize,
    /// Stored as its transpose.
    pub transposed: bool,
}

impl Matrix {
    pub fn rows(data: Buffer, stride: usize) -> Self {
        Self { data, stride, step: 0, transposed: false }
    }

    pub fn transposed(data: Buffer, stride: usize) -> Self {
        Self { data, stride, step: 0, transposed: true }
    }

    pub fn every(mut self, step: usize) -> Self {
        self.step = step;
        self
    }

    /// Numbers from its first to its last, for `rows × cols` in `batch` copies.
    fn reach(&self, rows: usize, cols: usize, batch: usize) -> usize {
        let (rows, cols) = if self.transposed { (cols, rows) } else { (rows, cols) };
        (batch - 1) * self.step + (rows - 1) * self.stride + cols
    }
}

/// `dst[m × n] (+)= a[m × k] · b[k × n]`, for every matrix of a batch; summed in f32.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MatMul {
    pub size: [usize; 3],
    pub batch: usize,
    pub dst: Matrix,
    pub a: Matrix,
    pub b: Matrix,
    pub accumulate: bool,
}

impl MatMul {
    pub fn new(size: [usize; 3], dst: Matrix, a: Matrix, b: Matrix) -> Self {
        Self { size, batch: 1, dst, a, b, accumulate: false }
    }

    pub fn accumulate(mut self, accumulate: bool) -> Self {
        self.accumulate = accumulate;
        self
    }

    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }

    /// # Errors
    /// When a matrix reaches beyond its buffer, or the device fails.
    pub fn run(self, gpu: &dyn Gpu) -> Result<()> {
        if self.is_nothing() {
            return Ok(());
        }
        self.check()?;
        gpu.matmul(&self)
    }

    /// With a bias for each column, and `relu`, in the same kernel; false where the device has none for it.
    ///
    /// # Errors
    /// As [`MatMul::run`].
    pub fn finished(self, gpu: &dyn Gpu, bias: Buffer, relu: bool) -> Result<bool> {
        if self.is_nothing() {
            return Ok(true);
        }
        self.check()?;
        bias.expect("a product", "bias", self.size[1])?;
        if bias.number != self.dst.data.number || self.batch != 1 {
            bail!("BUG: a product of {:?} cannot be finished with a bias in {:?}", self.size, bias.number)
        }
        gpu.matmul_finished(&self, bias, relu)
    }

    fn is_nothing(&self) -> bool {
        let [m, n, _] = self.size;
        m == 0 || n == 0 || self.batch == 0
    }

    fn check(&self) -> Result<()> {
        let [m, n, k] = self.size;
        if k == 0 || self.dst.transposed || self.a.data.number != self.b.data.number {
            bail!("BUG: a product of {:?} cannot be made", self.size)
        }
        for (matrix, rows, cols) in [(&self.dst, m, n), (&self.a, m, k), (&self.b, k, n)] {
            if matrix.reach(rows, cols, self.batch) > matrix.data.len {
                bail!("BUG: a matrix of {rows} × {cols} reaches beyond its {} numbers", matrix.data.len)
            }
        }
        Ok(())
    }
}
