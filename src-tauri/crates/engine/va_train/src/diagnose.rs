//! Where numbers stopped being numbers: the first layer, and the samples that brought it.

use std::mem;

use candle_core::{DType, Tensor};
use va_dataset::Batch;
use va_error::{Code, Error, Result};
use va_exec::{Mode, NamedTensors, Network};
use va_graph::Graph;

/// What is known about a failed step.
pub(crate) struct Broken {
    /// `loss`, `gradient`, …
    pub what: &'static str,
    pub step: u64,
    /// The first layer with such a number, where one was found.
    pub layer: Option<String>,
}

impl Broken {
    /// The error of a run that ends there. Samples whose very pixels are no numbers are named alone.
    pub fn error(self, batch: &Batch) -> Error {
        let guilty: Vec<String> = broken_inputs(batch);
        let samples = if guilty.is_empty() { batch.keys.clone() } else { guilty };
        let layer = self.layer.as_ref().map(|name| format!(" in layer {name}")).unwrap_or_default();
        let message = format!(
            "the {} stopped being a number at step {}{layer} (samples {}). Training was stopped there and the last good \
             checkpoint is kept; try a lower learning rate, or look at these samples",
            self.what,
            self.step,
            samples.join(", ")
        );
        let details = serde_json::json!({ "step": self.step, "samples": samples, "layer": self.layer });
        Error::new(Code::NotFinite, message).with_details(details)
    }
}

fn broken_inputs(batch: &Batch) -> Vec<String> {
    // Images that the engine prepares are bytes, and always numbers.
    let images = batch.pixels.chunks((batch.pixels.len() / batch.len().max(1)).max(1));
    let broken = images.zip(&batch.keys).filter(|(pixels, _)| pixels.iter().any(|value| !value.is_finite()));
    broken.map(|(_, key)| key.clone()).collect()
}

/// The first layer whose value on `input` is not finite although those before it are, by running the network again up
/// to ever closer layers. The network loses its plans and must not be used afterwards.
pub(crate) fn first_broken_layer(net: &mut Network, input: &Tensor, key: u64) -> Result<Option<String>> {
    let (graph, precision, backend) = (net.graph().clone(), net.precision(), net.backend());
    // Its activations go first: another network beside it might not fit.
    let old = mem::replace(net, Network::with(graph.clone(), precision, backend)?);
    let mut params = NamedTensors::new();
    for entry in old.layout().params() {
        params.insert(entry.name.clone(), old.param(&entry.name)?);
    }
    drop(old);
    let broken = |node: usize| -> Result<bool> {
        let mut part = Network::with(up_to(&graph, node)?, precision, backend)?;
        part.load_state(&params)?;
        part.set_step_key(key);
        Ok(!is_finite(&part.forward(input, Mode::Train)?)?)
    };
    if !is_finite(input)? {
        return Ok(Some(graph.node(0).name.clone()));
    }
    // Between layers that all later ones depend on, by halves; then one by one.
    let (mut good, mut bad) = (0, graph.output());
    let cuts = cuts(&graph);
    loop {
        let inside: Vec<usize> = cuts.iter().copied().filter(|&cut| cut > good && cut < bad).collect();
        let Some(&middle) = inside.get(inside.len() / 2) else { break };
        if broken(middle)? { bad = middle } else { good = middle }
    }
    for node in good + 1..=bad {
        if broken(node)? {
            return Ok(Some(graph.node(node).name.clone()));
        }
    }
    Ok(None)
}

/// The layer nearest to the output whose gradient is not finite: the backward pass came there first.
pub(crate) fn first_broken_gradient(net: &Network) -> Result<Option<String>> {
    last_broken(net, |name| net.grad(name))
}

/// A layer whose parameters are not finite.
pub(crate) fn broken_weight(net: &Network) -> Result<Option<String>> {
    last_broken(net, |name| net.param(name))
}

fn last_broken(net: &Network, of: impl Fn(&str) -> Result<Tensor>) -> Result<Option<String>> {
    let mut entries: Vec<_> = net.layout().params().iter().collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.node));
    for entry in entries {
        if !is_finite(&of(&entry.name)?)? {
            return Ok(Some(net.graph().node(entry.node).name.clone()));
        }
    }
    Ok(None)
}

