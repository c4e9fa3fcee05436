//! Shares out images with several classes: iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011). The class with
//! the fewest images left is served first, each of its images where that class is wanted most.

use std::collections::BTreeMap;

use va_domain::{LabelId, Sample, SampleId, Split, SplitRatios};

use super::shuffle_key;

/// What images are shared out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Class(LabelId),
    /// Shows none of the classes, as a person said.
    None,
    /// Nobody said anything.
    Unlabelled,
}

/// In the order in which ties are decided.
const SPLITS: [Split; 3] = [Split::Train, Split::Val, Split::Test];

/// A split for every sample, and the classes that have only one.
pub(super) fn assign(samples: &[Sample], ratios: SplitRatios, seed: u64) -> (Vec<(SampleId, Split)>, Vec<LabelId>) {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by_cached_key(|&at| shuffle_key(seed, &samples[at].media_hash, &samples[at].name));
    // Of each mark the images that are left, in the shuffled order.
    let mut left: BTreeMap<Mark, Vec<usize>> = BTreeMap::new();
    for &at in &order {
        marks(&samples[at]).into_iter().for_each(|mark| left.entry(mark).or_default().push(at));
    }
    let lonely = left.iter().filter(|(_, images)| images.len() == 1).filter_map(|(mark, _)| class(*mark)).collect();
    let shares = |count: usize| [ratios.train, ratios.val, ratios.test].map(|ratio| ratio * count as f64);
    let mut wanted: BTreeMap<Mark, [f64; 3]> =
        left.iter().map(|(mark, images)| (*mark, wishes(images.len(), shares(images.len())))).collect();
    let mut wanted_in_all = shares(samples.len());
    let mut assigned: Vec<Option<usize>> = vec![None; samples.len()];
    while let Some((mark, images)) = rarest(&mut left) {
        for at in images {
            let split = most_wanted(wanted.get(&mark).copied().unwrap_or_default(), wanted_in_all);
            assigned[at] = Some(split);
            wanted_in_all[split] -= 1.0;
            for other in marks(&samples[at]) {
                if let Some(wanted) = wanted.get_mut(&other) {
                    wanted[split] -= 1.0;
                }
            }
        }
        left.values_mut().for_each(|images| images.retain(|&at| assigned[at].is_none()));
    }
    let split_of = |(sample, split): (&Sample, Option<usize>)| Some((sample.id, SPLITS[split?]));
    (samples.iter().zip(assigned).filter_map(split_of).collect(), lonely)
}

fn marks(sample: &Sample) -> Vec<Mark> {
    match (sample.label_ids.is_empty(), sample.no_class) {
        (true, true) => vec![Mark::None],
        (true, false) => vec![Mark::Unlabelled],
        _ => sample.label_ids.iter().map(|label| Mark::Class(*label)).collect(),
    }
}

fn class(mark: Mark) -> Option<LabelId> {
    if let Mark::Class(label) = mark { Some(label) } else { None }
}

/// The only image of a class goes to train: without training a class, nothing can be tested.
fn wishes(count: usize, shares: [f64; 3]) -> [f64; 3] {
    if count == 1 && shares[0] > 0.0 { [1.0, 0.0, 0.0] } else { shares }
}

/// Takes out the mark with the fewest images left.
fn rarest(left: &mut BTreeMap<Mark, Vec<usize>>) -> Option<(Mark, Vec<usize>)> {
    left.retain(|_, images| !images.is_empty());
    let mark = *left.iter().min_by_key(|(mark, images)| (images.len(), **mark))?.0;
    left.remove_entry(&mark)
}

/// The split that wants it most; of equals the one that wants most images, then the first.
fn most_wanted(by_mark: [f64; 3], in_all: [f64; 3]) -> usize {
    let mut best = 0;
    for split in 1..3 {
        let order = by_mark[split].total_cmp(&by_mark[best]).then(in_all[split].total_cmp(&in_all[best]));
        if order.is_gt() {
            best = split;
        }
    }
    best
}
