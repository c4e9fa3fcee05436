//! Images as bytes and as pixels: recognise, measure, decode upright, hash, make thumbnails. Knows no rows and no tensors.
//!
//! Every byte that comes in here is hostile until decoded: sizes are checked before anything is allocated, damaged files
//! are errors with a reason a person understands, and no input panics.

mod decode;
mod encode;
mod hash;
mod jpeg;
mod kind;
mod mask;
mod orient;
mod probe;
mod raster;
mod thumbnail;

pub use decode::{RgbImage, decode, decode_at_least, size_at_least, verify};
pub use encode::{encode_jpeg, encode_png_rgb, encode_png_rgba};
pub use hash::{hash, hash_file};
pub use kind::ImageKind;
pub use mask::{MaskImage, decode_mask};
pub use orient::Orientation;
pub use probe::{Limits, Probe, probe, read_file, read_image};
pub use thumbnail::{Inspection, inspect, thumbnail};
