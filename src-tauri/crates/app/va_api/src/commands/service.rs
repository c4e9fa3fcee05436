//! The machine and the service itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_app::{App, audit, diagnostics, resources, settings};
use va_domain::{AuditEntry, GpuReason, GpuUsage, MemoryUsage, ResourceSnapshot, Role, Settings, StorageUsage};

use crate::command::{Command, Method};
use crate::wire::{Nothing, page, request};

request! {
    AuditListRequest { limit: Option<u32>, cursor: Option<String> }
    DiagnosticsRequest {
        /// Where to write the ZIP, on this machine.
        out: String,
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GpuReport {
    pub gpus: Vec<GpuUsage>,
    /// Why no GPU, or not every GPU, is shown, for a person; null when all are.
    pub gpu_note: Option<String>,
    /// The same for a program, which may say it in another language.
    pub gpu_reason: Option<GpuReason>,
}

/// The last five minutes, once a second while someone watches or a training runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceHistory {
    pub snapshots: Vec<ResourceSnapshot>,
}

/// A page of the audit log, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditPage {
    pub items: Vec<AuditEntry>,
    pub next_cursor: Option<String>,
    pub total: u64,
    /// The chain of hashes is whole: nothing was changed or taken out.
    pub verified: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    pub name: String,
    pub version: String,
    /// Version of the engine that trains and infers.
    pub engine: String,
    /// Version of this interface: `v1`.
    pub api: String,
    /// The library's folder.
    pub library: String,
}

/// A file that was written on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WrittenFile {
    pub path: String,
}

fn version(app: &App) -> Version {
    Version {
        name: "VisAIon".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: app.engine().describe().version,
        api: "v1".to_owned(),
        library: app.library_dir().display().to_string(),
    }
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Get, Post, Put};
    vec![
        Command::new::<Nothing, ResourceSnapshot>(
            "resource_get",
            Get,
            "/resources",
            Role::Viewer,
            "CPU, memory, GPUs and storage now",
            |app, _, _| resources::get(app),
        ),
        Command::new::<Nothing, GpuReport>(
            "resource_gpu",
            Get,
            "/resources/gpu",
            Role::Viewer,
            "GPUs now",
            |app, _, _| {
                let ResourceSnapshot { gpus, gpu_note, gpu_reason, .. } = resources::get(app)?;
                Ok(GpuReport { gpus, gpu_note, gpu_reason })
            },
        ),
        Command::new::<Nothing, MemoryUsage>(
            "resource_memory",
            Get,
            "/resources/memory",
            Role::Viewer,
            "Memory now",
            |app, _, _| Ok(resources::get(app)?.memory),
        ),
        Command::new::<Nothing, StorageUsage>(
            "resource_storage",
            Get,
            "/resources/storage",
            Role::Viewer,
            "Storage now",
            |app, _, _| Ok(resources::get(app)?.storage),
        ),
        Command::new::<Nothing, ResourceHistory>(
            "resource_history",
            Get,
            "/resources/history",
            Role::Viewer,
            "The last five minutes of the machine",
            |app, _, _| Ok(ResourceHistory { snapshots: resources::history(app) }),
        ),
        Command::new::<Nothing, Settings>(
            "settings_get",
            Get,
            "/settings",
            Role::Viewer,
            "Settings of the user interface",
            |app, _, _| settings::get(app),
        ),
        Command::new::<Settings, Settings>(
            "settings_update",
            Put,
            "/settings",
            Role::Owner,
            "Change the settings of the user interface",
            |app, actor, q| settings::update(app, actor, &q),
        ),
        Command::new::<AuditListRequest, AuditPage>(
            "audit_list",
            Get,
            "/audit",
            Role::Owner,
            "The audit log, newest first",
            |app, actor, q| {
                let page = audit::list(app, actor, &page(q.limit, q.cursor))?;
                Ok(AuditPage {
                    items: page.items,
                    next_cursor: page.next_cursor,
                    total: page.total,
                    verified: page.verified,
                })
            },
        ),
        Command::new::<Nothing, Version>(
            "version_get",
            Get,
            "/version",
            Role::Viewer,
            "Versions of the application, the engine and this interface",
            |app, _, _| Ok(version(app)),
        ),
        Command::new::<DiagnosticsRequest, WrittenFile>(
            "diagnostics_write",
            Post,
            "/diagnostics",
            Role::Owner,
            "Write a ZIP for a bug report: versions, log, statistics; no images",
            |app, _, q| {
                let path = diagnostics::write(app, std::path::Path::new(&q.out))?;
                Ok(WrittenFile { path: path.display().to_string() })
            },
        ),
    ]
}
