use serde::{Deserialize, Serialize};
use va_domain::Change;

use super::{Turn, amount};
use crate::RgbImage;
use crate::rng::{Draws, Stream};

/// Gaussian noise, apart for every channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// One draw a value of the image.
    pub draws: Draws,
    /// Standard deviation, levels of 255.
    pub deviation: f32,
}

impl Noise {
    /// With a standard deviation of up to `strength` levels.
    pub(crate) fn draw(change: Change, turn: Turn) -> Option<Self> {
        let mut draws = turn.draws(Stream::Noise);
        let deviation = amount(change, &mut draws)?;
        (deviation > 0.0).then_some(Self { draws, deviation: deviation as f32 })
    }

    pub(crate) fn apply(&self, image: &mut RgbImage) {
        let mut draws = self.draws.clone();
        for value in &mut image.pixels {
            *value = (f32::from(*value) + self.deviation * normal(&mut draws) + 0.5) as u8;
        }
    }
}

/// Nearly normal from one draw: the sum of four uniform numbers (Irwin & Hall), which never passes 3.5 deviations.
fn normal(draws: &mut Draws) -> f32 {
    let bits = draws.next_u64();
    let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
    // Four times the variance of a whole number uniform in 0..65536.
    const DEVIATION: f32 = 37_837.23;
    (sum as f32 - 131_070.0) / DEVIATION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_mean_zero_and_deviation_one() {
        let mut draws = Draws::new(1, Stream::Noise, 0, 0);
        let values: Vec<f64> = (0..40_000).map(|_| f64::from(normal(&mut draws))).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }
}
