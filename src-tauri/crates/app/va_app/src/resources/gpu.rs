//! NVIDIA cards through the driver's management library (NVML), which is opened at run time: a machine without it
//! runs the same program and is told what is missing.

use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use va_domain::GpuUsage;

/// The opened library, or why there is none.
pub struct Gpus {
    nvml: Result<Nvml, String>,
    driver: String,
}

impl Gpus {
    pub fn open() -> Self {
        match Nvml::init() {
            Ok(nvml) => {
                let driver = nvml.sys_driver_version().unwrap_or_default();
                Self { nvml: Ok(nvml), driver }
            }
            Err(error) => Self { nvml: Err(why(&error)), driver: String::new() },
        }
    }

    /// The cards, or a note that says why none is shown.
    pub fn read(&self) -> (Vec<GpuUsage>, Option<String>) {
        let nvml = match &self.nvml {
            Ok(nvml) => nvml,
            Err(note) => return (Vec::new(), Some(note.clone())),
        };
        let count = match nvml.device_count() {
            Ok(count) => count,
            Err(error) => return (Vec::new(), Some(why(&error))),
        };
        let mut gpus = Vec::new();
        let mut note = None;
        for index in 0..count {
            match nvml.device_by_index(index).and_then(|device| usage(&device, index, &self.driver)) {
                Ok(usage) => gpus.push(usage),
                Err(error) => note = Some(format!("GPU {index} cannot be read: {}", why(&error))),
            }
        }
        if gpus.is_empty() {
            let none = format!("The NVIDIA driver {} is installed, but reports no GPU.", self.driver);
            return (gpus, Some(note.unwrap_or(none)));
        }
        (gpus, None)
    }
}

/// Everything that this card reports; what it does not support (power on some laptops) is left out.
fn usage(device: &Device<'_>, index: u32, driver: &str) -> Result<GpuUsage, NvmlError> {
    let memory = device.memory_info()?;
    let watts = |milliwatts: Result<u32, NvmlError>| milliwatts.ok().map(|value| value as f32 / 1000.0);
    Ok(GpuUsage {
        index,
        name: device.name()?,
        driver: driver.to_owned(),
        utilisation_percent: device.utilization_rates().map_or(0.0, |rates| rates.gpu as f32),
        memory_total_bytes: memory.total,
        memory_used_bytes: memory.used,
        temperature_celsius: device.temperature(TemperatureSensor::Gpu).ok().map(|value| value as f32),
        power_watts: watts(device.power_usage()),
        power_limit_watts: watts(device.enforced_power_limit()),
        sm_clock_mhz: device.clock_info(Clock::SM).ok(),
    })
}

/// The reason in words for a person, with what to do.
fn why(error: &NvmlError) -> String {
    match error {
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => {
            "No NVIDIA driver was found (its library NVML is missing); training uses the CPU. If this machine has an \
             NVIDIA card, install its driver."
                .to_owned()
        }
        NvmlError::DriverNotLoaded => {
            "The NVIDIA driver is installed but not loaded; restart the machine, or check that a card is present."
                .to_owned()
        }
        NvmlError::LibRmVersionMismatch => {
            "The NVIDIA driver was updated while it ran; restart the machine to use the new one.".to_owned()
        }
        NvmlError::NoPermission => "This user may not read the NVIDIA driver.".to_owned(),
        NvmlError::GpuLost | NvmlError::ResetRequired => "The GPU stopped answering; restart the machine.".to_owned(),
        other => format!("The NVIDIA driver answers with an error: {other}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_a_sentence_that_says_what_to_do() {
        assert!(why(&NvmlError::LibraryNotFound).contains("install its driver"));
        assert!(why(&NvmlError::DriverNotLoaded).contains("restart"));
        assert!(why(&NvmlError::Unknown).starts_with("The NVIDIA driver answers"));
    }
}
