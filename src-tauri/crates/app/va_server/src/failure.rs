//! Errors as HTTP answers: `{ code, message, details }` with the matching status.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use va_api::ApiError;
use va_error::{Code, Error};

/// An error on its way to the caller.
#[derive(Debug)]
pub(crate) struct Failure(pub Error);

pub(crate) type Answer = Result<Response, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = status(self.0.code());
        if status.is_server_error() {
            tracing::error!(error = ?self.0, "a request failed");
        }
        let mut response = (status, Json(ApiError::from(&self.0))).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

pub(crate) fn status(code: Code) -> StatusCode {
    match code {
        Code::InvalidInput => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict | Code::Cancelled | Code::TooNew => StatusCode::CONFLICT,
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::LibraryLocked => StatusCode::LOCKED,
        Code::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::NotFinite => StatusCode::UNPROCESSABLE_ENTITY,
        Code::Io | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
