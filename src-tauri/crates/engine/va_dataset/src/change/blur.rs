use serde::{Deserialize, Serialize};
use va_domain::Change;

use super::{Turn, amount};
use crate::RgbImage;
use crate::rng::Stream;

/// A standard deviation below this changes no pixel that counts.
const SMALLEST_SIGMA: f64 = 0.05;

/// Gaussian blur, the image mirrored beyond its border.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Blur {
    /// Standard deviation, px.
    pub sigma: f64,
}

impl Blur {
    /// With a standard deviation of up to `strength` pixels.
    pub(crate) fn draw(change: Change, turn: Turn) -> Option<Self> {
        let sigma = amount(change, &mut turn.draws(Stream::Blur))?;
        (sigma >= SMALLEST_SIGMA).then_some(Self { sigma })
    }

    pub(crate) fn apply(self, image: &mut RgbImage) {
        let weights = self.half_kernel();
        let (width, height) = (image.width as usize, image.height as usize);
        let rows = along(&image.pixels, &weights, [height, width], [width * 3, 3]);
        let blurred = along(&rows, &weights, [width, height], [3, width * 3]);
        for (pixel, value) in image.pixels.iter_mut().zip(blurred) {
            *pixel = (value + 0.5) as u8;
        }
    }

    /// Weight of the centre, of its neighbours, … to three deviations; the two-sided sum is 1.
    pub fn half_kernel(self) -> Vec<f32> {
        let reach = (3.0 * self.sigma).ceil() as usize;
        let raw: Vec<f64> = (0..=reach).map(|d| (-0.5 * (d as f64 / self.sigma).powi(2)).exp()).collect();
        let sum = raw[0] + 2.0 * raw[1..].iter().sum::<f64>();
        raw.iter().map(|weight| (weight / sum) as f32).collect()
    }
}

/// One pass: `lines` lines of `count` pixels, which lie `line_step` and `step` numbers apart.
fn along<T: Copy + Into<f32>>(
    pixels: &[T],
    weights: &[f32],
    [lines, count]: [usize; 2],
    [line_step, step]: [usize; 2],
) -> Vec<f32> {
    let mut out = vec![0.0; pixels.len()];
    let mirrored = |at: isize| {
        let within = at.rem_euclid(2 * count as isize) as usize;
        if within < count { within } else { 2 * count - 1 - within }
    };
    for at in 0..count {
        for (distance, &weight) in weights.iter().enumerate() {
            let sides = [at as isize - distance as isize, at as isize + distance as isize];
            let sides = if distance == 0 { &sides[..1] } else { &sides[..] };
            for &side in sides {
                let from = mirrored(side);
                for line in 0..lines {
                    let (to, from) = (line * line_step + at * step, line * line_step + from * step);
                    for channel in 0..3 {
                        out[to + channel] += weight * pixels[from + channel].into();
                    }
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_bell_and_light_is_kept() {
        let mut image = RgbImage::new(31, 31, vec![0; 31 * 31 * 3]).unwrap();
        image.pixels[(15 * 31 + 15) * 3] = 255;
        let weights = Blur { sigma: 2.0 }.half_kernel();
        let rows = along(&image.pixels, &weights, [31, 31], [93, 3]);
        let spread = along(&rows, &weights, [31, 31], [3, 93]);
        assert!((spread.iter().sum::<f32>() - 255.0).abs() < 1e-2);
        let at = |x: usize, y: usize| f64::from(spread[(y * 31 + x) * 3]);
        assert!((at(15, 15) / at(17, 15) - f64::exp(0.5)).abs() < 1e-3, "one deviation away");
        assert!((at(13, 15) - at(15, 17)).abs() < 1e-4, "the same both ways");
    }
}
