//! Formatting and generated code.

use anyhow::Result;

use crate::step::{self, cargo, npm};

pub fn tidy() -> Result<()> {
    step::run(cargo().args(["fmt", "--all"]))?;
    step::run(&mut npm("ui", &["run", "--silent", "format"]))
}

pub fn check_format() -> Result<()> {
    step::run(cargo().args(["fmt", "--all", "--check"]))?;
    step::run(&mut npm("ui", &["run", "--silent", "format:check"]))
}

/// The contract is declared in va_api; the front end's copy is committed and compared here.
pub fn codegen(check: bool) -> Result<()> {
    let mode = if check { "--check" } else { "--write" };
    step::run(cargo().args(["run", "--quiet", "--package", "va_api", "--example", "codegen", "--", mode]))
}
