//! Attributes of ONNX nodes.

use va_graph::{Conv2d, Pool2d};

use super::proto::AttributeProto;

pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.to_owned(), f: Some(value), r#type: 1, ..AttributeProto::default() }
}

pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i: Some(value), r#type: 2, ..AttributeProto::default() }
}

pub(super) fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|&v| v as i64).collect();
    AttributeProto { name: name.to_owned(), ints, r#type: 7, ..AttributeProto::default() }
}

pub(super) fn conv(conv: &Conv2d) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", &conv.kernel),
        ints("strides", &conv.stride),
        ints("pads", &[conv.padding[0], conv.padding[1], conv.padding[0], conv.padding[1]]),
        ints("dilations", &conv.dilation),
        int("group", conv.groups as i64),
    ]
}

pub(super) fn pool(pool: &Pool2d) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", &pool.kernel),
        ints("strides", &pool.stride),
        ints("pads", &[pool.padding[0], pool.padding[1], pool.padding[0], pool.padding[1]]),
    ]
}
