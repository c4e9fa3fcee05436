//! Shapes, names, costs and refusals of the operators of transformers and mobile networks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use va_error::{Code, Result};
use va_graph::{Conv2d, Graph, GraphBuilder, Init, Op, WeightInit, infer_shape};

fn block() -> Graph {
    let (mut b, x) = GraphBuilder::new("block", &[4, 6, 8]).unwrap();
    b.weight_init(WeightInit::Normal { std: 0.02 });
    let build = |b: &mut GraphBuilder| -> Result<_> {
        let x = b.tokens("tokens", x)?;
        let x = b.scope("blocks.0", |b| {
            let y = b.layer_norm("norm1", x, 1e-6)?;
            let y = b.linear("attn.qkv", y, 24, true)?;
            let y = b.attention("attn.heads", y, 2)?;
            let y = b.channel_scale("ls1.scale", y, 1e-5)?;
            let y = b.stochastic_depth("drop_path1", y, 0.1)?;
            let x = b.add("add1", x, y)?;
            let gate = b.hard_swish("act", x)?;
            let gate = b.silu("silu", gate)?;
            let gate = b.sigmoid("sigmoid", gate)?;
            let gate = b.gelu("gelu", gate)?;
            b.mul("gated", x, gate)
        })?;
        b.select_token("class", x, 0)
    };
    let out = build(&mut b).unwrap();
    b.finish(out).unwrap()
}

#[test]
fn names_are_those_of_timm() {
    let names: Vec<String> = block().params().into_iter().map(|p| p.name).collect();
    assert_eq!(
        names,
        [
            "blocks.0.attn.qkv.bias",
            "blocks.0.attn.qkv.weight",
            "blocks.0.ls1.gamma",
            "blocks.0.norm1.bias",
            "blocks.0.norm1.weight",
            "cls_token",
            "pos_embed",
        ]
    );
    assert_eq!(block().param("pos_embed").unwrap().shape, [1, 25, 8]);
    assert!(!block().param("pos_embed").unwrap().decay && !block().param("cls_token").unwrap().decay);
}

#[test]
fn json_keeps_operators_and_starting_rules() {
    let graph = block();
    let again = Graph::from_json(&graph.to_json()).unwrap();
    assert_eq!(again, graph);
    assert_eq!(again.param("blocks.0.attn.qkv.weight").unwrap().init, Init::Normal { std: 0.02 });
    assert_eq!(again.param("blocks.0.ls1.gamma").unwrap().init, Init::Constant { value: 1e-5 });
}

/// A file of format 1 knows no starting rules and is still read.
#[test]
fn the_first_format_is_read() {
    let text = r#"{"version":1,"name":"old","nodes":[{"name":"input","op":{"kind":"input","shape":[4]},"inputs":[],
        "shape":[4]},{"name":"fc","op":{"kind":"linear","out_features":2,"bias":true},"inputs":[0],"shape":[2]}],
        "output":1}"#;
    let graph = Graph::from_json(text).unwrap();
    assert_eq!(graph.param("fc.bias").unwrap().init, Init::Uniform { bound: 0.5 });
}

#[test]
fn costs_count_attention_and_linear_on_every_token() {
    let cost = block().cost();
    assert_eq!(cost.multiply_adds, 25 * 8 * 24 + 2 * 25 * 25 * 8);
    assert_eq!(cost.param_bytes, 4 * (8 * 24 + 24 + 8 + 16 + 8 + 25 * 8));
}

#[test]
fn starting_rules_of_convolutions_and_linear_layers() {
    let inits = |rule| {
        let (mut b, x) = GraphBuilder::new("g", &[4, 4, 4]).unwrap();
        b.weight_init(rule);
        let x = b.conv2d("conv", x, Conv2d::new(8, 3).groups(4).bias(true)).unwrap();
        let x = b.linear("fc", x, 16, true).unwrap();
        let graph = b.finish(x).unwrap();
        ["conv.weight", "conv.bias", "fc.weight", "fc.bias"].map(|name| graph.param(name).unwrap().init)
    };
    let he = Init::Normal { std: 1.0 / 3.0 };
    let by_inputs = Init::Uniform { bound: 1.0 / 8f64.sqrt() };
    assert_eq!(inits(WeightInit::Standard), [he, Init::Zeros, by_inputs, by_inputs]);
    assert_eq!(inits(WeightInit::FanOut), [he, Init::Zeros, Init::Uniform { bound: 0.25 }, Init::Zeros]);
    let third = Init::Uniform { bound: 1.0 / 3.0 };
    assert_eq!(inits(WeightInit::FanIn), [third, third, by_inputs, by_inputs]);
}

#[test]
fn what_does_not_fit_is_refused() {
    for (op, input) in [
        (Op::Attention { heads: 2 }, vec![5, 10]),
        (Op::Attention { heads: 0 }, vec![5, 12]),
        (Op::Attention { heads: 5 }, vec![5, 12]),
        (Op::Attention { heads: 1 }, vec![12]),
        (Op::Attention { heads: 1 }, vec![1 << 20, 3]),
        (Op::SelectToken { index: 5 }, vec![5, 3]),
        (Op::SelectToken { index: 0 }, vec![5, 3, 2]),
        (Op::Tokens, vec![5, 3]),
        (Op::LayerNorm { eps: 0.0 }, vec![5]),
        (Op::LayerNorm { eps: f64::NAN }, vec![5]),
        (Op::ChannelScale { init: f64::INFINITY }, vec![5]),
        (Op::StochasticDepth { p: 1.0 }, vec![5]),
        (Op::Linear { out_features: 0, bias: true }, vec![5, 3]),
    ] {
        let error = infer_shape(&op, &[&input]).unwrap_err();
        assert_eq!(error.code(), Code::InvalidInput, "{op:?}");
    }
    assert!(infer_shape(&Op::Mul, &[&[3, 2], &[2, 3]]).unwrap_err().message().contains("mul"));
}

#[test]
fn two_factors_in_one_scope_are_refused() {
    let (mut b, x) = GraphBuilder::new("g", &[4]).unwrap();
    let x = b.channel_scale("a", x, 1.0).unwrap();
    let x = b.channel_scale("b", x, 1.0).unwrap();
    assert!(b.finish(x).unwrap_err().message().contains("`gamma`"));
}
