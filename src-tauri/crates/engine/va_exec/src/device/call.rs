//! One start of a kernel.

use candle_core::{Result, bail};

use super::spread::{Columns, JOINED, THREADS, WARP};
use super::{Buffer, Gpu, Number};

/// Threads of a block that works on one row; `ROW_THREADS` of `gpu/number.cuh`.
const ROW_THREADS: usize = 128;

/// An argument as the driver takes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Arg {
    Address(u64),
    Word(u32),
    Float(f32),
    Long(u64),
    /// A structure of words.
    Words(Vec<u32>),
}

#[cfg(test)]
impl Arg {
    /// Where its bytes lie.
    pub fn address(&self) -> *const u8 {
        match self {
            Self::Address(v) | Self::Long(v) => std::ptr::from_ref(v).cast(),
            Self::Word(v) => std::ptr::from_ref(v).cast(),
            Self::Float(v) => std::ptr::from_ref(v).cast(),
            Self::Words(words) => words.as_ptr().cast(),
        }
    }
}

/// A kernel with its grid and arguments, in the order of its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `gpu/<file>.cu`.
    pub file: &'static str,
    pub kernel: &'static str,
    /// What values are kept in: which compilation of the file.
    pub number: Number,
    pub grid: [u32; 3],
    pub threads: u32,
    pub args: Vec<Arg>,
    /// What was wrong with an argument.
    error: Option<String>,
}

impl Call {
    fn new(file: &'static str, kernel: &'static str, number: Number, grid: [usize; 3], threads: usize) -> Self {
        let mut call =
            Self { file, kernel, number, grid: [0; 3], threads: threads as u32, args: Vec::new(), error: None };
        call.grid = grid.map(|blocks| call.word(blocks));
        // The driver's limits.
        if grid[1].max(grid[2]) > 65_535 || grid[0] > i32::MAX as usize {
            call.error = Some(format!("{grid:?} blocks are more than a GPU takes"));
        }
        call
    }

    /// One thread an element.
    pub fn over(file: &'static str, kernel: &'static str, number: Number, len: usize) -> Self {
        Self::new(file, kernel, number, [len.div_ceil(THREADS), 1, 1], THREADS)
    }

    /// So many blocks.
    pub fn of_blocks(file: &'static str, kernel: &'static str, number: Number, blocks: usize) -> Self {
        Self::new(file, kernel, number, [blocks, 1, 1], THREADS)
    }

    /// One thread for each of `len` elements of each of `count` samples, which are the blocks in `y`.
    pub fn over_each(file: &'static str, kernel: &'static str, number: Number, len: usize, count: usize) -> Self {
        Self::new(file, kernel, number, [len.div_ceil(THREADS), count, 1], THREADS)
    }

    /// One block a row.
    pub fn by_row(file: &'static str, kernel: &'static str, number: Number, rows: usize) -> Self {
        Self::new(file, kernel, number, [rows, 1, 1], ROW_THREADS)
    }

    /// One thread for `width` neighbouring elements; the kernel's first argument is `Elements`.
    pub fn by_elements(file: &'static str, kernel: &'static str, number: Number, len: usize, width: usize) -> Self {
        let blocks = len.div_ceil(width).div_ceil(THREADS);
        Self::new(file, kernel, number, [blocks, 1, 1], THREADS).shape(&[len, width])
    }

    /// By columns; the kernel's first argument is `Columns`.
    pub fn by_column(file: &'static str, kernel: &'static str, number: Number, columns: &Columns) -> Self {
        Self::by_column_in_layers(file, kernel, number, columns, 1)
    }

    /// As [`Call::by_column`], as many times, which are the blocks in `z`.
    pub fn by_column_in_layers(
        file: &'static str,
        kernel: &'static str,
        number: Number,
        columns: &Columns,
        layers: usize,
    ) -> Self {
        let grid = [columns.blocks(), columns.parts(), layers];
        Self::new(file, kernel, number, grid, THREADS).shape(&columns.words())
    }

    /// A block for each square of 32 rows and columns of a matrix.
    pub fn by_squares(file: &'static str, kernel: &'static str, number: Number, [rows, columns]: [usize; 2]) -> Self {
        Self::new(file, kernel, number, [columns.div_ceil(WARP), rows.div_ceil(WARP), 1], THREADS)
    }

