//! Import: look first, then do it as a job. The files are named by path on this machine or by an upload.

use va_app::import::{self, ImportRequest};
use va_domain::{DatasetId, ImportOptions, ImportPreview, Job, Role};
use va_error::{Error, Result};

use crate::command::{Command, Method};
use crate::wire::request;

request! {
    /// Exactly one of `path`, `paths` and `upload_id`.
    ImportFilesRequest {
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

impl ImportFilesRequest {
    fn source(&self) -> Result<ImportRequest> {
        let given = [self.path.is_some(), self.paths.is_some(), self.upload_id.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err(Error::invalid("say what to import with exactly one of path, paths and upload_id"));
        }
        let paths = self.path.iter().chain(self.paths.iter().flatten()).map(Into::into).collect();
        Ok(ImportRequest { paths, upload_id: self.upload_id.clone(), options: self.options.clone() })
    }
}

pub(crate) fn commands() -> Vec<Command> {
    vec![
        Command::new::<ImportFilesRequest, ImportPreview>(
            "import_preview",
            Method::Post,
            "/datasets/{id}/import/preview",
            Role::Annotator,
            "What an import would do; nothing is changed",
            |app, _, q| import::preview(app, q.id, &q.source()?),
        ),
        Command::new::<ImportFilesRequest, Job>(
            "import_start",
            Method::Post,
            "/datasets/{id}/import",
            Role::Annotator,
            "Import images; the job's result is an ImportReport",
            |app, actor, q| import::start(app, actor, q.id, &q.source()?),
        ),
    ]
}
