//! Which kernels, on which problems: odd sizes, mixed parities, channels that fill no block, one row, many parts.

use super::{Case, batch_norm, case0, case1, case2, laid_out, positive, real, updates, value, words};
use crate::kernels::activation::{Activation, ActivationGrad, MulAssign, Product};
use crate::kernels::attention::{AttentionForward, AttentionGeometry, AttentionGrad};
use crate::kernels::channel_scale::{ChannelScaleForward, ChannelScaleParamGrad, ScaleChannels, StochasticDepth};
use crate::kernels::conv_ops::{BiasGrad, Conv2dForward, Conv2dInputGrad, Conv2dWeightGrad, Epilogue};
use crate::kernels::elementwise::{AddAssign, Cast, ConcatPart, Copy, Dropout, Fill, SplitPart};
use crate::kernels::geometry::{ConvGeometry, PoolGeometry};
use crate::kernels::lay_out::LayOut;
use crate::kernels::layer_norm::{LayerNormForward, LayerNormInputGrad, LayerNormReduce};
use crate::kernels::linear::{LinearForward, LinearGeometry, LinearInputGrad, LinearWeightGrad};
use crate::kernels::loss::{BinaryCrossEntropyGrad, BinaryCrossEntropyRows, CrossEntropyGrad, CrossEntropyRows};
use crate::kernels::pool::{
    AvgPoolForward, AvgPoolGrad, GlobalAvgPoolForward, GlobalAvgPoolGrad, MaxPoolForward, MaxPoolGrad,
};
use crate::kernels::tokens::{
    AddPositions, ClassTokenGrad, PlaceTokens, PositionGrad, SelectToken, SelectTokenGrad, TokenGeometry,
    TokensInputGrad,
};

/// The whole table.
pub(crate) fn all() -> Vec<Case> {
    [
        elementwise(),
        activations(),
        channels(),
        batch_norm::cases(),
        layer_norm(),
        pools(),
        convolutions(),
        weights(),
        depthwise(),
        linear(),
        tokens(),
        attention(),
        losses(),
        updates::cases(),
    ]
    .concat()
}

const ACTIVATIONS: [Activation; 5] =
    [Activation::Relu, Activation::Gelu, Activation::Silu, Activation::HardSwish, Activation::Sigmoid];

fn elementwise() -> Vec<Case> {
    vec![
        case1("copy", value(1001), value(1001), Copy),
        case1("copy of reals", real(77), real(77), Copy),
        case1("cast down", value(1001), real(1001), Cast),
        case1("cast up", real(1001), value(1001), Cast),
        case0("fill", value(300), Fill(0.75)),
        case1("add", value(515), value(515), AddAssign { relu: false }),
        case1("add, ReLU", value(515), value(515), AddAssign { relu: true }),
        case1("dropout", value(3000), words(2), Dropout { p: 0.3 }),
        case1("stochastic depth", value(40 * 63), words(2), StochasticDepth { p: 0.4, sample_len: 63 }),
        case1("concat", value(21 * 13), value(21 * 5), ConcatPart { channels: 5, dst_channels: 13, at: 6 }),
        case1("concat of eights", value(9 * 40), value(9 * 16), ConcatPart { channels: 16, dst_channels: 40, at: 8 }),
        case1("split of eights", value(9 * 16), value(9 * 40), SplitPart { channels: 16, src_channels: 40, at: 24 }),
        case1("split", value(21 * 5), value(21 * 13), SplitPart { channels: 5, src_channels: 13, at: 6 }),
    ]
}

fn activations() -> Vec<Case> {
    let mut cases = vec![
        case1("mul", value(515), value(515), MulAssign),
        case2("product", value(515), [value(515), value(515)], Product { accumulate: false }),
        case2("product, added", value(515), [value(515), value(515)], Product { accumulate: true }),
    ];
    for activation in ACTIVATIONS {
        let name = |what: &str| format!("{activation:?}{what}");
        cases.push(case0(&name(" in place"), value(513), activation));
        cases.push(case1(&name(""), value(513), value(513), activation));
        cases.push(case1(&name(" gradient"), value(513), value(513), ActivationGrad(activation)));
    }
    cases
}

fn channels() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, c) in [(1, 5), (37, 33), (700, 70), (130, 24), (1300, 64), (3, 136)] {
        let name = |what: &str| format!("{what} [{rows}, {c}]");
        cases.extend([
            case1(&name("channel scale in place"), value(rows * c), real(c), ScaleChannels),
            case2(&name("channel scale"), value(rows * c), [value(rows * c), real(c)], ChannelScaleForward),
            case2(&name("channel scale gradient"), real(c), [value(rows * c), value(rows * c)], ChannelScaleParamGrad),
            case1(&name("bias gradient"), real(c), value(rows * c), BiasGrad),
        ]);
    }
    cases
}

