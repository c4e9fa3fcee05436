//! Which entities a transaction changed, so that every open view refreshes just that.

use std::collections::BTreeMap;

use uuid::Uuid;
use va_domain::{DatasetId, Entity, Event};

/// More ids than this are not listed: views refresh as a whole.
const MAX_IDS: usize = 1000;

/// What changed, by entity and dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    entries: BTreeMap<(Entity, Option<DatasetId>), Ids>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ids {
    list: Vec<Uuid>,
    too_many: bool,
}

impl Changes {
    pub(crate) fn add(&mut self, entity: Entity, dataset: Option<DatasetId>, id: Uuid) {
        let ids = self.entries.entry((entity, dataset)).or_default();
        if ids.too_many || ids.list.last() == Some(&id) {
            return;
        }
        ids.list.push(id);
        if ids.list.len() > 4 * MAX_IDS {
            ids.compact();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// One event an entity and dataset; `ids` is empty when there are too many.
    pub fn events(&self) -> Vec<Event> {
        self.entries
            .iter()
            .map(|((entity, dataset_id), ids)| {
                let mut ids = ids.clone();
                ids.compact();
                Event::Changed { entity: *entity, ids: ids.list, dataset_id: *dataset_id }
            })
            .collect()
    }
}

impl Ids {
    fn compact(&mut self) {
        self.list.sort_unstable();
        self.list.dedup();
        if self.list.len() > MAX_IDS {
            self.list = Vec::new();
            self.too_many = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_ids_become_refresh_everything_and_repeats_count_once() {
        let mut few = Changes::default();
        let id = Uuid::now_v7();
        let other = Uuid::now_v7();
        [id, other, id].into_iter().for_each(|id| few.add(Entity::Sample, None, id));
        let Event::Changed { ids, .. } = &few.events()[0] else { panic!("not a change") };
        assert_eq!(ids.len(), 2);

        let mut many = Changes::default();
        (0..10_000).for_each(|_| many.add(Entity::Sample, None, Uuid::now_v7()));
        let Event::Changed { ids, .. } = &many.events()[0] else { panic!("not a change") };
        assert!(ids.is_empty());
    }
}
