//! Filters and sorts of samples as SQL, each through an index.

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};
use va_domain::{DatasetId, LabelledState, Page, PageRequest, Sample, SampleFilter, SampleSort};
use va_error::Result;

use crate::error::SqlContext;
use crate::store::Store;
use crate::table::bad_cursor;
use crate::table::samples::{self, SELECT};
use crate::tx::Read;
use crate::value::{name_key, split_number};

/// Conditions on `samples s` with their values, in the order of `?`.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self.values.extend(values);
    }
}

fn conditions(read: &Read<'_>, dataset: DatasetId, filter: &SampleFilter) -> Result<Conditions> {
    let row = read.datasets().row(dataset)?;
    let mut all = Conditions {
        text: "s.deleted_ms IS NULL AND s.dataset_id = ?".to_owned(),
        values: vec![Value::Integer(row.rowid)],
    };
    if !filter.label_ids.is_empty() {
        let labels = filter
            .label_ids
            .iter()
            .map(|id| Ok(Value::Integer(read.labels().row(*id)?.rowid)))
            .collect::<Result<Vec<_>>>()?;
        let of_class = "s.id IN (SELECT sample_id FROM annotations WHERE kind = 0 AND label_id IN";
        all.and(&format!("{of_class} ({}))", places(labels.len())), labels);
    }
    match (filter.splits.is_empty(), filter.no_split) {
        (true, false) => {}
        (true, true) => all.and("s.split IS NULL", []),
        (false, no_split) => {
            let splits: Vec<Value> = filter.splits.iter().map(|split| Value::Integer(split_number(*split))).collect();
            let list = places(splits.len());
            let or_none = if no_split { " OR s.split IS NULL" } else { "" };
            all.and(&format!("(s.split IN ({list}){or_none})"), splits);
        }
    }
    match filter.state {
        None => {}
        Some(LabelledState::Labelled) => all.and("(s.label_id IS NOT NULL OR s.no_class)", []),
        Some(LabelledState::Unlabelled) => all.and("s.label_id IS NULL AND NOT s.no_class", []),
        Some(LabelledState::NoClass) => all.and("s.no_class", []),
    }
    let search = filter.search.trim();
    if !search.is_empty() {
        all.and("instr(s.name_key, ?) > 0", [Value::Text(name_key(search))]);
    }
    Ok(all)
}

fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// The query of ids for every sort but `Label`.
fn ids_sql(conditions: &Conditions, sort: SampleSort) -> String {
    let order = match sort {
        SampleSort::Added | SampleSort::Label => "s.id",
        SampleSort::AddedDesc => "s.id DESC",
        SampleSort::Name => "s.name_key, s.id",
        SampleSort::NameDesc => "s.name_key DESC, s.id DESC",
        SampleSort::SizeDesc => "s.size_bytes DESC, s.id DESC",
    };
    format!("SELECT s.id FROM samples s WHERE {} ORDER BY {order}", conditions.text)
}

/// Row ids in order.
pub(crate) fn ordered_ids(
    read: &Read<'_>,
    dataset: DatasetId,
    filter: &SampleFilter,
    sort: SampleSort,
) -> Result<Vec<i64>> {
    let all = conditions(read, dataset, filter)?;
    if sort != SampleSort::Label {
        return ids(read, &all, sort);
    }
    // By first class: a scan of the index for each, in the order of the classes, then those without.
    let mut ordered = Vec::new();
    for label in read.labels().rows(dataset)? {
        let mut one = all.clone();
        one.and("s.label_id = ?", [Value::Integer(label.rowid)]);
        ordered.extend(ids(read, &one, sort)?);
    }
    let mut without = all;
    without.and("s.label_id IS NULL", []);
    ordered.extend(ids(read, &without, sort)?);
    Ok(ordered)
}

fn ids(read: &Read<'_>, conditions: &Conditions, sort: SampleSort) -> Result<Vec<i64>> {
    let mut statement = read.conn.prepare_cached(&ids_sql(conditions, sort)).sql("listing samples")?;
    let rows = statement.query_map(params_from_iter(&conditions.values), |row| row.get(0)).sql("listing samples")?;
    rows.collect::<rusqlite::Result<_>>().sql("listing samples")
}

/// Where a page begins: the sort key and row id of the last sample before it. As text `ID`, or `ID:KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    rowid: i64,
    key: String,
}

impl Cursor {
    fn parse(text: &str) -> Result<Self> {
        let (rowid, key) = text.split_once(':').ok_or_else(bad_cursor)?;
        Ok(Self { rowid: rowid.parse().map_err(|_| bad_cursor())?, key: key.to_owned() })
    }

    fn number(&self) -> Result<i64> {
        self.key.parse().map_err(|_| bad_cursor())
    }

    fn of(row: &Row<'_>, sort: SampleSort) -> rusqlite::Result<String> {
        let key = match sort {
            SampleSort::Added | SampleSort::AddedDesc => String::new(),
            SampleSort::Name | SampleSort::NameDesc => row.get(13)?,
            SampleSort::SizeDesc => row.get::<_, i64>(6)?.to_string(),
            SampleSort::Label => row.get::<_, Option<i64>>(14)?.map(|index| index.to_string()).unwrap_or_default(),
        };
        Ok(format!("{}:{key}", row.get::<_, i64>(12)?))
    }
}