fn layer_norm() -> Vec<Case> {
    let (eps, mut cases) = (1e-6, Vec::new());
    for (rows, c) in [(1, 7), (70, 96), (150, 200), (9, 33), (5, 776), (300, 8)] {
        let (len, name) = (rows * c, |what: &str| format!("{what} [{rows}, {c}]"));
        let (sums, grad) = (LayerNormReduce { eps }, LayerNormInputGrad { eps });
        cases.extend([
            case2(&name("layer norm"), value(len), [value(len), real(2 * c)], LayerNormForward { eps }),
            case2(&name("layer norm sums"), real(2 * c), [value(len), value(len)], sums),
            case2(&name("layer norm gradient"), value(len), [value(len), real(c)], grad),
        ]);
    }
    cases
}

fn pools() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, kernel, stride, padding, channels) in [
        ([6, 6], [2, 2], [2, 2], [0, 0], 5),
        ([7, 5], [3, 3], [2, 2], [1, 1], 5),
        ([5, 8], [3, 2], [1, 2], [1, 0], 5),
        ([9, 9], [2, 3], [3, 2], [0, 1], 5),
        ([7, 6], [3, 3], [2, 2], [1, 1], 24),
        ([5, 8], [2, 3], [1, 3], [0, 1], 8),
    ] {
        let out = |axis: usize| (size[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis] + 1;
        let geo = PoolGeometry { batch: 2, size, channels, out_size: [out(0), out(1)], kernel, stride, padding };
        pools_of(&geo, &mut cases);
    }
    for (pixels, channels) in [(15, 6), (49, 24), (3, 80)] {
        let (x, y) = (value(3 * pixels * channels), value(3 * channels));
        let name = |what: &str| format!("{what} of {pixels} pixels, {channels} channels");
        let grad = |accumulate| GlobalAvgPoolGrad { pixels, channels, accumulate };
        cases.extend([
            case1(&name("global average"), y, x, GlobalAvgPoolForward { pixels, channels }),
            case1(&name("global average gradient"), x, y, grad(false)),
            case1(&name("global average gradient, added"), x, y, grad(true)),
        ]);
    }
    cases
}

fn pools_of(geo: &PoolGeometry, cases: &mut Vec<Case>) {
    let (x, y) = (value(geo.batch * geo.image_len()), value(geo.batch * geo.out_image_len()));
    let name =
        |what: &str| format!("{what} {:?} by {:?} step {:?} pad {:?}", geo.size, geo.kernel, geo.stride, geo.padding);
    cases.push(case1(&name("max pool"), y, x, MaxPoolForward(geo.clone())));
    for accumulate in [false, true] {
        let added = if accumulate { ", added" } else { "" };
        let grad = MaxPoolGrad { geometry: geo.clone(), accumulate };
        cases.push(case2(&name(&format!("max pool gradient{added}")), x, [x, y], grad));
        for count_include_pad in [false, true] {
            let geometry = geo.clone();
            let grad = AvgPoolGrad { geometry, count_include_pad, accumulate };
            let padded = if count_include_pad { ", padding counted" } else { "" };
            cases.push(case1(&name(&format!("average gradient{padded}{added}")), x, y, grad));
            let forward = AvgPoolForward { geometry: geo.clone(), count_include_pad };
            cases.push(case1(&name(&format!("average{padded}")), y, x, forward));
        }
    }
}

fn convolutions() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, kernel, stride, padding, dilation, groups) in [
        ([6, 5], [1, 1], [1, 1], [0, 0], [1, 1], 1),
        ([7, 8], [1, 1], [2, 2], [0, 0], [1, 1], 1),
        ([7, 6], [3, 3], [1, 1], [1, 1], [1, 1], 1),
        ([7, 6], [3, 2], [2, 1], [1, 0], [1, 1], 1),
        ([9, 8], [3, 3], [1, 1], [2, 2], [2, 2], 1),
        ([6, 7], [2, 3], [2, 1], [1, 2], [1, 2], 2),
        ([8, 8], [4, 4], [4, 4], [0, 0], [1, 1], 1),
        ([6, 6], [3, 3], [1, 1], [1, 1], [1, 1], 8),
    ] {
        for out_channels in if kernel == [3, 2] { vec![8, 16, 40] } else { vec![8, 16] } {
            let geo = ConvGeometry {
                batch: 2,
                size,
                channels: 8,
                out_channels,
                kernel,
                stride,
                padding,
                dilation,
                groups,
                out_size: [0, 0],
            };
            convolutions_of(&geo, &mut cases);
        }
    }
    cases
}

