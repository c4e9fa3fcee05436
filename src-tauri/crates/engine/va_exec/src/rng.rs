//! Counter-based random numbers: the value at a position depends on (seed, name, position) alone, so that Python can
//! reproduce it and no order of evaluation changes it.
//!
//! `key = mix(seed ^ fnv1a64(name))`, `bits(i) = mix(key + i · 0x9E3779B97F4A7C15)` in wrapping 64-bit arithmetic with
//! SplitMix64's finaliser `mix` (Steele, Lea & Flood 2014); `uniform(i) = (bits(i) >> 11) · 2⁻⁵³` in `[0, 1)`;
//! `normal(i) = sqrt(-2 ln(1 - uniform(2i))) · cos(2π · uniform(2i + 1))` (Box & Muller 1958).

/// A stream of numbers addressed by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterRng {
    key: u64,
}

impl CounterRng {
    /// The stream of this seed and name.
    pub fn new(seed: u64, name: &str) -> Self {
        Self { key: mix(seed ^ fnv1a64(name.as_bytes())) }
    }

    /// What the numbers follow from beside their position, the lower half first.
    pub(crate) fn words(self) -> [u32; 2] {
        [self.key as u32, (self.key >> 32) as u32]
    }

    /// The stream of these [`CounterRng::words`].
    ///
    /// # Errors
    /// When they are not two.
    pub(crate) fn of_words(words: &[u32]) -> candle_core::Result<Self> {
        let &[low, high] = words else { candle_core::bail!("a key has two words, not {}", words.len()) };
        Ok(Self { key: u64::from(low) | u64::from(high) << 32 })
    }

    pub fn bits(self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// Uniform in `[0, 1)`.
    pub fn uniform(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Standard normal.
    pub fn normal(self, index: u64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform(2 * index)).ln()).sqrt();
        radius * (2.0 * std::f64::consts::PI * self.uniform(2 * index + 1)).cos()
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn fnv1a64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let rng = CounterRng::new(7, "layer1.0.conv1.weight");
        let n = 100_000u64;
        let mean_u = (0..n).map(|i| rng.uniform(i)).sum::<f64>() / n as f64;
        let mean_n = (0..n).map(|i| rng.normal(i)).sum::<f64>() / n as f64;
        let var_n = (0..n).map(|i| rng.normal(i).powi(2)).sum::<f64>() / n as f64;
        assert!((mean_u - 0.5).abs() < 5e-3, "{mean_u}");
        assert!(mean_n.abs() < 1e-2 && (var_n - 1.0).abs() < 2e-2, "{mean_n} {var_n}");
    }

    #[test]
    fn names_and_seeds_give_different_streams() {
        let first = CounterRng::new(1, "a").bits(0);
        assert_ne!(first, CounterRng::new(1, "b").bits(0));
        assert_ne!(first, CounterRng::new(2, "a").bits(0));
        assert_eq!(first, CounterRng::new(1, "a").bits(0));
    }
}
