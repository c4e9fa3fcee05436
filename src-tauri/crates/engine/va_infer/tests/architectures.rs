//! Every architecture, and every operator that they do not use, exported in both precisions and run again by another
//! runtime.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use candle_core::{DType, Device, Tensor};
use common::{Pictures, write};
use prost::Message;
use va_dataset::SampleSource;
use va_domain::{CertificateVerdict, ModelPrecision};
use va_error::{Code, Result};
use va_exec::{CounterRng, Mode, NamedTensors, Network};
use va_graph::{BatchNorm, Conv2d, Graph, GraphBuilder, Op};
use va_infer::{LocalSession, ModelFolder, Session, export_onnx, onnx_bytes};

/// Numbers with which every layer matters: He for weights, scales near one, factors near a half.
fn numbers(graph: &Graph) -> NamedTensors {
    let params = graph.params().into_iter().map(|p| (p.name, p.shape));
    let tensor = |name: &str, shape: &[usize]| {
        let rng = CounterRng::new(7, name);
        let (factor, offset) = match *shape {
            [_, i, kh, kw] => ((2.0 / (i * kh * kw) as f64).sqrt(), 0.0),
            [_, i] => ((1.0 / i as f64).sqrt(), 0.0),
            _ if name.ends_with("weight") || name.ends_with("var") => (0.1, 1.0),
            _ if name.ends_with("gamma") => (0.1, 0.5),
            _ => (0.1, 0.0),
        };
        let count = shape.iter().product::<usize>() as u64;
        let values: Vec<f32> = (0..count).map(|i| (offset + factor * rng.normal(i)) as f32).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    };
    params
        .chain(graph.buffers().into_iter().map(|b| (b.name, b.shape)))
        .map(|(name, shape)| (name.clone(), tensor(&name, &shape)))
        .collect()
}

/// The numbers with running statistics that fit the activations, so that neither dies out nor explodes on the way.
fn fitting_numbers(graph: &Graph) -> NamedTensors {
    let mut state = numbers(graph);
    if graph.buffers().is_empty() {
        return state;
    }
    let mut net = Network::new(graph.clone(), DType::F32).unwrap();
    net.load_state(&state).unwrap().ensure_complete().unwrap();
    let shape = [&[4], graph.input_shape()].concat();
    let rng = CounterRng::new(8, "batch");
    let pixels = (0..shape.iter().product::<usize>() as u64).map(|i| rng.normal(i) as f32).collect::<Vec<_>>();
    let batch = Tensor::from_vec(pixels, shape, &Device::Cpu).unwrap();
    for _ in 0..40 {
        net.forward(&batch, Mode::Train).unwrap();
    }
    state.extend(net.state().unwrap());
    state
}

/// Writes, exports in both precisions, runs again.
fn certify_graph(graph: &Graph) {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("m");
    write(&model, graph, &fitting_numbers(graph));
    let session = LocalSession::open(&model).unwrap();
    let images: Vec<_> = [0, 2].map(|index| Pictures(3).load(index).unwrap()).into();
    let rows = session.probabilities(&images).unwrap();
    let differs = rows[0].iter().zip(&rows[1]).any(|(a, b)| (a - b).abs() > 1e-3);
    assert!(differs, "{}: every image gives the same, nothing is tested: {rows:?}", graph.name());
    let mut sizes = Vec::new();
    for (precision, largest) in [(ModelPrecision::Fp32, 1e-4), (ModelPrecision::Fp16, 5e-2)] {
        let out = dir.path().join("model.onnx");
        let file = export_onnx(&model, &out, &Pictures(10), precision).unwrap();
        let certificate = &file.certificate;
        assert!(certificate.max_abs_difference < largest, "{} {precision:?}: {certificate:?}", graph.name());
        // Weights drawn at random make rounding to f16 tell more than trained ones do; in f32 the verdict is sure.
        if precision == ModelPrecision::Fp32 {
            assert_eq!(certificate.verdict, CertificateVerdict::Pass, "{}: {certificate:?}", graph.name());
        }
        sizes.push(file.size_bytes);
    }
    assert!(sizes[1] * 10 < sizes[0] * 6, "{}: fp16 takes {sizes:?} bytes", graph.name());
}

macro_rules! certify_architectures {
    ($($arch:ident),*) => { $(
        #[test]
        fn $arch() {
            certify_graph(&va_zoo::build(stringify!($arch), 3, 64, 3).unwrap());
        }
    )*
        const TESTED: &[&str] = &[$(stringify!($arch)),*];
    };
}

certify_architectures!(
    resnet18,
    resnet34,
    resnet50,
    mobilenetv4_conv_small,
    mobilenetv4_conv_medium,
    convnext_atto,
    convnext_tiny,
    vit_tiny_patch16_224,
    vit_small_patch16_224
);

