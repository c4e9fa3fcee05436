use std::path::Path;

use serde_json::json;
use va_domain::{CudaStatus, ResourceSnapshot};
use va_error::Result;

use crate::output;
use crate::session::{Need, Session, path_text};

pub fn resources(session: &Session) -> Result<()> {
    let (snapshot, options) = session.with(Need::Library, |client| {
        Ok((client.call("resource_get", json!({}))?, client.call("train_options", json!({}))?))
    })?;
    if session.json {
        let mut all = snapshot;
        all["devices"] = options["devices"].clone();
        all["cuda"] = options["cuda"].clone();
        return output::json(&all);
    }
    let now: ResourceSnapshot = serde_json::from_value(snapshot)?;
    let cuda: Option<CudaStatus> = serde_json::from_value(options["cuda"].clone())?;
    output::line(format!(
        "CPU      {} ({} cores) at {:.0} %",
        now.cpu.name, now.cpu.cores, now.cpu.utilisation_percent
    ))?;
    let bf16 = if now.cpu.bf16_is_native { "has instructions of its own" } else { "works, but slower than f32" };
    output::line(format!("bf16     {bf16}"))?;
    output::line(format!(
        "memory   {} of {} used",
        output::bytes(now.memory.used_bytes),
        output::bytes(now.memory.total_bytes)
    ))?;
    for gpu in &now.gpus {
        let celsius = gpu.temperature_celsius.map(|t| format!(", {t:.0} °C")).unwrap_or_default();
        let watts = gpu.power_watts.map(|w| format!(", {w:.0} W")).unwrap_or_default();
        output::line(format!(
            "GPU {}    {} at {:.0} %, {} of {} used{celsius}{watts}",
            gpu.index,
            gpu.name,
            gpu.utilisation_percent,
            output::bytes(gpu.memory_used_bytes),
            output::bytes(gpu.memory_total_bytes)
        ))?;
    }
    if let Some(note) = &now.gpu_note {
        output::line(format!("GPU      {note}"))?;
    }
    if let Some(cuda) = &cuda {
        cuda_lines(cuda)?;
    }
    let storage = &now.storage;
    output::line(format!(
        "storage  {} of {} free, the library's images take {} ({})",
        output::bytes(storage.free_bytes),
        output::bytes(storage.total_bytes),
        output::bytes(storage.library_bytes),
        storage.path
    ))
}

/// What training on the GPU needs, found or not.
fn cuda_lines(cuda: &CudaStatus) -> Result<()> {
    let driver = match &cuda.driver_cuda_version {
        Some(version) => format!("driver supports CUDA {version}"),
        None => "no driver".to_owned(),
    };
    output::line(format!("CUDA     {driver}, CUDA {} is needed", cuda.required_cuda_version))?;
    for library in &cuda.libraries {
        let place = library.path.as_deref().unwrap_or("not found");
        output::line(format!("         {} ({}): {place}", library.file, library.purpose))?;
    }
    output::line(format!("         engine: {}", cuda.plugin_path.as_deref().unwrap_or("not found")))?;
    if cuda.ready { output::line("         ready") } else { output::line(format!("         {}", cuda.note)) }
}

pub fn diagnostics(session: &Session, out: &Path) -> Result<()> {
    let out = path_text(out)?;
    let written = session.with(Need::Library, |client| client.call("diagnostics_write", json!({ "out": out })))?;
    if session.json {
        return output::json(&written);
    }
    output::line(format!("written to {}; it holds no images and no names", written["path"].as_str().unwrap_or(&out)))
}
