use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_error::{Error, Result};

/// Largest height and width of a network's input in pixels that training offers.
pub const MAX_IMAGE_SIZE_PX: u32 = 1024;

/// An architecture that can be trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Arch {
    /// For `settings.arch`: `resnet18`.
    pub name: String,
    /// One line for a person choosing.
    pub summary: String,
    /// Image size in pixels that it was published with.
    pub default_image_size_px: u32,
    pub image_sizes: ImageSizes,
}

/// Heights and widths of a network's input: `min_px`, `min_px + step_px`, … up to `max_px`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageSizes {
    /// Smaller images leave no position for the last layers.
    pub min_px: u32,
    pub max_px: u32,
    /// Sizes are multiples of it: a transformer takes whole patches.
    pub step_px: u32,
}

impl Arch {
    /// # Errors
    /// `InvalidInput` when the network does not take images of this size; the message names the nearest ones that it does.
    pub fn check_image_size(&self, size_px: u32) -> Result<()> {
        let ImageSizes { min_px, max_px, step_px } = self.image_sizes;
        let name = &self.name;
        if !(min_px..=max_px).contains(&size_px) {
            return Err(Error::invalid(format!("{name} takes images of {min_px} to {max_px} px, not of {size_px} px")));
        }
        if size_px.is_multiple_of(step_px) {
            return Ok(());
        }
        let below = size_px - size_px % step_px;
        Err(Error::invalid(format!(
            "{name} takes images whose size is a multiple of {step_px} px, not of {size_px} px: choose {below} or {}",
            below + step_px
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arch(step_px: u32) -> Arch {
        let image_sizes = ImageSizes { min_px: 32, max_px: 1024, step_px };
        Arch { name: "net".to_owned(), summary: String::new(), default_image_size_px: 224, image_sizes }
    }

    #[test]
    fn sizes_between_the_bounds_in_steps_are_taken() {
        for size in [32, 48, 224, 1024] {
            arch(16).check_image_size(size).unwrap();
        }
        arch(1).check_image_size(33).unwrap();
        let refused = |size| arch(16).check_image_size(size).unwrap_err().to_string();
        assert!(refused(100).contains("choose 96 or 112"), "{}", refused(100));
        assert!(refused(16).contains("32 to 1024") && refused(1040).contains("32 to 1024"));
    }
}