#[test]
fn no_architecture_is_left_out() {
    assert_eq!(TESTED, va_zoo::arch_names());
}

/// Activations, products, norms and joins on images, tokens and vectors, where the architectures have them on one only.
fn rare_operators() -> Graph {
    let (mut b, x) = GraphBuilder::new("rare", &[32, 32, 3]).unwrap();
    let build = |b: &mut GraphBuilder| -> Result<_> {
        let x = b.conv2d("stem", x, Conv2d::new(12, 4).stride(4).bias(true))?;
        let gate = b.linear("gate", x, 12, false)?;
        let gate = b.sigmoid("sigmoid", gate)?;
        let x = b.mul("gated", x, gate)?;
        let x = b.hard_swish("hard_swish", x)?;
        let x = b.silu("silu", x)?;
        let x = b.stochastic_depth("drop_path", x, 0.3)?;
        let tokens = b.tokens("tokens", x)?;
        let normed = b.batch_norm("token_norm", tokens, BatchNorm::default())?;
        let tokens = b.concat("both", &[tokens, normed])?;
        let qkv = b.linear("qkv", tokens, 48, false)?;
        let attended = b.attention("attn", qkv, 4)?;
        let attended = b.scope("ls", |b| b.channel_scale("scale", attended, 1.0))?;
        let class = b.select_token("class", attended, 3)?;
        let class = b.layer_norm("norm", class, 1e-6)?;
        let class = b.scope("vector", |b| b.channel_scale("scale", class, 1.0))?;
        let flat = b.flatten("flat", attended)?;
        let all = b.concat("all", &[class, flat])?;
        let all = b.gelu("gelu", all)?;
        b.linear("fc", all, 3, true)
    };
    let out = build(&mut b).unwrap();
    b.finish(out).unwrap()
}

#[test]
fn rare_operators_pass_the_certificate() {
    let graph = rare_operators();
    for wanted in [Op::Silu, Op::HardSwish, Op::Sigmoid, Op::Mul, Op::Gelu, Op::Tokens] {
        assert!(graph.nodes().iter().any(|node| node.op == wanted), "{wanted:?} is not tested");
    }
    certify_graph(&graph);
}

#[test]
fn half_precision_refuses_what_it_cannot_hold() {
    let dir = tempfile::tempdir().unwrap();
    let graph = rare_operators();
    let mut weights = numbers(&graph);
    let bias = (weights["fc.bias"].ones_like().unwrap() * 1e6).unwrap();
    weights.insert("fc.bias".to_owned(), bias.to_dtype(DType::F32).unwrap());
    write(&dir.path().join("m"), &graph, &weights);
    let model = ModelFolder::read(&dir.path().join("m")).unwrap();
    let error = onnx_bytes(&model.graph, &model.weights, &model.card, ModelPrecision::Fp16).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(error.message().contains("fc.bias"), "{error}");
    assert!(onnx_bytes(&model.graph, &model.weights, &model.card, ModelPrecision::Fp32).is_ok());
}

/// The parts of an ONNX file that this test reads, declared apart from the writer.
#[derive(Clone, PartialEq, Message)]
struct Seen {
    #[prost(message, optional, tag = "7")]
    graph: Option<SeenGraph>,
}

#[derive(Clone, PartialEq, Message)]
struct SeenGraph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<SeenNode>,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<SeenTensor>,
}

#[derive(Clone, PartialEq, Message)]
struct SeenNode {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct SeenTensor {
    #[prost(string, tag = "8")]
    name: String,
}

/// Nothing is named twice, everything read was written before.
#[test]
fn the_file_is_well_formed() {
    let dir = tempfile::tempdir().unwrap();
    let graph = rare_operators();
    write(&dir.path().join("m"), &graph, &numbers(&graph));
    let model = ModelFolder::read(&dir.path().join("m")).unwrap();
    for precision in [ModelPrecision::Fp32, ModelPrecision::Fp16] {
        let bytes = onnx_bytes(&model.graph, &model.weights, &model.card, precision).unwrap();
        let seen = Seen::decode(bytes.as_slice()).unwrap().graph.unwrap();
        let mut known = std::collections::HashSet::from(["input".to_owned()]);
        for tensor in seen.initializer {
            assert!(known.insert(tensor.name.clone()), "{} is there twice", tensor.name);
        }
        let mut names = std::collections::HashSet::new();
        for node in seen.node {
            assert!(names.insert(node.name.clone()), "two nodes {}", node.name);
            assert!(node.input.iter().all(|input| known.contains(input)), "{} reads {:?}", node.name, node.input);
            known.extend(node.output);
        }
        assert!(known.contains("logits") && known.contains("probabilities"));
    }
}
