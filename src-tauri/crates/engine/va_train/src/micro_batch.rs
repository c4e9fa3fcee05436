use crate::TrainJob;

/// How many samples go through the network at once, and what a person should know about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MicroBatch {
    pub size: u32,
    pub note: Option<String>,
}

impl MicroBatch {
    /// `had` is what the run used so far, 0 for a new one: a resumed run keeps it, unless memory now asks for less.
    pub fn choose(job: &TrainJob, had: u32) -> Self {
        let settings = &job.settings;
        let batch = settings.batch_size.min(u32::try_from(job.train_len).unwrap_or(u32::MAX)).max(1);
        let asked = if settings.micro_batch_size == 0 { batch } else { settings.micro_batch_size.min(batch) };
        let before = if had == 0 { asked } else { had };
        let size = before.min(job.micro_batch_limit.unwrap_or(u32::MAX)).max(1);
        let note = (size < before).then(|| match had {
            0 => format!(
                "a batch of {asked} does not fit in memory: {size} samples go through the network at a time and their \
                 gradients are added up to the batch of {batch}; batch norms see {size} samples"
            ),
            _ => format!(
                "there is less memory than before: {size} instead of {had} samples go through the network at a time, \
                 and the result will not be bit-exact"
            ),
        });
        Self { size, note }
    }

    /// Half of one that did not fit while the run went on; None where it cannot be smaller, because a batch norm over one
    /// sample of one pixel has no variance.
    pub fn halved(had: u32) -> Option<Self> {
        let size = had.div_ceil(2).max(2);
        let note = format!(
            "{had} samples at a time do not fit in memory: from now on {size} go through the network at a time and their \
             gradients are added up; batch norms see {size} samples"
        );
        (size < had).then_some(Self { size, note: Some(note) })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use va_domain::{Task, TrainSettings};

    use super::*;

    fn job(batch_size: u32, micro_batch_size: u32, limit: Option<u32>) -> TrainJob {
        TrainJob {
            task: Task::Classification,
            settings: TrainSettings { batch_size, micro_batch_size, ..TrainSettings::default() },
            classes: Vec::new(),
            train_len: 100,
            val_len: 0,
            decoded_bytes: 0,
            class_counts: Vec::new(),
            micro_batch_limit: limit,
            kept_image_bytes: 0,
            preprocessing: va_dataset::standard_preprocessing(32),
            checkpoint_dir: PathBuf::new(),
            model_dir: PathBuf::new(),
            resume: true,
            initial_weights: None,
        }
    }

    #[test]
    fn the_whole_batch_unless_settings_or_memory_ask_for_less() {
        let size = |job: TrainJob, had| MicroBatch::choose(&job, had).size;
        assert_eq!(size(job(32, 0, None), 0), 32);
        assert_eq!(size(job(256, 0, None), 0), 100, "there are no more samples");
        assert_eq!(size(job(32, 8, None), 0), 8);
        assert_eq!(size(job(32, 8, Some(16)), 0), 8);
        assert_eq!(size(job(32, 0, Some(4)), 0), 4);
        assert_eq!(size(job(32, 0, Some(64)), 4), 4, "a resumed run keeps what it had");
    }

    #[test]
    fn halves_go_down_to_two() {
        let mut sizes = vec![33];
        while let Some(half) = MicroBatch::halved(*sizes.last().unwrap()) {
            assert!(half.note.unwrap().contains(&half.size.to_string()));
            sizes.push(half.size);
        }
        assert_eq!(sizes, [33, 17, 9, 5, 3, 2]);
        assert_eq!(MicroBatch::halved(1), None);
    }

    #[test]
    fn only_what_memory_takes_is_told() {
        let note = |job: TrainJob, had| MicroBatch::choose(&job, had).note;
        assert_eq!(note(job(32, 8, None), 0), None);
        assert_eq!(note(job(32, 0, Some(8)), 8), None);
        assert!(note(job(32, 0, Some(8)), 0).unwrap().contains("batch of 32 does not fit"));
        assert!(note(job(32, 0, Some(4)), 8).unwrap().contains("not be bit-exact"));
    }
}
