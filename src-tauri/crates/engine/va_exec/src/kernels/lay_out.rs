//! Weights as the products of a GPU read them: in the number type of the values, each at an address that every kernel can
//! read 16 bytes at once from, filters by output channel.

use candle_core::{DType, Result, Tensor, bail};

use super::op::{In, Out, SliceKernel, apply1};
use super::real::Element;

/// Every piece begins at a multiple of so many numbers: 128 bytes of bf16.
const ALIGNMENT: usize = 64;

/// A matrix in the flat parameters, `[rows, columns]`, and where its transpose goes. With one row nothing is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub from: usize,
    pub to: usize,
    pub rows: usize,
    pub columns: usize,
}

impl Piece {
    pub fn len(&self) -> usize {
        self.rows * self.columns
    }
}

/// Lays out pieces of its source, in f32; what lies between them stays as it is.
#[derive(Debug, Clone, Default)]
pub struct LayOut {
    pieces: Vec<Piece>,
    len: usize,
}

impl LayOut {
    /// One more matrix, which lies at `from`; where it goes.
    pub fn add(&mut self, from: usize, [rows, columns]: [usize; 2]) -> Piece {
        let piece = Piece { from, to: self.len, rows, columns };
        self.pieces.push(piece);
        self.len = (self.len + piece.len()).next_multiple_of(ALIGNMENT);
        piece
    }

    #[cfg_attr(not(any(test, feature = "cuda")), allow(dead_code, reason = "a GPU takes so many at a time"))]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Numbers of the result.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Refuses a source or result that a piece reaches beyond.
    pub(crate) fn check(&self, dst: usize, src: usize) -> Result<()> {
        if self.pieces.iter().any(|piece| piece.from + piece.len() > src || piece.to + piece.len() > dst) {
            bail!("lay_out: a weight reaches beyond {src} parameters or its {dst} places")
        }
        Ok(())
    }
}

impl SliceKernel<1> for LayOut {
    const NAME: &'static str = "lay_out";
    fn run<T: Element>(&self, dst: Out<'_, T>, [src]: [In<'_, T>; 1]) -> Result<()> {
        let (dst, src) = (dst.values()?, src.reals()?);
        self.check(dst.len(), src.len())?;
        for piece in &self.pieces {
            for i in 0..piece.len() {
                let (row, column) = (i % piece.rows, i / piece.rows);
                dst[piece.to + i] = T::narrow(src[piece.from + row * piece.columns + column]);
            }
        }
        Ok(())
    }
}

/// The numbers of one layer, laid out.
#[derive(Debug, Clone)]
#[cfg_attr(not(any(test, feature = "cuda")), allow(dead_code, reason = "a GPU reads them"))]
pub(crate) struct LaidOut {
    /// As it lies in the flat tensor, or of a filter that is wanted by output channel, `[K, kh, kw, C / groups]`.
    pub weight: Tensor,
    pub bias: Option<Tensor>,
}

impl LaidOut {
    /// A layer alone, whose parameters are a bias of so many numbers, if any, and then the weight `[rows, columns]`.
    ///
    /// # Errors
    /// When there are fewer parameters.
    #[cfg_attr(not(any(test, feature = "cuda")), allow(dead_code, reason = "cases of a GPU's kernels"))]
    pub fn alone(params: &Tensor, bias: usize, matrix: [usize; 2], values: DType) -> Result<Self> {
        let mut lay_out = LayOut::default();
        let bias_piece = (bias > 0).then(|| lay_out.add(0, [1, bias]));
        let weight = lay_out.add(bias, matrix);
        let flat = Tensor::zeros(lay_out.len(), values, params.device())?;
        apply1(&lay_out, &flat, params)?;
        Self::of(&flat, weight, bias_piece)
    }

    pub fn of(flat: &Tensor, weight: Piece, bias: Option<Piece>) -> Result<Self> {
        let view = |piece: Piece| flat.narrow(0, piece.to, piece.len());
        Ok(Self { weight: view(weight)?, bias: bias.map(view).transpose()? })
    }
}
