//! Mixup (Zhang et al. 2018): samples of a batch are blended in pairs, and say so to the loss.

use crate::balance::Visit;
use crate::rng::{Draws, Stream};
use crate::{Batch, Blend};

/// Pairs are drawn from (seed, epoch, sample), the share of each sample from Beta(α, α), the larger side its own; with an
/// odd number one sample stays alone.
pub(crate) fn draw_blends(visits: &[Visit], seed: u64, epoch: u32, alpha: f64) -> Vec<Blend> {
    let draws = |at: usize, stream| Draws::new(visits[at].seed(seed), stream, epoch, visits[at].index);
    let mut places: Vec<usize> = (0..visits.len()).collect();
    places.sort_by_cached_key(|&at| (draws(at, Stream::MixupPairs).next_u64(), at));
    let mut blends: Vec<Blend> = (0..visits.len()).map(|at| Blend { other: at, share: 1.0 }).collect();
    for pair in places.chunks_exact(2) {
        let (first, second) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
        let share = |at: usize| beta(alpha, &mut draws(at, Stream::Mixup));
        blends[first] = Blend { other: second, share: share(first) };
        blends[second] = Blend { other: first, share: share(second) };
    }
    blends
}

/// Blends the pixels of the batch in place, as its blends say; `numbers` are those of one image.
pub(crate) fn blend_pixels(batch: &mut Batch, numbers: usize) {
    for (first, blend) in batch.blends.iter().enumerate() {
        let second = blend.other;
        if second <= first {
            // Itself, or done with the other.
            continue;
        }
        let (head, tail) = batch.pixels.split_at_mut(second * numbers);
        let pixels = head[first * numbers..(first + 1) * numbers].iter_mut().zip(&mut tail[..numbers]);
        let [own, other] = [blend.share, batch.blends[second].share].map(|share| share as f32);
        for (a, b) in pixels {
            (*a, *b) = (own * *a + (1.0 - own) * *b, other * *b + (1.0 - other) * *a);
        }
    }
}

/// From Beta(α, α), mirrored to its larger half.
fn beta(alpha: f64, draws: &mut Draws) -> f64 {
    let (a, b) = (gamma(alpha, draws), gamma(alpha, draws));
    let share = if a + b > 0.0 { a / (a + b) } else { 1.0 };
    share.max(1.0 - share)
}

/// From Gamma(shape, 1) (Marsaglia & Tsang 2000).
fn gamma(shape: f64, draws: &mut Draws) -> f64 {
    let boost = if shape < 1.0 { (1.0 - draws.uniform()).powf(1.0 / shape) } else { 1.0 };
    let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let normal =
            (-2.0 * (1.0 - draws.uniform()).ln()).sqrt() * (2.0 * std::f64::consts::PI * draws.uniform()).cos();
        let v = (1.0 + c * normal).powi(3);
        let accepted = v > 0.0 && (1.0 - draws.uniform()).ln() < 0.5 * normal * normal + d - d * v + d * v.ln();
        if accepted {
            return boost * d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixup(batch: &mut Batch, visits: &[Visit], seed: u64, epoch: u32, alpha: f64, numbers: usize) {
        batch.blends = draw_blends(visits, seed, epoch, alpha);
        blend_pixels(batch, numbers);
    }

    fn batch(len: usize) -> (Batch, Vec<Visit>) {
        let batch = Batch {
            pixels: (0..len * 2).map(|at| at as f32).collect(),
            classes: (0..len as u32).collect(),
            keys: vec![String::new(); len],
            ..Batch::default()
        };
        (batch, (0..len).map(|at| Visit { index: at + 40, repeat: 0 }).collect())
    }

    #[test]
    fn pixels_and_classes_are_blended_by_the_same_share() {
        let (original, visits) = batch(7);
        let mut mixed = original.clone();
        mixup(&mut mixed, &visits, 5, 2, 0.4, 2);
        let mut again = original.clone();
        mixup(&mut again, &visits, 5, 2, 0.4, 2);
        assert_eq!(mixed, again);
        assert_eq!(mixed.classes, original.classes);
        for (at, blend) in mixed.blends.iter().enumerate() {
            let other = blend.other;
            let (own, rest) = (blend.share as f32, 1.0 - blend.share as f32);
            for number in 0..2 {
                let want = own * original.pixels[at * 2 + number] + rest * original.pixels[other * 2 + number];
                assert!((mixed.pixels[at * 2 + number] - want).abs() < 1e-4);
            }
            assert_eq!(mixed.blends[other].other, at, "pairs are mutual");
            assert!((0.5..=1.0).contains(&blend.share));
        }
        assert_eq!(mixed.blends.iter().enumerate().filter(|(at, b)| b.other == *at).count(), 1);
        let mut other_epoch = original;
        mixup(&mut other_epoch, &visits, 5, 3, 0.4, 2);
        assert_ne!(mixed.blends, other_epoch.blends);
    }

    /// The moments of Beta(α, α): mean 1/2, variance 1 / (4 (2 α + 1)); mirrored to the larger half, the square of the
    /// distance from 1/2 stays.
    #[test]
    fn shares_follow_the_beta_distribution() {
        for alpha in [0.2, 1.0, 4.0] {
            let n = 20_000;
            let spread: f64 = (0..n)
                .map(|index| (beta(alpha, &mut Draws::new(1, Stream::Mixup, 0, index)) - 0.5).powi(2))
                .sum::<f64>()
                / n as f64;
            let want = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!((spread / want - 1.0).abs() < 0.05, "α {alpha}: {spread}, expected {want}");
        }
    }
}
