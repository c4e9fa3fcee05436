//! Buffers that are handed out and come back while a plan is made.

use std::cell::RefCell;
use std::rc::Rc;

use candle_core::{DType, Device, Result, Tensor};

/// Buffers not in use now.
type Free = Rc<RefCell<Vec<Tensor>>>;

/// Hands out flat buffers; a dropped [`Slot`] returns its buffer.
pub(super) struct Arena {
    dtype: DType,
    free: Free,
    bytes: usize,
}

/// A buffer in use: the first `len` numbers of a tensor.
pub(super) struct Slot {
    tensor: Tensor,
    len: usize,
    free: Free,
}

impl Arena {
    pub fn new(dtype: DType) -> Self {
        Self { dtype, free: Free::default(), bytes: 0 }
    }

    /// A buffer of at least `len` numbers of unknown content: the tightest free one, unless it wastes more than half.
    pub fn take(&mut self, len: usize) -> Result<Rc<Slot>> {
        let fits = |tensor: &Tensor| (len..=2 * len).contains(&tensor.elem_count());
        let mut free = self.free.borrow_mut();
        let best = (0..free.len()).filter(|&i| fits(&free[i])).min_by_key(|&i| free[i].elem_count());
        let tensor = match best {
            Some(at) => free.swap_remove(at),
            None => {
                self.bytes += len * self.dtype.size_in_bytes();
                Tensor::zeros(len, self.dtype, &Device::Cpu)?
            }
        };
        Ok(Rc::new(Slot { tensor, len, free: self.free.clone() }))
    }

    /// Bytes of all buffers made so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Slot {
    /// The buffer as a flat tensor.
    pub fn view(&self) -> Result<Tensor> {
        self.tensor.narrow(0, 0, self.len)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.free.borrow_mut().push(self.tensor.clone());
    }
}
