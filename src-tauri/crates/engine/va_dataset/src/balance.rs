//! Which samples an epoch visits, and in what order.

use crate::rng::{Draws, Stream, epoch_order};

/// One look at a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visit {
    pub index: usize,
    /// How often it was visited before in this epoch: the next look is augmented in another way.
    pub repeat: u32,
}

impl Visit {
    /// The seed of what is random about this look.
    pub fn seed(self, run_seed: u64) -> u64 {
        run_seed.wrapping_add(u64::from(self.repeat).wrapping_mul(0xa076_1d64_78bd_642f))
    }
}

/// Every sample once.
pub(crate) fn plain_order(seed: u64, epoch: u32, len: usize) -> Vec<Visit> {
    epoch_order(seed, epoch, len).into_iter().map(|index| Visit { index, repeat: 0 }).collect()
}

/// As many visits as there are samples, the same number for every class (one more for some): a class with fewer samples
/// shows each of them several times, one with more shows a part of them, another every epoch.
pub(crate) fn balanced_order(seed: u64, epoch: u32, classes: &[u32]) -> Vec<Visit> {
    let mut members: std::collections::BTreeMap<u32, Vec<usize>> = std::collections::BTreeMap::new();
    for (index, &class) in classes.iter().enumerate() {
        members.entry(class).or_default().push(index);
    }
    let (share, left) = (classes.len() / members.len().max(1), classes.len() % members.len().max(1));
    let mut keyed = Vec::with_capacity(classes.len());
    for (rank, mut samples) in members.into_values().enumerate() {
        samples.sort_by_cached_key(|&index| (Draws::new(seed, Stream::Balance, epoch, index).next_u64(), index));
        for visit in 0..share + usize::from(rank < left) {
            let repeat = u32::try_from(visit / samples.len()).unwrap_or(u32::MAX);
            let visit = Visit { index: samples[visit % samples.len()], repeat };
            let place = Draws::new(visit.seed(seed), Stream::Order, epoch, visit.index).next_u64();
            keyed.push((place, visit.index, visit));
        }
    }
    keyed.sort_by_key(|&(place, index, visit)| (place, index, visit.repeat));
    keyed.into_iter().map(|(.., visit)| visit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 40 of class 0, 8 of class 1, 3 of class 2.
    fn classes() -> Vec<u32> {
        (0..51)
            .map(|index| {
                if index < 40 {
                    0
                } else if index < 48 {
                    1
                } else {
                    2
                }
            })
            .collect()
    }

    #[test]
    fn every_class_is_seen_equally_often_and_every_sample_evenly() {
        let classes = classes();
        let order = balanced_order(3, 0, &classes);
        assert_eq!(order.len(), 51);
        for class in 0..3 {
            let visits: Vec<&Visit> = order.iter().filter(|visit| classes[visit.index] == class).collect();
            assert_eq!(visits.len(), 17);
            let mut seen: Vec<_> = visits.iter().map(|visit| (visit.index, visit.repeat)).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 17, "no look is taken twice");
        }
        assert_eq!(order.iter().filter(|visit| classes[visit.index] == 2).map(|v| v.repeat).max(), Some(5));
    }

    #[test]
    fn other_epochs_show_other_samples_of_a_large_class() {
        let classes = classes();
        let of = |epoch| {
            let order = balanced_order(3, epoch, &classes);
            let mut large: Vec<usize> = order.iter().map(|v| v.index).filter(|&i| i < 40).collect();
            large.sort_unstable();
            large
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(0), of(1));
        assert_ne!(balanced_order(3, 0, &classes), balanced_order(4, 0, &classes));
    }

    #[test]
    fn classes_of_equal_size_are_each_seen_once() {
        let mut seen: Vec<usize> = balanced_order(1, 0, &[0, 1, 0, 1]).iter().map(|visit| visit.index).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3]);
        assert_eq!(Visit { index: 0, repeat: 0 }.seed(9), 9, "a first look is what it was without balancing");
    }
}
