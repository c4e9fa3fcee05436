//! Which format the bytes are, by their content: a file's extension is only a claim.

use va_error::{Error, FileFault, Result};

/// The image formats VisAIon takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageKind {
    Jpeg,
    Png,
    Bmp,
    WebP,
    Tiff,
}

impl ImageKind {
    /// Recognises the format by its first bytes.
    ///
    /// # Errors
    /// `InvalidInput` when the bytes are empty, of a known but unsupported format (named), or no image at all.
    pub fn of(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::invalid("the file is empty (0 bytes)").with_fault(FileFault::Empty));
        }
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Ok(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Ok(Self::Tiff),
            // Two letters are weak evidence: the reserved words and the header size must fit too.
            [b'B', b'M', rest @ ..] if rest.len() >= 16 && bmp_header_fits(bytes) => Ok(Self::Bmp),
            _ => Err(match unsupported(bytes) {
                Some(name) => Error::invalid(format!(
                    "{name} files are not supported: convert it to JPEG, PNG, BMP, WebP or 8-bit TIFF"
                ))
                .with_fault(FileFault::UnsupportedImage),
                None => Error::invalid("this is not an image (or its first bytes are damaged)")
                    .with_fault(FileFault::NotAnImage),
            }),
        }
    }

    /// The name used in the store: `jpeg`, `png`, `bmp`, `webp`, `tiff`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Bmp => "bmp",
            Self::WebP => "webp",
            Self::Tiff => "tiff",
        }
    }

    /// The inverse of [`ImageKind::as_str`].
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Jpeg, Self::Png, Self::Bmp, Self::WebP, Self::Tiff].into_iter().find(|kind| kind.as_str() == name)
    }

    /// The extension of media files, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            other => other.as_str(),
        }
    }

    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Bmp => "image/bmp",
            Self::WebP => "image/webp",
            Self::Tiff => "image/tiff",
        }
    }

    /// Whether every browser shows it; TIFF must be re-encoded first.
    pub fn shown_by_browsers(self) -> bool {
        !matches!(self, Self::Tiff)
    }
}

fn bmp_header_fits(bytes: &[u8]) -> bool {
    let header = bytes.get(14..18).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    matches!(header, Some(12 | 40 | 52 | 56 | 64 | 108 | 124))
}

fn unsupported(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [b'G', b'I', b'F', b'8', ..] => "GIF",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => "AVIF",
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', ..]
        | [_, _, _, _, b'f', b't', b'y', b'p', b'm', b'i', b'f', ..] => "HEIC",
        [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] | [0xff, 0x0a, ..] => "JPEG XL",
        [0, 0, 0, 0x0c, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => "JPEG 2000",
        [b'I', b'I', 43, 0, ..] | [b'M', b'M', 0, 43, ..] => "BigTIFF",
        [b'8', b'B', b'P', b'S', ..] => "Photoshop",
        [b'%', b'P', b'D', b'F', ..] => "PDF",
        [b'P', b'K', 3, 4, ..] => "ZIP",
        [b'<', b's', b'v', b'g', ..] => "SVG",
        [0x76, 0x2f, 0x31, 0x01, ..] => "OpenEXR",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::ImageKind;

    #[test]
    fn other_formats_are_named_in_the_reason() {
        for (bytes, name) in [(&b"GIF89a"[..], "GIF"), (b"%PDF-1.7", "PDF"), (b"\0\0\0\x20ftypavif", "AVIF")] {
            let error = ImageKind::of(bytes).unwrap_err();
            assert!(error.message().contains(name), "{error}");
        }
        assert!(ImageKind::of(b"").unwrap_err().message().contains("empty"));
        assert!(ImageKind::of(b"hello").unwrap_err().message().contains("not an image"));
        assert!(ImageKind::of(b"BM is how this text begins").is_err());
    }

    #[test]
    fn names_survive_the_round_trip() {
        for kind in [ImageKind::Jpeg, ImageKind::Png, ImageKind::Bmp, ImageKind::WebP, ImageKind::Tiff] {
            assert_eq!(ImageKind::from_name(kind.as_str()), Some(kind));
        }
    }
}
