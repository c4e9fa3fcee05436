//! Files as they come: good ones of every format, and everything that is wrong with the others.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};
use va_error::Code;
use va_media::{ImageKind, Limits, decode, decode_mask, inspect, probe, read_file, read_image, thumbnail, verify};

const FORMATS: [(ImageFormat, ImageKind); 5] = [
    (ImageFormat::Jpeg, ImageKind::Jpeg),
    (ImageFormat::Png, ImageKind::Png),
    (ImageFormat::Bmp, ImageKind::Bmp),
    (ImageFormat::WebP, ImageKind::WebP),
    (ImageFormat::Tiff, ImageKind::Tiff),
];

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, ((x * 7) ^ (y * 3)) as u8 / 8 + 90])
    })
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn reason(bytes: &[u8]) -> String {
    let limits = Limits::default();
    let error = decode(bytes, &limits).unwrap_err();
    assert_eq!(verify(bytes, &limits).unwrap_err().message(), error.message(), "verify and decode agree");
    assert_eq!(inspect(bytes, &limits, 64).unwrap_err().message(), error.message(), "inspect and decode agree");
    error.message().to_owned()
}

/// A real photograph of the sample project.
fn photograph() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../assets/sample/white_cell/white_cell_001_00000.jpg");
    std::fs::read(path).unwrap()
}

/// Puts an EXIF block with this orientation after the start marker of a JPEG.
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn every_format_is_known_by_its_content_and_decodes() {
    let picture = picture(90, 40);
    for (format, kind) in FORMATS {
        let bytes = encoded(picture.clone(), format);
        let found = probe(&bytes, &Limits::default()).unwrap();
        assert_eq!((found.kind, found.width_px, found.height_px), (kind, 90, 40));
        let image = decode(&bytes, &Limits::default()).unwrap();
        assert_eq!((image.width_px, image.height_px, image.pixels.len()), (90, 40, 90 * 40 * 3));
        if kind != ImageKind::Jpeg {
            assert_eq!(image.pixels, picture.as_raw().clone(), "{format:?} is lossless");
        }
    }
}

#[test]
fn jpeg_pixels_are_those_of_the_picture() {
    let picture = picture(64, 64);
    let image = decode(&encoded(picture.clone(), ImageFormat::Jpeg), &Limits::default()).unwrap();
    let error: u64 = image.pixels.iter().zip(picture.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    assert!(error / (64 * 64 * 3) < 12, "mean error {}", error / (64 * 64 * 3));
}

#[test]
fn grey_alpha_and_palette_become_rgb() {
    let grey = GrayImage::from_fn(8, 4, |x, _| image::Luma([x as u8 * 30]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Tiff] {
        let image = decode(&encoded(grey.clone(), format), &Limits::default()).unwrap();
        assert!(image.pixels.chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]), "{format:?}");
    }
    let clear = RgbaImage::from_pixel(5, 5, image::Rgba([200, 100, 50, 0]));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        let image = decode(&encoded(clear.clone(), format), &Limits::default()).unwrap();
        assert_eq!(&image.pixels[..3], [200, 100, 50], "{format:?}: the colour under transparency stays");
    }
}

#[test]
fn sixteen_bits_are_refused_with_a_way_out() {
    let deep = image::ImageBuffer::<image::Luma<u16>, Vec<u16>>::from_pixel(6, 6, image::Luma([4000]));
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let text = reason(&encoded(DynamicImage::ImageLuma16(deep.clone()), format));
        assert!(text.contains("16 bits a channel") && text.contains("convert"), "{text}");
    }
}

