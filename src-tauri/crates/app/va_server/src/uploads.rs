//! Files sent by browsers and programs: staged first, then used by an import or a prediction.

use std::collections::HashMap;

use axum::Json;
use axum::body::BodyDataStream;
use axum::extract::{FromRequest as _, Multipart, Path, RawQuery, Request, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header;
use serde_json::json;
use std::io::Write as _;
use tokio::sync::mpsc;
use va_api::{App, Command, Upload, ask, command, dispatch, merge_request, staging};
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

/// `POST /samples` takes a path or an upload as JSON, or the image itself with the other fields in the query.
pub(crate) async fn create_sample(
    core: State<Core>,
    path: Path<HashMap<String, String>>,
    query: RawQuery,
    request: Request,
) -> Answer {
    let create = known("sample_create");
    if !is_multipart(&request) && image_kind(&request).is_none() {
        return command_route::run(create, core, path, query, request).await;
    }
    let fields = command_route::parse_query(query.0.as_deref().unwrap_or_default());
    let upload = stage(&core, request).await?;
    let actor = core.actor();
    let outcome = core.blocking(move |app| {
        let body = json!({ "upload_id": upload.upload_id });
        let outcome =
            merge_request(create, &[], &fields, body).and_then(|request| dispatch(app, &actor, create.name, request));
        staging::release(app, &upload.upload_id);
        outcome
    });
    Ok(Json(outcome.await?).into_response())
}

/// `POST /models/{id}/predict` takes sample ids as JSON, or images as multipart, or one image as the body.
pub(crate) async fn predict(
    core: State<Core>,
    path: Path<HashMap<String, String>>,
    query: RawQuery,
    request: Request,
) -> Answer {
    let predict = known("model_predict");
    if !is_multipart(&request) && image_kind(&request).is_none() {
        return command_route::run(predict, core, path, query, request).await;
    }
    let upload = stage(&core, request).await?;
    let actor = core.actor();
    let id = path.0.get("id").cloned().unwrap_or_default();
    let outcome = core.blocking(move |app| {
        let outcome = dispatch(app, &actor, predict.name, json!({ "id": id, "upload_id": upload.upload_id }));
        // Also when the request was refused before it reached the prediction, which uses the upload up.
        staging::release(app, &upload.upload_id);
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

fn content_type(request: &Request) -> &str {
    request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_multipart(request: &Request) -> bool {
    content_type(request).starts_with("multipart/form-data")
}

/// `png` of `image/png`: the body is one image.
fn image_kind(request: &Request) -> Option<&str> {
    let kind = content_type(request).strip_prefix("image/")?;
    Some(kind.split([';', '+', ' ']).next().unwrap_or_default())
}

enum Piece {
    Begin(String),
    Bytes(Bytes),
    End,
    /// All files have arrived; a sender that goes away without it was cut off.
    Whole,
}

/// What a body brings.
enum Incoming {
    Form(Multipart),
    /// One image, under a name made of its kind.
    Image(String, BodyDataStream),
}

impl Incoming {
    async fn of(request: Request) -> Result<Self> {
        if let Some(kind) = image_kind(&request) {
            let name = format!("image.{kind}");
            return Ok(Self::Image(name, request.into_body().into_data_stream()));
        }
        if !is_multipart(&request) {
            return Err(Error::invalid("send the files as multipart/form-data"));
        }
        let form = Multipart::from_request(request, &()).await;
        form.map(Self::Form).map_err(|error| Error::invalid(error.body_text()))
    }
}

/// Writes the files of a body to a new upload, block by block.
async fn stage(core: &Core, request: Request) -> Result<Upload, Failure> {
    let incoming = Incoming::of(request).await?;
    let (sender, pieces) = mpsc::channel(WAITING);
    let limits = core.limits;
    let writing = tokio::task::spawn_blocking({
        let core = core.clone();
        move || write(&core.app, limits, pieces)
    });
    let read = match incoming {
        Incoming::Form(form) => read_form(form, sender).await,
        Incoming::Image(name, body) => read_image(name, body, sender).await,
    };
    let written =
        writing.await.map_err(|error| Error::internal(format!("BUG: writing an upload panicked: {error}")))?;
    match (read, written) {
        // What the disk says explains why reading ended.
        (_, Err(error)) | (Err(error), Ok(_)) => Err(Failure(error)),
        (Ok(()), Ok(Some(upload))) => Ok(upload),
        (Ok(()), Ok(None)) => Err(Failure(Error::internal("BUG: a whole upload was taken for one that was cut off"))),
    }
}

fn gone<T>(_: mpsc::error::SendError<T>) -> Error {
    Error::new(Code::Io, "the upload could not be written")
}

async fn read_image(name: String, mut body: BodyDataStream, sender: mpsc::Sender<Piece>) -> Result<()> {
    sender.send(Piece::Begin(name)).await.map_err(gone)?;
    while let Some(block) = body.next().await {
        let block = block.map_err(|error| Error::invalid(format!("the image was cut off: {error}")))?;
        sender.send(Piece::Bytes(block)).await.map_err(gone)?;
    }
    sender.send(Piece::End).await.map_err(gone)?;
    sender.send(Piece::Whole).await.map_err(gone)
}

async fn read_form(mut form: Multipart, sender: mpsc::Sender<Piece>) -> Result<()> {
    let broken = |error: axum::extract::multipart::MultipartError| match error.status() {
        http::StatusCode::PAYLOAD_TOO_LARGE => Error::new(Code::TooLarge, error.body_text()),
        _ => Error::invalid(format!("the upload was cut off or is not multipart/form-data: {}", error.body_text())),
    };
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let Some(name) = field.file_name().filter(|name| !name.is_empty()).map(str::to_owned) else { continue };
        sender.send(Piece::Begin(name)).await.map_err(gone)?;
        while let Some(block) = field.chunk().await.map_err(broken)? {
            sender.send(Piece::Bytes(block)).await.map_err(gone)?;
        }
        sender.send(Piece::End).await.map_err(gone)?;
    }
    sender.send(Piece::Whole).await.map_err(gone)
}

/// Keeps a whole upload, and nothing of any other; `None` when it was cut off, also because the caller went away.
fn write(app: &App, limits: Limits, mut pieces: mpsc::Receiver<Piece>) -> Result<Option<Upload>> {
    let upload = staging::begin(app)?;
    let id = upload.id.clone();
    let outcome = write_files(upload, limits, &mut pieces);
    if !matches!(outcome, Ok(Some(_))) {
        staging::discard(app, &id)?;
    }
    outcome
}

fn write_files(
    mut upload: staging::Upload,
    limits: Limits,
    pieces: &mut mpsc::Receiver<Piece>,
) -> Result<Option<Upload>> {
    let mut answer = Upload { upload_id: upload.id.clone(), file_count: 0, size_bytes: 0 };
    loop {
        let name = match pieces.blocking_recv() {
            Some(Piece::Begin(name)) => name,
            Some(Piece::Whole) if answer.file_count > 0 => return Ok(Some(answer)),
            Some(Piece::Whole) => {
                return Err(Error::invalid("the upload holds no file: send each as a part with a file name"));
            }
            Some(Piece::Bytes(_) | Piece::End) | None => return Ok(None),
        };
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
                Some(Piece::Begin(_) | Piece::Whole) | None => return Ok(None),
            }
        }
        file.finish()?;
    }
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
