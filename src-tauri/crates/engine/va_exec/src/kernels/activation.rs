//! Activations, in place or into another buffer, and products.

use candle_core::Result;
use va_graph::Op;

use super::elementwise::{map_each, relu, zip_each};
use super::math::{erf_and_gauss, exp};
use super::op::{In, Out, SliceKernel, expect_len};
use super::real::{Element, Real};
use crate::par;

/// Elements of one task.
const PART: usize = 1 << 12;

/// `y = f(x)` element by element: in place, or from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    Relu,
    Gelu,
    Silu,
    HardSwish,
    Sigmoid,
}

impl Activation {
    /// The activation that this operator is, if it is one.
    pub fn of(op: &Op) -> Option<Self> {
        match op {
            Op::Relu => Some(Self::Relu),
            Op::Gelu => Some(Self::Gelu),
            Op::Silu => Some(Self::Silu),
            Op::HardSwish => Some(Self::HardSwish),
            Op::Sigmoid => Some(Self::Sigmoid),
            _ => None,
        }
    }

    /// Whether the backward reads the result instead of the input.
    pub fn keeps_result(self) -> bool {
        matches!(self, Self::Relu | Self::Sigmoid)
    }

    /// In place, on all cores.
    pub(crate) fn apply<T: Element>(self, y: &mut [T]) {
        match self {
            Self::Relu => map_each(y, relu),
            Self::Gelu => map_each(y, value::gelu),
            Self::Silu => map_each(y, value::silu),
            Self::HardSwish => map_each(y, value::hard_swish),
            Self::Sigmoid => map_each(y, value::sigmoid),
        }
    }
}

mod value {
    use super::*;

    #[inline(always)]
    pub fn gelu<T: Real>(x: T) -> T {
        let (erf, _) = erf_and_gauss(x * T::of(std::f64::consts::FRAC_1_SQRT_2));
        T::of(0.5) * x * (T::of(1.0) + erf)
    }

    #[inline(always)]
    pub fn silu<T: Real>(x: T) -> T {
        x * sigmoid(x)
    }

    #[inline(always)]
    pub fn hard_swish<T: Real>(x: T) -> T {
        let gate = x + T::of(3.0);
        let gate = if gate < T::ZERO { T::ZERO } else { gate };
        let gate = if gate > T::of(6.0) { T::of(6.0) } else { gate };
        x * gate / T::of(6.0)
    }

    #[inline(always)]
    pub fn sigmoid<T: Real>(x: T) -> T {
        T::of(1.0) / (T::of(1.0) + exp(-x))
    }
}

/// Derivatives, from the input; those of ReLU and sigmoid from the result.
mod slope {
    use super::*;

    #[inline(always)]
    pub fn relu<T: Real>(y: T) -> T {
        if y <= T::ZERO { T::ZERO } else { T::of(1.0) }
    }

    #[inline(always)]
    pub fn gelu<T: Real>(x: T) -> T {
        let (erf, gauss) = erf_and_gauss(x * T::of(std::f64::consts::FRAC_1_SQRT_2));
        let density = T::of(0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2);
        T::of(0.5) * (T::of(1.0) + erf) + x * gauss * density
    }

    #[inline(always)]
    pub fn silu<T: Real>(x: T) -> T {
        let s = value::sigmoid(x);
        s * (T::of(1.0) + x * (T::of(1.0) - s))
    }

    #[inline(always)]
    pub fn hard_swish<T: Real>(x: T) -> T {
        let slope = x / T::of(3.0) + T::of(0.5);
        let slope = if x < T::of(-3.0) { T::ZERO } else { slope };
        if x > T::of(3.0) { T::of(1.0) } else { slope }
    }

    #[inline(always)]
    pub fn sigmoid<T: Real>(y: T) -> T {
        y * (T::of(1.0) - y)
    }
}

impl SliceKernel<0> for Activation {
    const NAME: &'static str = "activation";
    fn run<T: Element>(&self, y: Out<'_, T>, []: [In<'_, T>; 0]) -> Result<()> {
        self.apply(y.values()?);
        Ok(())
    }
}

impl SliceKernel<1> for Activation {
    const NAME: &'static str = "activation";
    fn run<T: Element>(&self, y: Out<'_, T>, [x]: [In<'_, T>; 1]) -> Result<()> {
        let (y, x) = (y.values()?, x.values()?);
        match *self {
            Self::Relu => zip_each(y, x, onto(relu)),
            Self::Gelu => zip_each(y, x, onto(value::gelu)),
            Self::Silu => zip_each(y, x, onto(value::silu)),
            Self::HardSwish => zip_each(y, x, onto(value::hard_swish)),
            Self::Sigmoid => zip_each(y, x, onto(value::sigmoid)),
        }
    }
}

/// Turns dy into dx in place: the source is x, or y where [`Activation::keeps_result`].
pub struct ActivationGrad(pub Activation);

impl SliceKernel<1> for ActivationGrad {
    const NAME: &'static str = "activation_grad";
    fn run<T: Element>(&self, dy: Out<'_, T>, [x]: [In<'_, T>; 1]) -> Result<()> {
        let (dy, x) = (dy.values()?, x.values()?);
        match self.0 {
            Activation::Relu => zip_each(dy, x, times(slope::relu)),
            Activation::Gelu => zip_each(dy, x, times(slope::gelu)),
            Activation::Silu => zip_each(dy, x, times(slope::silu)),
            Activation::HardSwish => zip_each(dy, x, times(slope::hard_swish)),
            Activation::Sigmoid => zip_each(dy, x, times(slope::sigmoid)),
        }
    }
}

/// `f(source)`, whatever is in the destination.
#[inline(always)]
fn onto<R: Real>(f: impl Fn(R) -> R + Sync) -> impl Fn(R, R) -> R + Sync {
    #[inline(always)]
    move |_, x| f(x)
}

/// What is in the destination times `f(source)`.
#[inline(always)]
fn times<R: Real>(f: impl Fn(R) -> R + Sync) -> impl Fn(R, R) -> R + Sync {
    #[inline(always)]
    move |d, x| d * f(x)
}

/// `dst *= src`.
pub struct MulAssign;

impl SliceKernel<1> for MulAssign {
    const NAME: &'static str = "mul";
    fn run<T: Element>(&self, dst: Out<'_, T>, [src]: [In<'_, T>; 1]) -> Result<()> {
        zip_each(
            dst.values()?,
            src.values()?,
            #[inline(always)]
            |d, s| d * s,
        )
    }
}

/// `dst (+)= a · b`.
pub struct Product {
    pub accumulate: bool,
}

impl SliceKernel<2> for Product {
    const NAME: &'static str = "product";
    fn run<T: Element>(&self, dst: Out<'_, T>, [a, b]: [In<'_, T>; 2]) -> Result<()> {
        let (dst, a, b) = (dst.values()?, a.values()?, b.values()?);
        expect_len(Self::NAME, "first factor", a, dst.len())?;
        expect_len(Self::NAME, "second factor", b, dst.len())?;
        par::chunks_mut(
            dst,
            PART,
            #[inline(always)]
            |part, dst| {
                let at = part * PART..part * PART + dst.len();
                for ((d, a), b) in dst.iter_mut().zip(&a[at.clone()]).zip(&b[at]) {
                    let base = if self.accumulate { d.wide() } else { T::Real::ZERO };
                    *d = T::narrow(base + a.wide() * b.wide());
                }
            },
        );
        Ok(())
    }
}