impl Store {
    /// A page by key: however deep, it costs no more than the first.
    ///
    /// # Errors
    /// `NotFound` without the dataset or a class of the filter; `InvalidInput` for a cursor of another list.
    pub fn sample_list(
        &self,
        dataset: DatasetId,
        filter: &SampleFilter,
        sort: SampleSort,
        page: &PageRequest,
    ) -> Result<Page<Sample>> {
        let limit = page.checked_limit()? as usize;
        let cursor = page.cursor.as_deref().map(Cursor::parse).transpose()?;
        let mut rows = self.read(|read| {
            let all = conditions(read, dataset, filter)?;
            match sort {
                SampleSort::Label => rows_by_label(read, dataset, &all, cursor.as_ref(), limit + 1),
                _ => rows_behind(read, all, sort, cursor.as_ref(), limit + 1),
            }
        })?;
        let total = self.sample_count(dataset, filter)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|(cursor, _)| cursor.clone());
        Ok(Page { items: rows.into_iter().map(|(_, sample)| sample).collect(), next_cursor, total })
    }
}

type Rows = Vec<(String, Sample)>;

fn rows_behind(
    read: &Read<'_>,
    mut all: Conditions,
    sort: SampleSort,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Rows> {
    if let Some(cursor) = cursor {
        let id = Value::Integer(cursor.rowid);
        match sort {
            SampleSort::Added | SampleSort::Label => all.and("s.id > ?", [id]),
            SampleSort::AddedDesc => all.and("s.id < ?", [id]),
            SampleSort::Name => all.and("(s.name_key, s.id) > (?, ?)", [Value::Text(cursor.key.clone()), id]),
            SampleSort::NameDesc => all.and("(s.name_key, s.id) < (?, ?)", [Value::Text(cursor.key.clone()), id]),
            SampleSort::SizeDesc => all.and("(s.size_bytes, s.id) < (?, ?)", [Value::Integer(cursor.number()?), id]),
        }
    }
    // First the ids by the index alone, then the few rows of the page.
    let sql = format!("{} LIMIT {limit}", ids_sql(&all, sort));
    let mut statement = read.conn.prepare_cached(&sql).sql("listing samples")?;
    let ids = statement
        .query_map(params_from_iter(&all.values), |row| row.get(0))
        .sql("listing samples")?
        .collect::<rusqlite::Result<Vec<i64>>>()
        .sql("listing samples")?;
    let mut one = read.conn.prepare_cached(&format!("{SELECT} WHERE s.id = ?1")).sql("listing samples")?;
    ids.into_iter()
        .map(|rowid| one.query_row([rowid], |row| Ok((Cursor::of(row, sort)?, samples::sample(row)?))))
        .collect::<rusqlite::Result<_>>()
        .sql("listing samples")
}

fn rows_by_label(
    read: &Read<'_>,
    dataset: DatasetId,
    all: &Conditions,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Rows> {
    let mut groups: Vec<Option<(i64, i64)>> =
        read.labels().rows(dataset)?.iter().map(|row| Some((i64::from(row.label.class_idx), row.rowid))).collect();
    groups.push(None);
    let start = match cursor {
        None => None,
        Some(cursor) if cursor.key.is_empty() => Some(None),
        Some(cursor) => Some(Some(cursor.number()?)),
    };
    let mut rows = Rows::new();
    for group in groups {
        let index = group.map(|(index, _)| index);
        let behind = match start {
            // Groups before the cursor's are done; those without a class come last.
            Some(at) if index.unwrap_or(i64::MAX) < at.unwrap_or(i64::MAX) => continue,
            Some(at) if index == at => cursor,
            _ => None,
        };
        let mut one = all.clone();
        match group {
            Some((_, rowid)) => one.and("s.label_id = ?", [Value::Integer(rowid)]),
            None => one.and("s.label_id IS NULL", []),
        }
        rows.extend(rows_behind(read, one, SampleSort::Label, behind, limit - rows.len())?);
        if rows.len() >= limit {
            break;
        }
    }
    Ok(rows)
}

/// The plans of every list query, for the test that none scans a table.
#[doc(hidden)]
pub fn plans(store: &Store, dataset: DatasetId, filter: &SampleFilter, sort: SampleSort) -> Result<Vec<String>> {
    store.read(|read| {
        let mut one = conditions(read, dataset, filter)?;
        if sort == SampleSort::Label {
            one.and("s.label_id IS NULL", []);
        }
        let sql = format!("EXPLAIN QUERY PLAN {}", ids_sql(&one, sort));
        let mut statement = read.conn.prepare(&sql).sql("explaining")?;
        let rows = statement.query_map(params_from_iter(&one.values), |row| row.get(3)).sql("explaining")?;
        rows.collect::<rusqlite::Result<_>>().sql("explaining")
    })
}
