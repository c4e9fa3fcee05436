//! The library for convolutions that a card has: plain loops.

use super::{read, write};
use crate::device::{Buffer, ConvPass, Finish};
use crate::kernels::geometry::ConvGeometry;

/// Calls `run(y, x, w)` with the indices of every factor of every sum; w is `[K, kh, kw, C / groups]`.
fn for_products(geo: &ConvGeometry, mut run: impl FnMut(usize, usize, usize)) {
    let ([h, w], [ho, wo], [kh, kw]) = (geo.size, geo.out_size, geo.kernel);
    let (inputs, outputs) = (geo.channels / geo.groups, geo.out_channels / geo.groups);
    let source = |out: usize, tap: usize, axis: usize, size: usize| {
        let at = (out * geo.stride[axis] + tap * geo.dilation[axis]).checked_sub(geo.padding[axis])?;
        (at < size).then_some(at)
    };
    for pixel in 0..geo.batch * ho * wo {
        let (image, oy, ox) = (pixel / (ho * wo), pixel / wo % ho, pixel % wo);
        for tap in 0..kh * kw {
            let (Some(iy), Some(ix)) = (source(oy, tap / kw, 0, h), source(ox, tap % kw, 1, w)) else { continue };
            let from = ((image * h + iy) * w + ix) * geo.channels;
            for k in 0..geo.out_channels {
                for c in 0..inputs {
                    let x = from + k / outputs * inputs + c;
                    run(pixel * geo.out_channels + k, x, (k * kh * kw + tap) * inputs + c);
                }
            }
        }
    }
}

pub(super) fn convolve(pass: ConvPass, geo: &ConvGeometry, operands: [Buffer; 3]) {
    sum_up(pass, geo, operands, |_, sum| sum);
}

pub(super) fn finished(geo: &ConvGeometry, operands: [Buffer; 3], finish: Finish) {
    let Finish { bias, keep, relu } = finish;
    assert_eq!((bias.number, bias.len), (operands[0].number, geo.out_channels));
    sum_up(ConvPass::Forward { keep }, geo, operands, |place, sum| {
        let sum = sum + read(bias, place % geo.out_channels);
        if relu { sum.max(0.0) } else { sum }
    });
}

/// Every sum, made in f32, goes through `finish(place, sum)` before it is written.
fn sum_up(pass: ConvPass, geo: &ConvGeometry, [to, a, b]: [Buffer; 3], finish: impl Fn(usize, f32) -> f32) {
    assert!([a, b].iter().all(|operand| operand.number == to.number), "operands of several number types");
    let values = |buffer: Buffer| (0..buffer.len).map(|at| read(buffer, at)).collect::<Vec<f32>>();
    let (first, second) = (values(a), values(b));
    let mut sums = vec![0.0f32; to.len];
    match pass {
        ConvPass::Forward { .. } => for_products(geo, |y, x, w| sums[y] += first[x] * second[w]),
        ConvPass::InputGrad => for_products(geo, |y, x, w| sums[x] += first[y] * second[w]),
        ConvPass::WeightGrad => for_products(geo, |y, x, w| sums[w] += first[x] * second[y]),
    }
    for (place, sum) in sums.into_iter().enumerate() {
        let base = if pass == (ConvPass::Forward { keep: true }) { read(to, place) } else { 0.0 };
        write(to, place, finish(place, base + sum));
    }
}
