//! Buffers that are handed out and come back while a plan is made.
//!
//! A plan is made twice. The first time an [`Arena::recording`] only notes when each value lives. Then [`Lives::share`]
//! gives buffers out, the largest value first, each to the smallest buffer that is free while the value lives (Pisarchyk &
//! Lee 2020, "greedy by size" of shared objects), and the second time the same requests get them. A value has a buffer of
//! its own while it lives, because a kernel may not read and write the same storage.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use candle_core::{DType, Device, Result, Tensor, bail};

/// Hands out flat buffers; a dropped [`Slot`] returns its buffer.
pub(super) struct Arena {
    dtype: DType,
    source: Source,
    taken: usize,
}

enum Source {
    /// All values are views of one tensor, as long as the longest of them: no kernel runs on it.
    Recording {
        lives: Rc<RefCell<Lives>>,
        blank: Tensor,
    },
    Shared {
        buffers: Vec<Tensor>,
        plan: Sharing,
    },
}

/// When the values of a plan live, in the order in which they begin to.
#[derive(Default)]
pub(super) struct Lives {
    /// Numbers of each value, and from which to which event it lives.
    values: Vec<(usize, Range<usize>)>,
    /// Beginnings and ends so far.
    events: usize,
}

/// Which buffer each value gets.
pub(super) struct Sharing {
    /// Numbers of each buffer.
    buffers: Vec<usize>,
    /// Numbers of each value and its buffer, in the order in which the values begin to live.
    values: Vec<(usize, usize)>,
}

/// A buffer in use.
pub(super) struct Slot {
    view: Tensor,
    /// Where its end is noted.
    life: Option<(Rc<RefCell<Lives>>, usize)>,
}

impl Arena {
    /// An arena that only notes when its slots live; what they hold must not be used.
    pub fn recording(dtype: DType) -> Result<Self> {
        let blank = Tensor::zeros(0, dtype, &Device::Cpu)?;
        Ok(Self { dtype, source: Source::Recording { lives: Rc::default(), blank }, taken: 0 })
    }

    /// An arena for the very requests that were recorded.
    pub fn shared(dtype: DType, plan: Sharing, device: &Device) -> Result<Self> {
        let buffers = plan.buffers.iter().map(|&len| Tensor::zeros(len, dtype, device)).collect::<Result<_>>()?;
        Ok(Self { dtype, source: Source::Shared { buffers, plan }, taken: 0 })
    }

    /// A buffer of `len` numbers of unknown content.
    pub fn take(&mut self, len: usize) -> Result<Rc<Slot>> {
        let number = self.taken;
        self.taken += 1;
        match &mut self.source {
            Source::Recording { lives, blank } => {
                if blank.elem_count() < len {
                    *blank = Tensor::zeros(len, self.dtype, &Device::Cpu)?;
                }
                lives.borrow_mut().begin(len);
                Ok(Rc::new(Slot { view: blank.narrow(0, 0, len)?, life: Some((lives.clone(), number)) }))
            }
            Source::Shared { buffers, plan } => match plan.values.get(number) {
                Some(&(planned, buffer)) if planned == len => {
                    Ok(Rc::new(Slot { view: buffers[buffer].narrow(0, 0, len)?, life: None }))
                }
                _ => bail!("BUG: the second planning asks for other values than the first"),
            },
        }
    }

    /// What was recorded; complete when every slot is gone.
    pub fn lives(&self) -> Rc<RefCell<Lives>> {
        match &self.source {
            Source::Recording { lives, .. } => lives.clone(),
            Source::Shared { .. } => Rc::default(),
        }
    }

    /// Bytes of all buffers.
    pub fn bytes(&self) -> usize {
        match &self.source {
            Source::Recording { .. } => 0,
            Source::Shared { plan, .. } => plan.bytes(self.dtype),
        }
    }
}

impl Sharing {
    /// Of all buffers.
    pub fn bytes(&self, dtype: DType) -> usize {
        self.buffers.iter().sum::<usize>() * dtype.size_in_bytes()
    }
}

impl Slot {
    /// The buffer as a flat tensor.
    pub fn view(&self) -> Result<Tensor> {
        Ok(self.view.clone())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some((lives, number)) = &self.life {
            lives.borrow_mut().end(*number);
        }
    }
}

impl Lives {
    fn begin(&mut self, len: usize) {
        self.values.push((len, self.events..usize::MAX));
        self.events += 1;
    }

    fn end(&mut self, number: usize) {
        self.values[number].1.end = self.events;
        self.events += 1;
    }

    /// Buffers for these values: no two values that live at the same time share one.
    pub fn share(&self) -> Sharing {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        order.sort_by_key(|&value| std::cmp::Reverse(self.values[value].0));
        let mut buffers: Vec<(usize, Vec<Range<usize>>)> = Vec::new();
        let mut buffer_of = vec![0; self.values.len()];
        for value in order {
            let (len, life) = &self.values[value];
            let is_free = |(_, lives): &(usize, Vec<Range<usize>>)| !lives.iter().any(|other| overlap(other, life));
            // The last buffer is the smallest, and all are large enough, because values come by size.
            let free = buffers.iter().rposition(is_free);
            let buffer = free.unwrap_or_else(|| {
                buffers.push((*len, Vec::new()));
                buffers.len() - 1
            });
            buffers[buffer].1.push(life.clone());
            buffer_of[value] = buffer;
        }
        let values = self.values.iter().zip(buffer_of).map(|((len, _), buffer)| (*len, buffer)).collect();
        Sharing { buffers: buffers.into_iter().map(|(len, _)| len).collect(), values }
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_live_together_have_buffers_of_their_own_and_small_ones_use_large_gaps() {
        let mut arena = Arena::recording(DType::F32).unwrap();
        let first = arena.take(100).unwrap();
        let second = arena.take(40).unwrap();
        drop(first);
        let third = arena.take(10).unwrap();
        let fourth = arena.take(90).unwrap();
        drop((second, third, fourth));
        let lives = arena.lives();
        let sharing = lives.borrow().share();
        // The fourth fits where the first was; the third has to go elsewhere.
        assert_eq!(sharing.buffers, [100, 40, 10]);
        assert_eq!(sharing.values, [(100, 0), (40, 1), (10, 2), (90, 0)]);
        let mut arena = Arena::shared(DType::F32, sharing, &Device::Cpu).unwrap();
        assert_eq!(arena.bytes(), 600);
        assert_eq!(arena.take(100).unwrap().view().unwrap().dims(), [100]);
        assert!(arena.take(41).is_err());
    }

    #[test]
    fn a_value_that_never_ends_keeps_its_buffer() {
        let mut lives = Lives::default();
        lives.begin(8);
        lives.begin(4);
        lives.end(1);
        lives.begin(4);
        assert_eq!(lives.share().buffers, [8, 4]);
    }
}
