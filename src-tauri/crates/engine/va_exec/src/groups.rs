//! Parameter groups: stretches of the flat parameters that an optimiser treats alike.

use std::ops::Range;

use crate::layout::{FlatLayout, ParamEntry};

/// A stretch of the flat parameter tensor with its treatment.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamGroup {
    pub range: Range<usize>,
    /// Whether weight decay applies.
    pub decay: bool,
    /// What the learning rate is multiplied by; 0 leaves the parameters as they are, bit for bit.
    pub rate: f64,
    /// Optimiser steps before the parameters began to move: Adam's bias corrections count without them.
    pub idle_steps: u64,
}

impl FlatLayout {
    /// Groups that cover the flat parameters without gaps, in order: decay as the layout says, `rate` as asked of every
    /// parameter; neighbours treated alike are one group.
    pub fn groups(&self, rate: impl Fn(&ParamEntry) -> f64) -> Vec<ParamGroup> {
        self.groups_since(|entry| (rate(entry), 0))
    }

    /// As [`FlatLayout::groups`], of a rate and of the steps before the parameter began to move.
    pub fn groups_since(&self, treat: impl Fn(&ParamEntry) -> (f64, u64)) -> Vec<ParamGroup> {
        let mut groups: Vec<ParamGroup> = Vec::new();
        for entry in self.params() {
            let (decay, (rate, idle_steps), end) = (entry.decay, treat(entry), entry.offset + entry.len);
            match groups.last_mut() {
                Some(last) if (last.decay, last.rate, last.idle_steps) == (decay, rate, idle_steps) => {
                    last.range.end = end;
                }
                _ => groups.push(ParamGroup { range: entry.offset..end, decay, rate, idle_steps }),
            }
        }
        groups
    }
}

/// Calls `f` on the pieces of `start..start + len`, relative to `start`, each with its group. Groups cover the whole
/// and are sorted.
#[inline(always)]
pub(crate) fn for_groups(
    groups: &[ParamGroup],
    start: usize,
    len: usize,
    mut f: impl FnMut(Range<usize>, &ParamGroup),
) {
    let end = start + len;
    let first = groups.partition_point(|group| group.range.end <= start);
    for group in groups[first..].iter().take_while(|group| group.range.start < end) {
        let (from, to) = (group.range.start.max(start), group.range.end.min(end));
        f(from - start..to - start, group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_everything_once_with_their_own_treatment() {
        let cuts = [0, 2, 5, 7, 8, 20, 30, 40];
        let groups: Vec<ParamGroup> = cuts
            .windows(2)
            .enumerate()
            .map(|(i, cut)| ParamGroup { range: cut[0]..cut[1], decay: i % 2 == 1, rate: i as f64, idle_steps: 0 })
            .collect();
        for (start, len) in [(0, 10), (3, 4), (5, 2), (8, 12), (0, 40), (25, 3)] {
            let mut seen = Vec::new();
            for_groups(&groups, start, len, |piece, group| seen.extend(piece.map(|i| (i, group.rate))));
            let of = |i: usize| groups.iter().find(|g| g.range.contains(&(i + start))).map(|g| g.rate);
            let want: Vec<(usize, f64)> = (0..len).filter_map(|i| of(i).map(|rate| (i, rate))).collect();
            assert_eq!(seen, want, "start {start} len {len}");
            assert_eq!(seen.len(), len);
        }
    }
}