    /// So many neighbouring threads a row.
    pub fn by_lanes(file: &'static str, kernel: &'static str, number: Number, rows: usize, lanes: usize) -> Self {
        Self::new(file, kernel, number, [rows.div_ceil(THREADS / lanes), 1, 1], THREADS)
    }

    /// Joins parts of `len` numbers.
    pub fn joining(file: &'static str, kernel: &'static str, len: usize) -> Self {
        Self::new(file, kernel, Number::F32, [len.div_ceil(JOINED), 1, 1], THREADS)
    }

    fn word(&mut self, value: usize) -> u32 {
        u32::try_from(value).unwrap_or_else(|_| {
            self.error = Some(format!("{value} elements are more than a kernel counts"));
            0
        })
    }

    fn address(mut self, buffer: Buffer, number: Number) -> Self {
        if buffer.number != number {
            self.error = Some(format!("an operand is {:?} where {number:?} is expected", buffer.number));
        }
        self.args.push(Arg::Address(buffer.address));
        self
    }

    /// Values, which are of the call's number type.
    pub fn value(self, buffer: Buffer) -> Self {
        let number = self.number;
        self.address(buffer, number)
    }

    /// What is learned or summed, which is f32.
    pub fn real(self, buffer: Buffer) -> Self {
        self.address(buffer, Number::F32)
    }

    pub fn double(self, buffer: Buffer) -> Self {
        self.address(buffer, Number::F64)
    }

    /// Words that the host wrote.
    pub fn words(self, buffer: Buffer) -> Self {
        self.address(buffer, Number::Word)
    }

    /// Memory that was uploaded, or 0 for none.
    pub fn pointer(mut self, address: u64) -> Self {
        self.args.push(Arg::Address(address));
        self
    }

    pub fn count(mut self, value: usize) -> Self {
        let word = self.word(value);
        self.args.push(Arg::Word(word));
        self
    }

    pub fn flag(self, value: bool) -> Self {
        self.count(usize::from(value))
    }

    pub fn float(mut self, value: f64) -> Self {
        self.args.push(Arg::Float(value as f32));
        self
    }

    pub fn long(mut self, value: u64) -> Self {
        self.args.push(Arg::Long(value));
        self
    }

    /// A structure of words.
    pub fn shape(mut self, values: &[usize]) -> Self {
        let words = values.iter().map(|&value| self.word(value)).collect();
        self.args.push(Arg::Words(words));
        self
    }

    /// # Errors
    /// When an argument was wrong, or the device fails.
    pub fn run(self, gpu: &dyn Gpu) -> Result<()> {
        if let Some(error) = &self.error {
            bail!("{}: {error}", self.kernel)
        }
        // Nothing to do is not an error, but no grid either.
        if self.grid.contains(&0) { Ok(()) } else { gpu.launch(&self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(number: Number) -> Buffer {
        Buffer { address: 16, len: 4, number }
    }

    #[test]
    fn what_does_not_fit_is_kept_until_the_start() {
        let wrong = Call::over("elementwise", "copy", Number::Bf16, 4).value(buffer(Number::F32));
        assert!(wrong.error.unwrap().contains("F32 where Bf16"));
        let large = Call::over("elementwise", "copy", Number::F32, 4).count(1 << 33);
        assert!(large.error.unwrap().contains("more than a kernel counts"));
        let parts = Call::over_each("augment", "crop", Number::F32, 8, 70_000);
        assert!(parts.error.unwrap().contains("blocks"));
    }

    #[test]
    fn the_grid_covers_every_element_and_column() {
        assert_eq!(Call::over("f", "k", Number::F32, 257).grid, [2, 1, 1]);
        assert_eq!(Call::by_elements("f", "k", Number::F32, 257 * 8 - 1, 8).grid, [2, 1, 1]);
        let columns = Columns::to_sum(1000, 100, &[]);
        let call = Call::by_column_in_layers("f", "k", Number::F32, &columns, 9);
        assert_eq!(call.grid, [columns.blocks() as u32, columns.parts() as u32, 9]);
        assert_eq!(Call::by_squares("f", "k", Number::F32, [33, 64]).grid, [2, 2, 1]);
        assert_eq!(Call::by_lanes("f", "k", Number::F32, 17, 16).grid, [2, 1, 1]);
        assert_eq!(Call::joining("f", "k", 17).grid, [3, 1, 1]);
        assert_eq!(Call::by_row("f", "k", Number::F32, 7).grid, [7, 1, 1]);
    }
}
