//! Smooth activations, in place or into another buffer, and products.

use candle_core::Result;
use rayon::prelude::*;
use va_graph::Op;

use super::math::{erf_and_gauss, exp};
use super::op::{SliceKernel, expect_len};
use super::real::Real;

/// Elements of one task.
const PART: usize = 1 << 12;

/// `y = f(x)` element by element: in place, or from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    Gelu,
    Silu,
    HardSwish,
    Sigmoid,
}

impl Activation {
    /// The activation that this operator is, if it is one.
    pub fn of(op: &Op) -> Option<Self> {
        match op {
            Op::Gelu => Some(Self::Gelu),
            Op::Silu => Some(Self::Silu),
            Op::HardSwish => Some(Self::HardSwish),
            Op::Sigmoid => Some(Self::Sigmoid),
            _ => None,
        }
    }

    /// Whether the backward reads the result instead of the input.
    pub fn keeps_result(self) -> bool {
        self == Self::Sigmoid
    }
}

/// Calls `$body` with `$f` a closure for the activation, so that each has a loop of its own.
macro_rules! for_activation {
    ($kind:expr, $of:ident, |$f:ident| $body:expr) => {
        match $kind {
            Activation::Gelu => { let $f = |v| $of::gelu(v); $body }
            Activation::Silu => { let $f = |v| $of::silu(v); $body }
            Activation::HardSwish => { let $f = |v| $of::hard_swish(v); $body }
            Activation::Sigmoid => { let $f = |v| $of::sigmoid(v); $body }
        }
    };
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

/// Derivatives, from the input; the sigmoid's from its result.
mod slope {
    use super::*;

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
    fn run<T: Real>(&self, y: &mut [T], []: [&[T]; 0]) -> Result<()> {
        for_activation!(*self, value, |f| {
            y.par_chunks_mut(PART).for_each(|part| part.iter_mut().for_each(|v| *v = f(*v)));
        });
        Ok(())
    }
}

impl SliceKernel<1> for Activation {
    const NAME: &'static str = "activation";
    fn run<T: Real>(&self, y: &mut [T], [x]: [&[T]; 1]) -> Result<()> {
        expect_len("activation", "input", x, y.len())?;
        for_activation!(*self, value, |f| zip_parts(y, x, |y, x| *y = f(x)));
        Ok(())
    }
}

/// Turns dy into dx in place: the source is x, or y where [`Activation::keeps_result`].
pub struct ActivationGrad(pub Activation);

impl SliceKernel<1> for ActivationGrad {
    const NAME: &'static str = "activation_grad";
    fn run<T: Real>(&self, dy: &mut [T], [x]: [&[T]; 1]) -> Result<()> {
        expect_len(Self::NAME, "kept value", x, dy.len())?;
        for_activation!(self.0, slope, |f| zip_parts(dy, x, |d, x| *d *= f(x)));
        Ok(())
    }
}

fn zip_parts<T: Real>(dst: &mut [T], src: &[T], f: impl Fn(&mut T, T) + Sync) {
    dst.par_chunks_mut(PART).zip(src.par_chunks(PART)).for_each(|(dst, src)| {
        dst.iter_mut().zip(src).for_each(|(d, &s)| f(d, s));
    });
}

/// `dst *= src`.
pub struct MulAssign;

impl SliceKernel<1> for MulAssign {
    const NAME: &'static str = "mul";
    fn run<T: Real>(&self, dst: &mut [T], [src]: [&[T]; 1]) -> Result<()> {
        expect_len(Self::NAME, "source", src, dst.len())?;
        zip_parts(dst, src, |d, s| *d *= s);
        Ok(())
    }
}

/// `dst (+)= a · b`.
pub struct Product {
    pub accumulate: bool,
}

impl SliceKernel<2> for Product {
    const NAME: &'static str = "product";
    fn run<T: Real>(&self, dst: &mut [T], [a, b]: [&[T]; 2]) -> Result<()> {
        expect_len(Self::NAME, "first factor", a, dst.len())?;
        expect_len(Self::NAME, "second factor", b, dst.len())?;
        let parts = dst.par_chunks_mut(PART).zip(a.par_chunks(PART)).zip(b.par_chunks(PART));
        parts.for_each(|((dst, a), b)| {
            for ((d, &a), &b) in dst.iter_mut().zip(a).zip(b) {
                *d = if self.accumulate { *d } else { T::ZERO } + a * b;
            }
        });
        Ok(())
    }
}
