//! Formatting and generated code.

use std::process::Command;

use anyhow::Result;

use crate::step::{self, build_example, cargo, npm, program};

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
    build_example("codegen")?;
    step::run(Command::new(program("examples/codegen")).arg(mode))
}
