//! `commands.ts`: the command table and the names of all types for the user interface.

use std::fmt::Write as _;

use crate::command::commands;
use crate::schema::{schemas, type_name};

/// The text of `commands.ts`. It imports the types from `api.ts`, which openapi-typescript makes of `openapi.json`.
pub(crate) fn commands_ts() -> String {
    let schemas = schemas();
    let mut text = String::from(
        "// Generated from the command table of va_api by `cargo xtask codegen`. Do not edit.\n\
         import type { components } from './api';\n\n\
         type Schemas = components['schemas'];\n\n",
    );
    for name in schemas.definitions.keys() {
        line(&mut text, &format!("export type {name} = Schemas['{name}'];"));
    }
    text.push_str("\n/** Request and answer of every command. */\nexport interface CommandTypes {\n");
    for (command, (request, response)) in commands().iter().zip(&schemas.commands) {
        let [request, response] = [request, response].map(|schema| type_name(schema).unwrap_or("unknown"));
        line(&mut text, &format!("  /** {}. */", command.summary));
        line(&mut text, &format!("  {}: {{ request: {request}; response: {response} }};", command.name));
    }
    text.push_str(
        "}\n\nexport type CommandName = keyof CommandTypes;\n\
         export type RequestOf<N extends CommandName> = CommandTypes[N]['request'];\n\
         export type ResponseOf<N extends CommandName> = CommandTypes[N]['response'];\n\n\
         /** Where a command is found over HTTP, below `/api/v1`. */\n\
         export interface CommandRoute {\n\
         \x20 readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';\n\
         \x20 readonly path: string;\n\
         \x20 /** Fields of the request that stand in the path. */\n\
         \x20 readonly pathParams: readonly string[];\n}\n\n\
         export const COMMANDS: { readonly [N in CommandName]: CommandRoute } = {\n",
    );
    for command in commands() {
        let params: Vec<String> = command.path_params().iter().map(|name| format!("'{name}'")).collect();
        line(
            &mut text,
            &format!(
                "  {}: {{ method: '{}', path: '{}', pathParams: [{}] }},",
                command.name,
                command.method.as_str(),
                command.path,
                params.join(", ")
            ),
        );
    }
    text.push_str("};\n");
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("BUG: writing to a string cannot fail");
}
