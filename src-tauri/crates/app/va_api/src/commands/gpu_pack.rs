//! The GPU pack: NVIDIA's libraries that the GPU engine needs, as one thing that is installed and removed.

use std::path::PathBuf;

use va_app::gpu_pack;
use va_domain::{GpuPack, Job, Role};

use crate::command::{Command, Method};
use crate::wire::{Done, Nothing, done, request};

request! {
    /// Exactly one of `path` and `upload_id`.
    GpuPackInstallRequest {
        /// One of NVIDIA's wheels, a folder of them, or a ZIP file that holds them, on this machine.
        path: Option<String>,
        /// What `POST /uploads` gave, with such files in it; it is used up.
        upload_id: Option<String>,
    }
    GpuPackDownloadRequest {
        /// The person has seen licences, sources and size, and agrees; without it nothing is fetched.
        #[serde(default)] agree_licence: bool,
    }
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post};
    vec![
        Command::new::<Nothing, GpuPack>(
            "gpu_pack_get",
            Get,
            "/gpu-pack",
            Role::Viewer,
            "NVIDIA's libraries for training on a GPU: what they are, and whether they are installed",
            |app, _, _| gpu_pack::get(app),
        ),
        Command::new::<GpuPackInstallRequest, Job>(
            "gpu_pack_install",
            Post,
            "/gpu-pack",
            Role::Owner,
            "Install the GPU pack from files; the job's result is the pack as it then is",
            |app, actor, q| {
                let request = gpu_pack::InstallRequest { path: q.path.map(PathBuf::from), upload_id: q.upload_id };
                gpu_pack::install(app, actor, &request)
            },
        ),
        Command::new::<GpuPackDownloadRequest, Job>(
            "gpu_pack_download",
            Post,
            "/gpu-pack/download",
            Role::Owner,
            "Download and install the GPU pack, when NVIDIA's licences are agreed to",
            |app, actor, q| gpu_pack::download(app, actor, q.agree_licence),
        ),
        Command::new::<Nothing, Job>(
            "gpu_pack_verify",
            Post,
            "/gpu-pack/verify",
            Role::Owner,
            "Read every byte of the installed GPU pack; the job fails where one is wrong, and the pack is not used then",
            |app, actor, _| gpu_pack::verify(app, actor),
        ),
        Command::new::<Nothing, Done>(
            "gpu_pack_delete",
            Delete,
            "/gpu-pack",
            Role::Owner,
            "Remove the GPU pack, or what came of one; refused while a job computes with it",
            |app, actor, _| done(gpu_pack::remove(app, actor)),
        ),
    ]
}
