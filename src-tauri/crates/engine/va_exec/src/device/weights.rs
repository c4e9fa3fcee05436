//! Weights and biases on their way into products: as they were laid out before the pass, or made from the flat tensor into
//! scratch memory where they were not.

use candle_core::Result;

use super::{Buffer, Call, DeviceKernel, Gpu, Number};
use crate::kernels::conv_ops::Epilogue;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::lay_out::{LaidOut, LayOut, Piece};

/// `PIECES` and `PIECE_PART` of `gpu/convolution.cu`: pieces that one start takes, and numbers of a block.
const PIECES: usize = 128;
const PIECE_PART: usize = 1024;

impl DeviceKernel<1> for LayOut {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        self.check(y.len, x.len)?;
        self.pieces().chunks(PIECES).try_for_each(|pieces| lay_out(gpu, y, x, pieces))
    }
}

fn lay_out(gpu: &dyn Gpu, y: Buffer, x: Buffer, pieces: &[Piece]) -> Result<()> {
    let (mut words, mut blocks) = (vec![pieces.len()], 0);
    for piece in pieces {
        words.extend([piece.from, piece.to, piece.rows, piece.columns, blocks]);
        blocks += piece.len().div_ceil(PIECE_PART);
    }
    words.resize(1 + 5 * PIECES, 0);
    Call::of_blocks("convolution", "lay_out", y.number, blocks).value(y).real(x).shape(&words).run(gpu)
}

/// The bias and the weight of one layer.
pub(super) struct Weights<'a> {
    laid_out: Option<&'a LaidOut>,
    /// In f32, as they lie in the flat tensor.
    pub weight: Buffer,
    pub bias: Option<Buffer>,
}

impl<'a> Weights<'a> {
    /// Of parameters that begin with the bias of `outputs` numbers, where the epilogue has one.
    pub fn of(epilogue: &Epilogue, params: Buffer, outputs: usize, laid_out: Option<&'a LaidOut>) -> Result<Self> {
        if !epilogue.bias {
            return Ok(Self::without_bias(params, laid_out));
        }
        let bias = params.part(0, outputs)?;
        Ok(Self { laid_out, weight: params.part(outputs, params.len - outputs)?, bias: Some(bias) })
    }

    pub fn without_bias(weight: Buffer, laid_out: Option<&'a LaidOut>) -> Self {
        Self { laid_out, weight, bias: None }
    }

    /// The weight in its own order.
    pub fn matrix(&self, gpu: &dyn Gpu, number: Number) -> Result<Buffer> {
        match self.laid_out {
            Some(laid_out) => gpu.operand(&laid_out.weight),
            None if self.weight.number == number => Ok(self.weight),
            None => turned(gpu, self.weight, [1, self.weight.len], number),
        }
    }

    /// `[kh, kw, C / groups, K]` as `[K, kh, kw, C / groups]`.
    pub fn filter(&self, gpu: &dyn Gpu, geo: &ConvGeometry, number: Number) -> Result<Buffer> {
        match self.laid_out {
            Some(laid_out) => gpu.operand(&laid_out.weight),
            None => turned(gpu, self.weight, [geo.window(), geo.out_channels], number),
        }
    }

    /// The bias as values, at an address that every kernel can read from.
    pub fn bias_values(&self, gpu: &dyn Gpu, number: Number) -> Result<Option<Buffer>> {
        if let Some(bias) = self.laid_out.and_then(|laid_out| laid_out.bias.as_ref()) {
            return gpu.operand(bias).map(Some);
        }
        self.bias.map(|bias| turned(gpu, bias, [1, bias.len], number)).transpose()
    }
}

/// The transpose of a matrix in f32, as values in scratch memory.
fn turned(gpu: &dyn Gpu, reals: Buffer, matrix: [usize; 2], number: Number) -> Result<Buffer> {
    let mut turn = LayOut::default();
    turn.add(0, matrix);
    let values = gpu.scratch(number, reals.len)?;
    turn.run_on(gpu, values, [reals])?;
    Ok(values)
}
