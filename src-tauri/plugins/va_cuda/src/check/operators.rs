use serde_json::{Value, json};
use va_error::Result;
use va_exec::{Precision, gpu};

/// Every kernel against the reference in f64: at most 1e-5 in f32 (TF32 off), 1e-2 in bf16.
pub fn run() -> Result<Value> {
    let lines = gpu::operator_table()?.into_iter().map(|line| {
        let limit = if line.precision == Precision::F32 { 1e-5 } else { 1e-2 };
        let passed = line.error.as_ref().is_ok_and(|&error| error <= limit);
        json!({
            "name": line.name,
            "precision": format!("{:?}", line.precision),
            "error": line.error.as_ref().ok(),
            "failure": line.error.as_ref().err(),
            "limit": limit,
            "passed": passed,
        })
    });
    Ok(Value::Array(lines.collect()))
}
