//! What a pack is made of: the program's own `assets/gpu-pack.json`, or `manifest.json` in this user's pack folder, with
//! which a lab names its mirror or other versions.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use va_domain::GpuPackage;
use va_engine::gpu::{PackedFile, is_plain_name};
use va_error::{Code, Context, Error, Result};

use crate::App;

const MANIFEST: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../assets/gpu-pack.json"));
const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// Twelve times what NVIDIA's libraries take now; more is a slip of the hand, or worse.
const MAX_PACK_BYTES: u64 = 16 << 30;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub version: String,
    /// `linux-x86_64`.
    pub platform: String,
    pub packages: Vec<Package>,
}

/// A wheel: a ZIP file whose hash is known, and what is taken out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Package {
    pub name: String,
    pub version: String,
    pub purpose: String,
    pub licence: String,
    pub licence_url: String,
    pub file: String,
    pub source_url: String,
    pub size_bytes: u64,
    pub sha256: String,
    pub contents: Vec<Content>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    /// In the wheel.
    pub path: String,
    /// On the disk; all lie in one folder, where NVIDIA's libraries look for each other.
    pub name: String,
    pub size_bytes: u64,
    pub sha256: String,
}

impl Manifest {
    /// # Errors
    /// `InvalidInput` or `TooLarge` when the user's own manifest cannot be used.
    pub fn current(app: &App) -> Result<Self> {
        let own = app.gpu_packs().own.as_ref().map(|pack| pack.join("manifest.json"));
        let Some(path) = own.filter(|path| path.is_file()) else { return Self::parse(MANIFEST) };
        let read = || {
            if std::fs::metadata(&path)?.len() > MAX_MANIFEST_BYTES {
                return Err(Error::new(Code::TooLarge, "it is too large for a manifest"));
            }
            Self::parse(&std::fs::read_to_string(&path)?)
        };
        read().with_context(|| format!("the manifest {} cannot be used", path.display()))
    }

    /// # Errors
    /// `InvalidInput` naming what is wrong.
    fn parse(json: &str) -> Result<Self> {
        let manifest: Self = serde_json::from_str(json)?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<()> {
        let bad = |what: String| Err(Error::invalid(what));
        if !is_plain_name(&self.version) || self.packages.is_empty() {
            return bad("it has no packages, or a version that cannot name a folder".to_owned());
        }
        let contents = || self.packages.iter().flat_map(|package| &package.contents);
        let names = self.packages.iter().map(|package| &package.file).chain(contents().map(|content| &content.name));
        let mut seen = HashSet::new();
        for name in names {
            if !is_plain_name(name) || !seen.insert(name) {
                return bad(format!("{name:?} is not the name of a file, or stands there twice"));
            }
        }
        let hashes = self.packages.iter().map(|package| &package.sha256).chain(contents().map(|file| &file.sha256));
        for hash in hashes {
            if hash.len() != 64 || !hash.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) {
                return bad(format!("{hash:?} is not a SHA-256 in lower case"));
            }
        }
        let sizes =
            self.packages.iter().map(|package| package.size_bytes).chain(contents().map(|file| file.size_bytes));
        match sizes.fold(0u64, u64::saturating_add) {
            1..=MAX_PACK_BYTES => Ok(()),
            total => bad(format!("its files take {total} bytes")),
        }
    }

    pub fn is_supported(&self) -> bool {
        self.platform == format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
    }

    /// # Errors
    /// `InvalidInput` that says what to do on other machines.
    pub fn require_support(&self) -> Result<()> {
        if self.is_supported() {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "this GPU pack is for {}: install NVIDIA's CUDA 13 toolkit and cuDNN 9 instead, and name their folder in the \
             settings",
            self.platform
        )))
    }

    /// Of all wheels.
    pub fn download_bytes(&self) -> u64 {
        self.packages.iter().map(|package| package.size_bytes).sum()
    }

    /// Of everything that is taken out of them.
    pub fn installed_bytes(&self) -> u64 {
        self.packages.iter().flat_map(|package| &package.contents).map(|content| content.size_bytes).sum()
    }

    /// What a record says of the files.
    pub fn files(&self) -> Vec<PackedFile> {
        let file = |content: &Content| PackedFile {
            name: content.name.clone(),
            size_bytes: content.size_bytes,
            sha256: content.sha256.clone(),
        };
        self.packages.iter().flat_map(|package| &package.contents).map(file).collect()
    }
}

impl Package {
    pub fn expected(&self) -> va_fetch::Expected<'_> {
        va_fetch::Expected { sha256: Some(&self.sha256), size_bytes: Some(self.size_bytes) }
    }

    pub fn to_domain(&self) -> GpuPackage {
        let package = self.clone();
        GpuPackage {
            name: package.name,
            version: package.version,
            purpose: package.purpose,
            licence: package.licence,
            licence_url: package.licence_url,
            file: package.file,
            source_url: package.source_url,
            size_bytes: package.size_bytes,
            sha256: package.sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_manifest_has_every_library_that_is_looked_for() {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let names: Vec<String> = manifest.files().into_iter().map(|file| file.name).collect();
        let cuda = va_engine::gpu::find(&va_engine::gpu::Places::default()).status;
        for library in cuda.libraries {
            assert!(cfg!(windows) || names.contains(&library.file), "{}", library.file);
        }
        for needed_by_name in ["libnvrtc-builtins.so.13.0", "libcudnn_graph.so.9", "LICENSE-nvidia-cublas.txt"] {
            assert!(names.iter().any(|name| name == needed_by_name), "{needed_by_name}");
        }
        assert!(manifest.packages.iter().all(|package| package.source_url.starts_with("https://")));
        assert!(manifest.packages.iter().all(|package| package.source_url.ends_with(&package.file)));
        assert!(manifest.packages.iter().all(|package| package.licence.contains("proprietary")));
        assert_eq!(manifest.download_bytes(), 941_202_647);
        assert_eq!(manifest.installed_bytes(), 1_336_560_318);
    }

    #[test]
    fn a_manifest_that_leads_elsewhere_is_refused() {
        let good = Manifest::parse(MANIFEST).unwrap();
        let broken = |change: fn(&mut Manifest)| {
            let mut manifest = good.clone();
            change(&mut manifest);
            Manifest::parse(&serde_json::to_string(&manifest).unwrap())
        };
        assert!(broken(|_| {}).is_ok());
        let changes: [fn(&mut Manifest); 7] = [
            |m| m.version = "../x".into(),
            |m| m.packages.clear(),
            |m| m.packages[0].file = "/etc/passwd".into(),
            |m| m.packages[0].contents[0].name = "..".into(),
            |m| m.packages[1].contents[0].name = m.packages[0].contents[0].name.clone(),
            |m| m.packages[0].sha256 = "abc".into(),
            |m| m.packages[0].size_bytes = u64::MAX,
        ];
        for (at, change) in changes.into_iter().enumerate() {
            assert_eq!(broken(change).unwrap_err().code(), Code::InvalidInput, "{at}");
        }
    }
}
