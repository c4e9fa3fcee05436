//! What every request passes: the names it may use for this machine, where it may come from, who asks, how often; and
//! the headers that every answer carries.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use va_error::{Code, Error, Result};

use crate::core::Core;
use crate::failure::Failure;

/// The browser's session. Cookies are shared by all ports of a host, so that two services need two names.
pub(crate) fn cookie_name(port: u16) -> String {
    format!("visaion_session_{port}")
}

const CSP: &str = "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; \
    font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The credential a request came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    Bearer(String),
    Cookie(String),
}

impl Credential {
    pub fn text(&self) -> &str {
        match self {
            Self::Bearer(text) | Self::Cookie(text) => text,
        }
    }
}

/// Refuses requests under foreign names (DNS rebinding) and from foreign pages, then adds the security headers.
pub(crate) async fn outer(State(core): State<Core>, request: Request, next: Next) -> Response {
    let checked = check_host(request.headers(), request.uri(), core.port)
        .and_then(|()| check_origin(request.headers(), core.port));
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(error) => Failure(error).into_response(),
    };
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &str); 6] = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses requests without a good credential, and too many with one.
pub(crate) async fn signed_in(State(core): State<Core>, mut request: Request, next: Next) -> Response {
    match authenticate(&core, request.headers(), request.method()) {
        Ok(credential) => {
            request.extensions_mut().insert(credential);
            next.run(request).await
        }
        Err(error) => Failure(error).into_response(),
    }
}

fn authenticate(core: &Core, headers: &HeaderMap, method: &Method) -> Result<Credential> {
    let denied = || {
        Error::new(
            Code::Unauthorized,
            "sign in first: POST /api/v1/auth/login, or open the address that `visaion start` printed",
        )
    };
    let credential = credential(headers, core.port).ok_or_else(denied)?;
    let known = match &credential {
        Credential::Bearer(token) => core.sessions.accepts_bearer(token),
        Credential::Cookie(value) => core.sessions.accepts_cookie(value),
    };
    if !known {
        return Err(Error::new(Code::Unauthorized, "this session is not valid (any more): sign in again"));
    }
    let changes = !matches!(*method, Method::GET | Method::HEAD);
    if changes && matches!(credential, Credential::Cookie(_)) && !headers.contains_key(header::ORIGIN) {
        return Err(Error::new(Code::Forbidden, "a change with the browser's cookie must carry an Origin header"));
    }
    core.requests.take(credential.text())?;
    Ok(credential)
}

/// A bearer token, or else the cookie.
pub(crate) fn credential(headers: &HeaderMap, port: u16) -> Option<Credential> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Credential::Bearer(token.trim().to_owned()));
    }
    let own = cookie_name(port);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == own).map(|(_, value)| Credential::Cookie(value.to_owned())).next()
}

/// The names under which this machine reaches itself.
fn is_local(authority: &str, port: u16) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| authority.eq_ignore_ascii_case(&format!("{host}:{port}")))
}

fn check_host(headers: &HeaderMap, uri: &http::Uri, port: u16) -> Result<()> {
    let in_header = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let in_uri = uri.authority().map(http::uri::Authority::as_str);
    let named = in_header.or(in_uri);
    if named.is_some_and(|host| is_local(host, port)) && in_uri.is_none_or(|host| is_local(host, port)) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, format!("this service answers only as 127.0.0.1:{port} or localhost:{port}")))
}

fn check_origin(headers: &HeaderMap, port: u16) -> Result<()> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let local =
        origin.to_str().ok().and_then(|text| text.strip_prefix("http://")).is_some_and(|host| is_local(host, port));
    if local {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "requests from pages of other origins are refused"))
}
