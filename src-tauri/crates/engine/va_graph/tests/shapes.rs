//! Shape rules on random sizes, and graphs from outside that must be refused without a panic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use proptest::prelude::*;
use va_error::Code;
use va_graph::{BatchNorm, Conv2d, Graph, GraphBuilder, Op, Pool2d, infer_shape};

/// Counts the positions of a window by sliding it, as the definition says.
fn positions(size: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> usize {
    let span = dilation * (kernel - 1) + 1;
    (0..).map(|i| i * stride).take_while(|start| start + span <= size + 2 * padding).count()
}

proptest! {
    #[test]
    fn convolutions_have_as_many_outputs_as_window_positions(
        h in 1usize..20, w in 1usize..20, kernel in 1usize..5, stride in 1usize..4, padding in 0usize..4,
        dilation in 1usize..3, groups in 1usize..4,
    ) {
        let conv = Conv2d::new(6 * groups, kernel).stride(stride).padding(padding).dilation(dilation).groups(groups);
        let want = [positions(h, kernel, stride, padding, dilation), positions(w, kernel, stride, padding, dilation)];
        let got = infer_shape(&Op::Conv2d(conv), &[&[h, w, 2 * groups]]);
        if want.contains(&0) {
            prop_assert!(got.is_err());
        } else {
            prop_assert_eq!(got.unwrap(), vec![want[0], want[1], 6 * groups]);
        }
    }

    #[test]
    fn pools_have_as_many_outputs_as_window_positions(
        h in 1usize..20, w in 1usize..20, kernel in 1usize..5, stride in 1usize..4, padding in 0usize..3,
    ) {
        let got = infer_shape(&Op::MaxPool(Pool2d::new(kernel, stride, padding)), &[&[h, w, 3]]);
        let want = [positions(h, kernel, stride, padding, 1), positions(w, kernel, stride, padding, 1)];
        if padding > kernel / 2 || want.contains(&0) {
            prop_assert!(got.is_err());
        } else {
            prop_assert_eq!(got.unwrap(), vec![want[0], want[1], 3]);
        }
    }

    /// Whatever text comes in: a graph or an error, never a panic.
    #[test]
    fn mutated_json_never_panics(at in 0usize..4000, byte in 32u8..127) {
        let mut text = small().to_json().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Ok(graph) = Graph::from_json(&String::from_utf8(text).unwrap()) {
            graph.cost();
            graph.params();
        }
    }
}

fn small() -> Graph {
    let (mut b, x) = GraphBuilder::new("small", &[8, 8, 3]).unwrap();
    let out = b
        .scope("stage", |b| {
            let x = b.conv2d("conv", x, Conv2d::new(4, 3).padding(1))?;
            let x = b.batch_norm("bn", x, BatchNorm::default())?;
            let y = b.relu("act", x)?;
            let y = b.add("sum", y, x)?;
            let y = b.avg_pool("avg", y, Pool2d::new(2, 2, 0), true)?;
            let y = b.global_avg_pool("pool", y)?;
            b.linear("fc", y, 2, true)
        })
        .unwrap();
    b.finish(out).unwrap()
}

#[test]
fn json_goes_round() {
    let graph = small();
    assert_eq!(Graph::from_json(&graph.to_json()).unwrap(), graph);
}

#[test]
fn costs_are_exact() {
    let cost = small().cost();
    assert_eq!(cost.multiply_adds, 8 * 8 * 4 * 27 + 8);
    assert_eq!(cost.param_bytes, 4 * (4 * 27 + 8 + 10));
    assert_eq!(cost.activation_bytes, 4 * (8 * 8 * 3 + 4 * 8 * 8 * 4 + 4 * 4 * 4 + 4 + 2));
}

#[test]
fn decay_spares_one_dimensional_parameters() {
    let names: Vec<String> = small().params().into_iter().filter(|p| p.decay).map(|p| p.name).collect();
    assert_eq!(names, ["stage.conv.weight", "stage.fc.weight"]);
}

#[test]
fn a_shape_error_names_the_layer() {
    let (mut b, x) = GraphBuilder::new("bad", &[4, 4, 3]).unwrap();
    let error = b.scope("layer1", |b| b.conv2d("conv2", x, Conv2d::new(4, 7))).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(error.message().contains("layer1.conv2"), "{error}");
    assert!(error.chain().contains("does not fit"), "{}", error.chain());
}

#[test]
fn two_layers_of_one_name_are_refused() {
    let (mut b, x) = GraphBuilder::new("bad", &[4]).unwrap();
    let y = b.linear("fc", x, 2, true).unwrap();
    let y = b.linear("fc", y, 2, true).unwrap();
    assert!(b.finish(y).unwrap_err().message().contains("`fc`"));
}

/// Replaces `from` in the JSON of a good graph and expects the refusal.
fn refused(from: &str, to: &str) -> va_error::Error {
    let text = small().to_json();
    assert!(text.contains(from), "{from} not in {text}");
    Graph::from_json(&text.replacen(from, to, 1)).expect_err(to)
}

#[test]
fn hostile_graphs_are_refused() {
    let newer = refused("\"version\":2", "\"version\":3");
    assert_eq!(newer.code(), Code::TooNew);
    // A newer version may say things that this one cannot parse.
    assert_eq!(Graph::from_json("{\"version\":9,\"layers\":[]}").unwrap_err().code(), Code::TooNew);
    for (from, to) in [
        ("\"inputs\":[0]", "\"inputs\":[1]"),
        ("\"inputs\":[0]", "\"inputs\":[5]"),
        ("\"inputs\":[0]", "\"inputs\":[99999]"),
        ("\"inputs\":[0]", "\"inputs\":[]"),
        ("\"inputs\":[0]", "\"inputs\":[-1]"),
        ("\"output\":7", "\"output\":8"),
        ("\"kind\":\"conv2d\"", "\"kind\":\"conv9d\""),
        ("\"kind\":\"relu\"", "\"kind\":\"input\",\"shape\":[8,8,4]"),
        ("[8,8,3]", "[0,8,3]"),
        ("[8,8,3]", "[18446744073709551615,8,3]"),
        ("[8,8,3]", "[16777216,16777216,16777216]"),
        ("\"out_channels\":4", "\"out_channels\":5"),
        ("\"out_channels\":4", "\"out_channels\":18446744073709551615"),
        ("\"stride\":[1,1]", "\"stride\":[0,1]"),
        ("\"padding\":[1,1]", "\"padding\":[18446744073709551615,1]"),
        ("\"dilation\":[1,1]", "\"dilation\":[18446744073709551615,1]"),
        ("\"groups\":1", "\"groups\":0"),
        ("\"eps\":0.00001", "\"eps\":-1"),
    ] {
        if small().to_json().contains(from) {
            assert_eq!(refused(from, to).code(), Code::InvalidInput, "{to}");
        } else {
            assert!(from.contains("eps"), "{from} is not in the graph's text");
        }
    }
    for text in ["", "{", "[]", "null", "{\"version\":1}", "{\"version\":1,\"name\":\"x\",\"nodes\":[],\"output\":0}"] {
        assert!(Graph::from_json(text).is_err(), "{text}");
    }
}
