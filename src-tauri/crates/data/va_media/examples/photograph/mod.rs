//! Photographs for benchmarks, made here so that none has to be there.

use va_error::Result;
use va_media::RgbImage;

/// A JPEG file with soft shapes and grain, as a camera gives them.
pub fn photograph(width_px: u32, height_px: u32, seed: u32) -> Result<Vec<u8>> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut pixels = Vec::with_capacity((width_px * height_px * 3) as usize);
    for y in 0..height_px {
        for x in 0..width_px {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let wave = |phase: f32| ((x as f32 * 0.013 + phase).sin() * (y as f32 * 0.017 - phase).cos() * 90.0) as i32;
            let grain = (state >> 24) as i32 / 16;
            pixels.extend([0.0, 1.1, 2.3].map(|phase| (120 + wave(phase + seed as f32) + grain).clamp(0, 255) as u8));
        }
    }
    va_media::encode_jpeg(&RgbImage { width_px, height_px, pixels }, 90)
}
