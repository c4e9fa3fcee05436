//! Writing a graph as an ordinary ONNX file: opset 17, input `input` f32 `[N, 3, H, W]` (normalised, `N` free),
//! outputs `logits` and `probabilities` `[N, classes]`; classes and preprocessing in the model's metadata.

mod node;
mod proto;

use prost::Message;
use va_error::{Error, Result};
use va_exec::NamedTensors;
use va_graph::Graph;

use crate::ModelCard;
use proto::{
    DimensionProto, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};

const FLOAT: i32 = 1;

/// The bytes of the ONNX file of a (folded) graph with its numbers.
///
/// # Errors
/// `NotFound` when a tensor is missing; `InvalidInput` when the graph takes no image.
pub fn onnx_bytes(graph: &Graph, state: &NamedTensors, card: &ModelCard) -> Result<Vec<u8>> {
    let &[height, width, channels] = graph.input_shape() else {
        return Err(Error::invalid("only networks that take an image can be written as ONNX"));
    };
    let &[classes] = graph.output_shape() else {
        return Err(Error::invalid("only networks that give one number a class can be written as ONNX"));
    };
    let mut nodes = Vec::new();
    for id in 0..graph.nodes().len() {
        nodes.extend(node::nodes_of(graph, id));
    }
    nodes.push(node::softmax("logits", "probabilities"));
    let graph_proto = GraphProto {
        node: nodes,
        name: card.arch.clone(),
        initializer: initializers(graph, state)?,
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

fn initializers(graph: &Graph, state: &NamedTensors) -> Result<Vec<TensorProto>> {
    let params = graph.params().into_iter().map(|spec| spec.name);
    let names = params.chain(graph.buffers().into_iter().map(|spec| spec.name));
    names
        .map(|name| {
            let tensor = state.get(&name).ok_or_else(|| Error::not_found(format!("the weights lack `{name}`")))?;
            let numbers = tensor
                .to_dtype(candle_core::DType::F32)
                .and_then(|t| t.flatten_all()?.to_vec1::<f32>())
                .map_err(|e| Error::internal(format!("cannot read `{name}`")).with_source(e))?;
            Ok(TensorProto {
                dims: tensor.dims().iter().map(|&d| d as i64).collect(),
                data_type: FLOAT,
                name,
                raw_data: numbers.iter().flat_map(|v| v.to_le_bytes()).collect(),
            })
        })
        .collect()
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
    let entries = [
        ("task", "classification".to_owned()),
        ("classes", serde_json::to_string(&card.classes)?),
        ("preprocessing", preprocessing.to_string()),
        ("arch", card.arch.clone()),
        ("weights_blake3", card.weights_hash.clone()),
    ];
    Ok(entries.into_iter().map(|(key, value)| StringStringEntryProto { key: key.to_owned(), value }).collect())
}
