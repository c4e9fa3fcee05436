use std::path::Path;

use serde_json::{Value, json};
use va_api::job_result;
use va_domain::{Job, Page, Weights, WeightsReport, WeightsState};
use va_error::{Error, Result};

use crate::args::WeightsCommand;
use crate::follow::follow;
use crate::output;
use crate::session::{Need, Session, path_text};

pub fn run(session: &Session, command: WeightsCommand) -> Result<()> {
    match command {
        WeightsCommand::List => list(session),
        WeightsCommand::Install { file, name, licence } => install(session, &file, name.as_deref(), licence.as_deref()),
        WeightsCommand::Download { name, agree_licence } => download(session, &name, agree_licence),
        WeightsCommand::Remove { name } => remove(session, &name),
    }
}

fn list(session: &Session) -> Result<()> {
    let page: Page<Weights> = session.with(Need::Library, |client| client.ask("weights_list", json!({})))?;
    if session.json {
        return output::json(&page);
    }
    let rows: Vec<_> = page
        .items
        .iter()
        .map(|weights| {
            [
                weights.name.clone(),
                weights.arch.clone(),
                state(weights),
                weights.size_bytes.map_or_else(|| "?".to_owned(), output::bytes),
                weights.licence.clone().unwrap_or_else(|| "?".to_owned()),
            ]
        })
        .collect();
    output::table(["name", "architecture", "state", "size", "licence"], &rows, "no weights")
}

fn state(weights: &Weights) -> String {
    match weights.state {
        WeightsState::Installed => "installed".to_owned(),
        WeightsState::PartlyDownloaded => format!("{} downloaded", output::bytes(weights.downloaded_bytes)),
        WeightsState::NotInstalled => "not installed".to_owned(),
    }
}

fn install(session: &Session, file: &Path, name: Option<&str>, licence: Option<&str>) -> Result<()> {
    let path = path_text(file)?;
    let answer = session.with(Need::Jobs, |client| {
        let request = json!({ "path": path, "name": name, "licence": licence });
        let job: Job = client.ask("weights_install", request)?;
        job_result(follow(session, client, &job)?)
    })?;
    installed(session, &answer)
}

fn download(session: &Session, name: &str, agree_licence: bool) -> Result<()> {
    let answer = session.with(Need::Jobs, |client| {
        let weights: Weights = client.ask("weights_get", json!({ "name": name }))?;
        if !agree_licence && weights.state != WeightsState::Installed {
            return Err(Error::invalid(format!("{}; add --agree-licence if you agree", terms(&weights))));
        }
        if !session.json {
            output::note(terms(&weights));
        }
        let job: Job = client.ask("weights_download", json!({ "name": name, "agree_licence": agree_licence }))?;
        job_result(follow(session, client, &job)?)
    })?;
    installed(session, &answer)
}

/// Licence, source and size of what would be fetched.
fn terms(weights: &Weights) -> String {
    format!(
        "{} is published under {} at {} ({})",
        weights.name,
        weights.licence.as_deref().unwrap_or("a licence that nobody gave"),
        weights.source_url.as_deref().unwrap_or("no address"),
        weights.size_bytes.map_or_else(|| "a size that its server tells".to_owned(), output::bytes)
    )
}

fn installed(session: &Session, answer: &Value) -> Result<()> {
    if session.json {
        return output::json(answer);
    }
    let weights: Weights = serde_json::from_value(answer["weights"].clone())?;
    let report: WeightsReport = serde_json::from_value(answer["report"].clone())?;
    output::line(format!("{} ({}, SHA-256 {})", weights.name, weights.arch, weights.sha256.unwrap_or_default()))?;
    output::note(format!(
        "  {} arrays fit, {} are not in the file, {} of the file are left over",
        report.loaded.count + report.resized.count,
        report.new.count,
        report.skipped.count
    ));
    output::note(format!("  train with: visaion train --arch {} --weights {} --dataset …", weights.arch, weights.name));
    Ok(())
}

fn remove(session: &Session, name: &str) -> Result<()> {
    let _: Value = session.with(Need::Library, |client| client.ask("weights_delete", json!({ "name": name })))?;
    if session.json { output::json(&json!({})) } else { output::line(format!("removed {name}")) }
}
