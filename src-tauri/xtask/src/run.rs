//! `cargo xtask run`: from a clone to the application at work.

use std::process::Command;

use anyhow::Result;

use crate::{
    setup,
    step::{self, build_bins, program},
};

#[derive(clap::Args)]
pub struct Args {
    /// Use the terminal and the browser even where there is a display.
    #[arg(long)]
    no_window: bool,
    /// Port of the browser's address; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

pub fn run(args: &Args) -> Result<()> {
    setup::for_run()?;
    if has_display() && !args.no_window {
        build_bins(&["visaion-desktop", "visaion"])?;
        return step::run(&mut Command::new(program("visaion-desktop")));
    }
    eprintln!("No display: the quick start runs here, then the same application opens to your browser.");
    build_bins(&["visaion"])?;
    step::run(Command::new(program("visaion")).arg("quickstart"))?;
    let port = args.port.to_string();
    step::run(Command::new(program("visaion")).args(["start", "--foreground", "--no-browser", "--port", &port]))
}

fn has_display() -> bool {
    cfg!(windows)
        || cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()))
}
