//! `/docs`, where the interface can be tried, and `/redoc`, where it can be read. Both come from the OpenAPI document
//! and load nothing from elsewhere.

mod reading;

use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::header;

pub(crate) async fn openapi() -> Json<serde_json::Value> {
    Json(va_api::openapi())
}

pub(crate) async fn docs() -> Html<&'static str> {
    Html(include_str!("docs.html"))
}

pub(crate) async fn docs_script() -> Response {
    script(include_str!("docs.js"))
}

pub(crate) async fn redoc() -> Html<String> {
    Html(reading::page(&va_api::openapi()))
}

fn script(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], text).into_response()
}
