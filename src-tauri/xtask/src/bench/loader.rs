//! The input pipeline beside JPEG decode (libjpeg-turbo) and resize alone, on all cores.

use std::process::Command;

use anyhow::{Context, Result};

use super::{json_line, machine, number, write_section};
use crate::step::{build_example, program};

/// Width and height of the photographs and the size they are resized to, px.
const WORKS: [[u32; 3]; 3] = [[640, 480, 224], [1280, 960, 224], [2560, 1920, 224]];
const IMAGES: u32 = 192;
const ROUNDS: u32 = 5;

pub fn run() -> Result<()> {
    build_example("loader_speed")?;
    let rows: Result<Vec<String>> = WORKS.iter().map(row).collect();
    let table = format!(
        "| JPEG to batches, images/s | decode + resize alone | of it at a fraction of the size | first epoch | ratio | later epochs | second run, disk cache |\n\
         |---|---:|---:|---:|---:|---:|---:|\n{}\n\n\
         Medians of {ROUNDS} rounds over {IMAGES} photographs in memory, ours and the bare work in turn. The loader decodes at 1/2, 1/4 or 1/8 where \
         both sides stay twice the input's, so it can pass whole decoding; the ratio is to the faster of the two bare works. {}.",
        rows?.join("\n"),
        machine()?
    );
    write_section("loader", &table)
}

fn row(&[width, height, size]: &[u32; 3]) -> Result<String> {
    let args = [IMAGES, width, height, size, ROUNDS].map(|number| number.to_string());
    let line = json_line(Command::new(program("examples/loader_speed")).args(args))?;
    let speeds = line.get("images_per_s").context("no images_per_s in the line")?;
    let [bare, scaled, cold, warm, disk] =
        ["bare", "bare_scaled", "cold", "warm", "disk"].map(|key| number(speeds, key));
    let (bare, scaled, cold) = (bare?, scaled?, cold?);
    let ratio = cold / bare.max(scaled);
    let row = format!(
        "| {width} × {height} to {size} px | {bare:.0} | {scaled:.0} | {cold:.0} | {ratio:.2} | {:.0} | {:.0} |",
        warm?, disk?
    );
    println!("{row}");
    Ok(row)
}
