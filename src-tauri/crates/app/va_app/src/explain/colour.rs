//! The colours of heat: from dark violet over red to pale yellow in steps that look equal, because the lightness of OKLab
//! (Ottosson 2020) grows evenly. `ui/src/core/heat.ts` has the same rule.

/// sRGB of a heat in 0–1.
pub(super) fn heat_colour(heat: f32) -> [u8; 3] {
    let t = f64::from(heat.clamp(0.0, 1.0));
    let lightness = 0.22 + 0.72 * t;
    let hue = (285.0 + 180.0 * t).to_radians();
    let chroma = 0.07 + 0.38 * t * (1.0 - t) + 0.02 * t;
    from_oklab(lightness, chroma * hue.cos(), chroma * hue.sin())
}

fn from_oklab(lightness: f64, a: f64, b: f64) -> [u8; 3] {
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
    .map(encode)
}

/// Linear light to an sRGB byte.
fn encode(linear: f64) -> u8 {
    let linear = linear.clamp(0.0, 1.0);
    let value = if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (255.0 * value).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same five colours stand in the test of the user interface.
    #[test]
    fn the_colours_are_those_of_the_legend() {
        let hex = |heat: f32| heat_colour(heat).map(|byte| format!("{byte:02x}")).concat();
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(hex), ["181439", "701f6c", "cc4158", "f89638", "f4efa8"]);
        assert_eq!(heat_colour(-1.0), heat_colour(0.0));
        assert_eq!(heat_colour(2.0), heat_colour(1.0));
    }

    /// Relative luminance (sRGB) grows with every step: hotter is lighter, also in grey.
    #[test]
    fn hotter_is_lighter() {
        let luminance = |step: u32| {
            let [r, g, b] = heat_colour(step as f32 / 64.0).map(|byte| (f64::from(byte) / 255.0).powf(2.2));
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        assert!((0..64).all(|step| luminance(step) < luminance(step + 1)));
    }
}
