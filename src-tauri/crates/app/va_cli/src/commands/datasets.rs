use std::path::Path;

use serde_json::{Value, json};
use va_api::{Client, job_result};
use va_domain::{
    ClassSeparator, CsvFile, CsvShape, Dataset, DatasetVersion, ExportFormat, Facets, ImportFormat, ImportPreview,
    ImportReport, Job, Page, SplitCounts, check_name,
};
use va_error::{Code, Error, Result};

use crate::args::DatasetCommand;
use crate::follow::follow;
use crate::session::{Need, Session, every_page, path_text};
use crate::{names, output};

pub fn run(session: &Session, command: DatasetCommand) -> Result<()> {
    match command {
        DatasetCommand::Create { name, description, project } => {
            create(session, &name, &description, project.as_deref())
        }
        DatasetCommand::List => list(session),
        DatasetCommand::Show { dataset } => show(session, &dataset),
        DatasetCommand::Delete { dataset, force } => delete(session, &dataset, force),
        DatasetCommand::Import { dir, dataset, format, several_classes, class_separator, preview: is_preview } => {
            let (format, separator) = (ImportFormat::from(format), ClassSeparator::from(class_separator));
            let options = json!({ "format": format, "several_classes": several_classes, "class_separator": separator });
            if is_preview {
                preview(session, &dir, &dataset, &options)
            } else {
                import(session, &dir, &dataset, &options)
            }
        }
        DatasetCommand::Export { dataset, format, out } => export(session, &dataset, format.into(), &out),
        DatasetCommand::Split { dataset, train, val, test, seed, only_unsplit } => {
            let shares =
                json!({ "train": train, "val": val, "test": test, "seed": seed, "only_unsplit": only_unsplit });
            split(session, &dataset, shares)
        }
    }
}

fn create(session: &Session, name: &str, description: &str, project: Option<&str>) -> Result<()> {
    let dataset: Dataset = session.with(Need::Library, |client| {
        let project = project.map(|text| names::project(client, text)).transpose()?;
        let request = json!({ "name": name, "description": description, "project_id": project.map(|p| p.id) });
        client.ask("dataset_create", request)
    })?;
    if session.json {
        return output::json(&dataset);
    }
    output::line(format!("made the dataset {} ({})", dataset.name, dataset.id))
}

fn list(session: &Session) -> Result<()> {
    let page: Page<Dataset> = session.with(Need::Library, |client| every_page(client, "dataset_list", &json!({})))?;
    if session.json {
        return output::json(&page);
    }
    let rows: Vec<_> = page
        .items
        .iter()
        .map(|d| {
            [
                d.name.clone(),
                d.sample_count.to_string(),
                d.labelled_count.to_string(),
                d.label_count.to_string(),
                d.id.to_string(),
            ]
        })
        .collect();
    output::table(
        ["dataset", "samples", "labelled", "classes", "id"],
        &rows,
        "no datasets yet: `visaion dataset import DIR --dataset NAME` makes one",
    )
}

fn show(session: &Session, text: &str) -> Result<()> {
    let (dataset, facets, versions): (Dataset, Facets, Page<DatasetVersion>) =
        session.with(Need::Library, |client| {
            let dataset = names::dataset(client, text)?;
            let facets = client.ask("dataset_facets", json!({ "id": dataset.id }))?;
            let versions = every_page(client, "dataset_versions", &json!({ "id": dataset.id }))?;
            Ok((dataset, facets, versions))
        })?;
    if session.json {
        let mut document = serde_json::to_value(&dataset)?;
        document["facets"] = serde_json::to_value(&facets)?;
        document["versions"] = serde_json::to_value(&versions.items)?;
        return output::json(&document);
    }
    output::line(format!("{} ({})", dataset.name, dataset.id))?;
    output::line(format!("{} samples, {} labelled", facets.total, facets.labelled))?;
    output::line(in_splits(&facets.splits))?;
    for label in &facets.labels {
        output::line(format!("  {:>3}  {}  {} samples", label.class_idx, label.name, label.sample_count))?;
    }
    for version in &versions.items {
        output::line(format!(
            "  version {}  {} samples  {}",
            version.number,
            version.sample_count,
            &version.content_hash[..12]
        ))?;
    }
    Ok(())
}

fn in_splits(splits: &SplitCounts) -> String {
    format!("train {}, val {}, test {}, in no split {}", splits.train, splits.val, splits.test, splits.none)
}

fn delete(session: &Session, text: &str, force: bool) -> Result<()> {
    let dataset: Dataset = session.with(Need::Library, |client| {
        let found = names::dataset(client, text)?;
        client.call("dataset_delete", json!({ "id": found.id, "force": force }))?;
        Ok(found)
    })?;
    if session.json {
        return output::json(&json!({}));
    }
    output::line(format!("deleted the dataset {}", dataset.name))
}

fn request(dataset: &Dataset, dir: &Path, options: &Value) -> Result<Value> {
    Ok(json!({ "id": dataset.id, "path": path_text(dir)?, "options": options }))
}

/// The dataset of a name; a new one where there is none. Says whether it was made.
fn dataset_or_new(client: &Client, text: &str) -> Result<(Dataset, bool)> {
    match names::dataset(client, text) {
        Err(error) if error.code() == Code::NotFound => {
            let name = check_name("dataset", text)?;
            Ok((client.ask("dataset_create", json!({ "name": name }))?, true))
        }
        found => found.map(|dataset| (dataset, false)),
    }
}

