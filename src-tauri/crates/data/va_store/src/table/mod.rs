//! One file a table: its migration, its row, its read handle, its write handle; tests in `tests/it/table/`.

pub mod annotations;
pub mod api_tokens;
pub mod audit_log;
pub mod dataset_versions;
pub mod datasets;
pub mod evaluations;
pub mod job_events;
pub mod jobs;
pub mod labels;
pub mod media;
pub mod members;
pub mod metrics;
pub mod model_versions;
pub mod models;
pub mod op_log;
pub mod predictions;
pub mod projects;
mod sample_classes;
pub mod samples;
pub mod sessions;
pub mod settings;
pub mod tags;

use va_domain::{Page, PageRequest};
use va_error::{Error, Result};

/// Schema 1, tables before those that point to them.
pub(crate) const SCHEMA_V1: &[&str] = &[
    members::V1,
    sessions::V1,
    api_tokens::V1,
    projects::V1,
    datasets::V1,
    labels::V1,
    media::V1,
    samples::V1,
    annotations::V1,
    tags::V1,
    dataset_versions::V1,
    jobs::V1,
    job_events::V1,
    metrics::V1,
    models::V1,
    model_versions::V1,
    evaluations::V1,
    predictions::V1,
    op_log::V1,
    audit_log::V1,
    settings::V1,
];

/// Schema 2: several classes an image, and the word that it shows none.
pub(crate) const SCHEMA_V2: &[&str] =
    &[datasets::V2, samples::V2, annotations::V2, dataset_versions::V2, predictions::V2];

/// The row id in a cursor that is nothing more.
pub(crate) fn cursor_id(page: &PageRequest) -> Result<Option<i64>> {
    page.cursor.as_deref().map(|text| text.parse().map_err(|_| bad_cursor())).transpose()
}

pub(crate) fn bad_cursor() -> Error {
    Error::invalid("this cursor does not belong to this list; begin again without a cursor")
}

/// A page from `limit + 1` rows: the last one only shows that there are more.
pub(crate) fn page_by_id<T>(mut rows: Vec<(i64, T)>, limit: u32, total: u64) -> Page<T> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|(id, _)| id.to_string());
    Page { items: rows.into_iter().map(|(_, item)| item).collect(), next_cursor, total }
}

/// A page of a list ordered by name: the cursor is the last `name_key`.
pub(crate) fn page_by_name<T>(mut rows: Vec<(String, T)>, limit: u32, total: u64) -> Page<T> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|(name, _)| name.clone());
    Page { items: rows.into_iter().map(|(_, item)| item).collect(), next_cursor, total }
}
