//! Images for the page: `va://localhost/samples/{id}/image`, `/thumbnail?size=256`, `/mask`. Bytes, never JSON.

use std::borrow::Cow;

use tauri::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG};
use tauri::http::{Request, Response, StatusCode};
use tauri::{Manager, Runtime, UriSchemeContext, UriSchemeResponder};
use va_error::Code;

use crate::library::Library;

pub const SCHEME: &str = "va";

type Bytes = Cow<'static, [u8]>;

/// Answers on a thread of the pool: decoding must not hold up the window.
pub fn answer<R: Runtime>(context: UriSchemeContext<'_, R>, request: Request<Vec<u8>>, responder: UriSchemeResponder) {
    let app = context.app_handle().clone();
    tauri::async_runtime::spawn_blocking(move || {
        let library = app.state::<Library>();
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        responder.respond(response(va_api::images::fetch(&library.app, &path, &query)));
    });
}

fn response(fetched: va_error::Result<va_api::images::ImageBytes>) -> Response<Bytes> {
    let built = match fetched {
        Ok(image) => Response::builder()
            .header(CONTENT_TYPE, image.mime)
            .header(ETAG, image.etag)
            .header(CACHE_CONTROL, "private, max-age=31536000")
            .header(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .body(Bytes::Owned(image.bytes)),
        Err(error) => {
            let status = match error.code() {
                Code::NotFound => StatusCode::NOT_FOUND,
                Code::InvalidInput => StatusCode::BAD_REQUEST,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            Response::builder().status(status).body(Bytes::Owned(error.message().as_bytes().to_vec()))
        }
    };
    built.unwrap_or_else(|_| Response::new(Bytes::Borrowed(b"")))
}
