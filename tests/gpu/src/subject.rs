use serde_json::{Value, json};
use va_engine::Engine;
use va_error::Result;

/// What is checked: an engine as the application knows it, and what it can be asked of itself.
pub struct Subject<'a> {
    pub engine: &'a dyn Engine,
    pub itself: &'a dyn Fn(&Value) -> Result<Value>,
}

/// What the engine has recorded on its card in this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    pub made: u64,
    /// Why others were not made, some of the reasons.
    pub refused: Vec<String>,
}

impl Subject<'_> {
    /// Name, UUID and free memory of the card; None without one.
    pub fn card(&self) -> Option<Value> {
        (self.itself)(&json!({ "check": "card" })).ok()
    }

    /// Bytes of the card's memory that are free, what its process keeps but does not use among them; None without a card.
    pub fn free_bytes(&self) -> Option<u64> {
        self.card()?["free_bytes"].as_u64()
    }

    /// None where nothing is ever recorded.
    pub fn recorded(&self) -> Option<Recorded> {
        let answer = (self.itself)(&json!({ "check": "recordings" })).ok()?;
        let reasons = answer["refused"].as_array().map(Vec::as_slice).unwrap_or_default();
        let refused = reasons.iter().map(|reason| reason.as_str().unwrap_or("?").to_owned()).collect();
        Some(Recorded { made: answer["made"].as_u64()?, refused })
    }

    /// Takes the card's memory until so many bytes are left.
    pub fn hold(&self, leave_bytes: u64) -> Result<Value> {
        (self.itself)(&json!({ "check": "hold", "leave_bytes": leave_bytes }))
    }

    /// Gives back what [`Subject::hold`] took.
    pub fn release(&self) -> Result<Value> {
        (self.itself)(&json!({ "check": "release" }))
    }
}

/// A line of a check's answer.
pub fn line(name: impl Into<String>, passed: bool, figures: Value) -> Value {
    let name: String = name.into();
    let mut line = json!({ "name": name, "passed": passed });
    if let (Some(line), Value::Object(figures)) = (line.as_object_mut(), figures) {
        line.extend(figures);
    }
    line
}
