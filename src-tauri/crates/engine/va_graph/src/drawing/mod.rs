//! A drawing of a network for people: blocks from top to bottom as SVG text, repeated blocks folded into one.
//!
//! The same graph gives the same text. Nothing in it is a colour: lines and letters are `currentColor`, and every part
//! has a class (`net-box`, `net-frame`, `net-edge`, `net-skip`, `net-title`, `net-times`, `net-ops`, `net-cost`,
//! `net-shape`, `net-stage`) that a page may style. What a block costs also stands in `data-params` and
//! `data-multiply-adds`, for words in another language. Names come from outside and are escaped.

mod block;
mod fold;
mod layout;
mod svg;
mod words;

use va_error::{Code, Error, Result};

use crate::graph::Graph;

/// More boxes than a person can look at; also bounds the work for a graph from outside.
const MAX_BLOCKS: usize = 2_000;
/// The same for lines.
const MAX_EDGES: usize = 10_000;

/// Draws a network.
///
/// # Errors
/// `TooLarge` when it does not fold into few enough boxes.
pub fn draw(graph: &Graph) -> Result<String> {
    let blocks = fold::blocks(graph);
    let edges: usize = blocks.iter().map(|block| block.inputs.len()).sum();
    if blocks.len() > MAX_BLOCKS || edges > MAX_EDGES {
        return Err(Error::new(
            Code::TooLarge,
            format!("the network has {} blocks and {edges} connections: too many to draw", blocks.len()),
        ));
    }
    Ok(svg::write(graph, &layout::place(blocks)))
}