/// Channels that are taken one by one and in eights, and images that are large enough for several pixels a thread.
fn depthwise() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, channels, kernel, stride, padding, dilation) in [
        ([6, 6], 40, [3, 3], [1, 1], [1, 1], [1, 1]),
        ([8, 7], 12, [3, 3], [2, 2], [1, 1], [1, 1]),
        ([9, 8], 8, [3, 3], [1, 1], [2, 2], [2, 2]),
        ([10, 9], 16, [3, 3], [3, 3], [1, 1], [1, 1]),
        ([9, 7], 24, [5, 5], [2, 2], [2, 2], [1, 1]),
        ([9, 9], 8, [7, 7], [1, 1], [3, 3], [1, 1]),
        ([9, 9], 6, [7, 7], [1, 1], [3, 3], [1, 1]),
    ] {
        let (groups, out_channels, out_size) = (channels, channels, [0, 0]);
        let geo = ConvGeometry {
            batch: 2,
            size,
            channels,
            out_channels,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            out_size,
        };
        convolutions_of(&geo, &mut cases);
    }
    let (size, channels, one) = ([64, 253], 64, [1, 1]);
    let (out_channels, groups, kernel) = (channels, channels, [3, 3]);
    let geo = ConvGeometry {
        batch: 2,
        size,
        channels,
        out_channels,
        kernel,
        stride: one,
        padding: one,
        dilation: one,
        groups,
        out_size: size,
    };
    let (x, y, w) = (value(geo.input_len()), value(geo.output_len()), real(geo.weight_len()));
    cases.push(case2("wide depthwise", y, [x, w], Conv2dForward::new(geo.clone(), Epilogue::default())));
    let geo = ConvGeometry { stride: [1, 2], out_size: [64, 127], ..geo };
    cases.push(case2("wide depthwise input gradient", x, [value(geo.output_len()), w], Conv2dInputGrad::new(geo)));
    cases
}

/// The output's size follows from the others.
fn convolutions_of(geo: &ConvGeometry, cases: &mut Vec<Case>) {
    let out =
        |a: usize| (geo.size[a] + 2 * geo.padding[a] - geo.dilation[a] * (geo.kernel[a] - 1) - 1) / geo.stride[a] + 1;
    let geo = ConvGeometry { out_size: [0, 1].map(out), ..geo.clone() };
    let (x, y, w) = (value(geo.input_len()), value(geo.output_len()), real(geo.weight_len()));
    let name = |what: &str| {
        let ConvGeometry { size, kernel, stride, dilation, groups, out_channels, .. } = &geo;
        format!("{what} {size:?} to {out_channels} by {kernel:?} step {stride:?} apart {dilation:?} groups {groups}")
    };
    let plain = Epilogue::default();
    cases.push(case2(&name("conv"), y, [x, w], Conv2dForward::new(geo.clone(), plain)));
    let whole = Epilogue { bias: true, sum: true, activation: Some(Activation::Relu) };
    let params = real(geo.weight_len() + geo.out_channels);
    cases.push(case2(&name("conv, bias, sum, ReLU"), y, [x, params], Conv2dForward::new(geo.clone(), whole)));
    for (what, activation) in [("bias", None), ("bias, ReLU", whole.activation), ("bias, GELU", Some(Activation::Gelu))]
    {
        let epilogue = Epilogue { bias: true, sum: false, activation };
        let kernel = Conv2dForward::new(geo.clone(), epilogue);
        cases.push(case2(&name(&format!("conv, {what}")), y, [x, params], kernel));
    }
    cases.push(case2(&name("conv input gradient"), x, [y, w], Conv2dInputGrad::new(geo.clone())));
    cases.push(case2(&name("conv weight gradient"), w, [x, y], Conv2dWeightGrad::new(geo.clone())));
    if geo.is_depthwise() {
        return;
    }
    let matrix = if geo.is_matrix() { [1, geo.weight_len()] } else { [geo.window(), geo.out_channels] };
    let forward = geo.clone();
    cases.push(laid_out(&name("conv, weights laid out, bias, sum, ReLU"), y, [x, params], matrix, move |weights| {
        Conv2dForward::new(forward.clone(), whole).laid_out(weights)
    }));
    let backward = geo.clone();
    cases.push(laid_out(&name("conv input gradient, weights laid out"), x, [y, w], matrix, move |weights| {
        Conv2dInputGrad::new(backward.clone()).laid_out(weights)
    }));
}

/// More matrices than one start takes, some of more than one block.
fn weights() -> Vec<Case> {
    let (mut lay_out, mut from) = (LayOut::default(), 3);
    for i in 0..200 {
        let matrix = if i % 50 == 7 { [27, 130] } else { [1 + i % 3, 1 + i % 7] };
        from += lay_out.add(from, matrix).len();
    }
    vec![case1("weights laid out", value(lay_out.len()), real(from), lay_out)]
}

