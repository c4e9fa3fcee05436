//! NVIDIA cards through the driver's management library (NVML), which is opened at run time: a machine without it
//! runs the same program and is told what is missing.

mod programs;

use std::path::Path;

use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use va_domain::{GpuReason, GpuUsage};

const LIBRARY: &str = if cfg!(windows) { "nvml.dll" } else { "libnvidia-ml.so.1" };

/// The opened library, or why there is none.
pub struct Gpus {
    nvml: Result<Nvml, GpuReason>,
    driver: String,
    /// Of this program, as the driver counts; None where it counts otherwise.
    own_pid: Option<u32>,
}

impl Gpus {
    /// The driver's own library.
    pub fn open() -> Self {
        Self::open_library(Path::new(LIBRARY), programs::own_pid())
    }

    /// A library that takes its place. `own_pid`: of this program, as that library counts processes.
    pub fn open_library(path: &Path, own_pid: Option<u32>) -> Self {
        let nvml = Nvml::builder().lib_path(path.as_os_str()).init().map_err(|error| reason(&error));
        let driver = nvml.as_ref().ok().and_then(|nvml| nvml.sys_driver_version().ok()).unwrap_or_default();
        Self { nvml, driver, own_pid }
    }

    /// The cards that can be read, and why others, or all, cannot.
    pub fn read(&self) -> (Vec<GpuUsage>, Option<GpuReason>) {
        let nvml = match &self.nvml {
            Ok(nvml) => nvml,
            Err(why) => return (Vec::new(), Some(why.clone())),
        };
        let count = match nvml.device_count() {
            Ok(count) => count,
            Err(error) => return (Vec::new(), Some(reason(&error))),
        };
        let mut gpus = Vec::new();
        let mut unreadable = None;
        for index in 0..count {
            match nvml.device_by_index(index).and_then(|device| self.usage(nvml, &device, index)) {
                Ok(usage) => gpus.push(usage),
                Err(error) => {
                    let why = || GpuReason::CardUnreadable { index, cause: Box::new(reason(&error)) };
                    unreadable.get_or_insert_with(why);
                }
            }
        }
        if count == 0 {
            unreadable = Some(GpuReason::NoCard { driver: self.driver.clone() });
        }
        (gpus, unreadable)
    }

    fn usage(&self, nvml: &Nvml, device: &Device<'_>, index: u32) -> Result<GpuUsage, NvmlError> {
        let memory = reported(device.memory_info())?;
        let watts = |milliwatts: Option<u32>| milliwatts.map(|value| value as f32 / 1000.0);
        Ok(GpuUsage {
            index,
            uuid: reported(device.uuid())?,
            name: device.name()?,
            driver: self.driver.clone(),
            utilisation_percent: reported(device.utilization_rates())?.map(|rates| rates.gpu as f32),
            memory_total_bytes: memory.as_ref().map(|memory| memory.total),
            memory_used_bytes: memory.as_ref().map(|memory| memory.used),
            temperature_celsius: reported(device.temperature(TemperatureSensor::Gpu))?.map(|value| value as f32),
            power_watts: watts(reported(device.power_usage())?),
            power_limit_watts: watts(reported(device.enforced_power_limit())?),
            sm_clock_mhz: reported(device.clock_info(Clock::SM))?,
            sm_clock_max_mhz: reported(device.max_clock_info(Clock::SM))?,
            other_programs: programs::others(nvml, device, self.own_pid),
        })
    }
}

/// What a card does not support (power on some laptops), or does not tell this user, is left out; a card that is gone is an
/// error.
fn reported<T>(answer: Result<T, NvmlError>) -> Result<Option<T>, NvmlError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error @ (NvmlError::GpuLost | NvmlError::ResetRequired)) => Err(error),
        Err(_) => Ok(None),
    }
}

fn reason(error: &NvmlError) -> GpuReason {
    match error {
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => {
            GpuReason::DriverMissing { library: LIBRARY.to_owned() }
        }
        NvmlError::DriverNotLoaded => GpuReason::DriverNotLoaded,
        NvmlError::LibRmVersionMismatch => GpuReason::DriverReplaced,
        NvmlError::NoPermission => GpuReason::DriverRefuses,
        NvmlError::GpuLost | NvmlError::ResetRequired => GpuReason::CardLost,
        other => GpuReason::DriverError { detail: other.to_string() },
    }
}
