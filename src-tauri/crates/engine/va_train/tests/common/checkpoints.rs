//! Checkpoints as someone else could have written them: the files changed, their manifests made to agree.

#![allow(dead_code)]

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The state file that this manifest names.
pub fn state_of(dir: &Path, name: &str) -> PathBuf {
    dir.join(manifest(dir, name)["file"].as_str().unwrap())
}

fn manifest(dir: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join(format!("{name}.json"))).unwrap()).unwrap()
}

/// Every checkpoint that has a manifest.
fn names(dir: &Path) -> Vec<&'static str> {
    ["last", "recovery", "previous", "best"]
        .into_iter()
        .filter(|name| dir.join(format!("{name}.json")).exists())
        .collect()
}

/// Replaces the bytes of every state file, and their hashes in the manifests.
pub fn edit(dir: &Path, change: impl Fn(&[u8]) -> Vec<u8>) {
    let mut changed = Vec::new();
    for name in names(dir) {
        let path = state_of(dir, name);
        if !changed.contains(&path) {
            let bytes = change(&std::fs::read(&path).unwrap());
            std::fs::write(&path, bytes).unwrap();
            changed.push(path.clone());
        }
        let mut manifest = manifest(dir, name);
        manifest["blake3"] = blake3::hash(&std::fs::read(path).unwrap()).to_hex().to_string().into();
        std::fs::write(dir.join(format!("{name}.json")), manifest.to_string()).unwrap();
    }
}

/// Changes the header of every state file.
pub fn edit_header(dir: &Path, change: impl Fn(&mut Value)) {
    edit(dir, |bytes| {
        let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut header: Value = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
        change(&mut header);
        let header = header.to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &bytes[8 + len..]].concat()
    });
}

/// Changes a JSON text in the metadata of every state file.
pub fn edit_metadata(dir: &Path, field: &str, change: impl Fn(&mut Value)) {
    edit_header(dir, |header| {
        let text = header["__metadata__"][field].as_str().unwrap().to_owned();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        header["__metadata__"][field] = value.to_string().into();
    });
}
