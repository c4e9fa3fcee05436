//! Recomputation (Chen et al. 2016, "Training deep nets with sublinear memory cost"): inside a segment, values that the
//! backward reads are dropped after the forward and computed again just before the segment's backward. The same steps on the
//! same numbers give the same bits; random draws are functions of the step key, so they are the same too, and the
//! statistics of batch norms are neither computed nor counted again.

use va_graph::NodeId;

use super::Lowering;

/// A stretch of nodes with one value going in, that of `from`, and one coming out, that of `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub from: NodeId,
    pub to: NodeId,
}

/// How many sizes of segments are tried.
const TRIES: usize = 48;

impl Lowering<'_> {
    /// Cuts the graph into segments and drops what lies inside all but the last one, whose backward follows its forward.
    pub(super) fn choose_segments(&mut self) {
        let cuts = self.cuts();
        let kept = |id: &NodeId| self.saved_readers[*id] > 0;
        let total: usize = (0..self.graph.nodes().len()).filter(kept).map(|id| self.elements(id)).sum();
        // From segments as small as can be to a single one; the peak falls and rises again between.
        let sizes = (0..TRIES).map(|at| total * (at * at) / ((TRIES - 1) * (TRIES - 1)));
        let tried = sizes.map(|size| self.segments_of(&cuts, size));
        let Some(mut segments) = tried.min_by_key(|segments| self.peak(segments)) else { return };
        segments.pop();
        segments.retain(|segment| (segment.from + 1..segment.to).any(|id| self.saved_readers[id] > 0));
        for segment in &segments {
            // Recomputing is one more reader.
            self.saved_readers[segment.from] += 1;
            for id in segment.from + 1..segment.to {
                self.dropped[id] = self.saved_readers[id] > 0;
            }
        }
        self.segments = segments;
    }

    /// Values that everything after them depends on alone, from the input to the output.
    fn cuts(&self) -> Vec<NodeId> {
        let (mut cuts, mut reach) = (Vec::new(), 0);
        let mut last_reader = vec![0; self.graph.nodes().len()];
        for (id, node) in self.graph.nodes().iter().enumerate() {
            node.inputs.iter().for_each(|&input| last_reader[input] = id);
        }
        for id in 0..=self.graph.output() {
            // A value whose activation joins it is never there by itself. Nor is that of a batch norm whose sum does, but there the
            // sum's other operand, which is earlier, reaches over it.
            if reach <= id && self.fused_activation[id].is_none() {
                cuts.push(id);
            }
            reach = reach.max(last_reader[id]);
        }
        cuts
    }

    /// Segments between cuts, each as long as what it keeps for its backward stays within `size` numbers.
    fn segments_of(&self, cuts: &[NodeId], size: usize) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        for pair in cuts.windows(2) {
            match segments.last_mut() {
                Some(last) if self.inside(Segment { from: last.from, to: pair[1] }) <= size => last.to = pair[1],
                _ => segments.push(Segment { from: pair[0], to: pair[1] }),
            }
        }
        segments
    }

    /// Numbers that the backward of a segment reads, its ends left out.
    fn inside(&self, segment: Segment) -> usize {
        let inner = segment.from + 1..segment.to;
        inner.filter(|&id| self.saved_readers[id] > 0).map(|id| self.elements(id)).sum()
    }

    /// Numbers kept at the worst moment of the backward, about: the ends of all segments so far, the inside of one, and two
    /// gradients.
    fn peak(&self, segments: &[Segment]) -> usize {
        let (mut ends, mut peak) = (0, 0);
        for &segment in segments {
            ends += self.elements(segment.from);
            let largest = (segment.from + 1..=segment.to).map(|id| self.elements(id)).max().unwrap_or(0);
            peak = peak.max(ends + self.inside(segment) + 2 * largest);
        }
        peak
    }

    /// Plans the forward steps that bring back what the backward of this segment reads.
    pub(super) fn plan_recompute(&mut self, segment: Segment) -> candle_core::Result<()> {
        let needed = self.needed_again(segment);
        for &id in &needed {
            for &read in &self.graph.node(id).inputs {
                self.readers[read] += 1;
            }
        }
        self.values[segment.from] = self.saved[segment.from].clone();
        self.recomputing = true;
        let planned = needed.into_iter().try_for_each(|id| self.plan_value(id));
        self.recomputing = false;
        planned?;
        self.release_saved(segment.from);
        Ok(())
    }

    /// The dropped values and what inside the segment leads to them, in order.
    fn needed_again(&self, segment: Segment) -> Vec<NodeId> {
        let mut needed = vec![false; segment.to - segment.from];
        let mut found = Vec::new();
        for id in (segment.from + 1..segment.to).rev() {
            if !self.dropped[id] && !needed[id - segment.from] {
                continue;
            }
            found.push(id);
            for &input in self.graph.node(id).inputs.iter().filter(|&&input| input > segment.from) {
                needed[input - segment.from] = true;
            }
        }
        found.reverse();
        found
    }
}
