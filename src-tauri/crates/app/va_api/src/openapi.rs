//! The OpenAPI 3.1 document of the HTTP service.

use serde_json::{Map, Value, json};

use crate::command::{Command, commands, path_params};
use crate::routes::{Body, ROUTES, Route};
use crate::schema::{Schemas, schemas};

/// The OpenAPI 3.1 document of `/api/v1`.
pub fn openapi() -> Value {
    let schemas = schemas();
    let mut paths = Map::new();
    for (command, (request, response)) in commands().iter().zip(&schemas.commands) {
        add(&mut paths, command.path, command.method.as_str(), command_operation(command, request, response, schemas));
    }
    for (route, (request, response)) in ROUTES.iter().zip(&schemas.routes) {
        add(&mut paths, route.path, route.method.as_str(), route_operation(route, request, response));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "VisAIon",
            "version": "1",
            "description": "The local interface of VisAIon, served by `visaion start` on 127.0.0.1.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/api/v1" }],
        "security": [{ "bearer": [] }, { "cookie": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": "visaion_session_PORT",
                    "description": "PORT is the port of the service" },
            },
        },
    })
}

fn add(paths: &mut Map<String, Value>, path: &str, method: &str, operation: Value) {
    paths.entry(path).or_insert_with(|| json!({}))[method.to_lowercase()] = operation;
}

fn command_operation(command: &Command, request: &Value, response: &Value, schemas: &Schemas) -> Value {
    let in_path = command.path_params();
    let resolved = schemas.resolve(request);
    let fields = resolved.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let required: Vec<&str> =
        resolved.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let takes_body = !matches!(command.method.as_str(), "GET" | "DELETE");
    let mut parameters = Vec::new();
    for (name, schema) in &fields {
        if in_path.contains(&name.as_str()) {
            parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        } else if !takes_body {
            // Lists in a query are written with commas.
            parameters.push(json!({
                "name": name, "in": "query", "required": required.contains(&name.as_str()), "schema": schema,
                "style": "form", "explode": false,
            }));
        }
    }
    let mut operation = operation(command.name, command.tag, command.summary, &parameters);
    if takes_body {
        let body: Map<_, _> = fields.into_iter().filter(|(name, _)| !in_path.contains(&name.as_str())).collect();
        let body_required: Vec<&str> = required.into_iter().filter(|name| !in_path.contains(name)).collect();
        let schema =
            json!({ "type": "object", "properties": body, "required": body_required, "additionalProperties": false });
        operation["requestBody"] = json!({
            "required": !body_required.is_empty(),
            "content": { "application/json": { "schema": schema } },
        });
    }
    operation["responses"] = answers(&json!({ "application/json": { "schema": response } }));
    operation
}

fn route_operation(route: &Route, request: &Value, response: &Value) -> Value {
    let in_path = path_params(route.path)
        .into_iter()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = route.query.iter().map(|(name, meaning)| {
        json!({ "name": name, "in": "query", "required": false, "description": meaning, "schema": { "type": "string" } })
    });
    let parameters: Vec<_> = in_path.chain(in_query).collect();
    let mut operation = operation(&operation_id(route), route.tag, route.summary, &parameters);
    if route.role.is_none() {
        operation["security"] = json!([]);
    }
    if let Some(content) = content(route.request, request) {
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation["responses"] = answers(&content(route.response, response).unwrap_or_else(|| json!({})));
    operation
}

/// `GET /samples/{id}/image` becomes `get_samples_id_image`.
fn operation_id(route: &Route) -> String {
    let path: String = route.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let words: Vec<&str> = path.split('_').filter(|word| !word.is_empty()).collect();
    format!("{}_{}", route.method.as_str().to_lowercase(), words.join("_"))
}

fn operation(id: &str, tag: &str, summary: &str, parameters: &[Value]) -> Value {
    let mut operation = json!({ "operationId": id, "tags": [tag], "summary": summary });
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    operation
}

fn content(body: Body, schema: &Value) -> Option<Value> {
    match body {
        Body::None => None,
        Body::Json(_) => Some(json!({ "application/json": { "schema": schema } })),
        Body::Bytes(mime) => Some(json!({ mime: { "schema": { "type": "string", "format": "binary" } } })),
        Body::Events(_) => Some(json!({ "text/event-stream": { "schema": schema } })),
        Body::Multipart => Some(json!({ "multipart/form-data": { "schema": {
            "type": "object",
            "properties": { "files": { "type": "array", "items": { "type": "string", "format": "binary" } } },
        } } })),
    }
}

fn answers(content: &Value) -> Value {
    json!({
        "200": { "description": "Done", "content": content },
        "default": {
            "description": "An error, with the matching status",
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ApiError" } } },
        },
    })
}