#[test]
fn exif_orientation_turns_the_picture_upright() {
    let plain = encoded(picture(80, 48), ImageFormat::Jpeg);
    let upright = decode(&plain, &Limits::default()).unwrap();
    for orientation in 1..=8 {
        let turned = with_exif(&plain, orientation);
        let found = probe(&turned, &Limits::default()).unwrap();
        let image = decode(&turned, &Limits::default()).unwrap();
        assert_eq!((found.width_px, found.height_px), (image.width_px, image.height_px));
        let swapped = orientation >= 5;
        assert_eq!((image.width_px, image.height_px), if swapped { (48, 80) } else { (80, 48) }, "{orientation}");
        // Where the stored top left pixel must show up (Exif 2.32, table of orientations).
        let (w, h) = (image.width_px as usize, image.height_px as usize);
        let (x, y) = match orientation {
            1 | 5 => (0, 0),
            2 | 6 => (w - 1, 0),
            3 | 7 => (w - 1, h - 1),
            _ => (0, h - 1),
        };
        let at = (y * w + x) * 3;
        assert_eq!(image.pixels[at..at + 3], upright.pixels[..3], "orientation {orientation}");
    }
    let small = thumbnail(&with_exif(&plain, 6), &Limits::default(), 40).unwrap();
    let small = probe(&small, &Limits::default()).unwrap();
    assert_eq!((small.width_px, small.height_px), (24, 40), "thumbnails are upright");
    assert!(small.orientation.is_upright(), "and say nothing more about it");
}

#[test]
fn thumbnails_keep_the_shape_and_never_grow() {
    for (format, _) in FORMATS {
        let bytes = encoded(picture(300, 100), format);
        let small = probe(&thumbnail(&bytes, &Limits::default(), 96).unwrap(), &Limits::default()).unwrap();
        assert_eq!((small.width_px, small.height_px), (96, 32), "{format:?}");
        let same = probe(&thumbnail(&bytes, &Limits::default(), 512).unwrap(), &Limits::default()).unwrap();
        assert_eq!((same.width_px, same.height_px), (300, 100));
    }
    let line = encoded(picture(4000, 1), ImageFormat::Png);
    let small = probe(&thumbnail(&line, &Limits::default(), 64).unwrap(), &Limits::default()).unwrap();
    assert_eq!((small.width_px, small.height_px), (64, 1));
}

#[test]
fn truncated_files_of_every_format_are_damaged() {
    for (format, _) in FORMATS {
        let bytes = encoded(picture(120, 90), format);
        for keep in [bytes.len() / 3, bytes.len() / 2, bytes.len() * 9 / 10] {
            let text = reason(&bytes[..keep]);
            assert!(text.contains("damaged"), "{format:?} cut to {keep} of {}: {text}", bytes.len());
        }
    }
    let photograph = photograph();
    assert!(reason(&photograph[..photograph.len() - 200]).contains("damaged"));
    assert!(verify(&photograph, &Limits::default()).is_ok());
}

#[test]
fn a_jpeg_with_bad_codes_in_the_middle_is_damaged() {
    let mut bytes = photograph();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0x5a);
    bytes[middle + 40] = 0xff;
    bytes[middle + 41] = 0xd9;
    assert!(reason(&bytes).contains("damaged"));
}

#[test]
fn empty_and_foreign_files_say_what_they_are() {
    assert!(reason(b"").contains("0 bytes"));
    assert!(reason(b"just text").contains("not an image"));
    assert!(reason(b"GIF89a\x01\0\x01\0").contains("GIF"));
    assert!(reason(&[0xff, 0xd8, 0xff]).contains("damaged"));
}

#[test]
fn a_png_bomb_is_refused_before_memory_is_taken() {
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bomb.extend(100_000u32.to_be_bytes());
    bomb.extend(100_000u32.to_be_bytes());
    bomb.extend([8, 6, 0, 0, 0]);
    bomb.extend([0; 4]);
    let error = probe(&fixed_crc(bomb), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), Code::TooLarge);
    assert!(error.message().contains("100000×100000"), "{error}");
}

/// Gives the IHDR chunk its right CRC, and an empty data chunk after it.
fn fixed_crc(mut png: Vec<u8>) -> Vec<u8> {
    let crc = png[12..29].iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
    });
    png.splice(29..33, (!crc).to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    png
}

