//! The counter-based generator behind everything random on the host's side. A draw is a pure function of its address,
//! so there is no state to save and no order to keep:
//!
//! ```text
//! mix(x)   = SplitMix64's finaliser: x ^= x >> 30; x *= 0xbf58476d1ce4e5b9; x ^= x >> 27; x *= 0x94d049bb133111eb; x ^= x >> 31
//! draw     = h4,  h0 = mix(seed + G),  h(k+1) = mix((h(k) ^ word(k)) + G),  words = [stream, epoch, index, counter]
//! uniform  = (draw >> 11) · 2⁻⁵³           in [0, 1)
//! below(n) = floor(uniform · n)
//! ```
//! with `G = 0x9e3779b97f4a7c15` and arithmetic modulo 2⁶⁴ (Steele, Lea & Flood 2014). The order of an epoch is the
//! sample indices sorted by `(draw of stream Order at index, index)`. `tests/parity/peers/recipe.py` has the same.

use serde::{Deserialize, Serialize};

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a draw is for; draws of different streams are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Order = 1,
    Crop = 2,
    FlipHorizontal = 3,
    FlipVertical = 4,
    Rotation = 5,
    Affine = 6,
    Perspective = 7,
    Color = 8,
    Blur = 9,
    Noise = 10,
    Jpeg = 11,
    Cutout = 12,
    Mixup = 13,
    MixupPairs = 14,
    Balance = 15,
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The draws of one sample in one epoch for one purpose, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draws {
    base: u64,
    counter: u64,
}

impl Draws {
    pub fn new(seed: u64, stream: Stream, epoch: u32, index: usize) -> Self {
        let words = [stream as u64, u64::from(epoch), index as u64];
        let base = words.iter().fold(mix(seed.wrapping_add(GAMMA)), |h, word| mix((h ^ word).wrapping_add(GAMMA)));
        Self { base, counter: 0 }
    }

    /// Seed, stream, epoch and index in one word, and how many draws were taken.
    pub fn position(&self) -> [u64; 2] {
        [self.base, self.counter]
    }

    pub fn next_u64(&mut self) -> u64 {
        let draw = mix((self.base ^ self.counter).wrapping_add(GAMMA));
        self.counter += 1;
        draw
    }

    /// In [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// In `0..n`, n > 0.
    pub fn below(&mut self, n: u32) -> u32 {
        ((self.uniform() * f64::from(n)) as u32).min(n - 1)
    }
}

/// The order in which the samples of an epoch are visited.
pub fn epoch_order(seed: u64, epoch: u32, len: usize) -> Vec<usize> {
    let mut keyed: Vec<(u64, usize)> =
        (0..len).map(|index| (Draws::new(seed, Stream::Order, epoch, index).next_u64(), index)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_equal_the_committed_values_of_the_python_twin() {
        let mut draws = Draws::new(42, Stream::Crop, 3, 7);
        assert_eq!([draws.next_u64(), draws.next_u64()], GOLDEN_CROP_42_3_7);
        assert_eq!(epoch_order(42, 0, 8), GOLDEN_ORDER_42_0);
    }

    const GOLDEN_CROP_42_3_7: [u64; 2] = [0xdb22_c4d2_5cd4_b8f2, 0xe329_41dc_04d0_55ba];
    const GOLDEN_ORDER_42_0: [usize; 8] = [6, 0, 5, 3, 1, 4, 7, 2];

    #[test]
    fn an_order_is_a_permutation_that_changes_with_epoch_and_seed() {
        let mut sorted = epoch_order(1, 0, 100);
        assert_ne!(sorted, epoch_order(1, 1, 100));
        assert_ne!(sorted, epoch_order(2, 0, 100));
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn uniform_draws_fill_the_unit_interval_evenly() {
        let mut bins = [0; 10];
        for index in 0..10_000 {
            bins[(Draws::new(5, Stream::Crop, 0, index).uniform() * 10.0) as usize] += 1;
        }
        assert!(bins.iter().all(|&n| (900..1100).contains(&n)), "{bins:?}");
    }
}
