//! Signing in and out.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse as _;
use http::{HeaderMap, HeaderValue, Request, header};
use serde::de::DeserializeOwned;
use va_api::{Done, ExchangeRequest, LoginRequest, Me, RefreshRequest};
use va_domain::Role;
use va_error::{Code, Error};

use crate::core::Core;
use crate::failure::{Answer, Failure};
use crate::guard::{cookie_name, credential};

/// Bodies of these routes are short.
const MAX_BODY_BYTES: usize = 16 << 10;

pub(crate) async fn login(State(core): State<Core>, request: Request<Body>) -> Answer {
    core.sign_ins.take("login")?;
    let asked: LoginRequest = body(request).await?;
    let account = core.account.clone();
    let right = core.blocking(move |_| Ok(account.accepts(&asked.username, &asked.password))).await?;
    if !right {
        return Err(Failure(Error::new(Code::Unauthorized, "the user name or the password is wrong")));
    }
    Ok(Json(core.sessions.sign_in()?).into_response())
}

pub(crate) async fn refresh(State(core): State<Core>, request: Request<Body>) -> Answer {
    core.sign_ins.take("refresh")?;
    let asked: RefreshRequest = body(request).await?;
    Ok(Json(core.sessions.refresh(&asked.refresh_token)?).into_response())
}

pub(crate) async fn exchange(State(core): State<Core>, request: Request<Body>) -> Answer {
    core.sign_ins.take("exchange")?;
    let asked: ExchangeRequest = body(request).await?;
    let value = core.sessions.exchange(&asked.code)?;
    let mut response = Json(me_of(&core)).into_response();
    set_cookie(&mut response, &core, &value, "")?;
    Ok(response)
}

pub(crate) async fn me(State(core): State<Core>) -> Json<Me> {
    Json(me_of(&core))
}

pub(crate) async fn logout(State(core): State<Core>, headers: HeaderMap) -> Answer {
    if let Some(credential) = credential(&headers, core.port) {
        core.sessions.end(credential.text());
    }
    let mut response = Json(Done {}).into_response();
    set_cookie(&mut response, &core, "", "; Max-Age=0")?;
    Ok(response)
}

fn me_of(core: &Core) -> Me {
    Me { username: core.account.username.clone(), role: Role::Owner }
}

fn set_cookie(response: &mut axum::response::Response, core: &Core, value: &str, life: &str) -> Result<(), Failure> {
    let name = cookie_name(core.port);
    let value = HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{life}"))
        .map_err(|_| Error::internal("BUG: a cookie that is no header"))?;
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(())
}

async fn body<T: DeserializeOwned>(request: Request<Body>) -> Result<T, Failure> {
    let bytes = crate::command_route::read_body(request.into_body(), MAX_BODY_BYTES).await?;
    Ok(serde_json::from_slice(&bytes)
        .map_err(|error| Error::invalid(format!("the body is not what this takes: {error}")))?)
}
