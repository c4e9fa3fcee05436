//! Pretrained weights: the catalogue, what is installed, and taking a file in.

use std::path::PathBuf;

use va_app::weights;
use va_domain::{Job, Page, Role, Weights};

use crate::command::{Command, Method};
use crate::wire::{Done, Nothing, done, request};

request! {
    WeightsRequest {
        /// `resnet18.a1_in1k`, the name of an own file, or a SHA-256.
        name: String,
    }
    /// Exactly one of `path` and `upload_id`.
    WeightsInstallRequest {
        /// A safetensors or PyTorch file on this machine.
        path: Option<String>,
        /// What `POST /uploads` gave, with one file in it; it is used up.
        upload_id: Option<String>,
        /// Of an entry of the catalogue: the file must be that one. Any other name is given to the file.
        name: Option<String>,
        /// Of an own file, kept with what is trained from it.
        licence: Option<String>,
    }
    WeightsDownloadRequest {
        /// Of an entry of the catalogue.
        name: String,
        /// The person has seen licence, source and size, and agrees; without it nothing is fetched.
        #[serde(default)] agree_licence: bool,
    }
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post};
    vec![
        Command::new::<Nothing, Page<Weights>>(
            "weights_list",
            Get,
            "/weights",
            Role::Viewer,
            "Pretrained weights: the catalogue and own files, all on one page",
            |app, _, _| weights::list(app).map(Page::whole),
        ),
        Command::new::<WeightsRequest, Weights>(
            "weights_get",
            Get,
            "/weights/{name}",
            Role::Viewer,
            "One entry of the catalogue or own file",
            |app, _, q| weights::get(app, &q.name),
        ),
        Command::new::<WeightsInstallRequest, Job>(
            "weights_install",
            Post,
            "/weights",
            Role::Owner,
            "Install a weight file; the job's result names it and says how it fits its architecture",
            |app, actor, q| {
                let path = q.path.map(PathBuf::from);
                let request =
                    weights::InstallRequest { path, upload_id: q.upload_id, name: q.name, licence: q.licence };
                weights::install(app, actor, &request)
            },
        ),
        Command::new::<WeightsDownloadRequest, Job>(
            "weights_download",
            Post,
            "/weights/{name}/download",
            Role::Owner,
            "Download published weights, when their licence is agreed to; the job's result is that of an install",
            |app, actor, q| {
                let request = weights::DownloadRequest { name: q.name, agree_licence: q.agree_licence };
                weights::download(app, actor, &request)
            },
        ),
        Command::new::<WeightsRequest, Done>(
            "weights_delete",
            Delete,
            "/weights/{name}",
            Role::Owner,
            "Remove an installed file or an unfinished download; refused while a run starts from it",
            |app, actor, q| done(weights::remove(app, actor, &q.name)),
        ),
    ]
}
