//! Where the boxes stand: layers from top to bottom by the longest way from the input, boxes of a layer side by side.

use std::ops::Range;

use super::block::Block;

pub(super) const BOX_WIDTH: f64 = 320.0;
const BOX_HEIGHT: f64 = 82.0;
/// One more line of operators.
pub(super) const LINE: f64 = 15.0;
const GAP_X: f64 = 40.0;
const GAP_Y: f64 = 26.0;
const MARGIN: f64 = 28.0;
/// Room for the name of a frame, and below its last box.
const FRAME_TOP: f64 = 24.0;
const FRAME_BOTTOM: f64 = 12.0;
const FRAME_SIDE: f64 = 16.0;
/// Lines that pass over layers run beside the boxes, so far apart.
const LANE: f64 = 12.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    fn centre(&self) -> f64 {
        self.x + self.width / 2.0
    }

    fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

/// Boxes, frames and lines with their places.
#[derive(Debug)]
pub(super) struct Placed {
    pub width: f64,
    pub height: f64,
    /// Same order as the blocks.
    pub boxes: Vec<Rect>,
    pub blocks: Vec<Block>,
    /// Lines of operators in each box.
    pub lines: Vec<usize>,
    pub frames: Vec<(String, Rect)>,
    /// Corners of each line, from its source to its reader.
    pub edges: Vec<Vec<[f64; 2]>>,
}

/// Places every block.
pub(super) fn place(blocks: Vec<Block>) -> Placed {
    let layers = layers(&blocks);
    let frames = frames(&blocks, &layers);
    // Long names of operators never widen a box: two lines hold what fits, the rest is in the tooltip.
    let lines: Vec<usize> = blocks.iter().map(|block| if block.first.len() > 3 { 2 } else { 1 }).collect();
    let widest = layers.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let content = widest * BOX_WIDTH + (widest - 1.0) * GAP_X;
    let mut boxes = vec![Rect { x: 0.0, y: 0.0, width: BOX_WIDTH, height: 0.0 }; blocks.len()];
    let mut y = MARGIN;
    for (layer, members) in layers.iter().enumerate() {
        if frames.iter().any(|(_, span)| span.start == layer) {
            y += FRAME_TOP;
        }
        let count = members.len() as f64;
        let mut x = MARGIN + (content - count * BOX_WIDTH - (count - 1.0) * GAP_X) / 2.0;
        let mut tallest = 0.0f64;
        for &block in members {
            let height = BOX_HEIGHT + (lines[block] - 1) as f64 * LINE;
            boxes[block] = Rect { x, y, width: BOX_WIDTH, height };
            tallest = tallest.max(height);
            x += BOX_WIDTH + GAP_X;
        }
        y += tallest + GAP_Y;
        if frames.iter().any(|(_, span)| span.end == layer + 1) {
            y += FRAME_BOTTOM;
        }
    }
    let right = MARGIN + content;
    let (edges, lane_count) = edges(&blocks, &boxes, right + FRAME_SIDE);
    let frames = frames.into_iter().map(|(name, span)| (name, frame(&layers, &boxes, span))).collect();
    let width = right + FRAME_SIDE + MARGIN + lane_count as f64 * LANE;
    Placed { width, height: y - GAP_Y + MARGIN, boxes, blocks, lines, frames, edges }
}

/// Blocks of each layer, in order.
fn layers(blocks: &[Block]) -> Vec<Vec<usize>> {
    let mut layer_of = vec![0; blocks.len()];
    let mut layers: Vec<Vec<usize>> = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        layer_of[at] = block.inputs.iter().map(|&input| layer_of[input] + 1).max().unwrap_or(0);
        if layers.len() <= layer_of[at] {
            layers.resize(layer_of[at] + 1, Vec::new());
        }
        layers[layer_of[at]].push(at);
    }
    layers
}

/// Neighbouring layers that hold nothing but blocks of one stage, at least two of them.
fn frames(blocks: &[Block], layers: &[Vec<usize>]) -> Vec<(String, Range<usize>)> {
    let mut frames: Vec<(String, Range<usize>)> = Vec::new();
    for (layer, members) in layers.iter().enumerate() {
        let stage = members.first().and_then(|&block| blocks[block].stage.clone());
        let Some(stage) = stage.filter(|stage| members.iter().all(|&at| blocks[at].stage.as_ref() == Some(stage)))
        else {
            continue;
        };
        match frames.last_mut() {
            Some((open, span)) if *open == stage && span.end == layer => span.end = layer + 1,
            _ => frames.push((stage, layer..layer + 1)),
        }
    }
    frames.retain(|(_, span)| layers[span.clone()].iter().map(Vec::len).sum::<usize>() > 1);
    frames
}

fn frame(layers: &[Vec<usize>], boxes: &[Rect], span: Range<usize>) -> Rect {
    let members: Vec<&Rect> = layers[span].iter().flatten().map(|&block| &boxes[block]).collect();
    let least = |of: fn(&Rect) -> f64| members.iter().map(|r| of(r)).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&Rect) -> f64| members.iter().map(|r| of(r)).fold(f64::NEG_INFINITY, f64::max);
    let (left, right) = (least(|r| r.x) - FRAME_SIDE, most(|r| r.x + r.width) + FRAME_SIDE);
    let (top, bottom) = (least(|r| r.y) - FRAME_TOP, most(Rect::bottom) + FRAME_BOTTOM);
    Rect { x: left, y: top, width: right - left, height: bottom - top }
}

/// Lines from source to reader and the number of lanes used. One that passes over a layer goes beside all boxes.
fn edges(blocks: &[Block], boxes: &[Rect], lanes_at: f64) -> (Vec<Vec<[f64; 2]>>, usize) {
    let (mut edges, mut lanes) = (Vec::new(), 0);
    for (at, block) in blocks.iter().enumerate() {
        let to = &boxes[at];
        for &input in &block.inputs {
            let from = &boxes[input];
            let (start, end) = ([from.centre(), from.bottom()], [to.centre(), to.y]);
            let passes = boxes.iter().any(|other| other.y > from.y && other.bottom() < to.y);
            let half = GAP_Y / 2.0;
            if passes {
                lanes += 1;
                let x = lanes_at + lanes as f64 * LANE;
                let (below, above) = (start[1] + half, end[1] - half);
                edges.push(vec![start, [start[0], below], [x, below], [x, above], [end[0], above], end]);
            } else if (start[0] - end[0]).abs() < 0.5 {
                edges.push(vec![start, end]);
            } else {
                let turn = end[1] - half;
                edges.push(vec![start, [start[0], turn], [end[0], turn], end]);
            }
        }
    }
    (edges, lanes)
}
