use std::path::Path;

use serde_json::json;
use va_domain::{CudaStatus, GpuProgram, GpuUsage, ResourceSnapshot};
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
    now.gpus.iter().try_for_each(gpu_lines)?;
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

/// A card, with what it reports, and who else uses it.
fn gpu_lines(gpu: &GpuUsage) -> Result<()> {
    let memory = match (gpu.memory_used_bytes, gpu.memory_total_bytes) {
        (Some(used), Some(total)) => Some(format!("{} of {} used", output::bytes(used), output::bytes(total))),
        _ => None,
    };
    let watts = gpu.power_watts.map(|watts| match gpu.power_limit_watts {
        Some(limit) => format!("{watts:.0} of {limit:.0} W"),
        None => format!("{watts:.0} W"),
    });
    let said = [
        gpu.utilisation_percent.map(|percent| format!("at {percent:.0} %")),
        memory,
        gpu.temperature_celsius.map(|celsius| format!("{celsius:.0} °C")),
        watts,
        gpu.sm_clock_mhz.map(|mhz| format!("SM clock {mhz} MHz")),
    ];
    let said: Vec<String> = [Some(gpu.name.clone())].into_iter().chain(said).flatten().collect();
    output::line(format!("GPU {}    {}", gpu.index, said.join(", ")))?;
    gpu.other_programs.iter().flatten().try_for_each(|program| output::line(format!("         {}", in_words(program))))
}

fn in_words(program: &GpuProgram) -> String {
    let who = match &program.name {
        Some(name) => format!("{name} (process {})", program.pid),
        None => format!("another program (process {})", program.pid),
    };
    match program.memory_bytes {
        Some(bytes) => format!("{who} uses {} of this card", output::bytes(bytes)),
        None => format!("{who} uses this card too; the driver does not say how much of it"),
    }
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
    for place in &cuda.other_versions {
        let majors: Vec<String> = place.major_versions.iter().map(u32::to_string).collect();
        output::line(format!("         of another version (CUDA {}), not used: {}", majors.join(", "), place.folder))?;
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
