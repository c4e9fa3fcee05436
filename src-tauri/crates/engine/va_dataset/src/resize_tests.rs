use super::*;
use crate::golden::{cases, fnv, noise, number, pair};

#[test]
fn equals_pillow_bit_for_bit() {
    for case in cases("resize_pillow.json") {
        let ([w, h], [to_w, to_h]) = (pair(&case["from"]), pair(&case["to"]));
        let out = resize_bilinear(&noise(w, h, number(&case["seed"])), to_w, to_h).unwrap();
        let head: Vec<u64> = out.pixels.iter().take(12).map(|&v| u64::from(v)).collect();
        let expected: Vec<u64> = case["head"].as_array().unwrap().iter().map(number).collect();
        assert_eq!(head, expected, "{w}×{h} to {to_w}×{to_h}");
        assert_eq!(fnv(&out.pixels), case["fnv"], "{w}×{h} to {to_w}×{to_h}");
    }
}

#[test]
fn a_flat_image_stays_flat() {
    let image = RgbImage::new(37, 53, [7, 200, 255].repeat(37 * 53)).unwrap();
    for size in [1, 3, 36, 38, 200] {
        let out = resize_bilinear(&image, size, size).unwrap();
        assert!(out.pixels.chunks_exact(3).all(|pixel| pixel == [7, 200, 255]), "{size}");
    }
}

#[test]
fn zero_is_refused() {
    let image = RgbImage::new(1, 1, vec![0; 3]).unwrap();
    assert!(resize_bilinear(&image, 0, 4).is_err());
    assert!(RgbImage::new(2, 2, vec![0; 3]).is_err());
    assert!(image.crop(1, 0, 1, 1).is_err());
}
