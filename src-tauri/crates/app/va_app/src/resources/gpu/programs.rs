//! Who else uses a card.

use std::collections::BTreeMap;

use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::{Device, Nvml};
use va_domain::GpuProgram;

/// A desktop has a dozen small ones; more would only make each second's message longer.
const MOST: usize = 16;
/// Bytes of a command line that hold its program's path.
const COMMAND_BYTES: usize = 1024;

/// This program's, as the driver counts processes. None in a container with a count of its own: the driver gives the pids of
/// the machine, among which this program cannot find itself.
pub(super) fn own_pid() -> Option<u32> {
    /// The kernel's fixed number of the machine's own count of processes.
    const MACHINE: &str = "pid:[4026531836]";
    let counted_apart = cfg!(target_os = "linux")
        && std::fs::read_link("/proc/self/ns/pid").is_ok_and(|namespace| namespace.as_os_str() != MACHINE);
    if counted_apart { None } else { Some(std::process::id()) }
}

/// As [`va_domain::GpuUsage::other_programs`] promises.
pub(super) fn others(nvml: &Nvml, device: &Device<'_>, own_pid: Option<u32>) -> Option<Vec<GpuProgram>> {
    let own_pid = own_pid?;
    // The programs of a divided card have parts of their own.
    if device.mig_mode().is_ok_and(|mode| mode.current != 0) {
        return None;
    }
    let computing = device.running_compute_processes().ok()?;
    let drawing = match device.running_graphics_processes() {
        Err(NvmlError::NotSupported) => Vec::new(),
        answer => answer.ok()?,
    };
    let mut programs = by_pid(computing.into_iter().chain(drawing).filter(|process| process.pid != own_pid));
    programs.sort_by_key(|program| std::cmp::Reverse(program.memory_bytes));
    programs.truncate(MOST);
    for program in &mut programs {
        program.name = nvml.sys_process_name(program.pid, COMMAND_BYTES).ok().and_then(|command| file_name(&command));
    }
    Some(programs)
}

/// One that computes and draws is in both lists, each time with all its memory.
fn by_pid(processes: impl Iterator<Item = ProcessInfo>) -> Vec<GpuProgram> {
    let mut held: BTreeMap<u32, Option<u64>> = BTreeMap::new();
    for process in processes {
        let bytes = match process.used_gpu_memory {
            UsedGpuMemory::Used(bytes) => Some(bytes),
            UsedGpuMemory::Unavailable => None,
        };
        let known = held.entry(process.pid).or_default();
        *known = bytes.max(*known);
    }
    held.into_iter().map(|(pid, memory_bytes)| GpuProgram { pid, name: None, memory_bytes }).collect()
}

/// Of `/usr/lib/xorg/Xorg -core :0` or `C:\Program Files\App\app.exe`; the driver gives either form.
fn file_name(command: &str) -> Option<String> {
    let path = command.split(" -").next().unwrap_or_default();
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if name.is_empty() { None } else { Some(name.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_by_its_file() {
        let name = |command: &str| file_name(command);
        assert_eq!(name("/usr/bin/python3").as_deref(), Some("python3"));
        assert_eq!(name("/opt/chrome/chrome --type=gpu-process --dir=/tmp/x").as_deref(), Some("chrome"));
        assert_eq!(name(r"C:\Program Files\Render Farm\farm.exe").as_deref(), Some("farm.exe"));
        assert_eq!(name("blender").as_deref(), Some("blender"));
        assert_eq!(name(""), None);
        assert_eq!(name("/usr/bin/"), None);
    }
}
