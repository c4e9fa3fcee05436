//! A request against its schema, before anything happens: fields that do not exist and values of a wrong type are
//! named with their place. Query strings become typed values by the same schemas.

use serde_json::{Map, Value};
use va_error::{Error, Result};

use crate::command::Command;
use crate::schema::{Schemas, schemas};

/// Whether `request` has the shape that `command` takes.
///
/// # Errors
/// `InvalidInput` naming the first field that does not exist or has a value of a wrong type.
pub(crate) fn check_request(command: &Command, request: &Value) -> Result<()> {
    let schemas = schemas();
    check(schemas, schemas.request(command), request, "")
        .map_err(|problem| Error::invalid(format!("the request of {} is wrong: {problem}", command.name)))
}

/// The request of a command from the fields in its path, its query string and its body.
///
/// Lists in a query are written with commas or by naming the field again.
///
/// # Errors
/// `InvalidInput` when the body is not an object, a field is given twice with different values, or a value in the
/// query is not of the field's type.
pub fn merge_request(
    command: &Command,
    path: &[(String, String)],
    query: &[(String, String)],
    body: Value,
) -> Result<Value> {
    let mut request = match body {
        Value::Null => Map::new(),
        Value::Object(map) => map,
        other => return Err(Error::invalid(format!("the body must be a JSON object (it is {})", kind_of(&other)))),
    };
    let schemas = schemas();
    let fields = schemas.resolve(schemas.request(command)).get("properties").and_then(Value::as_object);
    let schema_of = |name: &str| fields.and_then(|fields| fields.get(name));
    let mut lists: Map<String, Value> = Map::new();
    for (name, text) in path.iter().chain(query) {
        let Some(schema) = schema_of(name) else {
            return Err(Error::invalid(format!("{} has no field {name:?}", command.name)));
        };
        if let Some(items) = schemas.resolve(schema).get("items") {
            let list = lists.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            let parts = text.split(',').filter(|part| !part.is_empty());
            let values = parts.map(|part| from_text(schemas, items, name, part)).collect::<Result<Vec<_>>>()?;
            list.as_array_mut().expect("BUG: made as a list").extend(values);
            continue;
        }
        let value = from_text(schemas, schema, name, text)?;
        if request.get(name).is_some_and(|other| *other != value) {
            return Err(Error::invalid(format!("{name:?} is given twice with different values")));
        }
        request.insert(name.clone(), value);
    }
    request.extend(lists);
    Ok(Value::Object(request))
}

fn from_text(schemas: &Schemas, schema: &Value, name: &str, text: &str) -> Result<Value> {
    let types = types_of(schemas, schema);
    let wanted = |what: &str| Error::invalid(format!("{name} is {text:?}; it must be {what}"));
    if types.contains(&"boolean") {
        return text.parse().map(Value::Bool).map_err(|_| wanted("true or false"));
    }
    if types.contains(&"integer") {
        return text.parse::<i64>().map(Value::from).map_err(|_| wanted("a whole number"));
    }
    if types.contains(&"number") {
        return text.parse::<f64>().map(Value::from).map_err(|_| wanted("a number"));
    }
    Ok(Value::String(text.to_owned()))
}

/// The JSON types that a schema allows, through references and unions.
fn types_of<'a>(schemas: &'a Schemas, schema: &'a Value) -> Vec<&'a str> {
    let schema = schemas.resolve(schema);
    match schema.get("type") {
        Some(Value::String(one)) => return vec![one.as_str()],
        Some(Value::Array(several)) => return several.iter().filter_map(Value::as_str).collect(),
        _ => {}
    }
    let unions = ["anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    unions.flat_map(|part| types_of(schemas, part)).collect()
}

fn check(schemas: &Schemas, schema: &Value, value: &Value, at: &str) -> std::result::Result<(), String> {
    let schema = schemas.resolve(schema);
    if let Some(parts) = ["anyOf", "oneOf"].into_iter().find_map(|key| schema.get(key)?.as_array()) {
        return check_union(schemas, parts, value, at);
    }
    if schema.get("allOf").is_some() {
        // Variants with a tag: serde names what is wrong in them.
        return Ok(());
    }
    check_type(schemas, schema, value, at)?;
    if let Some(allowed) = schema.get("const")
        && allowed != value
    {
        return Err(format!("{} must be {allowed} (it is {value})", place(at)));
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        return Err(format!("{} must be one of {} (it is {value})", place(at), listed(allowed.iter())));
    }
    match value {
        Value::Object(map) => check_fields(schemas, schema, map, at),
        Value::Array(items) => match schema.get("items") {
            Some(of) => {
                items.iter().enumerate().try_for_each(|(i, item)| check(schemas, of, item, &format!("{at}[{i}]")))
            }
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn check_union(schemas: &Schemas, parts: &[Value], value: &Value, at: &str) -> std::result::Result<(), String> {
    let constants: Vec<&Value> = parts
        .iter()
        .map(|part| schemas.resolve(part))
        .flat_map(|part| {
            part.get("const").into_iter().chain(part.get("enum").and_then(Value::as_array).into_iter().flatten())
        })
        .collect();
    let mut first = None;
    for part in parts {
        match check(schemas, part, value, at) {
            Ok(()) => return Ok(()),
            Err(problem) => {
                // `null` explains nothing: keep what the real alternative says.
                first.get_or_insert(problem);
            }
        }
    }
    if !constants.is_empty() && (value.is_string() || value.is_number()) {
        return Err(format!("{} must be one of {} (it is {value})", place(at), listed(constants.into_iter())));
    }
    first.map_or(Ok(()), Err)
}

fn check_type(schemas: &Schemas, schema: &Value, value: &Value, at: &str) -> std::result::Result<(), String> {
    let types = types_of(schemas, schema);
    let fits = types.iter().any(|kind| match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    });
    if types.is_empty() || fits {
        return Ok(());
    }
    let wanted: Vec<&str> = types.iter().filter(|kind| **kind != "null").map(|kind| in_words(kind)).collect();
    Err(format!("{} must be {} (it is {})", place(at), wanted.join(" or "), kind_of(value)))
}

fn check_fields(
    schemas: &Schemas,
    schema: &Value,
    map: &Map<String, Value>,
    at: &str,
) -> std::result::Result<(), String> {
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
        if schema.get("additionalProperties") == Some(&Value::Bool(false))
            && let Some(name) = map.keys().next()
        {
            return Err(format!("there is no field {:?}; it takes none", inside(at, name)));
        }
        return Ok(());
    };
    for (name, value) in map {
        let Some(of) = fields.get(name) else {
            let known: Vec<&str> = fields.keys().map(String::as_str).collect();
            return Err(format!("there is no field {:?}; the fields are {}", inside(at, name), known.join(", ")));
        };
        check(schemas, of, value, &inside(at, name))?;
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !map.contains_key(name) {
            return Err(format!("{:?} is missing", inside(at, name)));
        }
    }
    Ok(())
}

fn inside(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn place(at: &str) -> String {
    if at.is_empty() { "it".to_owned() } else { format!("{at:?}") }
}

fn listed<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    values.map(Value::to_string).collect::<Vec<_>>().join(", ")
}

fn in_words(kind: &str) -> &str {
    match kind {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
