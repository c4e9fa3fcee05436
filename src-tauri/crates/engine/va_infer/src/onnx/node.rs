use va_graph::{BatchNorm, Conv2d, Graph, NodeId, Op, Pool2d};

use super::proto::{AttributeProto, NodeProto};

/// The ONNX nodes of one node of the graph, channels first.
pub(super) fn nodes_of(graph: &Graph, id: NodeId) -> Vec<NodeProto> {
    let node = graph.node(id);
    let inputs: Vec<String> = node.inputs.iter().map(|&input| value_name(graph, input)).collect();
    let output = value_name(graph, id);
    let with_params = |suffixes: &[&str]| {
        let params = suffixes.iter().map(|suffix| format!("{}.{suffix}", node.name));
        inputs.iter().cloned().chain(params).collect::<Vec<_>>()
    };
    let one = |op_type: &str, inputs: Vec<String>, attribute: Vec<AttributeProto>| {
        vec![NodeProto {
            name: node.name.clone(),
            op_type: op_type.to_owned(),
            input: inputs,
            output: vec![output.clone()],
            attribute,
        }]
    };
    match &node.op {
        Op::Input { .. } => Vec::new(),
        Op::Conv2d(conv) => {
            let suffixes: &[&str] = if conv.bias { &["weight", "bias"] } else { &["weight"] };
            one("Conv", with_params(suffixes), conv_attributes(conv))
        }
        Op::Linear { bias, .. } => {
            let suffixes: &[&str] = if *bias { &["weight", "bias"] } else { &["weight"] };
            one("Gemm", with_params(suffixes), vec![int("transB", 1)])
        }
        Op::BatchNorm(BatchNorm { eps, .. }) => {
            let inputs = with_params(&["weight", "bias", "running_mean", "running_var"]);
            one("BatchNormalization", inputs, vec![float("epsilon", *eps as f32)])
        }
        Op::Relu => one("Relu", inputs, Vec::new()),
        Op::Add => one("Add", inputs, Vec::new()),
        Op::MaxPool(pool) => one("MaxPool", inputs, pool_attributes(pool)),
        Op::AvgPool { pool, count_include_pad } => {
            let mut attributes = pool_attributes(pool);
            attributes.push(int("count_include_pad", i64::from(*count_include_pad)));
            one("AveragePool", inputs, attributes)
        }
        Op::GlobalAvgPool => {
            let pooled = format!("{output}/pooled");
            let pool = plain(&format!("{}.pool", node.name), "GlobalAveragePool", inputs, &pooled);
            let mut flatten = plain(&node.name, "Flatten", vec![pooled], &output);
            flatten.attribute.push(int("axis", 1));
            vec![pool, flatten]
        }
        Op::Flatten => flatten(graph, id, inputs, &output),
        Op::Concat => one("Concat", inputs, vec![int("axis", 1)]),
        // In evaluation dropout does nothing.
        Op::Dropout { .. } => one("Identity", inputs, Vec::new()),
    }
}

/// Class probabilities of logits.
pub(super) fn softmax(input: &str, output: &str) -> NodeProto {
    let mut node = plain("probabilities", "Softmax", vec![input.to_owned()], output);
    node.attribute.push(int("axis", 1));
    node
}

/// `input` and `logits` as promised; a slash keeps every other value apart from parameter names.
fn value_name(graph: &Graph, id: NodeId) -> String {
    match id {
        _ if id == graph.output() => "logits".to_owned(),
        0 => "input".to_owned(),
        _ => format!("/{}", graph.node(id).name),
    }
}

/// The graph flattens channels last, so an image is transposed first.
fn flatten(graph: &Graph, id: NodeId, inputs: Vec<String>, output: &str) -> Vec<NodeProto> {
    let node = graph.node(id);
    let is_image = graph.node(node.inputs[0]).shape.len() == 3;
    let (mut nodes, mut from) = (Vec::new(), inputs);
    if is_image {
        let channels_last = format!("{output}/channels_last");
        let mut transpose = plain(&format!("{}.transpose", node.name), "Transpose", from, &channels_last);
        transpose.attribute.push(ints("perm", &[0, 2, 3, 1]));
        nodes.push(transpose);
        from = vec![channels_last];
    }
    let mut flatten = plain(&node.name, "Flatten", from, output);
    flatten.attribute.push(int("axis", 1));
    nodes.push(flatten);
    nodes
}

fn conv_attributes(conv: &Conv2d) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", &conv.kernel),
        ints("strides", &conv.stride),
        ints("pads", &[conv.padding[0], conv.padding[1], conv.padding[0], conv.padding[1]]),
        ints("dilations", &conv.dilation),
        int("group", conv.groups as i64),
    ]
}

fn pool_attributes(pool: &Pool2d) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", &pool.kernel),
        ints("strides", &pool.stride),
        ints("pads", &[pool.padding[0], pool.padding[1], pool.padding[0], pool.padding[1]]),
    ]
}

fn plain(name: &str, op_type: &str, input: Vec<String>, output: &str) -> NodeProto {
    let (name, op_type) = (name.to_owned(), op_type.to_owned());
    NodeProto { name, op_type, input, output: vec![output.to_owned()], attribute: Vec::new() }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.to_owned(), f: Some(value), r#type: 1, ..AttributeProto::default() }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i: Some(value), r#type: 2, ..AttributeProto::default() }
}

fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|&v| v as i64).collect();
    AttributeProto { name: name.to_owned(), ints, r#type: 7, ..AttributeProto::default() }
}
