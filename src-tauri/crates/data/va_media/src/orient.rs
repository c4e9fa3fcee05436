//! EXIF orientation: cameras store the sensor's rows and say how to turn them.

use std::io::Cursor;

/// The EXIF orientation tag, 1 to 8 (Exif 2.32, 4.6.4 A, tag 0x0112). 1 is upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation(u8);

impl Orientation {
    pub const UPRIGHT: Self = Self(1);

    /// Anything outside 1..=8 is taken as upright, as viewers do.
    pub fn from_tag(tag: u32) -> Self {
        u8::try_from(tag).ok().filter(|t| (1..=8).contains(t)).map_or(Self::UPRIGHT, Self)
    }

    /// What the file says; upright when it says nothing or its EXIF block is damaged.
    pub fn read(bytes: &[u8]) -> Self {
        let exif = exif::Reader::new().read_from_container(&mut Cursor::new(bytes));
        let Ok(exif) = exif else { return Self::UPRIGHT };
        exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)
            .and_then(|field| field.value.get_uint(0))
            .map_or(Self::UPRIGHT, Self::from_tag)
    }

    /// The tag's value, 1 to 8.
    pub fn tag(self) -> u8 {
        self.0
    }

    pub fn is_upright(self) -> bool {
        self.0 == 1
    }

    /// Whether the upright image has width and height exchanged.
    pub fn swaps_sides(self) -> bool {
        self.0 >= 5
    }

    /// The upright size of an image stored as `width × height`.
    pub fn upright_size(self, width: u32, height: u32) -> (u32, u32) {
        if self.swaps_sides() { (height, width) } else { (width, height) }
    }

    /// Turns pixels `[height, width, channels]` upright; gives them with their new width and height.
    pub fn apply(self, pixels: Vec<u8>, width: u32, height: u32, channels: usize) -> (Vec<u8>, u32, u32) {
        if self.is_upright() {
            return (pixels, width, height);
        }
        let (out_width, out_height) = self.upright_size(width, height);
        let (w, h) = (width as usize, height as usize);
        let mut out = vec![0; pixels.len()];
        for (y, row) in out.chunks_exact_mut(out_width.max(1) as usize * channels).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
                let (source_x, source_y) = match self.0 {
                    2 => (w - 1 - x, y),
                    3 => (w - 1 - x, h - 1 - y),
                    4 => (x, h - 1 - y),
                    5 => (y, x),
                    6 => (y, h - 1 - x),
                    7 => (w - 1 - y, h - 1 - x),
                    _ => (w - 1 - y, x),
                };
                let at = (source_y * w + source_x) * channels;
                pixel.copy_from_slice(&pixels[at..at + channels]);
            }
        }
        (out, out_width, out_height)
    }
}

#[cfg(test)]
mod tests {
    use super::Orientation;

    /// The eight ways to store the letter F (Exif 2.32), each turned back to the same upright picture.
    #[test]
    fn every_orientation_gives_the_same_upright_picture() {
        const UPRIGHT: [u8; 6] = [1, 2, 3, 4, 5, 6]; // 2 wide, 3 high: 12 / 34 / 56
        let stored: [(u32, [u8; 6], u32, u32); 8] = [
            (1, [1, 2, 3, 4, 5, 6], 2, 3),
            (2, [2, 1, 4, 3, 6, 5], 2, 3),
            (3, [6, 5, 4, 3, 2, 1], 2, 3),
            (4, [5, 6, 3, 4, 1, 2], 2, 3),
            (5, [1, 3, 5, 2, 4, 6], 3, 2),
            (6, [2, 4, 6, 1, 3, 5], 3, 2),
            (7, [6, 4, 2, 5, 3, 1], 3, 2),
            (8, [5, 3, 1, 6, 4, 2], 3, 2),
        ];
        for (tag, pixels, width, height) in stored {
            let got = Orientation::from_tag(tag).apply(pixels.to_vec(), width, height, 1);
            assert_eq!(got, (UPRIGHT.to_vec(), 2, 3), "orientation {tag}");
        }
    }

    #[test]
    fn nonsense_is_upright() {
        for tag in [0, 9, 65_535, u32::MAX] {
            assert!(Orientation::from_tag(tag).is_upright());
        }
        assert!(Orientation::read(b"not an image").is_upright());
    }
}
