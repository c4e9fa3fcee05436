//! Bicubic resize with antialias of a grid of vectors, as PyTorch's `interpolate(mode="bicubic", antialias=True)` does
//! it for position embeddings: Keys' kernel with a = -0.5 (Keys 1981), widened when the grid shrinks, pixel centres at
//! halves, weights at the border normalised to one.

/// Resizes `values`, `[from, from, channels]`, to `[to, to, channels]`.
pub(super) fn resize_grid(values: &[f32], from: usize, to: usize, channels: usize) -> Vec<f32> {
    let taps = taps(from, to);
    // Columns first, then rows; the sums are in f64.
    let mut wide = vec![0.0f64; from * to * channels];
    for row in 0..from {
        for (x, (start, weights)) in taps.iter().enumerate() {
            for (k, weight) in weights.iter().enumerate() {
                let source = &values[(row * from + start + k) * channels..][..channels];
                let target = &mut wide[(row * to + x) * channels..][..channels];
                target.iter_mut().zip(source).for_each(|(t, &s)| *t += weight * f64::from(s));
            }
        }
    }
    let mut out = vec![0.0f64; to * to * channels];
    for (y, (start, weights)) in taps.iter().enumerate() {
        for (k, weight) in weights.iter().enumerate() {
            let source = &wide[(start + k) * to * channels..][..to * channels];
            let target = &mut out[y * to * channels..][..to * channels];
            target.iter_mut().zip(source).for_each(|(t, &s)| *t += weight * s);
        }
    }
    out.into_iter().map(|v| v as f32).collect()
}

/// First source position and weights of each target position.
fn taps(from: usize, to: usize) -> Vec<(usize, Vec<f64>)> {
    let scale = from as f64 / to as f64;
    let widen = scale.max(1.0);
    let tap = |target: usize| {
        let centre = (target as f64 + 0.5) * scale;
        let first = ((centre - 2.0 * widen + 0.5) as isize).max(0) as usize;
        let last = ((centre + 2.0 * widen + 0.5) as usize).min(from);
        let weights: Vec<f64> = (first..last).map(|at| keys((at as f64 - centre + 0.5) / widen)).collect();
        let sum: f64 = weights.iter().sum();
        (first, weights.into_iter().map(|w| w / sum).collect())
    };
    (0..to).map(tap).collect()
}

fn keys(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_changes_nothing_and_a_flat_grid_stays_flat() {
        let values: Vec<f32> = (0..18).map(|v| v as f32).collect();
        assert_eq!(resize_grid(&values, 3, 3, 2), values);
        for to in [1, 2, 5, 9] {
            assert!(resize_grid(&[1.5; 18], 3, to, 2).iter().all(|v| (v - 1.5).abs() < 1e-6));
        }
    }
}
