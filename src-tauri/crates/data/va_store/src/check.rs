//! Does the library agree with itself?

use va_error::Result;

use crate::error::SqlContext;
use crate::table::audit_log::AuditVerdict;
use crate::tx::Read;

/// Each query returns a row for every disagreement.
const RECOUNTS: &[(&str, &str)] = &[
    (
        "counts of a dataset",
        "SELECT d.name FROM datasets d LEFT JOIN (
             SELECT dataset_id, count(*) n, sum(label_id IS NOT NULL OR no_class) l, sum(no_class) nc, sum(split IS 0) tr, sum(split IS 1) va, sum(split IS 2) te
             FROM samples WHERE deleted_ms IS NULL GROUP BY dataset_id) s ON s.dataset_id = d.id
         WHERE d.sample_count <> coalesce(s.n, 0) OR d.labelled_count <> coalesce(s.l, 0)
            OR d.no_class_count <> coalesce(s.nc, 0)
            OR d.train_count <> coalesce(s.tr, 0) OR d.val_count <> coalesce(s.va, 0) OR d.test_count <> coalesce(s.te, 0)
            OR d.label_count <> (SELECT count(*) FROM labels l WHERE l.dataset_id = d.id)",
    ),
    (
        "the count of a class",
        "SELECT l.name FROM labels l LEFT JOIN label_counts c ON c.label_id = l.id
         WHERE c.sample_count IS NOT (SELECT count(*) FROM annotations a
             JOIN samples s ON s.id = a.sample_id WHERE a.kind = 0 AND a.label_id = l.id AND s.deleted_ms IS NULL)",
    ),
    (
        "the class of a sample",
        "SELECT s.name FROM samples s WHERE s.label_id IS NOT
             (SELECT a.label_id FROM annotations a WHERE a.sample_id = s.id AND a.kind = 0 ORDER BY a.id LIMIT 1)
             OR (s.no_class AND s.label_id IS NOT NULL)",
    ),
    (
        "the regions of a sample",
        "SELECT s.name FROM samples s WHERE s.region_count <>
             (SELECT count(*) FROM annotations a WHERE a.sample_id = s.id AND a.kind > 0)",
    ),
    (
        "the indices of the classes",
        "SELECT d.name FROM datasets d WHERE d.label_count <>
             (SELECT coalesce(max(class_idx) + 1, 0) FROM labels l WHERE l.dataset_id = d.id)",
    ),
    (
        "the size of the media",
        "SELECT 'media' FROM media_total WHERE count <> (SELECT count(*) FROM media)
            OR size_bytes <> (SELECT coalesce(sum(size_bytes), 0) FROM media)",
    ),
];

pub(crate) fn integrity(read: &Read<'_>) -> Result<Vec<String>> {
    let doing = "checking the library";
    let mut problems = Vec::new();
    let column = |sql: &str| -> Result<Vec<String>> {
        let mut statement = read.conn.prepare(sql).sql(doing)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).sql(doing)?;
        rows.collect::<rusqlite::Result<_>>().sql(doing)
    };
    problems.extend(column("PRAGMA integrity_check")?.into_iter().filter(|line| line != "ok"));
    for table in column("SELECT \"table\" FROM pragma_foreign_key_check")? {
        problems.push(format!("a row of {table} points nowhere"));
    }
    for (what, sql) in RECOUNTS {
        for name in column(sql)? {
            problems.push(format!("{what} is wrong: {name}"));
        }
    }
    if let AuditVerdict::Broken { seq } = read.audit_log().verify()? {
        problems.push(format!("the audit log is broken at entry {seq}"));
    }
    Ok(problems)
}
