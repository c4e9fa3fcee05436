//! The arithmetic of Grad-CAM on one activation and its gradient.

use super::layers::Layer;

/// `relu(Σ_c α_c · A_c)` with `α_c` the mean over positions of the gradient of one class's logit (Selvaraju et al. 2017,
/// equations 1 and 2). `activation` and `gradient` are `[leading + rows · columns, C]`; the result is `[rows · columns]`.
/// Sums are taken in f64.
pub(super) fn grad_cam(activation: &[f32], gradient: &[f32], layer: &Layer) -> Vec<f64> {
    let positions = layer.grid[0] * layer.grid[1];
    let channels = activation.len() / (layer.leading + positions);
    let from = layer.leading * channels;
    let mut alphas = vec![0.0; channels];
    for row in gradient[from..].chunks_exact(channels) {
        alphas.iter_mut().zip(row).for_each(|(alpha, &g)| *alpha += f64::from(g) / positions as f64);
    }
    let weigh = |row: &[f32]| row.iter().zip(&alphas).map(|(&a, &alpha)| f64::from(a) * alpha).sum::<f64>();
    activation[from..].chunks_exact(channels).map(|row| weigh(row).max(0.0)).collect()
}

/// The map relative to its largest value, and that value; all zero stays so.
pub(super) fn relative(map: &[f64]) -> (Vec<f32>, f32) {
    let peak = map.iter().copied().fold(0.0, f64::max);
    let scale = if peak > 0.0 { 1.0 / peak } else { 0.0 };
    (map.iter().map(|value| (value * scale) as f32).collect(), peak as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(grid: [usize; 2], leading: usize) -> Layer {
        Layer { name: "x".to_owned(), node: 1, grid, leading }
    }

    #[test]
    fn channels_are_weighed_by_their_mean_gradient_and_negative_sums_cut() {
        // Two channels at two positions: α = (1, -1).
        let activation = [3.0, 1.0, 1.0, 4.0];
        let gradient = [2.0, -1.0, 0.0, -1.0];
        assert_eq!(grad_cam(&activation, &gradient, &layer([1, 2], 0)), [2.0, 0.0]);
    }

    #[test]
    fn a_class_token_takes_no_part() {
        let activation = [9.0, 9.0, 3.0, 1.0, 1.0, 0.0];
        let gradient = [100.0, 100.0, 2.0, -1.0, 0.0, -1.0];
        assert_eq!(grad_cam(&activation, &gradient, &layer([2, 1], 1)), [2.0, 1.0]);
    }

    #[test]
    fn the_largest_is_one_and_nothing_stays_nothing() {
        assert_eq!(relative(&[1.0, 4.0, 0.0]), (vec![0.25, 1.0, 0.0], 4.0));
        assert_eq!(relative(&[0.0, 0.0]), (vec![0.0, 0.0], 0.0));
    }
}