#[test]
fn a_jpeg_of_more_than_the_limit_is_refused() {
    let bytes = encoded(picture(200, 100), ImageFormat::Jpeg);
    let limits = Limits { max_pixels: 19_999, ..Limits::default() };
    assert_eq!(decode(&bytes, &limits).unwrap_err().code(), Code::TooLarge);
    assert!(decode(&bytes, &Limits { max_pixels: 20_000, ..limits }).is_ok());
}

#[test]
fn a_file_above_the_limit_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big.jpg");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(5 << 30).unwrap(); // sparse
    assert_eq!(read_file(&path, &Limits::default()).unwrap_err().code(), Code::TooLarge);
    assert!(read_image(&path, &Limits::default()).unwrap_err().message().contains("not an image"), "seen by its head");
    assert!(read_file(folder.path(), &Limits::default()).unwrap_err().message().contains("not a regular file"));
    assert_eq!(read_file(&folder.path().join("none"), &Limits::default()).unwrap_err().code(), Code::NotFound);
}

#[test]
fn masks_of_every_habit_are_binary() {
    let of = |values: [u8; 4]| {
        let grey = GrayImage::from_raw(4, 1, values.to_vec()).unwrap();
        decode_mask(&encoded(grey, ImageFormat::Png), &Limits::default()).unwrap().pixels
    };
    assert_eq!(of([0, 0, 0, 0]), [0, 0, 0, 0]);
    assert_eq!(of([0, 1, 0, 1]), [0, 255, 0, 255], "0/1");
    assert_eq!(of([0, 7, 249, 255]), [0, 0, 255, 255], "lossy edges");
    assert_eq!(of([0, 3, 2, 1]), [0, 255, 255, 255], "indices");
    let red = RgbImage::from_raw(2, 1, vec![128, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(decode_mask(&encoded(red, ImageFormat::Png), &Limits::default()).unwrap().pixels, [255, 0], "coloured");
}

#[test]
fn a_cmyk_jpeg_decodes_to_rgb() {
    let ink = [255u8, 255, 255, 255, 0, 255, 255, 255]; // inverted: white, then full cyan
    let pixels: Vec<u8> = (0..16 * 16).flat_map(|i| ink[(i % 16 / 8) * 4..][..4].to_vec()).collect();
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_subsamp(turbojpeg::Subsamp::None).unwrap();
    compressor.set_colorspace(turbojpeg::Colorspace::CMYK).unwrap();
    let source = turbojpeg::Image {
        pixels: pixels.as_slice(),
        width: 16,
        pitch: 64,
        height: 16,
        format: turbojpeg::PixelFormat::CMYK,
    };
    let image = decode(&compressor.compress_to_vec(source).unwrap(), &Limits::default()).unwrap();
    assert!(image.pixels[..3].iter().all(|&v| v > 245), "white: {:?}", &image.pixels[..3]);
    let cyan = &image.pixels[15 * 3..16 * 3];
    assert!(cyan[0] < 10 && cyan[1] > 245 && cyan[2] > 245, "cyan: {cyan:?}");
}

#[test]
fn the_size_of_a_decoded_image_is_known_beforehand() {
    for [width, height] in [[640, 480], [481, 97], [33, 300], [64, 64]] {
        let image =
            va_media::RgbImage { width_px: width, height_px: height, pixels: vec![90; (width * height * 3) as usize] };
        let jpeg = va_media::encode_jpeg(&image, 80).unwrap();
        let png = va_media::encode_png_rgb(&image).unwrap();
        for min_side_px in [0, 16, 60, 120, u32::MAX] {
            for (kind, bytes) in [(ImageKind::Jpeg, &jpeg), (ImageKind::Png, &png)] {
                let decoded = va_media::decode_at_least(bytes, &Limits::default(), min_side_px).unwrap();
                let size = va_media::size_at_least(kind, [width, height], min_side_px);
                assert_eq!(size, [decoded.width_px, decoded.height_px], "{kind:?} {width}×{height}, {min_side_px}");
            }
        }
    }
}
