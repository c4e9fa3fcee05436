use std::path::Path;

use serde_json::{Value, json};
use va_api::job_result;
use va_domain::{GpuPack, GpuPackState, Job};
use va_error::{Error, Result};

use crate::args::GpuPackCommand;
use crate::follow::follow;
use crate::output;
use crate::session::{Need, Session, path_text};

const PURPOSE: &str =
    "NVIDIA's libraries that training on an NVIDIA GPU needs; without them VisAIon computes on the CPU";

pub fn run(session: &Session, command: GpuPackCommand) -> Result<()> {
    match command {
        GpuPackCommand::Show => show(session),
        GpuPackCommand::Install { from: Some(from), .. } => install(session, &from),
        GpuPackCommand::Install { from: None, agree_licence } => download(session, agree_licence),
        GpuPackCommand::Verify => verify(session),
        GpuPackCommand::Remove => remove(session),
    }
}

fn show(session: &Session) -> Result<()> {
    let pack: GpuPack = session.with(Need::Library, |client| client.ask("gpu_pack_get", json!({})))?;
    if session.json {
        return output::json(&pack);
    }
    output::line(PURPOSE)?;
    output::line(format!("state    {}", state(&pack)))?;
    if let Some(folder) = &pack.folder {
        output::line(format!("folder   {folder}"))?;
    }
    for file in &pack.damaged_files {
        output::line(format!("damaged  {file}"))?;
    }
    let rows: Vec<_> = pack
        .packages
        .iter()
        .map(|package| {
            let (name, version) = (package.name.clone(), package.version.clone());
            [name, version, package.purpose.clone(), output::bytes(package.size_bytes), package.licence.clone()]
        })
        .collect();
    output::table(["package", "version", "for", "size", "licence"], &rows, "nothing")?;
    if !pack.is_supported {
        output::note("there is no pack for this kind of machine: install NVIDIA's CUDA 13 toolkit and cuDNN 9 instead");
    } else if pack.state == GpuPackState::NotInstalled && !pack.would_help {
        output::note("this machine would not gain by it now; `visaion resources` says what it has and lacks");
    }
    Ok(())
}

fn state(pack: &GpuPack) -> String {
    let size = output::bytes(pack.installed_bytes);
    match pack.state {
        GpuPackState::Installed => {
            format!("installed: {} ({size})", pack.installed_version.as_deref().unwrap_or("an unknown version"))
        }
        GpuPackState::Damaged => "damaged: not used until it is installed again".to_owned(),
        GpuPackState::PartlyDownloaded => {
            format!("{} of {} are here", output::bytes(pack.downloaded_bytes), output::bytes(pack.download_bytes))
        }
        GpuPackState::NotInstalled => {
            format!("not installed: {} to download, {size} on the disk", output::bytes(pack.download_bytes))
        }
    }
}

fn install(session: &Session, from: &Path) -> Result<()> {
    let path = path_text(from)?;
    finish(session, "gpu_pack_install", &json!({ "path": path }))
}

fn download(session: &Session, agree_licence: bool) -> Result<()> {
    let pack: GpuPack = session.with(Need::Library, |client| client.ask("gpu_pack_get", json!({})))?;
    let terms = terms(&pack);
    if !agree_licence && pack.state != GpuPackState::Installed {
        return Err(Error::invalid(format!(
            "{terms}\nadd --agree-licence if you agree, or name files that you have with --from"
        )));
    }
    if !session.json {
        output::note(&terms);
    }
    finish(session, "gpu_pack_download", &json!({ "agree_licence": agree_licence }))
}

/// Licences, sources and size of what would be fetched.
fn terms(pack: &GpuPack) -> String {
    let mut text = format!("the GPU pack is {} of NVIDIA's files:", output::bytes(pack.download_bytes));
    for package in &pack.packages {
        text.push_str(&format!(
            "\n  {} {} from {}\n    {}: {}",
            package.name, package.version, package.source_url, package.licence, package.licence_url
        ));
    }
    text
}

fn verify(session: &Session) -> Result<()> {
    finish(session, "gpu_pack_verify", &json!({}))
}

/// Starts the job and says what the pack is at its end.
fn finish(session: &Session, command: &str, request: &Value) -> Result<()> {
    let pack: GpuPack = session.with(Need::Jobs, |client| {
        let job: Job = client.ask(command, request)?;
        job_result(follow(session, client, &job)?)
    })?;
    if session.json {
        return output::json(&pack);
    }
    output::line(state(&pack))?;
    if pack.state == GpuPackState::PartlyDownloaded {
        output::note("install the other files too; `visaion gpu-pack show` lists them");
    }
    Ok(())
}

fn remove(session: &Session) -> Result<()> {
    let _: Value = session.with(Need::Library, |client| client.ask("gpu_pack_delete", json!({})))?;
    if session.json { output::json(&json!({})) } else { output::line("removed the GPU pack") }
}
