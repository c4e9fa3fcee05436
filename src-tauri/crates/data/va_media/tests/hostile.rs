//! No input panics, hangs or takes memory beyond its limits: good files of every format, cut, mutated and spliced.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use proptest::prelude::*;
use va_media::{Limits, decode, decode_at_least, decode_mask, inspect, probe, verify};

const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Tiff];

fn good(format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(37, 23, |x, y| image::Rgb([x as u8 * 6, y as u8 * 9, (x * y) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(image).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Everything the crate does with bytes; only that it returns counts.
fn swallow(bytes: &[u8]) {
    let limits = Limits { max_pixels: 1 << 20, ..Limits::default() };
    let probed = probe(bytes, &limits);
    let decoded = decode(bytes, &limits);
    if let Ok(image) = &decoded {
        let found = probed.as_ref().expect("what decodes can be probed");
        assert_eq!((image.width_px, image.height_px), (found.width_px, found.height_px));
        assert_eq!(image.pixels.len() as u64, u64::from(image.width_px) * u64::from(image.height_px) * 3);
    }
    let _ = verify(bytes, &limits);
    let _ = inspect(bytes, &limits, 16);
    let _ = decode_at_least(bytes, &limits, 8);
    let _ = decode_mask(bytes, &limits);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files(format in 0usize..5, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut bytes = good(FORMATS[format]);
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        swallow(&bytes);
    }

    /// Most of the trouble is in the first bytes, where sizes and offsets stand.
    #[test]
    fn mutated_headers(format in 0usize..5, edits in prop::collection::vec((0usize..96, prop::sample::select(vec![0u8, 1, 0x7f, 0x80, 0xff])), 1..8)) {
        let mut bytes = good(FORMATS[format]);
        for (at, value) in edits {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        swallow(&bytes);
    }

    #[test]
    fn cut_and_spliced_files(a in 0usize..5, b in 0usize..5, cut in any::<prop::sample::Index>(), from in any::<prop::sample::Index>()) {
        let (first, second) = (good(FORMATS[a]), good(FORMATS[b]));
        let mut bytes = first[..cut.index(first.len())].to_vec();
        swallow(&bytes);
        bytes.extend(&second[from.index(second.len())..]);
        swallow(&bytes);
    }

    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..300), format in 0usize..5) {
        swallow(&bytes);
        let mut headed = good(FORMATS[format])[..12].to_vec();
        headed.extend(&bytes);
        swallow(&headed);
    }
}
