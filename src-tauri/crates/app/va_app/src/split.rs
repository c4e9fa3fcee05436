//! Stratified splits: every class is shared out in the same ratios, deterministically for a seed.

mod several;

use std::collections::BTreeMap;

use va_domain::{Actor, DatasetId, LabelId, MediaHash, Role, Sample, SampleId, Split, SplitCounts, SplitRatios};
use va_error::{Result, WarningReport};
use va_store::Op;

use crate::App;
use crate::app::require;

/// What a split did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitResult {
    /// Of the whole dataset, afterwards.
    pub counts: SplitCounts,
    /// Classes with one sample: it went to `train`, so nothing can be said of them.
    pub report: WarningReport,
}

/// Splits the dataset, or with `only_unsplit` what is in no split, class by class. One undo step.
///
/// # Errors
/// `NotFound`; `InvalidInput` for shares that do not add up to 1.
pub fn split(
    app: &App,
    actor: &Actor,
    dataset: DatasetId,
    ratios: SplitRatios,
    seed: u64,
    only_unsplit: bool,
) -> Result<SplitResult> {
    require(actor, Role::Reviewer)?;
    ratios.check()?;
    let op = Op::undoable(dataset, "split")
        .summary(format!("{} / {} / {}, seed {seed}", ratios.train, ratios.val, ratios.test));
    app.transact(actor, op, |tx| {
        let names: BTreeMap<LabelId, String> =
            tx.labels().of_dataset(dataset)?.into_iter().map(|label| (label.id, label.name)).collect();
        let samples = tx.samples().all_of_dataset(dataset)?;
        let chosen = samples.into_iter().filter(|sample| !only_unsplit || sample.split.is_none());
        let (assigned, lonely) = assign(chosen, ratios, seed);
        for (id, split) in assigned {
            tx.samples_mut().set_split(id, Some(split))?;
        }
        let mut report = WarningReport::default();
        for label in lonely {
            let name = names.get(&label).cloned().unwrap_or_default();
            report.push(name, "has one sample, which went to train: the class cannot be validated or tested");
        }
        Ok(SplitResult { counts: tx.datasets().get(dataset)?.splits, report })
    })
}

/// A split for every sample, and the classes that have only one.
pub(crate) fn assign(
    samples: impl Iterator<Item = Sample>,
    ratios: SplitRatios,
    seed: u64,
) -> (Vec<(SampleId, Split)>, Vec<LabelId>) {
    let samples: Vec<Sample> = samples.collect();
    if samples.iter().any(|sample| sample.label_ids.len() > 1 || sample.no_class) {
        return several::assign(&samples, ratios, seed);
    }
    let mut classes: BTreeMap<Option<LabelId>, Vec<([u8; 32], SampleId)>> = BTreeMap::new();
    for sample in samples {
        let key = shuffle_key(seed, &sample.media_hash, &sample.name);
        classes.entry(sample.label_id).or_default().push((key, sample.id));
    }
    let mut assigned = Vec::new();
    let mut lonely = Vec::new();
    for (label, mut members) in classes {
        members.sort_unstable();
        if let (Some(label), 1) = (label, members.len()) {
            lonely.push(label);
        }
        let [train, val, _] = shares(members.len(), ratios);
        for (position, (_, id)) in members.into_iter().enumerate() {
            let split = if position < train {
                Split::Train
            } else if position < train + val {
                Split::Val
            } else {
                Split::Test
            };
            assigned.push((id, split));
        }
    }
    (assigned, lonely)
}

/// A place in the shuffled order that follows from the seed and the image alone: the same images are split the same way
/// in every library, in whatever order they came.
fn shuffle_key(seed: u64, media: &MediaHash, name: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(media.as_str().as_bytes()).update(name.as_bytes());
    *hasher.finalize().as_bytes()
}

/// Whole numbers closest to the shares (largest remainder; ties go to train, then val). The only sample of a class goes
/// to train: without training a class, nothing can be tested.
fn shares(count: usize, ratios: SplitRatios) -> [usize; 3] {
    if count == 1 && ratios.train > 0.0 {
        return [1, 0, 0];
    }
    let exact = [ratios.train, ratios.val, ratios.test].map(|share| share * count as f64);
    // A hair above a whole number is that number: 0.7 × 10 is 7.000000000000001 or 6.999999999999999.
    let mut whole = exact.map(|value| (value + 1e-9).floor() as usize);
    let mut order = [0, 1, 2];
    let remainder = |index: usize| exact[index] - whole[index] as f64;
    order.sort_by(|a, b| remainder(*b).total_cmp(&remainder(*a)).then(a.cmp(b)));
    let missing = count.saturating_sub(whole.iter().sum());
    for index in order.into_iter().take(missing) {
        whole[index] += 1;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_the_closest_whole_numbers() {
        let ratios = SplitRatios::default();
        assert_eq!(shares(10, ratios), [7, 2, 1], "0.15 of 10 is 1.5 twice: the tie goes to val");
        assert_eq!(shares(100, ratios), [70, 15, 15]);
        assert_eq!(shares(1, ratios), [1, 0, 0]);
        assert_eq!(shares(0, ratios), [0, 0, 0]);
        assert_eq!(shares(1, SplitRatios { train: 0.0, val: 0.0, test: 1.0 }), [0, 0, 1]);
    }

    proptest! {
        #[test]
        fn shares_add_up_and_are_never_off_by_one_or_more(count in 2usize..5000, train in 0.0f64..1.0, cut in 0.0f64..1.0) {
            let val = (1.0 - train) * cut;
            let ratios = SplitRatios { train, val, test: 1.0 - train - val };
            let found = shares(count, ratios);
            prop_assert_eq!(found.iter().sum::<usize>(), count);
            for (got, share) in found.into_iter().zip([ratios.train, ratios.val, ratios.test]) {
                prop_assert!((got as f64 - share * count as f64).abs() < 1.0 + 1e-6);
            }
        }
    }
}
