use va_domain::Change;

use super::{Turn, amount};
use crate::RgbImage;
use crate::rng::{Draws, Stream};

/// Gaussian noise with a standard deviation of up to `strength` levels, apart for every channel.
pub(crate) fn noise(image: &mut RgbImage, change: Change, turn: Turn) {
    let mut draws = turn.draws(Stream::Noise);
    let Some(deviation) = amount(change, &mut draws) else { return };
    if deviation <= 0.0 {
        return;
    }
    for value in &mut image.pixels {
        *value = (f32::from(*value) + deviation as f32 * normal(&mut draws) + 0.5) as u8;
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
