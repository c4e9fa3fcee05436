//! From what a person types to an id: a name, an id, and for models `NAME@VERSION`.

use serde_json::json;
use va_api::Client;
use va_domain::{Dataset, DatasetId, Model, ModelId, ModelVersion, Project, ProjectId};
use va_error::{Code, Error, Result};

use crate::session::every_page;

/// # Errors
/// `NotFound` naming the command that lists what there is.
pub fn project(client: &Client, text: &str) -> Result<Project> {
    if let Ok(id) = text.parse::<ProjectId>() {
        return client.ask("project_get", json!({ "id": id }));
    }
    let all = every_page::<Project>(client, "project_list", &json!({ "search": text }))?;
    by_name(all.items, text, |project| &project.name, "project")
}

/// # Errors
/// `NotFound` naming the command that lists what there is.
pub fn dataset(client: &Client, text: &str) -> Result<Dataset> {
    if let Ok(id) = text.parse::<DatasetId>() {
        return client.ask("dataset_get", json!({ "id": id }));
    }
    let all = every_page::<Dataset>(client, "dataset_list", &json!({ "search": text }))?;
    by_name(all.items, text, |dataset| &dataset.name, "dataset")
}

/// The model of a name or id; None where there is none.
///
/// # Errors
/// What listing says.
pub fn model_if_any(client: &Client, text: &str) -> Result<Option<Model>> {
    match model(client, text) {
        Ok(model) => Ok(Some(model)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn model(client: &Client, text: &str) -> Result<Model> {
    if let Ok(id) = text.parse::<ModelId>() {
        return client.ask("model_get", json!({ "id": id }));
    }
    let all = every_page::<Model>(client, "model_list", &json!({ "search": text }))?;
    by_name(all.items, text, |model| &model.name, "model")
}

/// `NAME`, `NAME@3`, the id of a model or of a version: a version, the newest where none is named.
///
/// # Errors
/// `NotFound` naming what there is.
pub fn model_version(client: &Client, text: &str) -> Result<ModelVersion> {
    let exact = model_if_any(client, text)?;
    if let Some(model) = exact {
        let none = || Error::not_found(format!("the model {} has no version yet: train one", model.name));
        return model.latest.ok_or_else(none);
    }
    if let Some((name, number)) = text.rsplit_once('@')
        && let Ok(number) = number.parse::<u32>()
    {
        let model = model(client, name)?;
        return client.ask("model_version_get", json!({ "id": model.id, "number": number }));
    }
    version_of_id(client, text)?.ok_or_else(|| missing("model", text))
}

fn version_of_id(client: &Client, text: &str) -> Result<Option<ModelVersion>> {
    let Ok(id) = text.parse::<va_domain::ModelVersionId>() else { return Ok(None) };
    for model in every_page::<Model>(client, "model_list", &json!({}))?.items {
        let versions = every_page::<ModelVersion>(client, "model_versions", &json!({ "id": model.id }))?;
        if let Some(version) = versions.items.into_iter().find(|version| version.id == id) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

/// Exactly this name, or else the only one that differs in case alone.
fn by_name<T>(items: Vec<T>, text: &str, name: impl Fn(&T) -> &str, what: &str) -> Result<T> {
    let (exact, others): (Vec<T>, Vec<T>) = items.into_iter().partition(|item| name(item) == text);
    let mut found = if exact.is_empty() {
        let same = |item: &T| name(item).to_lowercase() == text.to_lowercase();
        others.into_iter().filter(same).collect()
    } else {
        exact
    };
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(missing(what, text)),
        n => Err(Error::conflict(format!(
            "{n} {what}s are named {text:?}: use an id (`visaion {what} list` shows them)"
        ))),
    }
}

fn missing(what: &str, text: &str) -> Error {
    let look = match what {
        "model" => "train one with `visaion train`".to_owned(),
        _ => format!("`visaion {what} list` shows what there is"),
    };
    Error::not_found(format!("there is no {what} {text:?}; {look}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_exactly_before_they_match_loosely() {
        let names = || vec!["Tiles", "tiles", "other"];
        assert_eq!(by_name(names(), "tiles", |n| n, "dataset").unwrap(), "tiles");
        assert_eq!(by_name(names(), "OTHER", |n| n, "dataset").unwrap(), "other");
        assert_eq!(by_name(names(), "TILES", |n| n, "dataset").unwrap_err().code(), Code::Conflict);
        let missing = by_name(names(), "cracks", |n| n, "dataset").unwrap_err();
        assert!(missing.message().contains("visaion dataset list"), "{missing}");
    }
}
