//! All routes. Those of commands come from the table; the others are the ones that `va_api` declares beside it.

use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, get, on, post};
use axum::{Json, Router};
use http::StatusCode;
use va_api::{Health, Method, commands};
use va_error::Error;

use crate::core::Core;
use crate::failure::Failure;
use crate::{auth_routes, bytes_route, command_route, guard, pages, streams, ui, uploads};

pub(crate) fn router(core: &Core) -> Router {
    let open = Router::new()
        .route("/auth/login", post(auth_routes::login))
        .route("/auth/refresh", post(auth_routes::refresh))
        .route("/auth/exchange", post(auth_routes::exchange))
        .route("/openapi.json", get(pages::openapi))
        .route("/healthz", get(health));
    let api = signed_in(core).merge(open).method_not_allowed_fallback(method_not_allowed);
    Router::new()
        .nest("/api/v1", api)
        .route("/healthz", get(health))
        .route("/docs", get(pages::docs))
        .route("/docs.js", get(pages::docs_script))
        .route("/redoc", get(pages::redoc))
        .fallback(ui::serve)
        .method_not_allowed_fallback(method_not_allowed)
        // Every body is counted where it is read.
        .layer(DefaultBodyLimit::disable())
        .layer(map_response(json_errors))
        .layer(from_fn_with_state(core.clone(), guard::outer))
        .with_state(core.clone())
}

fn signed_in(core: &Core) -> Router<Core> {
    let mut routes = Router::new()
        .route("/auth/me", get(auth_routes::me))
        .route("/auth/logout", post(auth_routes::logout))
        .route("/samples/{id}/image", get(bytes_route::image))
        .route("/samples/{id}/thumbnail", get(bytes_route::thumbnail))
        .route("/samples/{id}/augmented", get(bytes_route::augmented))
        .route("/samples/{id}/mask", get(bytes_route::mask))
        .route("/datasets/{id}/samples", post(uploads::add_samples))
        .route("/uploads", post(uploads::upload))
        .route("/models/{id}/versions/{number}/export/{file_name}", get(bytes_route::exported))
        .route("/events", get(streams::events))
        .route("/jobs/{id}/events", get(streams::job))
        .route("/resources/stream", get(streams::resources));
    for command in commands() {
        routes = match command.name {
            "model_predict" => routes.route(command.path, post(uploads::predict)),
            "sample_create" => routes.route(command.path, post(uploads::create_sample)),
            "import_start" => routes.route(command.path, post(uploads::import)),
            _ => {
                let handler = move |core, path, query, request| command_route::run(command, core, path, query, request);
                routes.route(command.path, on(filter(command.method), handler))
            }
        };
    }
    routes.route_layer(from_fn_with_state(core.clone(), guard::signed_in))
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Delete => MethodFilter::DELETE,
    }
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}

async fn method_not_allowed(request: Request) -> Response {
    let message = format!("{} does not take {}", request.uri().path(), request.method());
    let mut response = Failure(Error::invalid(message)).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

/// What the framework refuses by itself (a path or query it cannot read) gets the one error form.
async fn json_errors(response: Response) -> Response {
    let kind = response.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if response.status() != StatusCode::BAD_REQUEST || !kind.is_some_and(|kind| kind.starts_with("text/plain")) {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), 64 << 10).await.unwrap_or_default();
    Failure(Error::invalid(String::from_utf8_lossy(&text))).into_response()
}
