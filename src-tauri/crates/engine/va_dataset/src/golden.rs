//! Values of Pillow in `tests/golden`, written by `tests/parity/golden.py`.

use serde_json::Value;

use crate::RgbImage;
use crate::rng::{Draws, Stream};

pub fn cases(name: &str) -> Vec<Value> {
    let path = format!("{}/../../../../tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

pub fn pair(value: &Value) -> [u32; 2] {
    [number(&value[0]) as u32, number(&value[1]) as u32]
}

pub fn noise(width: u32, height: u32, seed: u64) -> RgbImage {
    let count = (width * height * 3) as usize;
    let byte = |index| (Draws::new(seed, Stream::Crop, 0, index).next_u64() >> 56) as u8;
    RgbImage::new(width, height, (0..count).map(byte).collect()).unwrap()
}

pub fn fnv(data: &[u8]) -> String {
    let hash =
        data.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, &byte| (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}
