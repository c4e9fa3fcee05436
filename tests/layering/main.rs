//! The arrows of `src-tauri/ARCHITECTURE.md`, proved with `cargo metadata`: who may depend on whom, and who never.

#![allow(clippy::unwrap_used, reason = "a test that cannot read the workspace may panic")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crate → the crates of the workspace it may depend on directly, dev-dependencies not counted.
const ARROWS: &[(&str, &[&str])] = &[
    ("va_error", &[]),
    ("va_geometry", &["va_error"]),
    ("va_domain", &["va_error", "va_geometry"]),
    ("va_graph", &["va_error"]),
    ("va_exec", &["va_error", "va_graph"]),
    ("va_zoo", &["va_error", "va_graph"]),
    ("va_dataset", &["va_error", "va_domain"]),
    ("va_eval", &["va_error", "va_domain"]),
    ("va_train", &["va_error", "va_domain", "va_graph", "va_exec", "va_zoo", "va_dataset", "va_eval"]),
    ("va_infer", &["va_error", "va_domain", "va_graph", "va_exec", "va_zoo", "va_dataset"]),
    (
        "va_engine",
        &["va_error", "va_domain", "va_graph", "va_exec", "va_zoo", "va_dataset", "va_eval", "va_train", "va_infer"],
    ),
    ("va_check", &["va_error", "va_zoo", "va_exec"]),
    ("va_media", &["va_error", "va_domain"]),
    ("va_store", &["va_error", "va_geometry", "va_domain"]),
    ("va_formats", &["va_error", "va_geometry", "va_domain"]),
    ("va_fetch", &["va_error"]),
    (
        "va_app",
        &["va_error", "va_geometry", "va_domain", "va_engine", "va_store", "va_formats", "va_media", "va_fetch"],
    ),
    ("va_api", &["va_error", "va_geometry", "va_domain", "va_app"]),
    ("va_server", &["va_error", "va_domain", "va_api"]),
    ("va_cli", &["va_error", "va_domain", "va_api", "va_server"]),
    ("visaion_desktop", &["va_error", "va_domain", "va_api"]),
    ("va_tests", &[]),
    ("va_gpu_suite", &["va_error", "va_domain", "va_check", "va_engine", "va_media"]),
    ("xtask", &[]),
];

/// Outside crate → the only crates of the workspace that may name it.
const FENCES: &[(&str, &[&str])] = &[
    ("tauri", &["visaion_desktop"]),
    ("rusqlite", &["va_store"]),
    ("axum", &["va_server"]),
    ("candle-core", &["va_exec", "va_train", "va_infer", "va_check"]),
    // Layers and losses are ours.
    ("candle-nn", &[]),
    ("rten", &["va_infer"]),
    // One crate goes to the network, and only when a person agreed.
    ("ureq", &["va_fetch"]),
    ("clap", &["va_cli", "va_gpu_suite", "xtask"]),
    ("libloading", &["va_engine"]),
];

/// Crate → outside crates that must not be reached from it by any path.
const NEVER: &[(&str, &[&str])] = &[
    ("va_engine", &["rusqlite", "tauri", "axum"]),
    ("va_store", &["candle-core", "tauri"]),
    ("va_formats", &["candle-core", "tauri"]),
    ("va_app", &["tauri", "axum"]),
    ("va_cli", &["tauri"]),
];

struct Workspace {
    /// Member → names of its direct, non-dev dependencies.
    direct: BTreeMap<String, BTreeSet<String>>,
    /// Package id → (name, ids of what it needs to build or run).
    all: BTreeMap<String, (String, Vec<String>)>,
    members: BTreeMap<String, String>,
}

fn workspace() -> Workspace {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata =
        MetadataCommand::new().manifest_path(manifest).other_options(vec!["--locked".into()]).exec().unwrap();
    let packages = metadata.workspace_packages();
    let direct = packages.iter().map(|package| {
        let needs = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
        (package.name.to_string(), needs.map(|d| d.name.clone()).collect())
    });
    let members = packages.iter().map(|p| (p.name.to_string(), p.id.repr.clone())).collect();
    let names: BTreeMap<_, _> = metadata.packages.iter().map(|p| (p.id.repr.clone(), p.name.to_string())).collect();
    let nodes = metadata.resolve.as_ref().unwrap().nodes.iter();
    let all = nodes.map(|node| {
        let needs = node.deps.iter().filter(|d| d.dep_kinds.iter().any(|k| k.kind != DependencyKind::Development));
        (node.id.repr.clone(), (names[&node.id.repr].clone(), needs.map(|d| d.pkg.repr.clone()).collect()))
    });
    Workspace { direct: direct.collect(), all: all.collect(), members }
}

impl Workspace {
    fn reachable(&self, member: &str) -> BTreeSet<String> {
        let (mut seen, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec![self.members[member].clone()];
        while let Some(id) = open.pop() {
            if seen.insert(id.clone()) {
                let (name, needs) = &self.all[&id];
                names.insert(name.clone());
                open.extend(needs.iter().cloned());
            }
        }
        names
    }
}

#[test]
fn every_crate_stands_where_the_map_says() {
    let workspace = workspace();
    let arrows: BTreeMap<_, BTreeSet<_>> =
        ARROWS.iter().map(|(name, to)| (*name, to.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for (name, needs) in &workspace.direct {
        let Some(allowed) = arrows.get(name.as_str()) else {
            wrong.push(format!("{name} is not on the map"));
            continue;
        };
        let ours = needs.iter().filter(|n| workspace.direct.contains_key(*n));
        wrong.extend(ours.filter(|n| !allowed.contains(n.as_str())).map(|n| format!("{name} must not depend on {n}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(arrows.len(), workspace.direct.len(), "the map names a crate that is gone");
}

#[test]
fn outside_crates_are_named_only_where_they_belong() {
    let workspace = workspace();
    for (outside, owners) in FENCES {
        for (name, needs) in &workspace.direct {
            let strays = needs.contains(*outside) && !owners.contains(&name.as_str());
            assert!(!strays, "{name} names {outside}, which belongs to {}", owners.join(", "));
        }
    }
}

#[test]
fn the_halves_never_meet() {
    let workspace = workspace();
    for (member, forbidden) in NEVER {
        let reached = workspace.reachable(member);
        for outside in *forbidden {
            assert!(!reached.contains(*outside), "{member} reaches {outside}");
        }
    }
}

#[test]
fn the_map_in_the_document_names_every_crate() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../src-tauri/ARCHITECTURE.md")).unwrap();
    for (name, _) in ARROWS {
        assert!(text.contains(name), "src-tauri/ARCHITECTURE.md does not name {name}");
    }
}
