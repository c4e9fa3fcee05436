//! What is collected while a graph is written: nodes, parameters in the shapes that ONNX wants, and constants.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use safetensors::View;
use va_domain::ModelPrecision;
use va_error::{Error, Result};
use va_exec::NamedTensors;
use va_graph::{Graph, Node, NodeId};

use super::number_type;
use super::proto::{AttributeProto, NodeProto, TensorProto};

const INT64: i32 = 7;

pub(super) struct Writer<'a> {
    pub graph: &'a Graph,
    state: &'a NamedTensors,
    precision: ModelPrecision,
    pub nodes: Vec<NodeProto>,
    pub initializers: Vec<TensorProto>,
    /// Constants by what they hold: written once.
    constants: BTreeMap<String, String>,
}

impl<'a> Writer<'a> {
    pub fn new(graph: &'a Graph, state: &'a NamedTensors, precision: ModelPrecision) -> Self {
        let (nodes, initializers, constants) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { graph, state, precision, nodes, initializers, constants }
    }

    /// The values that a node reads.
    pub fn inputs(&self, id: NodeId) -> Vec<String> {
        self.graph.node(id).inputs.iter().map(|&input| self.value_name(input)).collect()
    }

    /// A slash keeps values apart from parameters. In fp16 the file's own input and output stay f32 and lie
    /// behind a cast.
    pub fn value_name(&self, id: NodeId) -> String {
        let half = self.precision == ModelPrecision::Fp16;
        match id {
            _ if id == self.graph.output() => if half { "/logits" } else { "logits" }.to_owned(),
            0 => if half { "/input" } else { "input" }.to_owned(),
            _ => format!("/{}", self.graph.node(id).name),
        }
    }

    /// One ONNX node that makes `output`.
    pub fn node(
        &mut self,
        name: &str,
        op_type: &str,
        input: Vec<String>,
        output: &str,
        attribute: Vec<AttributeProto>,
    ) {
        let (name, op_type, output) = (name.to_owned(), op_type.to_owned(), vec![output.to_owned()]);
        self.nodes.push(NodeProto { name, op_type, input, output, attribute });
    }

    /// A step on the way to the value of a graph node; returns the name of what it makes.
    pub fn step(
        &mut self,
        node: &Node,
        step: &str,
        op_type: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) -> String {
        let output = format!("/{}/{step}", node.name);
        self.node(&format!("{}.{step}", node.name), op_type, input, &output, attribute);
        output
    }

    /// The parameter or buffer of a node as it is; returns its name.
    ///
    /// # Errors
    /// `NotFound` when the weights lack it.
    pub fn param(&mut self, node: &Node, suffix: &str) -> Result<String> {
        let tensor = self.tensor(node, suffix)?;
        self.write(node.param_name(suffix), &tensor)
    }

    /// The same in another shape.
    pub fn param_as(&mut self, node: &Node, suffix: &str, shape: &[usize]) -> Result<String> {
        let tensor = self.tensor(node, suffix)?.reshape(shape).map_err(|e| unreadable(suffix, e))?;
        self.write(node.param_name(suffix), &tensor)
    }

    /// The transpose of a matrix.
    pub fn param_transposed(&mut self, node: &Node, suffix: &str) -> Result<String> {
        let tensor = self.tensor(node, suffix)?;
        let tensor = tensor.t().and_then(|t| t.contiguous()).map_err(|e| unreadable(suffix, e))?;
        self.write(node.param_name(suffix), &tensor)
    }

    /// The tensor of a node from the weights.
    pub fn tensor(&self, node: &Node, suffix: &str) -> Result<Tensor> {
        let name = node.param_name(suffix);
        self.state.get(&name).cloned().ok_or_else(|| Error::not_found(format!("the weights lack `{name}`")))
    }

    /// Writes numbers under a name in the precision of the file.
    ///
    /// # Errors
    /// `InvalidInput` when fp16 cannot hold a number.
    pub fn write(&mut self, name: String, tensor: &Tensor) -> Result<String> {
        let (dtype, onnx_type) = number_type(self.precision);
        let stored = tensor.to_dtype(dtype).map_err(|e| unreadable(&name, e))?;
        let finite = |t: &Tensor| {
            let sum = t.to_dtype(DType::F64).and_then(|t| t.abs()?.sum_all()?.to_scalar::<f64>());
            sum.map(f64::is_finite).map_err(|e| unreadable(&name, e))
        };
        if self.precision == ModelPrecision::Fp16 && finite(tensor)? && !finite(&stored)? {
            return Err(Error::invalid(format!("`{name}` holds numbers beyond fp16: export it in f32")));
        }
        self.initializers.push(TensorProto {
            dims: tensor.dims().iter().map(|&d| d as i64).collect(),
            data_type: onnx_type,
            name: name.clone(),
            raw_data: View::data(&stored).into_owned(),
        });
        Ok(name)
    }

    /// A single number.
    pub fn scalar(&mut self, value: f64) -> Result<String> {
        let name = format!("/constant/{value:?}");
        if let Some(known) = self.constants.get(&name) {
            return Ok(known.clone());
        }
        let tensor = Tensor::new(value, &Device::Cpu).map_err(|e| unreadable(&name, e))?;
        self.write(name.clone(), &tensor)?;
        self.constants.insert(name.clone(), name.clone());
        Ok(name)
    }

    /// Whole numbers: shapes, indices and paddings.
    pub fn integers(&mut self, values: &[i64], rank: usize) -> String {
        let name = format!("/constant/{values:?}/{rank}");
        if !self.constants.contains_key(&name) {
            self.initializers.push(TensorProto {
                dims: if rank == 0 { Vec::new() } else { vec![values.len() as i64] },
                data_type: INT64,
                name: name.clone(),
                raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            });
            self.constants.insert(name.clone(), name.clone());
        }
        name
    }
}

fn unreadable(name: &str, source: candle_core::Error) -> Error {
    Error::internal(format!("cannot read `{name}`")).with_source(source)
}