fn is_finite(tensor: &Tensor) -> Result<bool> {
    let values = tensor.flatten_all().and_then(|flat| flat.to_dtype(DType::F64)?.to_vec1::<f64>());
    let values = values.map_err(|e| Error::internal("cannot read a value of the network").with_source(e))?;
    Ok(values.iter().all(|value| value.is_finite()))
}

/// Nodes that everything after them depends on: no edge leads past them.
fn cuts(graph: &Graph) -> Vec<usize> {
    let mut last_reader: Vec<usize> = (0..graph.nodes().len()).collect();
    for (id, node) in graph.nodes().iter().enumerate() {
        for &input in &node.inputs {
            last_reader[input] = last_reader[input].max(id);
        }
    }
    let mut furthest = 0;
    let mut cuts = Vec::new();
    for node in 1..last_reader.len() {
        furthest = furthest.max(last_reader[node - 1]);
        if furthest <= node {
            cuts.push(node);
        }
    }
    cuts
}

/// The graph that ends with the value of `node`.
fn up_to(graph: &Graph, node: usize) -> Result<Graph> {
    let mut json: serde_json::Value = serde_json::from_str(&graph.to_json())?;
    if let Some(nodes) = json["nodes"].as_array_mut() {
        nodes.truncate(node + 1);
    }
    json["output"] = node.into();
    Graph::from_json(&json.to_string())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use va_graph::{Conv2d, GraphBuilder};

    use super::*;

    fn net() -> Network {
        let (mut b, x) = GraphBuilder::new("test", &[6, 6, 2]).unwrap();
        let x = b.conv2d("stem", x, Conv2d::new(2, 1)).unwrap();
        let side = b.conv2d("left", x, Conv2d::new(2, 1)).unwrap();
        let other = b.conv2d("right", x, Conv2d::new(2, 3).padding(1)).unwrap();
        let x = b.add("sum", side, other).unwrap();
        let x = b.conv2d("late", x, Conv2d::new(2, 1)).unwrap();
        let x = b.global_avg_pool("pool", x).unwrap();
        let x = b.linear("fc", x, 3, true).unwrap();
        let mut net = Network::new(b.finish(x).unwrap(), DType::F32).unwrap();
        net.init(3).unwrap();
        net
    }

    fn input() -> Tensor {
        Tensor::ones((2, 6, 6, 2), DType::F32, &Device::Cpu).unwrap()
    }

    /// Weights so large that this layer overflows.
    fn break_at(net: &mut Network, layer: &str) {
        let name = format!("{layer}.weight");
        let huge = net.param(&name).unwrap().abs().unwrap().affine(0.0, 3e38).unwrap();
        net.load_state(&NamedTensors::from([(name, huge)])).unwrap();
    }

    #[test]
    fn the_layer_that_overflows_is_named_wherever_it_stands() {
        for layer in ["stem", "left", "right", "late", "fc"] {
            let mut net = net();
            let bias = Tensor::ones(3, DType::F32, &Device::Cpu).unwrap();
            net.load_state(&NamedTensors::from([("fc.bias".to_owned(), bias)])).unwrap();
            for weak in ["stem", "left", "right", "late"] {
                let name = format!("{weak}.weight");
                let ones = net.param(&name).unwrap().affine(0.0, 1.0).unwrap();
                net.load_state(&NamedTensors::from([(name, ones)])).unwrap();
            }
            break_at(&mut net, layer);
            let found = first_broken_layer(&mut net, &input(), 0).unwrap();
            assert_eq!(found.as_deref(), Some(layer));
        }
    }

    #[test]
    fn a_sound_network_has_no_broken_layer_and_a_broken_input_is_said() {
        assert_eq!(first_broken_layer(&mut net(), &input(), 0).unwrap(), None);
        let nan = input().affine(f64::NAN, 0.0).unwrap();
        assert_eq!(first_broken_layer(&mut net(), &nan, 0).unwrap().as_deref(), Some("input"));
    }

    #[test]
    fn no_edge_leads_past_a_cut() {
        let net = net();
        let names: Vec<&str> = cuts(net.graph()).iter().map(|&id| net.graph().node(id).name.as_str()).collect();
        assert_eq!(names, ["stem", "sum", "late", "pool", "fc"]);
    }
}
