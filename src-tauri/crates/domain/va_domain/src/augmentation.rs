use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_error::{Error, Result};

/// One random change of training images: how strong it gets at most, and how often it happens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Change {
    /// The largest amount, in the unit of the change; 0 never changes anything.
    pub strength: f64,
    /// Share of the images that are changed, 0–1.
    pub probability: f64,
}

impl Default for Change {
    fn default() -> Self {
        Self { strength: 0.0, probability: 0.5 }
    }
}

impl Change {
    /// Whether it can change an image at all.
    pub fn is_on(&self) -> bool {
        self.strength > 0.0 && self.probability > 0.0
    }
}

/// What is done to training images, drawn anew every epoch from (seed, epoch, sample): crop, flips, then the changes in
/// the order of the fields.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Augmentation {
    /// Smallest share of the image's area that a random crop keeps; 1 never crops.
    pub crop_min_scale: f64,
    pub flip_horizontal: bool,
    pub flip_vertical: bool,
    /// Degrees either way, 0–180.
    pub rotation: Change,
    /// Share of the side, either way along both, 0–0.5.
    pub translation: Change,
    /// Larger or smaller by up to this share, 0–0.9.
    pub scaling: Change,
    /// Degrees, along one axis, 0–45.
    pub shear: Change,
    /// Corners move inwards by up to this share of the side, 0–0.4.
    pub perspective: Change,
    /// Factor 1 ± strength, 0–1.
    pub brightness: Change,
    /// Factor 1 ± strength on the distance from the mean grey, 0–1.
    pub contrast: Change,
    /// Factor 1 ± strength on the distance from grey, 0–1.
    pub saturation: Change,
    /// Degrees on the colour circle either way, 0–180.
    pub hue: Change,
    /// Standard deviation of a Gaussian in pixels of the network's input, 0–5.
    pub blur: Change,
    /// Standard deviation of Gaussian noise in levels of 255, 0–64.
    pub noise: Change,
    /// JPEG quality lost: quality 100 down to 100 − strength, 0–95.
    pub jpeg: Change,
    /// Side of a grey square as a share of the image's, 0–0.7.
    pub cutout: Change,
}

impl Default for Augmentation {
    fn default() -> Self {
        let off = Change::default();
        Self {
            crop_min_scale: 0.7,
            flip_horizontal: true,
            flip_vertical: false,
            rotation: off,
            translation: off,
            scaling: off,
            shear: off,
            perspective: off,
            brightness: off,
            contrast: off,
            saturation: off,
            hue: off,
            blur: off,
            noise: off,
            jpeg: off,
            cutout: off,
        }
    }
}

impl Augmentation {
    /// Changes nothing: no crop, no flip, no change.
    pub fn none() -> Self {
        Self { crop_min_scale: 1.0, flip_horizontal: false, flip_vertical: false, ..Self::default() }
    }

    /// Every change with its name and its largest strength.
    pub fn changes(&self) -> [(&'static str, Change, f64); 13] {
        [
            ("rotation", self.rotation, 180.0),
            ("translation", self.translation, 0.5),
            ("scaling", self.scaling, 0.9),
            ("shear", self.shear, 45.0),
            ("perspective", self.perspective, 0.4),
            ("brightness", self.brightness, 1.0),
            ("contrast", self.contrast, 1.0),
            ("saturation", self.saturation, 1.0),
            ("hue", self.hue, 180.0),
            ("blur", self.blur, 5.0),
            ("noise", self.noise, 64.0),
            ("jpeg", self.jpeg, 95.0),
            ("cutout", self.cutout, 0.7),
        ]
    }

    /// # Errors
    /// `InvalidInput` naming the first value outside its range, and the range.
    pub fn check(&self) -> Result<()> {
        let real = |name: String, value: f64, low: f64, high: f64| {
            if value.is_finite() && (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::invalid(format!("{name} is {value}; it must be between {low} and {high}")))
        };
        real("the smallest crop".to_owned(), self.crop_min_scale, 0.05, 1.0)?;
        for (name, change, most) in self.changes() {
            real(format!("the strength of {name}"), change.strength, 0.0, most)?;
            real(format!("the probability of {name}"), change.probability, 0.0, 1.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_json_is_enough_and_the_rest_is_off() {
        let read: Augmentation = serde_json::from_str(r#"{"blur": {"strength": 2.0}}"#).unwrap();
        assert_eq!(read, Augmentation { blur: Change { strength: 2.0, probability: 0.5 }, ..Augmentation::default() });
        assert_eq!(read.changes().iter().filter(|(_, change, _)| change.is_on()).count(), 1);
        read.check().unwrap();
    }

    #[test]
    fn each_change_is_held_to_its_own_range() {
        let names: Vec<&str> = Augmentation::none().changes().map(|(name, ..)| name).to_vec();
        for name in names {
            let text = format!(r#"{{"{name}": {{"strength": 1000.0, "probability": 1.0}}}}"#);
            let wrong: Augmentation = serde_json::from_str(&text).unwrap();
            assert!(wrong.check().unwrap_err().to_string().contains(&format!("the strength of {name}")));
        }
        let often = Change { strength: 0.1, probability: 1.5 };
        assert!(Augmentation { hue: often, ..Augmentation::none() }.check().is_err());
        assert!(Augmentation { crop_min_scale: f64::NAN, ..Augmentation::none() }.check().is_err());
    }
}
