//! Which function does which kind of job.

use va_domain::JobKind;
use va_error::Result;

use super::JobContext;

/// Runs the work of the job's kind; the value becomes the job's result.
pub(super) fn run(context: &JobContext) -> Result<serde_json::Value> {
    match context.kind() {
        JobKind::Import => crate::import::run(context),
        JobKind::DatasetExport => crate::export::run(context),
        JobKind::Train => crate::train::run(context),
        JobKind::Evaluate => crate::evaluations::run(context),
        JobKind::ModelExport => crate::models::export::run(context),
        JobKind::WeightsInstall => crate::weights::run_install(context),
        JobKind::WeightsDownload => crate::weights::run_download(context),
        JobKind::GpuPackInstall => crate::gpu_pack::run_install(context),
        JobKind::GpuPackDownload => crate::gpu_pack::run_download(context),
        JobKind::GpuPackVerify => crate::gpu_pack::run_verify(context),
    }
}
