//! The routes of the command table.

use std::collections::HashMap;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, header};
use http_body_util::LengthLimitError;
use serde_json::Value;
use va_api::{Command, dispatch, merge_request};
use va_error::{Code, Error, Result};

use crate::core::Core;
use crate::failure::{Answer, Failure};
use crate::guard::Credential;
use crate::idempotency::Kept;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Runs a command of the table for an HTTP request. With an `Idempotency-Key` its answer is kept.
pub(crate) async fn run(
    command: &'static Command,
    State(core): State<Core>,
    Path(path): Path<HashMap<String, String>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let bytes = read_body(body, core.limits.body_bytes).await?;
    let query = query.unwrap_or_default();
    let Some(key) = idempotency_key(&parts)? else {
        return call(&core, command, path, &query, &bytes).await.map(|value| Json(value).into_response());
    };
    let target = parts.uri.to_string();
    if let Some(kept) = core.idempotency.begin(&key, &[parts.method.as_str().as_bytes(), target.as_bytes(), &bytes])? {
        let mut response = json_response(kept.status, kept.body);
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        return Ok(response);
    }
    let pending = Pending { core: core.clone(), key };
    // A task of its own: this future is dropped when the caller's connection is lost, and just then the answer must be
    // kept, because the caller will ask again.
    let work = tokio::spawn(async move {
        let response = match call(&core, command, path, &query, &bytes).await {
            Ok(value) => Json(value).into_response(),
            Err(failure) => failure.into_response(),
        };
        pending.keep(response).await
    });
    work.await.map_err(|error| Error::internal(format!("BUG: a request panicked: {error}")))?
}

/// A key whose request is being worked on; it is forgotten unless an answer is kept.
struct Pending {
    core: Core,
    key: String,
}

impl Pending {
    async fn keep(self, response: Response) -> Answer {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| Error::internal(error.to_string()))?;
        self.core.idempotency.end(&self.key, Kept { status: parts.status, body: body.clone() });
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.core.idempotency.forget(&self.key);
    }
}

async fn call(
    core: &Core,
    command: &'static Command,
    path: HashMap<String, String>,
    query: &str,
    bytes: &Bytes,
) -> Result<Value, Failure> {
    let body = match bytes.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(bytes)
            .map_err(|error| Error::invalid(format!("the body is not valid JSON: {error}")))?,
    };
    let path: Vec<(String, String)> = path.into_iter().collect();
    let request = merge_request(command, &path, &parse_query(query), body)?;
    let actor = core.actor();
    Ok(core.blocking(move |app| dispatch(app, &actor, command.name, request)).await?)
}

/// The key together with who sent it, so that sessions do not see each other's answers.
fn idempotency_key(parts: &http::request::Parts) -> Result<Option<String>> {
    let Some(value) = parts.headers.get(IDEMPOTENCY_KEY).filter(|_| parts.method != http::Method::GET) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| Error::invalid("the Idempotency-Key must be plain text"))?;
    if text.is_empty() || text.len() > 200 {
        return Err(Error::invalid("the Idempotency-Key must have 1 to 200 characters"));
    }
    let session = parts.extensions.get::<Credential>().map_or("", Credential::text);
    Ok(Some(format!("{session} {text}")))
}

fn json_response(status: http::StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The whole body, if it is at most `limit` bytes.
///
/// # Errors
/// `TooLarge`, or `InvalidInput` when the sender stops in the middle.
pub(crate) async fn read_body(body: Body, limit: usize) -> Result<Bytes> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(at) = cause {
            if at.is::<LengthLimitError>() {
                return Error::new(Code::TooLarge, format!("the body is larger than {limit} bytes"));
            }
            cause = at.source();
        }
        Error::invalid(format!("the body could not be read: {error}"))
    })
}

/// Names and values of a query string, decoded.
pub(crate) fn parse_query(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
