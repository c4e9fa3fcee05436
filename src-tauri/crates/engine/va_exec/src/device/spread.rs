//! How the numbers of an operation are spread over threads: how many one takes at once, and for what goes by columns, which
//! channels and rows a block has. It depends on the operands alone, not on the card, so that sums have the same bits
//! everywhere.

use candle_core::Result;

use super::elementwise::cast;
use super::{Buffer, Gpu};

/// Numbers that a thread takes at once where it can; `WIDTH` of `gpu/number.cuh`.
const WIDTH: usize = 8;
/// What a card reads and writes at once.
const BYTES: u64 = 16;
/// Threads of a block; `THREADS` of `gpu/columns.cuh`.
pub(super) const THREADS: usize = 256;
/// Threads that run together; `WARP_THREADS` of `gpu/number.cuh`.
pub(super) const WARP: usize = 32;
/// Numbers that a block joins the parts of; `JOINED` of `gpu/columns.cuh`.
pub(super) const JOINED: usize = 8;

/// Blocks for sums: four for each of the 132 multiprocessors of a large card; more would be more parts to join.
const SUM_BLOCKS: usize = 512;
/// Blocks for what is done to every number, each of them with work enough to load its channels' numbers for.
const APPLY_BLOCKS: usize = 2048;

/// Numbers that a thread takes at once: [`WIDTH`] where all operands begin at multiples of 16 bytes and all `strides`, the
/// lengths after which a thread may begin anew, are multiples of it; otherwise 1.
pub(super) fn width(operands: &[Buffer], strides: &[usize]) -> usize {
    let fits = operands.iter().all(|&operand| is_aligned(operand));
    if fits && strides.iter().all(|stride| stride.is_multiple_of(WIDTH)) { WIDTH } else { 1 }
}

/// Whether a card can read it in pieces.
pub(super) fn is_aligned(operand: Buffer) -> bool {
    operand.address.is_multiple_of(BYTES)
}

/// One number a channel at an address that a card reads in eights, where the channels are such: parameters lie anywhere.
pub(super) fn readable(gpu: &dyn Gpu, numbers: Buffer, channels: usize) -> Result<Buffer> {
    if is_aligned(numbers) || width(&[], &[channels]) == 1 {
        return Ok(numbers);
    }
    let copy = gpu.scratch(numbers.number, numbers.len)?;
    cast(gpu, copy, numbers)?;
    Ok(copy)
}

/// `[rows, channels]` by columns: a thread has `width` neighbouring channels and goes down the rows of its part;
/// `Columns` of `gpu/columns.cuh`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    rows: usize,
    pub channels: usize,
    pub rows_per_part: usize,
    width: usize,
    /// Threads beside each other; the others of the block have other rows.
    lanes: usize,
}

impl Columns {
    /// For sums over the rows, a part for each block.
    pub fn to_sum(rows: usize, channels: usize, operands: &[Buffer]) -> Self {
        Self::to_sum_in_layers(rows, channels, operands, 1)
    }

    /// As [`Columns::to_sum`], for so many layers of blocks over the same rows.
    pub fn to_sum_in_layers(rows: usize, channels: usize, operands: &[Buffer], layers: usize) -> Self {
        Self::new(rows, channels, operands).in_blocks(SUM_BLOCKS / layers.max(1))
    }

    /// For sums over the `pixels` of each of so many samples, which are the parts.
    pub fn of_samples(samples: usize, pixels: usize, channels: usize, operands: &[Buffer]) -> Self {
        Self { rows_per_part: pixels, ..Self::new(samples * pixels, channels, operands) }
    }

    /// For what is done to every number.
    pub fn to_apply(rows: usize, channels: usize, operands: &[Buffer]) -> Self {
        Self::new(rows, channels, operands).in_blocks(APPLY_BLOCKS)
    }

    fn new(rows: usize, channels: usize, operands: &[Buffer]) -> Self {
        let width = width(operands, &[channels]);
        let lanes = if width == 1 { 32 } else { lanes(channels / width) };
        Self { rows, channels, rows_per_part: rows, width, lanes }
    }

    /// Parts of as many rows that there are about so many blocks, but at least a row for each thread.
    fn in_blocks(self, blocks: usize) -> Self {
        let parts = (blocks / self.blocks()).max(1);
        Self { rows_per_part: self.rows.div_ceil(parts).next_multiple_of(THREADS / self.lanes), ..self }
    }

    /// Blocks beside each other.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(self.lanes * self.width).max(1)
    }

    pub fn parts(&self) -> usize {
        self.rows.div_ceil(self.rows_per_part.max(1))
    }

    pub fn words(&self) -> [usize; 5] {
        [self.rows, self.channels, self.rows_per_part, self.width, self.lanes]
    }
}

/// Threads beside each other for so many groups of channels: 128 bytes of a row in bf16, or half of it where fewer threads
/// are idle then.
fn lanes(groups: usize) -> usize {
    let idle = |lanes: &usize| groups.next_multiple_of(*lanes) - groups;
    let lanes = [8, 4, 2, 1].into_iter().filter(|&lanes| lanes >= groups.min(4));
    lanes.min_by_key(idle).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::super::Number;
    use super::*;

    #[test]
    fn eight_numbers_are_taken_at_once_where_all_operands_and_strides_allow_it() {
        let buffer = |address| Buffer { address, len: 64, number: Number::Bf16 };
        assert_eq!(width(&[buffer(32), buffer(16)], &[64, 8]), 8);
        assert_eq!(width(&[buffer(32), buffer(18)], &[64]), 1);
        assert_eq!(width(&[buffer(32)], &[64, 12]), 1);
    }

    #[test]
    fn lanes_are_idle_where_nothing_better_is_there() {
        assert_eq!([1, 2, 3, 4, 5, 8, 12, 60, 120].map(lanes), [1, 2, 4, 4, 8, 8, 4, 4, 8]);
    }

    #[test]
    fn every_row_is_in_a_part_and_small_batches_fill_a_card() {
        // Of ResNet-50 at batch 8, and at 256.
        for (rows, channels) in [(392, 2048), (392, 512), (1568, 1024), (6272, 512), (25_088, 256), (100_352, 64)] {
            for columns in [Columns::to_sum(rows, channels, &[]), Columns::to_apply(rows, channels, &[])] {
                let blocks = columns.blocks() * columns.parts();
                assert!(columns.parts() * columns.rows_per_part >= rows);
                assert!((columns.parts() - 1) * columns.rows_per_part < rows);
                assert!((100..=2048).contains(&blocks), "{columns:?} {blocks}");
            }
        }
        let columns = Columns::to_sum(256 * 112 * 112, 64, &[]);
        assert_eq!((columns.blocks(), columns.parts()), (1, 512));
    }
}
