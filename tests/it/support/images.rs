use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};

/// A 32 × 32 image of a class: class 0 is dark with a bright square, class 1 bright with a dark one. `seed` makes it unique.
pub fn png_bytes(class: u8, seed: u32) -> Vec<u8> {
    let (ground, mark) = if class == 0 { (40, 220) } else { (215, 30) };
    let at = 4 + seed % 12;
    let image = RgbImage::from_fn(32, 32, |x, y| {
        let inside = (at..at + 12).contains(&x) && (8..20).contains(&y);
        let grain = ((x * 7 + y * 13 + seed * 29) % 17) as u8;
        Rgb([if inside { mark } else { ground }, (ground + grain).min(250), (seed % 200) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A 32 × 32 image with two marks that are there or not, each by itself: bit 0 a bright left half, bit 1 a bright upper
/// half. `seed` makes it unique.
pub fn marked_png(marks: u32, seed: u32) -> Vec<u8> {
    let image = RgbImage::from_fn(32, 32, |x, y| {
        let (left, upper) = (marks & 1 == 1 && x < 16, marks & 2 == 2 && y < 16);
        let grain = ((x * 7 + y * 13 + seed * 29) % 23) as u8;
        let level = 30 + 90 * u8::from(left) + 90 * u8::from(upper) + grain;
        Rgb([level, level, (seed % 200) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// `count` images of each of the classes `dark` and `light`, a folder a class.
pub fn write_classes(dir: &Path, count: u32) {
    for (class, name) in [(0, "dark"), (1, "light")] {
        let folder = dir.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for i in 0..count {
            std::fs::write(folder.join(format!("{name}_{i:03}.png")), png_bytes(class, u32::from(class) * 1000 + i))
                .unwrap();
        }
    }
}
