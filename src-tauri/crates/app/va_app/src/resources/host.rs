//! Processor and memory through `sysinfo`.

use sysinfo::{CpuRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};
use va_domain::{CpuUsage, MemoryUsage};

/// Keeps the counters of the last read, because usage is a difference.
pub struct Host {
    system: Option<System>,
    pid: Option<Pid>,
    cores: u32,
}

impl Host {
    pub fn open() -> Self {
        let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing().with_usage());
        let mut host = Self {
            system: System::new_with_specifics(kind).ok(),
            pid: sysinfo::get_current_pid().ok(),
            // Counts the quota of a control group, which the number of processors does not.
            cores: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        };
        host.refresh();
        // The first difference needs two reads a moment apart.
        std::thread::sleep(sysinfo::MINIMUM_CPU_UPDATE_INTERVAL);
        host
    }

    fn refresh(&mut self) {
        let Some(system) = &mut self.system else { return };
        system.refresh_cpu_usage();
        system.refresh_memory();
        if let Some(pid) = self.pid {
            let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
        }
    }

    pub fn read(&mut self) -> (CpuUsage, MemoryUsage) {
        self.refresh();
        let unknown = (
            CpuUsage {
                name: "unknown".to_owned(),
                cores: self.cores,
                bf16_is_native: va_engine::bf16_is_native(),
                utilisation_percent: 0.0,
                process_percent: 0.0,
            },
            MemoryUsage { total_bytes: 0, used_bytes: 0, process_bytes: 0 },
        );
        let Some(system) = &self.system else { return unknown };
        let process = self.pid.and_then(|pid| system.process(pid));
        let name = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).filter(|name| !name.is_empty());
        // `cpu_usage` of a process counts 100 for each busy core.
        let process_percent = process.map_or(0.0, |p| p.cpu_usage() / self.cores as f32);
        let cpu = CpuUsage {
            name: name.unwrap_or_else(System::cpu_arch),
            cores: self.cores,
            bf16_is_native: va_engine::bf16_is_native(),
            utilisation_percent: system.global_cpu_usage().clamp(0.0, 100.0),
            process_percent: process_percent.clamp(0.0, 100.0),
        };
        // A control group's limit is what the kernel kills by. Its page cache is given back on demand, so not counted.
        let (total_bytes, used_bytes) = match process.and_then(sysinfo::Process::cgroup_limits) {
            Some(group) if group.total_memory < system.total_memory() => (group.total_memory, group.rss),
            _ => (system.total_memory(), system.used_memory()),
        };
        let process_bytes = process.map_or(0, sysinfo::Process::memory);
        (cpu, MemoryUsage { total_bytes, used_bytes: used_bytes.min(total_bytes), process_bytes })
    }
}
