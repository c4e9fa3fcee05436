//! The files that the user interface gets from the command table.

use crate::openapi::openapi;
use crate::typescript::commands_ts;

/// Files below `ui/src/ipc/generated`: (relative path, contents). `api.ts` beside them is made from `openapi.json` by
/// openapi-typescript.
pub fn codegen() -> Vec<(String, String)> {
    let document = serde_json::to_string_pretty(&openapi()).expect("BUG: the document is plain JSON");
    vec![("openapi.json".to_owned(), document + "\n"), ("commands.ts".to_owned(), commands_ts())]
}
