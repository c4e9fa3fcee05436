//! The command table and its one way in.

use std::collections::HashSet;

use serde_json::{Value, json};
use va_api::{commands, dispatch, merge_request, openapi, schemas};
use va_domain::{Actor, Origin, Role};
use va_error::Code;

use crate::support::library;

#[test]
fn every_command_has_a_schema_a_route_and_a_place_in_openapi() {
    let document = openapi();
    let schemas = schemas();
    let mut routes = HashSet::new();
    for (command, (request, response)) in commands().iter().zip(&schemas.commands) {
        assert!(routes.insert((command.method, command.path)), "{} has the route of another command", command.name);
        assert_eq!(schemas.resolve(request)["type"], "object", "{}", command.name);
        assert_ne!(schemas.resolve(response), response, "{}: the answer has no name", command.name);
        let fields = schemas.resolve(request)["properties"].as_object();
        for param in command.path_params() {
            assert!(fields.is_some_and(|fields| fields.contains_key(param)), "{}: {param} is no field", command.name);
        }
        let operation = &document["paths"][command.path][command.method.as_str().to_lowercase()];
        assert_eq!(operation["operationId"], command.name);
    }
    assert!(commands().len() > 70, "{}", commands().len());
}

#[test]
fn every_reference_of_the_openapi_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|v| references(v, found));
            }
            Value::Array(items) => items.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }
    let document = openapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_command_refuses_unknown_fields_and_names_them() {
    let (_dir, app) = library();
    let actor = Actor::owner(Origin::Cli);
    for command in commands() {
        let error = dispatch(&app, &actor, command.name, json!({ "no_such_field": 1 })).unwrap_err();
        assert_eq!(error.code(), Code::InvalidInput, "{}: {error:?}", command.name);
        assert!(error.message().contains("no_such_field"), "{}: {error}", command.name);
    }
    let error = dispatch(&app, &actor, "no_such_command", json!({})).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    app.close().unwrap();
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    let (_dir, app) = library();
    let actor = Actor::owner(Origin::Cli);
    let refused = |name: &str, request: Value| dispatch(&app, &actor, name, request).unwrap_err().message().to_owned();
    let id = uuid();
    for (name, request, wanted) in [
        ("project_create", json!({}), "\"name\" is missing"),
        ("project_create", json!({ "name": 7 }), "\"name\" must be a text (it is a whole number)"),
        ("project_create", json!([]), "it must be an object (it is a list)"),
        ("train_forecast", json!({ "dataset_id": id, "settings": { "epochs": "x" } }), "\"settings.epochs\""),
        ("train_forecast", json!({ "dataset_id": id, "settings": { "epoch": 1 } }), "\"settings.epoch\""),
        ("sample_list", json!({ "dataset_id": id, "splits": ["train", "tset"] }), "\"splits[1]\""),
        ("sample_list", json!({ "dataset_id": id, "sort": "colour" }), "\"added_desc\""),
        ("sample_list", json!({ "dataset_id": "abc" }), "UUID"),
        ("annotation_create", json!({ "id": id, "geometry": { "kind": "circle" } }), "circle"),
        ("import_start", json!({ "id": id }), "exactly one"),
        ("project_list", json!({ "limit": 501 }), "between 1 and 500"),
    ] {
        let message = refused(name, request.clone());
        assert!(message.contains(wanted), "{name} {request}: {message}");
    }
    app.close().unwrap();
}

fn uuid() -> &'static str {
    "0197b0c1-0000-7000-8000-000000000000"
}

#[test]
fn a_smaller_role_is_refused_what_it_may_not() {
    let (_dir, app) = library();
    let viewer = Actor { name: "ann".to_owned(), role: Role::Viewer, origin: Origin::Http };
    for command in commands() {
        let outcome = dispatch(&app, &viewer, command.name, json!({ "no_such_field": 1 }));
        let code = outcome.unwrap_err().code();
        let wanted = if command.role == Role::Viewer { Code::InvalidInput } else { Code::Forbidden };
        assert_eq!(code, wanted, "{}", command.name);
        let reads = command.method.as_str() == "GET";
        assert!(reads || command.role > Role::Viewer || !command.name.ends_with("_create"), "{}", command.name);
    }
    app.close().unwrap();
}

#[test]
fn query_strings_become_values_by_the_schema() {
    let command = va_api::command("sample_list").unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let query = [
        pair("dataset_id", uuid()),
        pair("splits", "train,test"),
        pair("splits", "val"),
        pair("no_split", "true"),
        pair("limit", "7"),
        pair("search", "12"),
    ];
    let request = merge_request(command, &[], &query, Value::Null).unwrap();
    let wanted = json!({ "dataset_id": uuid(), "splits": ["train", "test", "val"], "no_split": true, "limit": 7, "search": "12" });
    assert_eq!(request, wanted);
    assert!(merge_request(command, &[], &[pair("limit", "many")], Value::Null).is_err());
    assert!(merge_request(command, &[], &[pair("colour", "red")], Value::Null).is_err());
    let update = va_api::command("project_update").unwrap();
    let twice = merge_request(update, &[pair("id", uuid())], &[], json!({ "id": "another" }));
    assert!(twice.unwrap_err().message().contains("twice"));
}

#[test]
fn the_generated_files_are_what_the_commands_say() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/ipc/generated");
    for (name, contents) in va_api::codegen() {
        let found = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        assert!(found == contents, "{name} is old: run `cargo xtask codegen`");
    }
}
