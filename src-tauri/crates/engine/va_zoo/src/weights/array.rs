//! Numbers of a weight file: what both formats are read into.

use std::collections::BTreeMap;

use va_error::{Error, Result};

/// A dense array in row order, with PyTorch's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Arrays by their PyTorch name.
pub type Arrays = BTreeMap<String, Array>;

/// Number types that weight files hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
}

impl Number {
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }

    /// The little-endian number at the start of `bytes`, which has at least [`Number::bytes`].
    fn read(self, bytes: &[u8]) -> f32 {
        fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
            bytes[..N].try_into().expect("BUG: cut to this length")
        }
        match self {
            Self::F64 => f64::from_le_bytes(array(bytes)) as f32,
            Self::F32 => f32::from_le_bytes(array(bytes)),
            Self::F16 => half::f16::from_le_bytes(array(bytes)).to_f32(),
            Self::Bf16 => half::bf16::from_le_bytes(array(bytes)).to_f32(),
            Self::I64 => i64::from_le_bytes(array(bytes)) as f32,
            Self::I32 => i32::from_le_bytes(array(bytes)) as f32,
            Self::I16 => f32::from(i16::from_le_bytes(array(bytes))),
            Self::I8 => f32::from(bytes[0] as i8),
            Self::U8 => f32::from(bytes[0]),
        }
    }
}

/// A strided view into bytes, as PyTorch stores a tensor.
#[derive(Debug, Clone)]
pub(super) struct Strided {
    pub number: Number,
    /// First element.
    pub offset: usize,
    pub shape: Vec<usize>,
    /// Elements from one index to the next, for each dimension.
    pub strides: Vec<usize>,
}

impl Strided {
    /// A dense view of this shape from the first byte.
    pub fn dense(number: Number, shape: &[usize]) -> Self {
        let mut strides = vec![1usize; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(shape[axis].max(1));
        }
        Self { number, offset: 0, shape: shape.to_vec(), strides }
    }

    /// The numbers of the view, checked against the bytes that are there.
    ///
    /// # Errors
    /// `InvalidInput` when the view reaches beyond the bytes or has more elements than they hold.
    pub fn read(&self, bytes: &[u8]) -> Result<Array> {
        let size = self.number.bytes();
        let available = bytes.len() / size;
        let wrong = || {
            let shape = &self.shape;
            Error::invalid(format!("a tensor of shape {shape:?} does not fit into the {} bytes it has", bytes.len()))
        };
        let count = self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or_else(wrong)?;
        if self.shape.len() != self.strides.len() || count > available {
            return Err(wrong());
        }
        if count > 0 {
            let steps = self.shape.iter().zip(&self.strides);
            let last = steps
                .map(|(&d, &s)| (d - 1).checked_mul(s))
                .try_fold(self.offset, |at, step| at.checked_add(step?))
                .ok_or_else(wrong)?;
            if last >= available {
                return Err(wrong());
            }
        }
        let mut index = vec![0usize; self.shape.len()];
        let mut values = Vec::with_capacity(count);
        let mut at = self.offset;
        for _ in 0..count {
            values.push(self.number.read(&bytes[at * size..]));
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= self.strides[axis] * self.shape[axis];
                index[axis] = 0;
            }
        }
        Ok(Array { shape: self.shape.clone(), values })
    }
}