fn linear() -> Vec<Case> {
    let mut cases = Vec::new();
    for [rows, inputs, outputs] in [[1, 7, 3], [33, 40, 17]] {
        let geo = LinearGeometry { rows, inputs, outputs };
        let (x, y, w) = (value(rows * inputs), value(rows * outputs), real(inputs * outputs));
        let name = |what: &str| format!("{what} {rows} × {inputs} to {outputs}");
        let whole = Epilogue { bias: true, sum: true, activation: Some(Activation::Gelu) };
        let params = real(outputs * inputs + outputs);
        cases.extend([
            case2(&name("linear"), y, [x, w], LinearForward::new(geo, Epilogue::default())),
            case2(&name("linear, bias, sum, GELU"), y, [x, params], LinearForward::new(geo, whole)),
            case2(&name("linear input gradient"), x, [y, w], LinearInputGrad::new(geo)),
            case2(&name("linear weight gradient"), w, [x, y], LinearWeightGrad::new(geo)),
        ]);
        let matrix = [1, inputs * outputs];
        let relu = Epilogue { activation: Some(Activation::Relu), ..whole };
        for (what, epilogue) in [("GELU", whole), ("ReLU", relu)] {
            let name = name(&format!("linear, weights laid out, bias, sum, {what}"));
            cases.push(laid_out(&name, y, [x, params], matrix, move |weights| {
                LinearForward::new(geo, epilogue).laid_out(weights)
            }));
        }
        cases.push(laid_out(&name("linear input gradient, weights laid out"), x, [y, w], matrix, move |weights| {
            LinearInputGrad::new(geo).laid_out(weights)
        }));
    }
    cases
}

fn tokens() -> Vec<Case> {
    let geo = TokenGeometry { batch: 3, tokens: 6, channels: 10 };
    let (all, image, one) = (value(3 * 6 * 10), value(3 * 5 * 10), value(3 * 10));
    let mut cases = vec![
        case2("tokens", all, [image, real(10)], PlaceTokens(geo)),
        case1("positions", all, real(60), AddPositions),
        case1("positions gradient", real(60), all, PositionGrad),
        case1("class token gradient", real(10), all, ClassTokenGrad(geo)),
        case1("one token", one, all, SelectToken { geometry: geo, index: 2 }),
    ];
    for accumulate in [false, true] {
        let name = |what: &str| format!("{what}{}", if accumulate { ", added" } else { "" });
        let select = SelectTokenGrad { geometry: geo, index: 2, accumulate };
        cases.push(case1(&name("one token gradient"), all, one, select));
        let tokens = TokensInputGrad { geometry: geo, accumulate };
        cases.push(case1(&name("tokens gradient"), image, all, tokens));
    }
    cases
}

fn attention() -> Vec<Case> {
    let mut cases = Vec::new();
    for (tokens, heads, channels) in [(5, 2, 8), (37, 3, 48), (150, 1, 16)] {
        let geo = AttentionGeometry { batch: 2, tokens, channels, heads };
        let (packed, y) = (value(2 * tokens * 3 * channels), value(2 * tokens * channels));
        let name = |what: &str| format!("{what} of {tokens} tokens, {heads} heads");
        cases.push(case1(&name("attention"), y, packed, AttentionForward(geo)));
        for accumulate in [false, true] {
            let what = if accumulate { "attention gradient, added," } else { "attention gradient" };
            cases.push(case2(&name(what), packed, [packed, y], AttentionGrad { geometry: geo, accumulate }));
        }
    }
    cases
}

fn losses() -> Vec<Case> {
    let cross_entropy = |classes: usize| {
        let entries = 7 * classes;
        let name = format!("cross-entropy gradient of {classes} classes");
        case2(&name, value(entries), [real(entries), positive(entries)], CrossEntropyGrad { classes })
    };
    let rows = |classes: usize| {
        let operands = [real(7 * classes), positive(7 * classes)];
        case2(&format!("cross-entropy of {classes} classes"), real(7), operands, CrossEntropyRows { classes })
    };
    let binary_rows = BinaryCrossEntropyRows { classes: 150 };
    let binary_rows = case2("binary cross-entropy", real(2), [real(300), positive(600)], binary_rows);
    let binary = "binary cross-entropy gradient";
    let binary = case2(binary, value(300), [real(300), positive(600)], BinaryCrossEntropyGrad);
    vec![cross_entropy(3), cross_entropy(300), rows(3), rows(300), binary, binary_rows]
}
