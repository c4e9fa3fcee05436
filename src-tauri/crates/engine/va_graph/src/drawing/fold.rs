//! From nodes to blocks: first by scope, then repeated blocks into one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::block::Block;
use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// The blocks of a graph, every input before its reader.
pub(super) fn blocks(graph: &Graph) -> Vec<Block> {
    let runs = runs(graph);
    let groups = repeats(graph, &runs);
    let owners: Vec<Option<String>> = groups.iter().map(|group| owner(graph, runs[group.start].start)).collect();
    let stages: BTreeSet<String> = owners.iter().flatten().filter_map(|owner| stage_of(owner)).collect();
    let mut blocks: Vec<Block> = Vec::with_capacity(groups.len());
    let mut block_of: BTreeMap<NodeId, usize> = BTreeMap::new();
    for (group, owner) in groups.into_iter().zip(owners) {
        let (first, last) = (runs[group.start].clone(), runs[group.end - 1].clone());
        let all = first.start..last.end;
        let read = all.clone().flat_map(|id| &graph.node(id).inputs).filter(|&input| !all.contains(input));
        let inputs: BTreeSet<usize> = read.map(|input| block_of[input]).collect();
        block_of.extend(all.clone().map(|id| (id, blocks.len())));
        blocks.push(Block {
            title: title(graph, &runs[group.clone()]),
            times: group.len(),
            has_skip: has_skip(graph, &first),
            // A scope that holds others (`stages.1` with a layer of its own) stands with them.
            stage: owner.and_then(|owner| if stages.contains(&owner) { Some(owner) } else { stage_of(&owner) }),
            first,
            all,
            inputs: inputs.into_iter().collect(),
        });
    }
    blocks
}

/// Neighbouring nodes that belong together.
fn runs(graph: &Graph) -> Vec<Range<NodeId>> {
    let mut runs: Vec<Range<NodeId>> = Vec::new();
    let mut before: Option<String> = None;
    for (id, node) in graph.nodes().iter().enumerate() {
        let owner = owner(graph, id);
        let joins = match (&before, &owner) {
            (Some(before), Some(owner)) => before == owner,
            // Outside of every scope, what only works on the value before it stands with it.
            (None, None) => id > 1 && node.inputs == [id - 1] && is_follow_up(&node.op),
            _ => false,
        };
        match runs.last_mut() {
            Some(run) if joins => run.end = id + 1,
            _ => runs.push(id..id + 1),
        }
        before = owner;
    }
    runs
}

fn is_follow_up(op: &Op) -> bool {
    match op {
        Op::BatchNorm(_)
        | Op::LayerNorm { .. }
        | Op::Relu
        | Op::Gelu
        | Op::Silu
        | Op::HardSwish
        | Op::Sigmoid
        | Op::ChannelScale { .. }
        | Op::Flatten
        | Op::Dropout { .. }
        | Op::StochasticDepth { .. } => true,
        Op::Input { .. }
        | Op::Conv2d(_)
        | Op::Linear { .. }
        | Op::Add
        | Op::Mul
        | Op::MaxPool(_)
        | Op::AvgPool { .. }
        | Op::GlobalAvgPool
        | Op::Concat
        | Op::Tokens
        | Op::SelectToken { .. }
        | Op::Attention { .. } => false,
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// The scope up to its last number: `layer1.0` of `layer1.0.downsample.1`; its first part where no number is in it.
fn owner(graph: &Graph, id: NodeId) -> Option<String> {
    let (scope, _) = graph.node(id).name.rsplit_once('.')?;
    let parts: Vec<&str> = scope.split('.').collect();
    let last = parts.iter().rposition(|part| is_number(part)).unwrap_or(0);
    Some(parts[..=last].join("."))
}

/// The scope that a numbered block stands in: `layer1` of `layer1.0`, `stages.0` of `stages.0.blocks.1`.
fn stage_of(owner: &str) -> Option<String> {
    let (outer, number) = owner.rsplit_once('.')?;
    if !is_number(number) {
        return None;
    }
    let parts: Vec<&str> = outer.split('.').collect();
    let last = parts.iter().rposition(|part| is_number(part)).unwrap_or(parts.len() - 1);
    Some(parts[..=last].join("."))
}

/// Runs of the same build behind each other, as ranges of runs.
fn repeats(graph: &Graph, runs: &[Range<NodeId>]) -> Vec<Range<usize>> {
    let readers = last_readers(graph);
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if continues(graph, &readers, &runs[at - 1], run) => group.end = at + 1,
            _ => groups.push(at..at + 1),
        }
    }
    groups
}

/// The last node that reads each value; the output is read from outside.
fn last_readers(graph: &Graph) -> Vec<NodeId> {
    let mut last = vec![0; graph.nodes().len()];
    for (id, node) in graph.nodes().iter().enumerate() {
        node.inputs.iter().for_each(|&input| last[input] = id);
    }
    last[graph.output()] = NodeId::MAX;
    last
}

/// Whether `run` is built as the run before it, reads nothing but its last value, and nobody after reads into that one.
fn continues(graph: &Graph, readers: &[NodeId], before: &Range<NodeId>, run: &Range<NodeId>) -> bool {
    if before.len() != run.len() || owner(graph, run.start).is_none() {
        return false;
    }
    let link = run.start - 1;
    let closed = before.clone().all(|id| readers[id] < if id == link { run.end } else { run.start });
    closed
        && before.clone().zip(run.clone()).all(|(a, b)| {
            let (old, new) = (graph.node(a), graph.node(b));
            // What the first of them reads is what all of them read: one value of one shape.
            let reads = |id: NodeId, start: NodeId| match id.checked_sub(start) {
                Some(offset) => (offset, [].as_slice()),
                None => (usize::MAX, graph.node(id).shape.as_slice()),
            };
            same_op(&old.op, &new.op)
                && old.shape == new.shape
                && old.inputs.len() == new.inputs.len()
                && new.inputs.iter().all(|&input| input >= link)
                && old.inputs.iter().zip(&new.inputs).all(|(&x, &y)| reads(x, before.start) == reads(y, run.start))
        })
}

/// Probabilities of dropping differ from block to block and are no other build.
fn same_op(a: &Op, b: &Op) -> bool {
    match (a, b) {
        (Op::StochasticDepth { .. }, Op::StochasticDepth { .. }) | (Op::Dropout { .. }, Op::Dropout { .. }) => true,
        _ => a == b,
    }
}

/// What the names of the nodes have in common; the first name where that is nothing.
fn title(graph: &Graph, runs: &[Range<NodeId>]) -> String {
    let one = |run: &Range<NodeId>| {
        let first = graph.node(run.start).name.as_str();
        if run.len() == 1 {
            return first.to_owned();
        }
        let mut common: Vec<&str> = first.split('.').collect();
        for id in run.clone() {
            let same = common.iter().zip(graph.node(id).name.split('.')).take_while(|(a, b)| **a == *b).count();
            common.truncate(same);
        }
        if common.is_empty() { first.to_owned() } else { common.join(".") }
    };
    let (first, last) = (one(&runs[0]), one(&runs[runs.len() - 1]));
    match last.rsplit_once('.') {
        Some((_, number)) if runs.len() > 1 && is_number(number) => format!("{first}–{number}"),
        _ => first,
    }
}

/// A sum inside whose terms are reached by ways of different length: some value goes around the others.
fn has_skip(graph: &Graph, run: &Range<NodeId>) -> bool {
    run.clone().any(|id| {
        let node = graph.node(id);
        matches!(node.op, Op::Add) && node.inputs.iter().any(|&input| input + 1 != id || !run.contains(&input))
    })
}
