//! The command adapter: one handler for every command of the contract.

use serde_json::Value;
use tauri::State;
use va_api::ApiError;
use va_domain::{Actor, Origin};

use crate::library::Library;

/// Runs one command of the contract on the pool for blocking work, so that the window never waits.
#[tauri::command]
pub async fn call(library: State<'_, Library>, name: String, request: Value) -> Result<Value, ApiError> {
    let app = library.app.clone();
    let work = move || va_api::dispatch(&app, &Actor::owner(Origin::Desktop), &name, request);
    match tauri::async_runtime::spawn_blocking(work).await {
        Ok(answer) => answer.map_err(|error| ApiError::from(&error)),
        Err(panic) => Err(ApiError::from(&va_error::Error::internal(format!("the command broke off: {panic}")))),
    }
}
