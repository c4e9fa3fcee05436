//! Writing a graph as an ordinary ONNX file: opset 17, input `input` f32 `[N, 3, H, W]` (normalised, `N` free),
//! outputs `logits` and `probabilities` `[N, classes]`; task, classes, thresholds (multi-label) and
//! preprocessing in the model's metadata.

mod attribute;
mod node;
mod proto;
mod transformer;
mod writer;

use candle_core::DType;
use prost::Message;
use va_domain::{ModelPrecision, Task};
use va_error::{Error, Result};
use va_exec::NamedTensors;
use va_graph::Graph;

use crate::ModelCard;
use attribute::int;
use proto::{
    DimensionProto, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use writer::Writer;

const FLOAT: i32 = 1;
const FLOAT16: i32 = 10;

/// How numbers are kept in the file, and ONNX's number for that.
fn number_type(precision: ModelPrecision) -> (DType, i32) {
    match precision {
        ModelPrecision::Fp32 => (DType::F32, FLOAT),
        ModelPrecision::Fp16 => (DType::F16, FLOAT16),
    }
}

/// The bytes of the ONNX file of a (folded) graph with its numbers. `precision` is that of weights and activations; the
/// file's input and outputs are f32 always.
///
/// # Errors
/// `NotFound` when a tensor is missing; `InvalidInput` when the graph takes no image or fp16 cannot hold a
/// weight.
pub fn onnx_bytes(graph: &Graph, state: &NamedTensors, card: &ModelCard, precision: ModelPrecision) -> Result<Vec<u8>> {
    let &[height, width, channels] = graph.input_shape() else {
        return Err(Error::invalid("only networks that take an image can be written as ONNX"));
    };
    let &[classes] = graph.output_shape() else {
        return Err(Error::invalid("only networks that give one number a class can be written as ONNX"));
    };
    let mut writer = Writer::new(graph, state, precision);
    let cast = |to: i32| vec![int("to", i64::from(to))];
    if precision == ModelPrecision::Fp16 {
        writer.node("input.cast", "Cast", vec!["input".to_owned()], "/input", cast(FLOAT16));
    }
    for id in 0..graph.nodes().len() {
        writer.graph_node(id)?;
    }
    if precision == ModelPrecision::Fp16 {
        writer.node("logits.cast", "Cast", vec!["/logits".to_owned()], "logits", cast(FLOAT));
    }
    let (op_type, attributes) = match card.task {
        Task::Classification => ("Softmax", vec![int("axis", 1)]),
        Task::MultilabelClassification => ("Sigmoid", Vec::new()),
    };
    writer.node("probabilities", op_type, vec!["logits".to_owned()], "probabilities", attributes);
    let graph_proto = GraphProto {
        node: writer.nodes,
        name: card.arch.clone(),
        initializer: writer.initializers,
        input: vec![value("input", &[channels, height, width])],
        output: vec![value("logits", &[classes]), value("probabilities", &[classes])],
    };
    let model = ModelProto {
        ir_version: 8,
        producer_name: "VisAIon".to_owned(),
        producer_version: card.engine_version.clone(),
        graph: Some(graph_proto),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        metadata_props: metadata(card)?,
    };
    Ok(model.encode_to_vec())
}

/// An f32 value `[N, …shape]`.
fn value(name: &str, shape: &[usize]) -> ValueInfoProto {
    let free = DimensionProto { dim_param: Some("N".to_owned()), dim_value: None };
    let fixed = shape.iter().map(|&d| DimensionProto { dim_value: Some(d as i64), dim_param: None });
    let shape = TensorShapeProto { dim: std::iter::once(free).chain(fixed).collect() };
    let tensor_type = Some(TensorTypeProto { elem_type: FLOAT, shape: Some(shape) });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
}

fn metadata(card: &ModelCard) -> Result<Vec<StringStringEntryProto>> {
    let preprocessing = serde_json::json!({
        "image_size_px": card.preprocessing.image_size_px,
        "resize": "bilinear with antialias to image_size_px × image_size_px (Pillow BILINEAR)",
        "channels": "RGB",
        "scale": "value / 255",
        "mean": card.preprocessing.mean,
        "std": card.preprocessing.std,
        "layout": "NCHW",
    });
    let thresholds = match card.task {
        Task::Classification => None,
        Task::MultilabelClassification => Some(("thresholds", serde_json::to_string(&card.thresholds())?)),
    };
    let task = serde_json::to_value(card.task)?.as_str().unwrap_or_default().to_owned();
    let entries = [
        ("task", task),
        ("classes", serde_json::to_string(&card.classes)?),
        ("preprocessing", preprocessing.to_string()),
        ("arch", card.arch.clone()),
        ("weights_blake3", card.weights_hash.clone()),
    ];
    Ok(entries
        .into_iter()
        .chain(thresholds)
        .map(|(key, value)| StringStringEntryProto { key: key.to_owned(), value })
        .collect())
}
