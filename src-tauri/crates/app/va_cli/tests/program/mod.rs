//! The built program on a library of its own.
#![allow(dead_code, reason = "each test file is a program of its own and takes what it needs")]

use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::Value;

pub struct Program {
    pub dir: tempfile::TempDir,
}

impl Program {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_visaion"));
        command.env("VISAION_LIBRARY", self.dir.path().join("library")).env("VISAION_NO_KEYRING", "true");
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").args(args).stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    #[track_caller]
    pub fn text(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let text = self.text(&[&["--json"], args].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
    }
}

/// `count` different images of each of the classes `dark` and `light`, a folder a class.
pub fn write_classes(dir: &Path, count: u32) {
    for (name, ground) in [("dark", 40u8), ("light", 210u8)] {
        let folder = dir.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for i in 0..count {
            let image = RgbImage::from_fn(32, 32, |x, y| Rgb([ground, ground + ((x + y * 3 + i) % 30) as u8, i as u8]));
            let mut bytes = Cursor::new(Vec::new());
            image.write_to(&mut bytes, ImageFormat::Png).unwrap();
            std::fs::write(folder.join(format!("{name}_{i:03}.png")), bytes.into_inner()).unwrap();
        }
    }
}
