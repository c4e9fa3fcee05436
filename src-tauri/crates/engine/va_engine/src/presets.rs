use va_domain::{TrainPreset, TrainSettings};

/// Starting points from quick to thorough. Epochs and size are what costs time.
pub fn presets() -> Vec<TrainPreset> {
    let preset = |name: &str, image_size_px, batch_size, epochs, early_stop_epochs| TrainPreset {
        name: name.to_owned(),
        settings: TrainSettings { image_size_px, batch_size, epochs, early_stop_epochs, ..TrainSettings::default() },
    };
    let mut accurate = preset("accurate", 224, 32, 60, 15);
    accurate.settings.label_smoothing = 0.1;
    accurate.settings.augmentation.crop_min_scale = 0.5;
    vec![preset("fast", 64, 32, 10, 0), preset("balanced", 128, 32, 30, 10), accurate]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_started() {
        assert_eq!(presets().iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["fast", "balanced", "accurate"]);
        for preset in presets() {
            preset.settings.check().unwrap();
        }
    }
}
