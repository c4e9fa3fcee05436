//! The number types of the kernels. [`Real`]: what is computed with, f32 for work and f64 for checks. [`Element`]: what
//! values are kept in, one of these or bf16, which is computed with in f32.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub};

use candle_core::{CpuStorage, Result, bail};
use half::bf16;

use super::raw::Plain;

/// f32, f64 or bf16.
pub trait Element: Plain + Copy + Send + Sync + Default + 'static {
    /// What is computed with.
    type Real: Real;
    fn wide(self) -> Self::Real;
    /// Rounds to nearest, ties to even.
    fn narrow(value: Self::Real) -> Self;
    fn slice(storage: &CpuStorage) -> Result<&[Self]>;
    fn slice_mut(storage: &mut CpuStorage) -> Result<&mut [Self]>;
    /// The numbers themselves where they are what is computed with.
    fn as_real(data: &[Self]) -> Option<&[Self::Real]>;
    fn as_real_mut(data: &mut [Self]) -> Option<&mut [Self::Real]>;

    /// All numbers as what is computed with; a copy only where they are not.
    fn widen(data: &[Self]) -> Cow<'_, [Self::Real]> {
        match Self::as_real(data) {
            Some(reals) => Cow::Borrowed(reals),
            None => Cow::Owned(data.iter().map(|v| v.wide()).collect()),
        }
    }
}

/// f32 or f64.
pub trait Real:
    Element<Real = Self>
    + PartialOrd
    + Default
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + MulAssign
{
    const ZERO: Self;
    const NEG_INFINITY: Self;
    fn of(value: f64) -> Self;
    fn f64(self) -> f64;
    fn sqrt(self) -> Self;
    fn is_nan(self) -> bool;
    /// Runs `body` with a buffer of `len` numbers of unknown content that this thread keeps for the next call.
    fn with_workspace<R>(len: usize, body: impl FnOnce(&mut [Self]) -> R) -> R;
}

macro_rules! storage {
    ($variant:ident) => {
        fn slice(storage: &CpuStorage) -> Result<&[Self]> {
            match storage {
                CpuStorage::$variant(data) => Ok(data),
                _ => bail!("operands of one operation do not have the number types it takes"),
            }
        }
        fn slice_mut(storage: &mut CpuStorage) -> Result<&mut [Self]> {
            match storage {
                CpuStorage::$variant(data) => Ok(data),
                _ => bail!("operands of one operation do not have the number types it takes"),
            }
        }
    };
}

impl Element for bf16 {
    type Real = f32;
    #[inline(always)]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
        // Rounding must not turn a NaN into infinity.
        let nan = ((bits >> 16) | 0x40) as u16;
        Self::from_bits(if bits & 0x7fff_ffff > 0x7f80_0000 { nan } else { rounded })
    }
    fn as_real(_: &[Self]) -> Option<&[f32]> {
        None
    }
    fn as_real_mut(_: &mut [Self]) -> Option<&mut [f32]> {
        None
    }
    storage!(BF16);
}

macro_rules! real {
    ($t:ident, $variant:ident) => {
        impl Element for $t {
            type Real = $t;
            #[inline(always)]
            fn wide(self) -> $t {
                self
            }
            #[inline(always)]
            fn narrow(value: $t) -> $t {
                value
            }
            fn as_real(data: &[Self]) -> Option<&[$t]> {
                Some(data)
            }
            fn as_real_mut(data: &mut [Self]) -> Option<&mut [$t]> {
                Some(data)
            }
            storage!($variant);
        }

        impl Real for $t {
            const ZERO: Self = 0.0;
            const NEG_INFINITY: Self = $t::NEG_INFINITY;
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                $t::is_nan(self)
            }
            fn with_workspace<R>(len: usize, body: impl FnOnce(&mut [Self]) -> R) -> R {
                thread_local! {
                    static WORKSPACE: Cell<Vec<$t>> = const { Cell::new(Vec::new()) };
                }
                // Taken out while in use: a nested call gets a buffer of its own instead of a panic.
                let mut buffer = WORKSPACE.take();
                if buffer.len() < len {
                    buffer.resize(len, 0.0);
                }
                let result = body(&mut buffer[..len]);
                WORKSPACE.set(buffer);
                result
            }
        }
    };
}

real!(f32, F32);
real!(f64, F64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_rounds_as_the_half_crate_does() {
        for bits in (0..=u32::MAX).step_by(9973) {
            let value = f32::from_bits(bits);
            let (ours, theirs) = (bf16::narrow(value), bf16::from_f32(value));
            assert!(ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()), "{bits:#x}");
        }
    }
}
