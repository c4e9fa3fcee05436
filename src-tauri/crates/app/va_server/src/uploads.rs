//! Files sent by browsers and programs: staged first, then used by an import or a prediction.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{FromRequest as _, Multipart, Path, RawQuery, Request, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::header;
use serde_json::json;
use std::io::Write as _;
use tokio::sync::mpsc;
use va_api::{App, Command, Upload, ask, command, dispatch, staging};
use va_domain::{DatasetId, ImportReport, Job};
use va_error::{Code, Error, Result};

use crate::command_route;
use crate::core::{Core, Limits};
use crate::failure::{Answer, Failure};

/// Blocks of a file that wait for the disk.
const WAITING: usize = 16;

/// `POST /uploads`.
pub(crate) async fn upload(State(core): State<Core>, request: Request) -> Answer {
    let upload = stage(&core, request).await?;
    Ok(Json(upload).into_response())
}

/// `POST /datasets/{id}/samples`: staged, imported, and answered with the report.
pub(crate) async fn add_samples(State(core): State<Core>, Path(id): Path<String>, request: Request) -> Answer {
    let id: DatasetId = id.parse()?;
    let upload = stage(&core, request).await?;
    let actor = core.actor();
    let report = core.blocking(move |app| {
        let started = json!({ "id": id, "upload_id": upload.upload_id });
        let job: Job = ask(app, &actor, "import_start", started)?;
        va_api::finish::<ImportReport>(app, &job)
    });
    Ok(Json(report.await?).into_response())
}

/// `POST /models/{id}/predict` takes sample ids as JSON, or images as multipart.
pub(crate) async fn predict(
    core: State<Core>,
    path: Path<HashMap<String, String>>,
    query: RawQuery,
    request: Request,
) -> Answer {
    let predict = known("model_predict");
    if !is_multipart(&request) {
        return command_route::run(predict, core, path, query, request).await;
    }
    let upload = stage(&core, request).await?;
    let actor = core.actor();
    let id = path.0.get("id").cloned().unwrap_or_default();
    let outcome = core.blocking(move |app| {
        let outcome = dispatch(app, &actor, predict.name, json!({ "id": id, "upload_id": upload.upload_id }));
        staging::discard(app, &upload.upload_id)?;
        outcome
    });
    Ok(Json(outcome.await?).into_response())
}

/// `POST /datasets/{id}/import`; with `?preview=true` it only says what it would do.
pub(crate) async fn import(
    core: State<Core>,
    path: Path<HashMap<String, String>>,
    query: RawQuery,
    request: Request,
) -> Answer {
    let mut pairs = command_route::parse_query(query.0.as_deref().unwrap_or_default());
    let before = pairs.len();
    pairs.retain(|(name, value)| !(name == "preview" && value == "true"));
    let chosen = if pairs.len() < before { "import_preview" } else { "import_start" };
    let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    command_route::run(known(chosen), core, path, RawQuery(Some(rest)), request).await
}

fn known(name: &str) -> &'static Command {
    command(name).expect("BUG: the command is in the table")
}

fn is_multipart(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

enum Piece {
    Begin(String),
    Bytes(Bytes),
    End,
}

/// Writes the files of a multipart body to a new upload, block by block.
async fn stage(core: &Core, request: Request) -> Result<Upload, Failure> {
    if !is_multipart(&request) {
        return Err(Failure(Error::invalid("send the files as multipart/form-data")));
    }
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| Error::invalid(error.body_text()))?;
    let (sender, pieces) = mpsc::channel(WAITING);
    let limits = core.limits;
    let writing = tokio::task::spawn_blocking({
        let core = core.clone();
        move || write(&core.app, limits, pieces)
    });
    let read = read(&mut form, sender).await;
    let written =
        writing.await.map_err(|error| Error::internal(format!("BUG: writing an upload panicked: {error}")))?;
    match (read, written) {
        (Ok(()), Ok(upload)) => Ok(upload),
        // What the disk says explains why reading ended.
        (_, Err(error)) => Err(Failure(error)),
        (Err(error), Ok(upload)) => {
            core.blocking(move |app| staging::discard(app, &upload.upload_id)).await?;
            Err(Failure(error))
        }
    }
}

async fn read(form: &mut Multipart, sender: mpsc::Sender<Piece>) -> Result<()> {
    let broken = |error: axum::extract::multipart::MultipartError| match error.status() {
        http::StatusCode::PAYLOAD_TOO_LARGE => Error::new(Code::TooLarge, error.body_text()),
        _ => Error::invalid(format!("the upload was cut off or is not multipart/form-data: {}", error.body_text())),
    };
    let gone = |_| Error::new(Code::Io, "the upload could not be written");
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let Some(name) = field.file_name().filter(|name| !name.is_empty()).map(str::to_owned) else { continue };
        sender.send(Piece::Begin(name)).await.map_err(gone)?;
        while let Some(block) = field.chunk().await.map_err(broken)? {
            sender.send(Piece::Bytes(block)).await.map_err(gone)?;
        }
        sender.send(Piece::End).await.map_err(gone)?;
    }
    Ok(())
}

fn write(app: &App, limits: Limits, mut pieces: mpsc::Receiver<Piece>) -> Result<Upload> {
    let mut upload = staging::begin(app)?;
    let mut answer = Upload { upload_id: upload.id.clone(), file_count: 0, size_bytes: 0 };
    let outcome = (|| {
        while let Some(Piece::Begin(name)) = pieces.blocking_recv() {
            answer.file_count += 1;
            let mut file = upload.file(&name)?;
            let mut file_bytes = 0;
            loop {
                match pieces.blocking_recv() {
                    Some(Piece::Bytes(block)) => {
                        file_bytes += block.len() as u64;
                        answer.size_bytes += block.len() as u64;
                        check_size(&name, file_bytes, &answer, limits)?;
                        file.write_all(&block)?;
                    }
                    Some(Piece::End) => break,
                    // Cut off: the file is dropped unfinished.
                    Some(Piece::Begin(_)) | None => return Ok(()),
                }
            }
            file.finish()?;
        }
        Ok(())
    })();
    if let Err(error) = outcome {
        staging::discard(app, &answer.upload_id)?;
        return Err(error);
    }
    if answer.file_count == 0 {
        staging::discard(app, &answer.upload_id)?;
        return Err(Error::invalid("the upload holds no file: send each as a part with a file name"));
    }
    Ok(answer)
}

fn check_size(name: &str, file_bytes: u64, upload: &Upload, limits: Limits) -> Result<()> {
    let too_large = |what: String| Err(Error::new(Code::TooLarge, what));
    if file_bytes > limits.file_bytes {
        return too_large(format!("{name} is larger than {} bytes", limits.file_bytes));
    }
    if upload.size_bytes > limits.upload_bytes {
        return too_large(format!("the upload is larger than {} bytes: send it in parts", limits.upload_bytes));
    }
    if upload.file_count > limits.upload_files {
        return too_large(format!("the upload has more than {} files: send it in parts", limits.upload_files));
    }
    Ok(())
}
