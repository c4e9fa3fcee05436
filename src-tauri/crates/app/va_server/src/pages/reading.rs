//! The reading page: every route and every type of the OpenAPI document as plain HTML.

use std::fmt::Write as _;

use serde_json::Value;

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
    content=\"width=device-width\"><title>VisAIon REST v1</title><style>:root{color-scheme:light dark}body{font:15px/1.55 \
    system-ui,sans-serif;max-width:820px;margin:0 auto;padding:24px}code{font:13px ui-monospace,monospace}h2{margin-top:40px;\
    text-transform:capitalize}h3{margin:24px 0 4px}td,th{text-align:left;vertical-align:top;padding:3px 14px 3px 0}table{\
    border-collapse:collapse}</style><h1>VisAIon REST v1</h1>";

/// The page of a document.
pub(super) fn page(document: &Value) -> String {
    let mut html = String::from(HEAD);
    push(&mut html, "<p>", document["info"]["description"].as_str().unwrap_or_default(), "</p>");
    html.push_str(
        "<p>JSON in and out, below <code>/api/v1</code>. Lists take <code>limit</code> (at most 500) and <code>cursor</code>; \
         answers carry <code>next_cursor</code> and <code>total</code>. Errors are <code>{code, message, details}</code> with \
         the matching status. Changes accept <code>Idempotency-Key</code>. To try routes: <a href=\"/docs\">/docs</a>.</p>",
    );
    let mut tag_before = "";
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            if tag != tag_before {
                push(&mut html, "<h2>", tag, "</h2>");
                tag_before = tag;
            }
            route(&mut html, &method.to_uppercase(), path, operation);
        }
    }
    html.push_str("<h2>Types</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = write!(html, "<h3 id=\"{0}\"><code>{0}</code></h3>", escape(name));
        push(&mut html, "<p>", schema["description"].as_str().unwrap_or_default(), "</p>");
        match schema["properties"].as_object() {
            Some(_) => fields(&mut html, schema),
            None => push(&mut html, "<p><code>", &words(schema), "</code></p>"),
        }
    }
    html
}

fn route(html: &mut String, method: &str, path: &str, operation: &Value) {
    let _ = write!(html, "<h3><code>{method} {}</code></h3>", escape(path));
    push(html, "<p>", operation["summary"].as_str().unwrap_or_default(), "</p>");
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        html.push_str("<table>");
        for parameter in parameters {
            let about = parameter["schema"]["description"].as_str().or(parameter["description"].as_str());
            let required = parameter["required"].as_bool().unwrap_or(false);
            row(html, parameter["name"].as_str().unwrap_or_default(), &parameter["schema"], required, about);
        }
        html.push_str("</table>");
    }
    if let Some(body) = operation["requestBody"]["content"].as_object() {
        for (mime, content) in body {
            push(html, "<p>Takes <code>", mime, "</code></p>");
            fields(html, &content["schema"]);
        }
    }
    for (mime, content) in operation["responses"]["200"]["content"].as_object().into_iter().flatten() {
        let _ = write!(html, "<p>Gives <code>{}</code> {}</p>", escape(mime), link(&content["schema"]));
    }
}

fn fields(html: &mut String, schema: &Value) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    html.push_str("<table>");
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        row(html, name, field, required.contains(&name.as_str()), field["description"].as_str());
    }
    html.push_str("</table>");
}

fn row(html: &mut String, name: &str, schema: &Value, required: bool, about: Option<&str>) {
    let star = if required { " *" } else { "" };
    let _ = write!(
        html,
        "<tr><td><code>{}{star}</code><td>{}<td>{}",
        escape(name),
        link(schema),
        escape(about.unwrap_or_default())
    );
}

/// The type in words, with a link where it has a name.
fn link(schema: &Value) -> String {
    match schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        Some(name) => format!("<a href=\"#{0}\"><code>{0}</code></a>", escape(name)),
        None => match &schema["items"] {
            Value::Null => format!("<code>{}</code>", escape(&words(schema))),
            items => format!("list of {}", link(items)),
        },
    }
}

fn words(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return name.to_owned();
    }
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    if let Some(allowed) = schema["enum"].as_array() {
        return allowed.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    for (key, between) in [("oneOf", " | "), ("anyOf", " | "), ("allOf", " & ")] {
        if let Some(parts) = schema[key].as_array() {
            return parts.iter().map(words).collect::<Vec<_>>().join(between);
        }
    }
    match &schema["type"] {
        Value::String(one) => one.clone(),
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        _ => "any".to_owned(),
    }
}

fn push(html: &mut String, before: &str, text: &str, after: &str) {
    if !text.is_empty() {
        let _ = write!(html, "{before}{}{after}", escape(text));
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_names_every_route_and_type_and_loads_nothing() {
        let document = va_api::openapi();
        let page = super::page(&document);
        for path in document["paths"].as_object().unwrap().keys() {
            assert!(page.contains(path.as_str()), "{path}");
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
        }
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    }
}
