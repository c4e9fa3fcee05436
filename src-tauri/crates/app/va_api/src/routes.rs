//! Routes that are not commands: sign-in, bytes, uploads and streams. The HTTP service serves them; the window gets
//! bytes over its own protocol and events over a channel.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use va_domain::{Event, ImportReport, ResourceSnapshot, Role};

use crate::command::Method;
use crate::wire::{Done, Nothing, request};

request! {
    LoginRequest { username: String, password: String }
    RefreshRequest { refresh_token: String }
    ExchangeRequest {
        /// The one-time code of the address that `visaion start` prints.
        code: String,
    }
}

/// Tokens for a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// `bearer`.
    pub token_type: String,
    /// Good for one `POST /auth/refresh`, which gives the next one.
    pub refresh_token: String,
    /// Until the access token expires.
    pub expires_in_ms: u64,
}

/// Who the credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Me {
    pub username: String,
    pub role: Role,
}

/// Files that were sent and wait to be used by import or predict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upload {
    pub upload_id: String,
    pub file_count: u64,
    pub size_bytes: u64,
}

/// The service is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
}

/// What a route takes or gives.
#[derive(Clone, Copy)]
pub enum Body {
    None,
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// Bytes of this media type.
    Bytes(&'static str),
    /// `multipart/form-data`: files, each with its relative path as file name.
    Multipart,
    /// Server-sent events whose data is this JSON.
    Events(fn(&mut SchemaGenerator) -> Schema),
}

/// A route beside the commands.
pub struct Route {
    pub method: Method,
    /// Below `/api/v1`.
    pub path: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    /// None needs no credentials.
    pub role: Option<Role>,
    /// Query parameters and what they mean.
    pub query: &'static [(&'static str, &'static str)],
    pub request: Body,
    pub response: Body,
}

impl Route {
    const fn new(
        method: Method,
        path: &'static str,
        tag: &'static str,
        role: Option<Role>,
        summary: &'static str,
    ) -> Self {
        Self { method, path, tag, summary, role, query: &[], request: Body::None, response: Body::None }
    }

    const fn takes(self, request: Body) -> Self {
        Self { request, ..self }
    }

    const fn gives(self, response: Body) -> Self {
        Self { response, ..self }
    }

    const fn query(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }
}

const fn json<T: JsonSchema>() -> Body {
    Body::Json(|generator| generator.subschema_for::<T>())
}

const fn events<T: JsonSchema>() -> Body {
    Body::Events(|generator| generator.subschema_for::<T>())
}

const SEEN: Option<Role> = Some(Role::Viewer);
const EDIT: Option<Role> = Some(Role::Annotator);

/// Every route that is not a command.
pub static ROUTES: &[Route] = &[
    Route::new(Method::Post, "/auth/login", "auth", None, "Tokens for a program")
        .takes(json::<LoginRequest>())
        .gives(json::<Tokens>()),
    Route::new(Method::Post, "/auth/refresh", "auth", None, "New tokens for a refresh token, which is used up")
        .takes(json::<RefreshRequest>())
        .gives(json::<Tokens>()),
    Route::new(Method::Post, "/auth/exchange", "auth", None, "The browser's cookie for the one-time code")
        .takes(json::<ExchangeRequest>())
        .gives(json::<Me>()),
    Route::new(Method::Get, "/auth/me", "auth", SEEN, "Who the credentials belong to").gives(json::<Me>()),
    Route::new(Method::Post, "/auth/logout", "auth", SEEN, "End this session")
        .takes(json::<Nothing>())
        .gives(json::<Done>()),
    Route::new(Method::Get, "/samples/{id}/image", "samples", SEEN, "The image, upright").gives(Body::Bytes("image/*")),
    Route::new(Method::Get, "/samples/{id}/thumbnail", "samples", SEEN, "A small upright image")
        .query(&[("size", "Longest edge in pixels; 256 without it")])
        .gives(Body::Bytes("image/*")),
    Route::new(Method::Get, "/samples/{id}/augmented", "samples", SEEN, "What training would make of the image")
        .query(&[
            ("augmentation", "The augmentation as JSON, as in the training settings; the default without it"),
            ("size", "Edge in pixels; 128 without it"),
            ("seed", "Another seed, another picture; 0 without it"),
        ])
        .gives(Body::Bytes("image/jpeg")),
    Route::new(Method::Get, "/samples/{id}/mask", "samples", SEEN, "The sample's masks as a transparent image")
        .gives(Body::Bytes("image/png")),
    Route::new(Method::Post, "/datasets/{id}/samples", "samples", EDIT, "Send images and import them at once")
        .takes(Body::Multipart)
        .gives(json::<ImportReport>()),
    Route::new(Method::Post, "/uploads", "import", EDIT, "Send files for an import or a prediction")
        .takes(Body::Multipart)
        .gives(json::<Upload>()),
    Route::new(Method::Get, "/models/{id}/versions/{number}/export/{file_name}", "models", SEEN, "An exported file")
        .gives(Body::Bytes("application/octet-stream")),
    Route::new(Method::Get, "/events", "service", SEEN, "What changes, as it changes").gives(events::<Event>()),
    Route::new(Method::Get, "/jobs/{id}/events", "jobs", SEEN, "One job's progress and curves, until it ends")
        .gives(events::<Event>()),
    Route::new(Method::Get, "/resources/stream", "service", SEEN, "The machine, once a second")
        .gives(events::<ResourceSnapshot>()),
    Route::new(Method::Get, "/healthz", "service", None, "The service is up").gives(json::<Health>()),
];
