//! A small GPU pack: three wheels that hold files with the names of NVIDIA's libraries, and a manifest that names them.
#![allow(dead_code, reason = "each test program takes what it needs")]

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::write::{SimpleFileOptions, ZipWriter};

pub const VERSION: &str = "test-1.0";

pub struct Wheel {
    pub package: &'static str,
    pub file: String,
    pub bytes: Vec<u8>,
    /// Name and bytes.
    pub libraries: Vec<(&'static str, Vec<u8>)>,
}

/// Of about `library_bytes` for each library.
pub fn wheels(library_bytes: usize) -> Vec<Wheel> {
    let wheel = |package: &'static str, names: &[&'static str]| {
        let library =
            |name: &&'static str| (*name, noise(name.len() as u32 * 7 + name.as_bytes()[5] as u32, library_bytes));
        let libraries: Vec<_> = names.iter().map(library).collect();
        let mut entries: Vec<(String, &[u8])> =
            libraries.iter().map(|(name, bytes)| (inside(package, name), &bytes[..])).collect();
        entries.push(("include/not_wanted.h".into(), b"int x;"));
        Wheel { package, file: format!("{package}-1.0-any.whl"), bytes: zip_of(&entries), libraries }
    };
    vec![
        wheel("test-runtime", &["libcudart.so.13", "libcurand.so.10"]),
        wheel("test-cublas", &["libcublas.so.13", "libcublasLt.so.13"]),
        wheel("test-cudnn", &["libcudnn.so.9", "libnvrtc.so.13", "libnvrtc-builtins.so.13.0"]),
    ]
}

fn inside(package: &str, name: &str) -> String {
    format!("nvidia/{package}/lib/{name}")
}

pub fn zip_of(entries: &[(String, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The manifest of these wheels; `url` says where each is.
pub fn manifest(wheels: &[Wheel], url: impl Fn(usize) -> String) -> Value {
    let package = |(at, wheel): (usize, &Wheel)| {
        let content = |(name, bytes): &(&str, Vec<u8>)| {
            json!({
                "path": inside(wheel.package, name), "name": name, "size_bytes": bytes.len(), "sha256": hash(bytes),
            })
        };
        json!({
            "name": wheel.package, "version": "1.0", "purpose": "tests", "licence": "Test licence (proprietary)",
            "licence_url": "https://licence.example/", "file": wheel.file, "source_url": url(at),
            "size_bytes": wheel.bytes.len(), "sha256": hash(&wheel.bytes),
            "contents": wheel.libraries.iter().map(content).collect::<Vec<_>>(),
        })
    };
    let packages: Vec<Value> = wheels.iter().enumerate().map(package).collect();
    let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    json!({ "version": VERSION, "platform": platform, "packages": packages })
}

/// Puts the manifest where this user's own is looked for.
pub fn write_manifest(pack: &Path, manifest: &Value) {
    std::fs::create_dir_all(pack).unwrap();
    std::fs::write(pack.join("manifest.json"), manifest.to_string()).unwrap();
}

pub fn write_wheels(dir: &Path, wheels: &[Wheel]) -> PathBuf {
    std::fs::create_dir_all(dir).unwrap();
    wheels.iter().for_each(|wheel| std::fs::write(dir.join(&wheel.file), &wheel.bytes).unwrap());
    dir.to_owned()
}

/// One ZIP file with all wheels in a folder.
pub fn write_zip(path: &Path, wheels: &[Wheel]) -> PathBuf {
    let entries: Vec<(String, &[u8])> =
        wheels.iter().map(|wheel| (format!("pack/{}", wheel.file), &wheel.bytes[..])).collect();
    std::fs::write(path, zip_of(&entries)).unwrap();
    path.to_owned()
}

pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that repeat nowhere.
fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}
