//! Convolution as Candle in-place operations, on the reference kernels or on oneDNN.

use candle_core::{Result, bail};

use super::activation::Activation;
use super::batch_norm::column_sums;
use super::conv::{conv2d_forward, conv2d_input_grad, conv2d_weight_grad};
use super::geometry::ConvGeometry;
use super::lay_out::LaidOut;
use super::op::{In, Out, SliceKernel, expect_len};
use super::real::{Element, Real};
use crate::onednn;
use crate::par;

/// What a convolution or linear layer does to its result before writing it, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Epilogue {
    /// Adds one bias a channel; it lies right before the weight in the source.
    pub bias: bool,
    /// Adds what is in the destination.
    pub sum: bool,
    /// Then this.
    pub activation: Option<Activation>,
}

impl Epilogue {
    /// The bias and the weight of `outputs` channels.
    ///
    /// # Errors
    /// When the source is too short for a bias.
    pub(crate) fn split<'a, R>(&self, params: &'a [R], outputs: usize) -> Result<(Option<&'a [R]>, &'a [R])> {
        if !self.bias {
            return Ok((None, params));
        }
        match params.split_at_checked(outputs) {
            Some((bias, weight)) => Ok((Some(bias), weight)),
            None => bail!("{} parameters are too few for a bias of {outputs}", params.len()),
        }
    }

    /// Adds the bias and applies the activation to rows that hold the sum already.
    pub(crate) fn finish<R: Real>(&self, y: &mut [R], bias: Option<&[R]>) {
        if let Some(bias) = bias {
            add_rows(y, bias);
        }
        if let Some(activation) = self.activation {
            activation.apply(y);
        }
    }
}

fn add_rows<R: Real>(y: &mut [R], bias: &[R]) {
    let channels = bias.len();
    par::chunks_mut(
        y,
        channels * 128,
        #[inline(always)]
        |_, part| {
            for row in part.chunks_exact_mut(channels) {
                row.iter_mut().zip(bias).for_each(|(y, &b)| *y += b);
            }
        },
    );
}

/// Calls `body` with `data` as what is computed with; `keep` says whether what is there matters.
pub(crate) fn with_reals<T: Element>(
    data: &mut [T],
    keep: bool,
    body: impl FnOnce(&mut [T::Real]) -> Result<()>,
) -> Result<()> {
    if T::as_real(data).is_some() {
        return body(T::as_real_mut(data).expect("BUG: checked just before"));
    }
    let mut wide = if keep { T::widen(data).into_owned() } else { vec![T::Real::ZERO; data.len()] };
    body(&mut wide)?;
    data.iter_mut().zip(wide).for_each(|(d, v)| *d = T::narrow(v));
    Ok(())
}

/// `y = conv(x, w)` with an epilogue: sources x `[N, H, W, C]` and w `[kh, kw, C / groups, K]` (after the bias `[K]`).
pub struct Conv2dForward {
    pub(crate) geometry: ConvGeometry,
    pub(crate) epilogue: Epilogue,
    #[cfg_attr(not(any(test, feature = "cuda")), allow(dead_code, reason = "a GPU reads them"))]
    pub(crate) laid_out: Option<LaidOut>,
    onednn: Option<onednn::Product>,
}

impl Conv2dForward {
    /// On the reference kernels.
    pub fn new(geometry: ConvGeometry, epilogue: Epilogue) -> Self {
        Self { geometry, epilogue, laid_out: None, onednn: None }
    }

    /// On a GPU, with its weights as they were laid out before; the CPU reads the flat ones.
    pub(crate) fn laid_out(mut self, weights: Option<LaidOut>) -> Self {
        self.laid_out = weights;
        self
    }

    pub(crate) fn on(mut self, onednn: Option<onednn::Product>) -> Self {
        self.onednn = onednn;
        self
    }
}

impl SliceKernel<2> for Conv2dForward {
    const NAME: &'static str = "conv2d";
    fn run<T: Element>(&self, y: Out<'_, T>, [x, w]: [In<'_, T>; 2]) -> Result<()> {
        let (y, x, params) = (y.values()?, x.values()?, w.reals()?);
        let (bias, w) = self.epilogue.split(params, self.geometry.out_channels)?;
        check(&self.geometry, x, w, y)?;
        if let Some(onednn) = &self.onednn {
            return onednn.run(y, x, w, bias);
        }
        let x = T::widen(x);
        with_reals(y, self.epilogue.sum, |y| {
            conv2d_forward(&self.geometry, &x, w, y, self.epilogue.sum);
            self.epilogue.finish(y, bias);
            Ok(())
        })
    }
}

