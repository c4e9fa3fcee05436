//! What is promised of every change: the same turn gives the same pixels, strength or probability zero changes nothing,
//! sizes are kept, and another epoch or sample is changed in another way.

use va_domain::{Augmentation, Change};

use super::*;
use crate::golden::noise as noise_image;

type Set = fn(&mut Augmentation, Change);

const CHANGES: [(&str, f64, Set); 13] = [
    ("rotation", 30.0, |a, c| a.rotation = c),
    ("translation", 0.3, |a, c| a.translation = c),
    ("scaling", 0.5, |a, c| a.scaling = c),
    ("shear", 20.0, |a, c| a.shear = c),
    ("perspective", 0.3, |a, c| a.perspective = c),
    ("brightness", 0.5, |a, c| a.brightness = c),
    ("contrast", 0.5, |a, c| a.contrast = c),
    ("saturation", 0.8, |a, c| a.saturation = c),
    ("hue", 90.0, |a, c| a.hue = c),
    ("blur", 3.0, |a, c| a.blur = c),
    ("noise", 30.0, |a, c| a.noise = c),
    ("jpeg", 90.0, |a, c| a.jpeg = c),
    ("cutout", 0.6, |a, c| a.cutout = c),
];

/// Soft shapes rather than noise, so that a blur or a turn is seen.
fn picture(width: u32, height: u32) -> RgbImage {
    let pixel = |at: u32| {
        let (x, y) = (f64::from(at % width), f64::from(at / width));
        let wave = |phase: f64| (127.0 + 100.0 * ((x * 0.3 + phase).sin() * (y * 0.2 - phase).cos())) as u8;
        [wave(0.0), wave(1.0), wave(2.5)]
    };
    RgbImage::new(width, height, (0..width * height).flat_map(pixel).collect()).unwrap()
}

fn changed(image: &RgbImage, set: Set, change: Change, turn: Turn) -> RgbImage {
    let mut augmentation = Augmentation::none();
    set(&mut augmentation, change);
    let mut out = image.clone();
    Changes::draw(&augmentation, [image.width, image.height], turn).apply(&mut out).unwrap();
    out
}

#[test]
fn the_same_turn_gives_the_same_pixels_and_others_other_ones() {
    for (name, strength, set) in CHANGES {
        let always = Change { strength, probability: 1.0 };
        for (width, height) in [(32, 32), (33, 17), (1, 1), (5, 40)] {
            for image in [picture(width, height), noise_image(width, height, 5)] {
                let turn = Turn { seed: 7, epoch: 1, index: 3 };
                let out = changed(&image, set, always, turn);
                assert_eq!(out, changed(&image, set, always, turn), "{name} {width}×{height}");
                assert_eq!((out.width, out.height, out.pixels.len()), (width, height, image.pixels.len()), "{name}");
            }
        }
        let image = picture(32, 32);
        let at = |epoch, index| changed(&image, set, always, Turn { seed: 7, epoch, index });
        assert!((0..4).any(|index| at(0, index) != at(1, index)), "{name} is the same in every epoch");
        assert!((0..4).any(|index| at(0, index) != at(0, index + 10)), "{name} is the same for every sample");
        assert!((0..8).any(|index| at(0, index) != image), "{name} changes nothing");
    }
}

#[test]
fn nothing_changes_at_strength_or_probability_zero() {
    let image = noise_image(19, 24, 2);
    for (name, strength, set) in CHANGES {
        for change in [Change { strength: 0.0, probability: 1.0 }, Change { strength, probability: 0.0 }] {
            for index in 0..5 {
                assert_eq!(changed(&image, set, change, Turn { seed: 1, epoch: 0, index }), image, "{name}");
            }
        }
    }
}

#[test]
fn a_tiny_strength_hardly_changes_a_picture() {
    let image = picture(48, 48);
    for (name, strength, set) in CHANGES {
        // A JPEG of quality 99 and a cutout of a pixel are as near as those come.
        let change = Change { strength: strength * 0.01, probability: 1.0 };
        let out = changed(&image, set, change, Turn { seed: 1, epoch: 0, index: 1 });
        let sum: u64 = out.pixels.iter().zip(&image.pixels).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(sum as f64 / (image.pixels.len() as f64) < 4.0, "{name}: {}", sum as f64 / image.pixels.len() as f64);
    }
}

#[test]
fn about_so_many_images_change_as_asked() {
    let image = picture(16, 16);
    for (name, strength, set) in CHANGES {
        let sometimes = Change { strength, probability: 0.3 };
        let count =
            (0..300).filter(|&index| changed(&image, set, sometimes, Turn { seed: 2, epoch: 0, index }) != image);
        let count = count.count();
        assert!((40..130).contains(&count), "{name}: {count} of 300");
    }
}
