//! Operators, shapes and numbers in few letters.

use crate::graph::{Graph, Node};
use crate::op::{Conv2d, Op};

/// `Conv 3×3 /2`, `BN`, `Attention ×6`.
pub(super) fn op(graph: &Graph, node: &Node) -> String {
    match &node.op {
        Op::Input { .. } => "Input".to_owned(),
        Op::Conv2d(conv) => convolution(graph, node, conv),
        Op::Linear { .. } => "Linear".to_owned(),
        Op::BatchNorm(_) => "BN".to_owned(),
        Op::Relu => "ReLU".to_owned(),
        Op::Gelu => "GELU".to_owned(),
        Op::Silu => "SiLU".to_owned(),
        Op::HardSwish => "HardSwish".to_owned(),
        Op::Sigmoid => "Sigmoid".to_owned(),
        Op::Add => "Add".to_owned(),
        Op::Mul => "Mul".to_owned(),
        Op::LayerNorm { .. } => "LN".to_owned(),
        Op::ChannelScale { .. } => "Scale".to_owned(),
        Op::MaxPool(pool) => window("MaxPool", pool.kernel, pool.stride),
        Op::AvgPool { pool, .. } => window("AvgPool", pool.kernel, pool.stride),
        Op::GlobalAvgPool => "GlobalAvgPool".to_owned(),
        Op::Flatten => "Flatten".to_owned(),
        Op::Concat => "Concat".to_owned(),
        Op::Tokens => "Class token + positions".to_owned(),
        Op::SelectToken { index } => format!("Token {index}"),
        Op::Attention { heads } => format!("Attention ×{heads}"),
        Op::Dropout { .. } => "Dropout".to_owned(),
        Op::StochasticDepth { .. } => "DropPath".to_owned(),
    }
}

fn convolution(graph: &Graph, node: &Node, conv: &Conv2d) -> String {
    let inputs = graph.node(node.inputs[0]).shape.last().copied().unwrap_or(1);
    let kind = match conv.groups {
        1 => "Conv",
        groups if groups == inputs => "DWConv",
        _ => "GroupConv",
    };
    window(kind, conv.kernel, conv.stride)
}

fn window(kind: &str, kernel: [usize; 2], stride: [usize; 2]) -> String {
    let step = match stride {
        [1, 1] => String::new(),
        [y, x] if y == x => format!(" /{y}"),
        [y, x] => format!(" /{y}×{x}"),
    };
    format!("{kind} {}×{}{step}", kernel[0], kernel[1])
}

/// `56×56×64`.
pub(super) fn shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

/// Three digits: `950`, `36.9 k`, `11.7 M`.
pub(super) fn count(value: u64) -> String {
    let mut scaled = value as f64;
    let mut unit = "";
    for next in ["k", "M", "G", "T", "P", "E"] {
        if scaled < 999.5 {
            break;
        }
        scaled /= 1000.0;
        unit = next;
    }
    match unit {
        "" => value.to_string(),
        _ if scaled < 9.995 => format!("{scaled:.2} {unit}"),
        _ if scaled < 99.95 => format!("{scaled:.1} {unit}"),
        _ => format!("{scaled:.0} {unit}"),
    }
}

/// Operators joined by dots in at most `lines` lines of `width` letters; what does not fit ends in an ellipsis.
pub(super) fn wrap(words: &[String], lines: usize, width: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = vec![String::new()];
    for word in words {
        let is_last = wrapped.len() == lines;
        let line = wrapped.last_mut().expect("BUG: there is a line from the start");
        let length = line.chars().count() + 3 + word.chars().count();
        if line.is_empty() {
            line.push_str(word);
        } else if length <= width {
            line.push_str(" · ");
            line.push_str(word);
        } else if is_last {
            line.push_str(" …");
            break;
        } else {
            wrapped.push(word.clone());
        }
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_keep_three_digits() {
        let of = |value| count(value);
        assert_eq!([of(0), of(999), of(1_000), of(36_864)], ["0", "999", "1.00 k", "36.9 k"]);
        assert_eq!([of(999_499), of(999_500), of(11_689_512)], ["999 k", "1.00 M", "11.7 M"]);
        assert_eq!(of(u64::MAX), "18.4 E");
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        let words = ["Conv 3×3", "BN", "ReLU", "Conv 3×3"].map(str::to_owned);
        assert_eq!(wrap(&words, 2, 15), ["Conv 3×3 · BN", "ReLU · Conv 3×3"]);
        assert_eq!(wrap(&words, 1, 15), ["Conv 3×3 · BN …"]);
        assert_eq!(wrap(&words, 1, 99), ["Conv 3×3 · BN · ReLU · Conv 3×3"]);
    }
}
