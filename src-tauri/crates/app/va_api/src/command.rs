//! What a command is, and the table of all of them.

use std::collections::HashMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use va_app::App;
use va_domain::{Actor, Role};
use va_error::{Error, Result};

/// The HTTP method of a command's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

type Run = Box<dyn Fn(&App, &Actor, Value) -> Result<Value> + Send + Sync>;
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One thing the application can be asked, whoever asks.
pub struct Command {
    /// `project_list`: the name in the window and on the attach socket.
    pub name: &'static str,
    pub method: Method,
    /// Below `/api/v1`, with `{id}` for fields of the request that stand in the path.
    pub path: &'static str,
    /// The heading it stands under in the documentation.
    pub tag: &'static str,
    pub summary: &'static str,
    /// The least role that may ask.
    pub role: Role,
    pub(crate) request: SchemaOf,
    pub(crate) response: SchemaOf,
    pub(crate) run: Run,
}

impl Command {
    pub(crate) fn new<Q, R>(
        name: &'static str,
        method: Method,
        path: &'static str,
        role: Role,
        summary: &'static str,
        run: impl Fn(&App, &Actor, Q) -> Result<R> + Send + Sync + 'static,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema,
        R: Serialize + JsonSchema,
    {
        Self {
            name,
            method,
            path,
            tag: "",
            summary,
            role,
            request: |generator| generator.subschema_for::<Q>(),
            response: |generator| generator.subschema_for::<R>(),
            run: Box::new(move |app, actor, request| {
                let request = serde_json::from_value(request)
                    .map_err(|error| Error::invalid(format!("the request of {name} is wrong: {error}")))?;
                Ok(serde_json::to_value(run(app, actor, request)?)?)
            }),
        }
    }

    /// Fields of the request that stand in the path, in order.
    pub fn path_params(&self) -> Vec<&'static str> {
        path_params(self.path)
    }
}

pub(crate) fn path_params(path: &'static str) -> Vec<&'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
}

static TABLE: LazyLock<Vec<Command>> = LazyLock::new(crate::commands::table);
static BY_NAME: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| TABLE.iter().enumerate().map(|(at, command)| (command.name, at)).collect());

/// Every command, in the order of the documentation.
pub fn commands() -> &'static [Command] {
    &TABLE
}

/// The command of a name.
pub fn command(name: &str) -> Option<&'static Command> {
    BY_NAME.get(name).map(|&at| &TABLE[at])
}
