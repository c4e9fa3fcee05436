//! Free memory as this process may use it. Linux kills a process that passes its cgroup's limit, it does not fail the
//! allocation, so the limit counts before the run starts.

use std::path::{Path, PathBuf};

/// Bytes that can still be used: the smaller of the system's available memory and what the cgroups leave; None where
/// the system does not say.
pub fn free_bytes() -> Option<u64> {
    let available = sysinfo::System::new().ok().map(|mut system| {
        system.refresh_memory();
        system.available_memory()
    });
    let cgroup = cgroup_free_bytes(Path::new("/sys/fs/cgroup"), Path::new("/proc/self/cgroup"));
    available.into_iter().chain(cgroup).min()
}

/// What the limits of this process's cgroup (v2, or the memory controller of v1) and of its parents leave; None
/// without a limit.
fn cgroup_free_bytes(root: &Path, own: &Path) -> Option<u64> {
    let membership = std::fs::read_to_string(own).ok()?;
    membership.lines().filter_map(|line| cgroup_dir(root, line)).filter_map(|(base, dir)| tightest(&base, dir)).min()
}

/// `0::/a/b` (v2) or `5:memory:/a/b` (v1): (top of the hierarchy, folder of the cgroup).
fn cgroup_dir(root: &Path, line: &str) -> Option<(PathBuf, PathBuf)> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let base = match controllers {
        "" => root.to_path_buf(),
        list if list.split(',').any(|name| name == "memory") => root.join("memory"),
        _ => return None,
    };
    let dir = base.join(path.trim_start_matches('/'));
    Some((base, dir))
}

fn tightest(base: &Path, mut dir: PathBuf) -> Option<u64> {
    let mut least = None;
    loop {
        if let Some(free) = free_below(&dir) {
            least = Some(least.map_or(free, |l: u64| l.min(free)));
        }
        if dir == base || !dir.pop() || !dir.starts_with(base) {
            return least;
        }
    }
}

fn free_below(dir: &Path) -> Option<u64> {
    let number = |name: &str| std::fs::read_to_string(dir.join(name)).ok()?.trim().parse::<u64>().ok();
    let (limit, used) = number("memory.max")
        .zip(number("memory.current"))
        .or_else(|| number("memory.limit_in_bytes").zip(number("memory.usage_in_bytes")))?;
    // Page cache counts as used but is given back under pressure.
    let cache = std::fs::read_to_string(dir.join("memory.stat")).ok().map_or(0, |stat| inactive_file(&stat));
    Some(limit.saturating_sub(used.saturating_sub(cache)))
}

fn inactive_file(stat: &str) -> u64 {
    let value = |name: &str| {
        stat.lines().filter_map(|line| line.split_once(' ')).find(|(key, _)| *key == name)?.1.trim().parse().ok()
    };
    value("total_inactive_file").or_else(|| value("inactive_file")).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, files: &[(&str, &str)]) {
        std::fs::create_dir_all(dir).unwrap();
        for (name, text) in files {
            std::fs::write(dir.join(name), text).unwrap();
        }
    }

    #[test]
    fn the_tightest_limit_of_the_own_and_every_outer_cgroup_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(&root.join("a"), &[("memory.max", "1000\n"), ("memory.current", "900\n")]);
        write(&root.join("a/b"), &[("memory.max", "max\n"), ("memory.current", "300\n")]);
        write(
            &root.join("a/c"),
            &[("memory.max", "500\n"), ("memory.current", "480\n"), ("memory.stat", "anon 5\ninactive_file 70\n")],
        );
        let own = root.join("own");
        for (path, free) in [("/a/b", Some(100)), ("/a/c", Some(90)), ("/", None)] {
            std::fs::write(&own, format!("0::{path}\n")).unwrap();
            assert_eq!(cgroup_free_bytes(root, &own), free, "{path}");
        }
    }

    #[test]
    fn version_one_limits_count_too() {
        let folder = tempfile::tempdir().unwrap();
        let files = [("memory.limit_in_bytes", "4096\n"), ("memory.usage_in_bytes", "96\n")];
        write(&folder.path().join("memory/x"), &files);
        let own = folder.path().join("own");
        std::fs::write(&own, "7:cpu:/x\n5:hugetlb,memory:/x\n").unwrap();
        assert_eq!(cgroup_free_bytes(folder.path(), &own), Some(4000));
    }

    #[test]
    fn this_machine_has_free_memory() {
        assert!(free_bytes().is_some_and(|bytes| bytes > 0));
    }
}
