//! Import: look first, then do it as a job. The files are named by path on this machine or by an upload.

use va_domain::{DatasetId, ImportOptions, ImportPreview, Job, Role};

use crate::command::{Command, Method};
use crate::wire::request;

request! {
    ImportPreviewRequest {
        /// The dataset.
        id: DatasetId,
        /// A folder or file on this machine.
        path: Option<String>,
        /// Several folders or files on this machine (what was dropped into the window).
        paths: Option<Vec<String>>,
        /// What `POST /uploads` gave.
        upload_id: Option<String>,
        #[serde(default)] options: ImportOptions,
    }
    ImportStartRequest {
        /// The dataset.
        id: DatasetId,
        /// A folder or file on this machine.
        path: Option<String>,
        /// Several folders or files on this machine (what was dropped into the window).
        paths: Option<Vec<String>>,
        /// What `POST /uploads` gave.
        upload_id: Option<String>,
        #[serde(default)] options: ImportOptions,
    }
}

pub(crate) fn commands() -> Vec<Command> {
    vec![
        Command::new::<ImportPreviewRequest, ImportPreview>(
            "import_preview",
            Method::Post,
            "/datasets/{id}/import/preview",
            Role::Annotator,
            "What an import would do; nothing is changed",
        ),
        Command::new::<ImportStartRequest, Job>(
            "import_start",
            Method::Post,
            "/datasets/{id}/import",
            Role::Annotator,
            "Import images; the job's result is an ImportReport",
        ),
    ]
}
