//! The end of every transaction: the history entry, the audit entry, and what to refresh.

use std::collections::HashSet;

use va_domain::{DatasetId, Entity};
use va_error::{Error, Result};

use crate::capture::{Capture, RowChange, UNDOABLE};
use crate::op::{Op, OpClass};
use crate::table::datasets::DatasetRow;
use crate::table::{audit_log, op_log};
use crate::tx::Tx;

/// The dataset an undoable op works on.
///
/// # Errors
/// `NotFound` when it does not exist or was deleted.
pub(crate) fn scope(tx: &Tx<'_>, op: &Op) -> Result<Option<DatasetRow>> {
    match op.class {
        OpClass::Undoable(dataset) => tx.datasets().row(dataset).map(Some),
        OpClass::Audited | OpClass::Quiet => Ok(None),
    }
}

/// Writes the logs. Says which dataset's lists may look different.
pub(crate) fn finish(tx: &Tx<'_>, op: &Op, scope: Option<DatasetRow>, capture: &Capture) -> Result<Option<DatasetId>> {
    let (images, datasets) = capture.take();
    match scope {
        None => {
            if !images.is_empty() {
                return Err(Error::internal(format!(
                    "BUG: {} changes rows with a history, but is not undoable",
                    op.name
                )));
            }
            if op.class == OpClass::Audited {
                audit_log::append(tx, op.name, &summary(op, None))?;
            }
            Ok(None)
        }
        Some(_) if images.is_empty() => Ok(None),
        Some(dataset) => {
            if datasets.iter().any(|rowid| *rowid != dataset.rowid) {
                return Err(Error::internal(format!("BUG: {} changes rows of another dataset than its own", op.name)));
            }
            let count = op.count.unwrap_or_else(|| counted(&images));
            touch_all(tx, dataset.id, &images);
            op_log::append(tx, op, dataset.rowid, count, &images)?;
            audit_log::append(tx, op.name, &summary(op, Some(count)))?;
            tx.datasets_mut().mark_updated(&dataset)?;
            Ok(Some(dataset.id))
        }
    }
}

/// What changed, from the row images.
pub(crate) fn touch_all(tx: &Tx<'_>, dataset: DatasetId, images: &[RowChange]) {
    for image in images {
        if let (Some(table), Some(uuid)) = (UNDOABLE.get(image.table), image.uuid) {
            tx.touch(table.entity, Some(dataset), uuid);
        }
    }
    tx.touch(Entity::Dataset, None, dataset.0);
    tx.touch(Entity::History, Some(dataset), dataset.0);
}

/// Samples, when samples changed; rows otherwise.
fn counted(images: &[RowChange]) -> u64 {
    let distinct = |entity: Option<Entity>| {
        images
            .iter()
            .filter(|image| entity.is_none_or(|e| UNDOABLE.get(image.table).is_some_and(|table| table.entity == e)))
            .map(|image| (image.table, image.rowid))
            .collect::<HashSet<_>>()
            .len() as u64
    };
    match distinct(Some(Entity::Sample)) {
        0 => distinct(None),
        samples => samples,
    }
}

fn summary(op: &Op, count: Option<u64>) -> String {
    let text = op.summary.clone().unwrap_or_else(|| count.map(|n| n.to_string()).unwrap_or_default());
    text.chars().take(500).collect()
}
