//! The two number types of the reference kernels: f32 for work, f64 for checks.

use std::cell::Cell;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub};

use candle_core::{CpuStorage, Result, bail};

/// f32 or f64.
pub trait Real:
    Copy
    + Send
    + Sync
    + 'static
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
    fn slice(storage: &CpuStorage) -> Result<&[Self]>;
    fn slice_mut(storage: &mut CpuStorage) -> Result<&mut [Self]>;
    /// Runs `body` with a buffer of `len` numbers of unknown content that this thread keeps for the next call.
    fn with_workspace<R>(len: usize, body: impl FnOnce(&mut [Self]) -> R) -> R;
}

macro_rules! real {
    ($t:ident, $variant:ident) => {
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
            fn slice(storage: &CpuStorage) -> Result<&[Self]> {
                match storage {
                    CpuStorage::$variant(data) => Ok(data),
                    _ => bail!("operands of one operation must have one number type"),
                }
            }
            fn slice_mut(storage: &mut CpuStorage) -> Result<&mut [Self]> {
                match storage {
                    CpuStorage::$variant(data) => Ok(data),
                    _ => bail!("operands of one operation must have one number type"),
                }
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
