//! Wheels that a person brought: one, a folder of them, or a ZIP file that holds them. None is believed before its hash
//! was compared.

use std::path::{Path, PathBuf};

use va_error::{Context, Error, Result};

use super::archive::Archive;
use super::manifest::{Manifest, Package};
use super::place::{Lock, Place};
use crate::jobs::{JobContext, copy_file};

/// Folders in folders: an upload has one of its own.
const MAX_DEPTH: usize = 3;
/// A folder that holds wheels holds little else.
const MAX_FILES: usize = 10_000;

/// A wheel whose hash is right.
pub(super) struct Wheel<'a> {
    pub package: &'a Package,
    pub path: PathBuf,
}

/// What is there after everything was looked at.
pub(super) struct Gathered<'a> {
    pub wheels: Vec<Wheel<'a>>,
    pub missing: Vec<&'a Package>,
}

/// Looks at what a person named, together with the wheels that came before.
///
/// # Errors
/// `InvalidInput` when a file is not the one that it should be, or nothing is of the pack; `DiskFull`.
pub(super) fn gather<'a>(
    context: &JobContext,
    place: &Place,
    lock: &Lock,
    manifest: &'a Manifest,
    from: &Path,
) -> Result<Gathered<'a>> {
    let brought = if from.is_dir() {
        in_folder(manifest, from)?
    } else if let Some(package) = package_of(manifest, from)? {
        vec![keep(context, place, lock, package, from)?]
    } else {
        in_archive(context, place, lock, manifest, from)?
    };
    if brought.is_empty() {
        return Err(Error::invalid(format!(
            "{} holds none of the files of the GPU pack: they are {}",
            from.display(),
            names(&manifest.packages.iter().collect::<Vec<_>>())
        )));
    }
    verified(context, place, manifest, brought)
}

/// File names of packages, for a person.
pub(super) fn names(packages: &[&Package]) -> String {
    packages.iter().map(|package| package.file.as_str()).collect::<Vec<_>>().join(", ")
}

/// The package that a file claims to be, by its name; a file that was given another name is known by its size.
///
/// # Errors
/// `InvalidInput` when it has the name and not the size.
fn package_of<'a>(manifest: &'a Manifest, path: &Path) -> Result<Option<&'a Package>> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    let name = path.file_name().unwrap_or_default();
    if let Some(package) = manifest.packages.iter().find(|package| *package.file == *name) {
        require_size(package, size)?;
        return Ok(Some(package));
    }
    Ok(manifest.packages.iter().find(|package| package.size_bytes == size))
}

fn require_size(package: &Package, size: u64) -> Result<()> {
    if size == package.size_bytes {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{} has {size} bytes, and should have {}: it was not copied whole, fetch it again",
        package.file, package.size_bytes
    )))
}

fn in_folder<'a>(manifest: &'a Manifest, folder: &Path) -> Result<Vec<Wheel<'a>>> {
    let mut wheels: Vec<Wheel<'a>> = Vec::new();
    for path in files_below(folder, MAX_DEPTH)? {
        if let Some(package) = package_of(manifest, &path)?
            && !wheels.iter().any(|wheel| wheel.package == package)
        {
            wheels.push(Wheel { package, path });
        }
    }
    Ok(wheels)
}

fn files_below(folder: &Path, depth: usize) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.is_file() {
            found.push(path);
        } else if depth > 1 && path.is_dir() && !path.is_symlink() {
            found.extend(files_below(&path, depth - 1)?);
        }
        if found.len() > MAX_FILES {
            return Err(Error::invalid(format!("{} holds too many files: name one with the wheels", folder.display())));
        }
    }
    found.sort();
    Ok(found)
}

/// A single wheel is kept until the others have come.
fn keep<'a>(context: &JobContext, place: &Place, lock: &Lock, package: &'a Package, from: &Path) -> Result<Wheel<'a>> {
    let to = place.wheel(&package.file);
    if !to.is_file() {
        check(context, package, from)?;
        place.require_space(package.size_bytes)?;
        let arrived = place.fresh_incoming(lock)?.join(&package.file);
        copy_file(context, from, &arrived, package.size_bytes)?;
        take_in(place, &arrived, &to)?;
    }
    Ok(Wheel { package, path: to })
}

/// The wheels in a ZIP file, taken out and kept.
fn in_archive<'a>(
    context: &JobContext,
    place: &Place,
    lock: &Lock,
    manifest: &'a Manifest,
    from: &Path,
) -> Result<Vec<Wheel<'a>>> {
    let mut archive = Archive::open(from)?;
    let mut claims = Vec::new();
    for (at, file) in archive.files.iter().enumerate() {
        let Some(package) = manifest.packages.iter().find(|package| package.file == file.name()) else { continue };
        require_size(package, file.size_bytes)?;
        if claims.iter().any(|(_, known)| *known == package) {
            return Err(Error::invalid(format!("{} holds {} twice", from.display(), package.file)));
        }
        claims.push((at, package));
    }
    place.require_space(claims.iter().map(|(_, package)| package.size_bytes).sum())?;
    let incoming = place.fresh_incoming(lock)?;
    let mut wheels = Vec::new();
    for (at, package) in claims {
        let (arrived, to) = (incoming.join(&package.file), place.wheel(&package.file));
        archive.extract(at, package.size_bytes, &arrived, |done| {
            context.progress(done, package.size_bytes, "bytes", "copying");
            context.check_cancel()
        })?;
        take_in(place, &arrived, &to)?;
        wheels.push(Wheel { package, path: to });
    }
    Ok(wheels)
}

fn take_in(place: &Place, arrived: &Path, to: &Path) -> Result<()> {
    place.make_download_folder()?;
    std::fs::rename(arrived, to).with_context(|| format!("cannot keep {}", to.display()))
}

/// Compares every hash, also of wheels that came before: the disk may have lost what was written.
pub(super) fn verified<'a>(
    context: &JobContext,
    place: &Place,
    manifest: &'a Manifest,
    mut brought: Vec<Wheel<'a>>,
) -> Result<Gathered<'a>> {
    let mut gathered = Gathered { wheels: Vec::new(), missing: Vec::new() };
    for package in &manifest.packages {
        let at = brought.iter().position(|wheel| wheel.package == package);
        let (wheel, is_kept) = match at {
            Some(at) => {
                let wheel = brought.swap_remove(at);
                let is_kept = wheel.path == place.wheel(&package.file);
                (wheel, is_kept)
            }
            None => (Wheel { package, path: place.wheel(&package.file) }, true),
        };
        if !wheel.path.is_file() {
            gathered.missing.push(package);
            continue;
        }
        match check(context, package, &wheel.path) {
            Ok(()) => gathered.wheels.push(wheel),
            Err(error) => {
                if is_kept && error.code() == va_error::Code::InvalidInput {
                    std::fs::remove_file(&wheel.path)
                        .with_context(|| format!("cannot remove {}", wheel.path.display()))?;
                }
                return Err(error);
            }
        }
    }
    Ok(gathered)
}

fn check(context: &JobContext, package: &Package, path: &Path) -> Result<()> {
    let (size_bytes, sha256) = va_fetch::sha256_of(path, |done| {
        context.progress(done, package.size_bytes, "bytes", "checking");
        context.check_cancel()
    })?;
    package.expected().check(size_bytes, &sha256).map_err(|wrong| {
        let path = path.display();
        Error::invalid(format!("{path} is not the file that NVIDIA published as {}: {}", package.file, wrong.message()))
    })
}
