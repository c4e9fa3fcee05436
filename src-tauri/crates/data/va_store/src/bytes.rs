//! Reading and writing compact blobs. Reading trusts nothing: a blob may come from a hostile library.

use va_error::Result;

use crate::error::damaged;

/// Unsigned LEB128.
pub(crate) fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7F) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Zigzag, then LEB128: small magnitudes stay short.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_unsigned(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Walks over a blob; every read beyond the end is an error naming what the blob is.
pub(crate) struct Cursor<'b> {
    rest: &'b [u8],
    what: &'static str,
}

impl<'b> Cursor<'b> {
    pub(crate) fn new(bytes: &'b [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| damaged(self.what))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn slice(&mut self, length: usize) -> Result<&'b [u8]> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or_else(|| damaged(self.what))?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn float(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.array::<8>()?))
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7F);
            if shift == 63 && part > 1 {
                return Err(damaged(self.what));
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged(self.what))
    }

    pub(crate) fn signed(&mut self) -> Result<i64> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A count of items of at least `least_bytes` each, so that a false count cannot make us allocate.
    pub(crate) fn length(&mut self, least_bytes: usize) -> Result<usize> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| damaged(self.what))?;
        match count.checked_mul(least_bytes) {
            Some(bytes) if bytes <= self.rest.len() => Ok(count),
            _ => Err(damaged(self.what)),
        }
    }

    /// # Errors
    /// `Internal` when bytes are left over.
    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(damaged(self.what)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_survive_the_round_trip(unsigned in any::<u64>(), signed in any::<i64>()) {
            let mut out = Vec::new();
            put_unsigned(&mut out, unsigned);
            put_signed(&mut out, signed);
            let mut input = Cursor::new(&out, "a test");
            prop_assert_eq!(input.unsigned().unwrap(), unsigned);
            prop_assert_eq!(input.signed().unwrap(), signed);
            input.end().unwrap();
        }
    }

    #[test]
    fn an_integer_of_more_than_64_bits_is_an_error() {
        assert!(Cursor::new(&[0xFF; 11], "a test").unsigned().is_err());
        assert!(
            Cursor::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], "a test").unsigned().is_err()
        );
    }
}
