//! Sums over rows of `[rows, channels]`, a vector register of channels at a time.

use std::array::from_fn;

use super::real::{Element, Real};
use crate::par;

/// Channels summed together: one AVX-512 register of f32.
const LANES: usize = 16;
/// Rows summed in the number type that is computed with before they join the f64 sum.
const ROWS: usize = 16;

/// Results of `task(start, piece)` on pieces of whole rows of `data`, in order: at most 64, cut by the row count alone.
pub(crate) fn row_parts<T: Element, R: Send>(
    data: &[T],
    channels: usize,
    task: impl Fn(usize, &[T]) -> R + Sync,
) -> Vec<R> {
    let len = (data.len() / channels).div_ceil(64).max(32) * channels;
    par::map(
        data.len().div_ceil(len),
        #[inline(always)]
        |i| task(i * len, &data[i * len..data.len().min((i + 1) * len)]),
    )
}

/// Adds `f` of every element, by channel, to `sums`: `values` are `[rows, channels]` of one length, `params` have one
/// number a channel.
#[inline(always)]
pub(crate) fn add_rows<T: Element, const V: usize, const P: usize, const S: usize>(
    values: [&[T]; V],
    params: [&[T::Real]; P],
    sums: &mut [Vec<f64>; S],
    f: impl Fn([T::Real; V], [T::Real; P]) -> [T::Real; S],
) {
    let channels = sums[0].len();
    let whole = channels / LANES * LANES;
    let len = values[0].len();
    for block in (0..len).step_by(ROWS * channels) {
        let end = len.min(block + ROWS * channels);
        for lane in (0..whole).step_by(LANES) {
            let params: [[T::Real; LANES]; P] = from_fn(|p| load(&params[p][lane..]));
            let mut acc = [[T::Real::ZERO; LANES]; S];
            for row in (block..end).step_by(channels) {
                let values: [&[T; LANES]; V] = from_fn(|v| first(&values[v][row + lane..]));
                for k in 0..LANES {
                    let terms = f(from_fn(|v| values[v][k].wide()), from_fn(|p| params[p][k]));
                    for s in 0..S {
                        acc[s][k] += terms[s];
                    }
                }
            }
            for (sums, acc) in sums.iter_mut().zip(&acc) {
                sums[lane..lane + LANES].iter_mut().zip(acc).for_each(|(sum, a)| *sum += a.f64());
            }
        }
        for c in whole..channels {
            for row in (block..end).step_by(channels) {
                let terms = f(from_fn(|v| values[v][row + c].wide()), from_fn(|p| params[p][c]));
                sums.iter_mut().zip(terms).for_each(|(sum, t)| sum[c] += t.f64());
            }
        }
    }
}

#[inline(always)]
fn first<T>(data: &[T]) -> &[T; LANES] {
    data.first_chunk().expect("BUG: a whole register of channels")
}

#[inline(always)]
fn load<T: Copy>(data: &[T]) -> [T; LANES] {
    *first(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_added_once() {
        for channels in [1, 5, 16, 40] {
            let rows = 37;
            let x: Vec<f64> = (0..rows * channels).map(|i| (i % 101) as f64).collect();
            let scale: Vec<f64> = (0..channels).map(|c| c as f64).collect();
            let mut sums = [vec![0.0; channels], vec![0.0; channels]];
            add_rows([&x], [&scale], &mut sums, |[x], [s]| [x, x * s]);
            for c in 0..channels {
                let want: f64 = (0..rows).map(|r| x[r * channels + c]).sum();
                assert_eq!((sums[0][c], sums[1][c]), (want, want * scale[c]));
            }
        }
    }
}