/// `dx = convᵀ(dy, w)`: sources dy and w.
pub struct Conv2dInputGrad {
    pub(crate) geometry: ConvGeometry,
    #[cfg_attr(not(any(test, feature = "cuda")), allow(dead_code, reason = "a GPU reads them"))]
    pub(crate) laid_out: Option<LaidOut>,
    onednn: Option<onednn::Product>,
}

impl Conv2dInputGrad {
    /// On the reference kernels.
    pub fn new(geometry: ConvGeometry) -> Self {
        Self { geometry, laid_out: None, onednn: None }
    }

    /// On a GPU, with its weights as they were laid out before; the CPU reads the flat ones.
    pub(crate) fn laid_out(mut self, weights: Option<LaidOut>) -> Self {
        self.laid_out = weights;
        self
    }

    pub(crate) fn on(mut self, onednn: Option<onednn::Product>) -> Self {
        self.onednn = onednn;
        self
    }
}

impl SliceKernel<2> for Conv2dInputGrad {
    const NAME: &'static str = "conv2d_input_grad";
    fn run<T: Element>(&self, dx: Out<'_, T>, [dy, w]: [In<'_, T>; 2]) -> Result<()> {
        let (dx, dy, w) = (dx.values()?, dy.values()?, w.reals()?);
        check(&self.geometry, dx, w, dy)?;
        if let Some(onednn) = &self.onednn {
            return onednn.run(dx, dy, w, None);
        }
        let dy = T::widen(dy);
        with_reals(dx, false, |dx| {
            conv2d_input_grad(&self.geometry, &dy, w, dx);
            Ok(())
        })
    }
}

/// `dw += xᵀ ⋆ dy`: sources x and dy.
pub struct Conv2dWeightGrad {
    pub(crate) geometry: ConvGeometry,
    onednn: Option<onednn::WeightGrad>,
}

impl Conv2dWeightGrad {
    /// On the reference kernels.
    pub fn new(geometry: ConvGeometry) -> Self {
        Self { geometry, onednn: None }
    }

    pub(crate) fn on(mut self, onednn: Option<onednn::WeightGrad>) -> Self {
        self.onednn = onednn;
        self
    }
}

impl SliceKernel<2> for Conv2dWeightGrad {
    const NAME: &'static str = "conv2d_weight_grad";
    fn run<T: Element>(&self, dw: Out<'_, T>, [x, dy]: [In<'_, T>; 2]) -> Result<()> {
        let (dw, x, dy) = (dw.reals()?, x.values()?, dy.values()?);
        check(&self.geometry, x, dw, dy)?;
        if let Some(onednn) = &self.onednn {
            return onednn.run(dw, x, dy);
        }
        conv2d_weight_grad(&self.geometry, &T::widen(x), &T::widen(dy), dw);
        Ok(())
    }
}

fn check<X, W, Y>(geo: &ConvGeometry, x: &[X], w: &[W], y: &[Y]) -> Result<()> {
    expect_len("conv2d", "input", x, geo.input_len())?;
    expect_len("conv2d", "weight", w, geo.weight_len())?;
    expect_len("conv2d", "output", y, geo.output_len())
}

/// `db += Σ dy` over everything but the last dimension.
pub struct BiasGrad;

impl SliceKernel<1> for BiasGrad {
    const NAME: &'static str = "bias_grad";
    fn run<T: Element>(&self, db: Out<'_, T>, [dy]: [In<'_, T>; 1]) -> Result<()> {
        let (db, dy) = (db.reals()?, dy.values()?);
        if !dy.len().is_multiple_of(db.len().max(1)) {
            bail!("bias_grad: {} elements do not split into {} channels", dy.len(), db.len());
        }
        let sums = column_sums(dy, db.len());
        db.iter_mut().zip(sums).for_each(|(d, s)| *d += T::Real::of(s));
        Ok(())
    }
}
