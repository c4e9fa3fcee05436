//! The drawing as text.

use std::fmt::Write;

use super::block::Block;
use super::layout::{LINE, Placed, Rect};
use super::words;
use crate::graph::Graph;

/// Letters of one line of operators.
const OPS_WIDTH: usize = 50;
/// How far a skip connection bulges out of its box.
const BULGE: f64 = 12.0;
const PAD: f64 = 14.0;

pub(super) fn write(graph: &Graph, placed: &Placed) -> String {
    let mut out = String::new();
    let (width, height) = (number(placed.width), number(placed.height));
    line(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"network\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{}\" font-family=\"sans-serif\" font-size=\"12\" \
         fill=\"currentColor\" stroke=\"none\">",
            escape(graph.name())
        ),
    );
    for (name, rect) in &placed.frames {
        rectangle(&mut out, "net-frame", rect, "12", "stroke-dasharray=\"4 4\" stroke-opacity=\"0.35\"");
        text(&mut out, "net-stage", [rect.x + 12.0, rect.y + 16.0], "font-size=\"11\" opacity=\"0.7\"", name);
    }
    for corners in &placed.edges {
        edge(&mut out, corners);
    }
    for (at, block) in placed.blocks.iter().enumerate() {
        block_box(&mut out, graph, block, &placed.boxes[at], placed.lines[at]);
    }
    out.push_str("</svg>\n");
    out
}

fn block_box(out: &mut String, graph: &Graph, block: &Block, rect: &Rect, lines: usize) {
    out.push_str("<g class=\"net-block\">\n");
    line(out, format_args!("<title>{}</title>", escape(&details(graph, block))));
    rectangle(out, "net-box", rect, "8", "stroke-opacity=\"0.6\"");
    if block.has_skip {
        let (x, top, bottom) = (rect.x + rect.width, rect.y + 12.0, rect.y + rect.height - 12.0);
        line(
            out,
            format_args!(
                "<path class=\"net-skip\" d=\"M{x} {top}C{bulge} {top} {bulge} {bottom} {x} {bottom}\" fill=\"none\" \
             stroke=\"currentColor\" stroke-opacity=\"0.6\"/>",
                x = number(x),
                top = number(top),
                bottom = number(bottom),
                bulge = number(x + BULGE),
            ),
        );
    }
    let (left, right) = (rect.x + PAD, rect.x + rect.width - PAD);
    let mut y = rect.y + 22.0;
    text(out, "net-title", [left, y], "font-weight=\"600\" font-size=\"13\"", &clipped(&block.title, 36));
    if block.times > 1 {
        let times = format!("×{}", block.times);
        text(out, "net-times", [right, y], "font-weight=\"600\" font-size=\"13\" text-anchor=\"end\"", &times);
    }
    let names: Vec<String> = block.first.clone().map(|id| words::op(graph, graph.node(id))).collect();
    y += 20.0;
    for ops in words::wrap(&names, lines, OPS_WIDTH) {
        text(out, "net-ops", [left, y], "font-size=\"11\" opacity=\"0.8\"", &ops);
        y += LINE;
    }
    let base = rect.y + rect.height - 14.0;
    write_cost(out, block.cost(graph), [left, base]);
    let shape = words::shape(block.shape(graph));
    text(out, "net-shape", [right, base], "font-size=\"11\" text-anchor=\"end\"", &shape);
    out.push_str("</g>\n");
}

/// Parameters and multiply-adds: in words, empty where there is nothing to count, and as numbers for a page that says
/// them in a language of its own.
fn write_cost(out: &mut String, (params, multiply_adds): (u64, u64), at: [f64; 2]) {
    let counted = [(params, "params"), (multiply_adds, "MACs")].into_iter().filter(|(value, _)| *value > 0);
    let words: Vec<String> = counted.map(|(value, unit)| format!("{} {unit}", words::count(value))).collect();
    let style =
        format!("font-size=\"11\" opacity=\"0.75\" data-params=\"{params}\" data-multiply-adds=\"{multiply_adds}\"");
    text(out, "net-cost", at, &style, &words.join(" · "));
}

/// Every layer of the (first) block, for who wants to know.
fn details(graph: &Graph, block: &Block) -> String {
    let mut text = block.title.clone();
    for id in block.first.clone() {
        let node = graph.node(id);
        write!(text, "\n{}: {} → {}", node.name, words::op(graph, node), words::shape(&node.shape))
            .expect("BUG: writing to a string cannot fail");
    }
    text
}

fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(std::iter::once('…')).collect()
}

fn rectangle(out: &mut String, class: &str, rect: &Rect, radius: &str, rest: &str) {
    line(
        out,
        format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{radius}\" fill=\"none\" \
         stroke=\"currentColor\" {rest}/>",
            number(rect.x),
            number(rect.y),
            number(rect.width),
            number(rect.height),
        ),
    );
}

fn text(out: &mut String, class: &str, [x, y]: [f64; 2], style: &str, words: &str) {
    line(
        out,
        format_args!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" {style}>{}</text>",
            number(x),
            number(y),
            escape(words)
        ),
    );
}

/// A line with a tip at its end.
fn edge(out: &mut String, corners: &[[f64; 2]]) {
    let mut path = String::new();
    for (at, [x, y]) in corners.iter().enumerate() {
        let command = if at == 0 { 'M' } else { 'L' };
        write!(path, "{command}{} {}", number(*x), number(*y)).expect("BUG: writing to a string cannot fail");
    }
    if let Some([x, y]) = corners.last() {
        write!(path, "M{} {}l4 -6M{} {}l-4 -6", number(*x), number(*y), number(*x), number(*y))
            .expect("BUG: writing to a string cannot fail");
    }
    line(
        out,
        format_args!(
            "<path class=\"net-edge\" d=\"{path}\" fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.5\"/>"
        ),
    );
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("BUG: writing to a string cannot fail");
}

/// At most one digit behind the point.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Text and attribute values: nothing in them is markup, and nothing is a character that XML does not know.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' | '\t' => escaped.push(letter),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_is_text() {
        assert_eq!(escape("<b a='1'>&\u{1}\""), "&lt;b a=&apos;1&apos;&gt;&amp;\u{fffd}&quot;");
        assert_eq!([number(3.0), number(3.27), number(-0.5)], ["3", "3.3", "-0.5"]);
        assert_eq!(clipped("abcdef", 4), "abc…");
    }
}
