//! JSON schemas of all requests and answers.
//!
//! A type can look different in a request (fields with a default may be left out) and in an answer (they are always
//! there). Where it does, the form in requests is named `…Input`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use va_domain::{Event, ImportReport};

use crate::command::{Command, commands};
use crate::routes::{Body, ROUTES};
use crate::wire::ApiError;

const PREFIX: &str = "#/components/schemas/";

/// The schemas of the whole interface.
pub struct Schemas {
    /// By type name; references among them read `#/components/schemas/NAME`.
    pub definitions: BTreeMap<String, Value>,
    /// Request and answer of every command, in the order of [`commands`].
    pub commands: Vec<(Value, Value)>,
    /// Request and answer of every route of [`ROUTES`]; null where it is not JSON.
    pub routes: Vec<(Value, Value)>,
}

/// The schemas of the whole interface, made once.
pub fn schemas() -> &'static Schemas {
    static SCHEMAS: LazyLock<Schemas> = LazyLock::new(build);
    &SCHEMAS
}

impl Schemas {
    /// What a command takes.
    pub(crate) fn request(&self, command: &Command) -> &Value {
        let at = commands().iter().position(|other| other.name == command.name);
        &self.commands[at.expect("BUG: every command is in the table")].0
    }

    /// Follows references until the schema itself.
    pub fn resolve<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        while let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix(PREFIX)) {
            match self.definitions.get(target) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }
}

/// The type name that a schema refers to.
pub(crate) fn type_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(PREFIX)
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = PREFIX.trim_start_matches('#').trim_end_matches('/').into();
        settings.meta_schema = None;
    })
}

fn build() -> Schemas {
    let mut input = settings().for_deserialize().into_generator();
    let mut output = settings().for_serialize().into_generator();
    // Types that travel inside job results and streams, so that the documents name them too.
    output.subschema_for::<ApiError>();
    output.subschema_for::<Event>();
    output.subschema_for::<ImportReport>();
    let mut of_commands: Vec<_> = commands()
        .iter()
        .map(|command| ((command.request)(&mut input).to_value(), (command.response)(&mut output).to_value()))
        .collect();
    let mut of_routes: Vec<_> =
        ROUTES.iter().map(|route| (body(route.request, &mut input), body(route.response, &mut output))).collect();

    let definitions: BTreeMap<_, _> = output.take_definitions(true).into_iter().collect();
    let inputs: BTreeMap<_, _> = input.take_definitions(true).into_iter().collect();
    let renamed = renamed(&inputs, &definitions);
    for (request, _) in of_commands.iter_mut().chain(&mut of_routes) {
        rename(request, &renamed);
    }
    let mut all = definitions;
    for (name, mut schema) in inputs {
        rename(&mut schema, &renamed);
        if renamed.contains(&name) {
            all.insert(format!("{name}Input"), schema);
        } else {
            all.entry(name).or_insert(schema);
        }
    }
    all.values_mut().for_each(split_references);
    Schemas { definitions: all, commands: of_commands, routes: of_routes }
}

/// A tagged variant comes as a reference with further properties beside it; `allOf` says the same and every tool
/// understands it.
fn split_references(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(split_references);
            if map.contains_key("$ref")
                && map.contains_key("properties")
                && let Some(reference) = map.remove("$ref")
            {
                let rest = std::mem::take(map);
                map.insert("allOf".to_owned(), json!([{ "$ref": reference }, rest]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(split_references),
        _ => {}
    }
}

fn body(body: Body, generator: &mut SchemaGenerator) -> Value {
    match body {
        Body::Json(schema) | Body::Events(schema) => schema(generator).to_value(),
        Body::None | Body::Bytes(_) | Body::Multipart => json!(null),
    }
}

/// Types whose form in requests differs, or that hold one that does.
fn renamed(inputs: &BTreeMap<String, Value>, outputs: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let mut renamed = BTreeSet::new();
    loop {
        let before = renamed.len();
        for (name, schema) in inputs {
            if outputs.get(name).is_some_and(|output| output != schema || refers_to_any(schema, &renamed)) {
                renamed.insert(name.clone());
            }
        }
        if renamed.len() == before {
            return renamed;
        }
    }
}

fn refers_to_any(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(map) => {
            type_name(schema).is_some_and(|name| names.contains(name)) || map.values().any(|v| refers_to_any(v, names))
        }
        Value::Array(items) => items.iter().any(|v| refers_to_any(v, names)),
        _ => false,
    }
}

fn rename(schema: &mut Value, names: &BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get_mut("$ref")
                && target.strip_prefix(PREFIX).is_some_and(|name| names.contains(name))
            {
                target.push_str("Input");
            }
            map.values_mut().for_each(|v| rename(v, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|v| rename(v, names)),
        _ => {}
    }
}
