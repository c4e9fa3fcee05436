//! Query views: the ordered row ids of a filtered and sorted dataset (8 bytes each), so that a scroll bar over a million
//! samples jumps anywhere. A change of the dataset drops its views.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use va_domain::{DatasetId, SampleFilter, SampleId, SampleSort, SampleWindow};
use va_error::Result;

use crate::query::ordered_ids;
use crate::store::Store;

/// Views kept at once, the least recently used dropped first.
const MAX_VIEWS: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    dataset: DatasetId,
    filter: SampleFilter,
    sort: SampleSort,
}

#[derive(Default)]
struct Cache {
    /// Changes of each dataset since the library was opened.
    generations: HashMap<DatasetId, u64>,
    /// Most recently used last.
    views: Vec<(Key, u64, Arc<Vec<i64>>)>,
}

/// The cache of a store.
#[derive(Default)]
pub(crate) struct Views {
    cache: Mutex<Cache>,
}

impl Views {
    pub(crate) fn invalidate(&self, dataset: DatasetId) {
        let mut cache = self.cache.lock();
        *cache.generations.entry(dataset).or_default() += 1;
        cache.views.retain(|(key, ..)| key.dataset != dataset);
    }

    fn get(&self, key: &Key) -> (u64, Option<Arc<Vec<i64>>>) {
        let mut cache = self.cache.lock();
        let generation = cache.generations.get(&key.dataset).copied().unwrap_or(0);
        let found = cache.views.iter().position(|(other, at, _)| other == key && *at == generation);
        let view = found.map(|position| {
            let entry = cache.views.remove(position);
            let ids = Arc::clone(&entry.2);
            cache.views.push(entry);
            ids
        });
        (generation, view)
    }

    /// Kept only if nothing changed since `generation` was read.
    fn put(&self, key: Key, generation: u64, ids: Arc<Vec<i64>>) {
        let mut cache = self.cache.lock();
        if cache.generations.get(&key.dataset).copied().unwrap_or(0) != generation {
            return;
        }
        cache.views.retain(|(other, ..)| *other != key);
        if cache.views.len() >= MAX_VIEWS {
            cache.views.remove(0);
        }
        cache.views.push((key, generation, ids));
    }
}

impl Store {
    /// Samples at `offset..offset + limit` of the filtered and sorted dataset.
    ///
    /// # Errors
    /// `NotFound` without the dataset or a class of the filter.
    pub fn sample_window(
        &self,
        dataset: DatasetId,
        filter: &SampleFilter,
        sort: SampleSort,
        offset: u64,
        limit: u32,
    ) -> Result<SampleWindow> {
        let ids = self.view(dataset, filter, sort)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(ids.len());
        let end = start.saturating_add(limit as usize).min(ids.len());
        // One deleted since the view was made is left out; its `Changed` event is on its way.
        let items = self.read(|read| {
            let samples = read.samples();
            ids[start..end].iter().filter_map(|rowid| samples.by_rowid(*rowid).transpose()).collect::<Result<_>>()
        })?;
        Ok(SampleWindow { total: ids.len() as u64, offset: start as u64, items })
    }

    /// Where a sample lies in the filtered and sorted dataset; None when it is not in it.
    ///
    /// # Errors
    /// `NotFound` without the dataset or a class of the filter.
    pub fn sample_position(
        &self,
        dataset: DatasetId,
        filter: &SampleFilter,
        sort: SampleSort,
        sample: SampleId,
    ) -> Result<Option<u64>> {
        let ids = self.view(dataset, filter, sort)?;
        let Ok(row) = self.read(|read| read.samples().row(sample)) else { return Ok(None) };
        Ok(ids.iter().position(|rowid| *rowid == row.rowid).map(|position| position as u64))
    }

    /// How many samples the filter lets through.
    ///
    /// # Errors
    /// `NotFound` without the dataset or a class of the filter.
    pub fn sample_count(&self, dataset: DatasetId, filter: &SampleFilter) -> Result<u64> {
        if *filter == SampleFilter::default() {
            return self.read(|read| Ok(read.datasets().get(dataset)?.sample_count));
        }
        Ok(self.view(dataset, filter, SampleSort::Added)?.len() as u64)
    }

    fn view(&self, dataset: DatasetId, filter: &SampleFilter, sort: SampleSort) -> Result<Arc<Vec<i64>>> {
        let key = Key { dataset, filter: filter.clone(), sort };
        let (generation, found) = self.views.get(&key);
        if let Some(ids) = found {
            return Ok(ids);
        }
        let ids = Arc::new(self.read(|read| ordered_ids(read, dataset, filter, sort))?);
        self.views.put(key, generation, Arc::clone(&ids));
        Ok(ids)
    }
}