fn preview(session: &Session, dir: &Path, dataset: &str, options: &Value) -> Result<()> {
    let preview: ImportPreview = session.with(Need::Library, |client| {
        let (dataset, made) = dataset_or_new(client, dataset)?;
        let outcome = request(&dataset, dir, options).and_then(|request| client.ask("import_preview", request));
        if made {
            // A preview changes nothing: the dataset was made only to look into it.
            client.call("dataset_delete", json!({ "id": dataset.id, "force": true }))?;
        }
        outcome
    })?;
    if session.json {
        return output::json(&preview);
    }
    output::line(format!(
        "{} images ({}), found as {:?}; nothing has been changed",
        preview.image_count,
        output::bytes(preview.total_bytes),
        preview.format
    ))?;
    preview.csv_files.iter().try_for_each(csv_lines)?;
    for class in &preview.classes {
        let new = if class.exists { "" } else { "  (new class)" };
        output::line(format!("  {}  {} images{new}", class.name, class.image_count))?;
    }
    for (count, what) in [
        (preview.mask_count, "masks"),
        (preview.duplicate_count, "images twice in the folder"),
        (preview.several_classes_count, "images of several classes"),
        (preview.no_class_count, "images that show none of the classes"),
        (preview.existing_count, "images already in the dataset"),
    ] {
        if count > 0 {
            output::line(format!("  {count} {what}"))?;
        }
    }
    output::warnings(&preview.broken);
    output::rows(&preview.broken_rows);
    Ok(())
}

/// How a file with labels was understood.
fn csv_lines(csv: &CsvFile) -> Result<()> {
    output::line(format!("  {}: {} rows, {} with an image that is here", csv.file, csv.row_count, csv.found_count))?;
    let column = csv.class_column.as_deref().unwrap_or_default();
    output::line(match (csv.shape, csv.separator) {
        (CsvShape::OneColumn, ClassSeparator::None) => format!("    one class in each cell of the column {column}"),
        (CsvShape::OneColumn, separator) => {
            format!("    classes in the column {column}, with a {} between them", in_words(separator))
        }
        (CsvShape::ColumnPerClass, _) => "    a column a class, with 1 and 0".to_owned(),
        (CsvShape::NoClasses, _) => "    no classes, only splits".to_owned(),
    })?;
    // A comma is part of many names.
    if csv.separator == ClassSeparator::None
        && let ClassSeparator::Bar | ClassSeparator::Semicolon = csv.likely_separator
    {
        output::line(format!(
            "    some cells look like several classes with a {} between them: --several-classes takes them apart",
            in_words(csv.likely_separator)
        ))?;
    }
    match csv.unused_columns.as_slice() {
        [] => Ok(()),
        unused => output::line(format!("    columns not used: {}", unused.join(", "))),
    }
}

fn in_words(separator: ClassSeparator) -> String {
    format!("{separator:?}").to_lowercase()
}

fn import(session: &Session, dir: &Path, dataset: &str, options: &Value) -> Result<()> {
    let report: ImportReport = session.with(Need::Jobs, |client| {
        let (dataset, made) = dataset_or_new(client, dataset)?;
        let outcome = import_into(session, client, &dataset, dir, options);
        if made && outcome.is_err() {
            // A dataset that was made for an import of nothing is not left behind; one that got images is.
            let now: Dataset = client.ask("dataset_get", json!({ "id": dataset.id }))?;
            if now.sample_count == 0 {
                client.call("dataset_delete", json!({ "id": dataset.id, "force": true }))?;
            }
        }
        outcome
    })?;
    if session.json {
        output::json(&report)?;
    } else {
        output::line(format!(
            "imported {} images, {} masks; {} were there already; {} left out",
            report.imported,
            report.masks,
            report.duplicates,
            report.left_out.len()
        ))?;
        if report.more_classes > 0 {
            output::line(format!("{} files gave their image one more class", report.more_classes))?;
        }
        if report.no_class > 0 {
            output::line(format!("{} images show none of the classes", report.no_class))?;
        }
        output::warnings(&report.left_out);
        output::rows(&report.rows_left_out);
    }
    if report.imported == 0 && report.duplicates == 0 && report.more_classes == 0 {
        return Err(Error::invalid("no image was imported: see what was left out, and why"));
    }
    Ok(())
}

fn import_into(
    session: &Session,
    client: &mut Client,
    dataset: &Dataset,
    dir: &Path,
    options: &Value,
) -> Result<ImportReport> {
    let job: Job = client.ask("import_start", request(dataset, dir, options)?)?;
    job_result(follow(session, client, &job)?)
}

fn export(session: &Session, dataset: &str, format: ExportFormat, out: &Path) -> Result<()> {
    let result: Value = session.with(Need::Jobs, |client| {
        let dataset = names::dataset(client, dataset)?;
        let request = json!({ "id": dataset.id, "format": format, "out": path_text(out)? });
        let job: Job = client.ask("dataset_export", request)?;
        job_result(follow(session, client, &job)?)
    })?;
    if session.json {
        return output::json(&result);
    }
    output::line(format!("written to {}", result["path"].as_str().unwrap_or(&out.display().to_string())))
}

fn split(session: &Session, dataset: &str, mut request: Value) -> Result<()> {
    let counts: Value = session.with(Need::Library, |client| {
        let dataset = names::dataset(client, dataset)?;
        request["id"] = serde_json::to_value(dataset.id)?;
        client.ask("dataset_split", request)
    })?;
    if session.json {
        return output::json(&counts);
    }
    for warning in counts["report"]["warnings"].as_array().into_iter().flatten() {
        let text = |key: &str| warning[key].as_str().unwrap_or_default().to_owned();
        output::note(format!("  {}: {}", text("subject"), text("reason")));
    }
    output::line(in_splits(&serde_json::from_value(counts)?))
}
