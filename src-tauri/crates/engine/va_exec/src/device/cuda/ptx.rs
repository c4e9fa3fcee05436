//! The kernels as the build script compiled them.

use super::super::Number;

macro_rules! compiled {
    ($($file:literal)*) => {
        &[$((
            $file,
            include_str!(concat!(env!("OUT_DIR"), "/", $file, "_f32.ptx")),
            include_str!(concat!(env!("OUT_DIR"), "/", $file, "_bf16.ptx")),
        )),*]
    };
}

/// File, its kernels for f32, its kernels for bf16.
const FILES: &[(&str, &str, &str)] = compiled![
    "attention" "augment" "batch_norm" "channels" "convolution" "elementwise" "layer_norm" "loss" "optimiser" "pool" "tokens"
];

/// The kernels of a file for this number type.
pub(super) fn of(file: &str, number: Number) -> Option<&'static str> {
    let (_, f32, bf16) = FILES.iter().find(|(name, ..)| *name == file)?;
    Some(if number == Number::Bf16 { bf16 } else { f32 })
}
