//! Images and files as plain bytes.

use axum::body::Body;
use axum::extract::{Path, Query, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use va_api::ImageBytes;
use va_domain::{ModelId, SampleId};
use va_error::{Error, Result};

use crate::core::Core;
use crate::failure::Answer;

#[derive(Debug, Deserialize)]
pub(crate) struct Size {
    size: Option<u32>,
}

pub(crate) async fn image(State(core): State<Core>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let id: SampleId = id.parse()?;
    let image = core.blocking(move |app| va_api::images::image(app, id)).await?;
    bytes_response(image, &headers)
}

pub(crate) async fn thumbnail(
    State(core): State<Core>,
    Path(id): Path<String>,
    Query(Size { size }): Query<Size>,
    headers: HeaderMap,
) -> Answer {
    let id: SampleId = id.parse()?;
    let image = core.blocking(move |app| va_api::images::thumbnail(app, id, size.unwrap_or(256))).await?;
    bytes_response(image, &headers)
}

/// What training would make of a sample.
pub(crate) async fn augmented(
    State(core): State<Core>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let id: SampleId = id.parse()?;
    let query = query.unwrap_or_default();
    let image = core.blocking(move |app| va_api::images::augmented(app, id, &query)).await?;
    bytes_response(image, &headers)
}

pub(crate) async fn mask(State(core): State<Core>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let id: SampleId = id.parse()?;
    let image = core.blocking(move |app| va_api::images::mask(app, id)).await?;
    bytes_response(image, &headers)
}

/// An exported model file, streamed.
pub(crate) async fn exported(
    State(core): State<Core>,
    Path((id, number, name)): Path<(String, u32, String)>,
) -> Answer {
    let id: ModelId = id.parse()?;
    let asked = name.clone();
    let path = core.blocking(move |app| va_api::images::exported_file(app, id, number, &asked)).await?;
    let file = tokio::fs::File::open(&path).await.map_err(Error::from)?;
    let len = file.metadata().await.map_err(Error::from)?.len();
    let mut response = Body::from_stream(tokio_util::io::ReaderStream::new(file)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", name.replace(['"', '\\'], "_"))) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Bytes by content never change; the browser asks again only whether they are still the sample's.
fn bytes_response(image: ImageBytes, asked: &HeaderMap) -> Answer {
    let etag = format!("\"{}\"", image.etag);
    let unchanged = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag));
    let mut response = match unchanged {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Response::new(Body::from(image.bytes)),
    };
    let headers = response.headers_mut();
    let fixed = |text: &str| -> Result<HeaderValue> {
        HeaderValue::from_str(text).map_err(|_| Error::internal("BUG: an image's media type or tag is no header"))
    };
    headers.insert(header::CONTENT_TYPE, fixed(image.mime)?);
    headers.insert(header::ETAG, fixed(&etag)?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300"));
    Ok(response)
}
