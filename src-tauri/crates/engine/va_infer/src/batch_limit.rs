use candle_core::Tensor;
use va_error::{Code, Result};

/// How many images run at a time: what was wished, until memory does not hold so many; from then on half of them.
#[derive(Debug)]
pub(crate) struct BatchLimit {
    images: usize,
    numbers_per_image: usize,
}

impl BatchLimit {
    pub fn new(images: usize, numbers_per_image: usize) -> Self {
        Self { images, numbers_per_image }
    }

    /// Gives whole images to `run` in order, and its results back. A part that fails with `TooLarge` is tried again as
    /// smaller ones.
    ///
    /// # Errors
    /// What `run` says; `TooLarge` when a single image does not fit.
    pub fn run(&mut self, pixels: &[f32], mut run: impl FnMut(&[f32]) -> Result<Tensor>) -> Result<Vec<Tensor>> {
        let (mut results, mut rest) = (Vec::new(), pixels);
        while !rest.is_empty() {
            let images = self.images.min(rest.len() / self.numbers_per_image).max(1);
            let (part, later) = rest.split_at(images * self.numbers_per_image);
            match run(part) {
                Ok(result) => {
                    results.push(result);
                    rest = later;
                }
                Err(error) if error.code() == Code::TooLarge && images > 1 => self.images = images.div_ceil(2),
                Err(error) => return Err(error),
            }
        }
        Ok(results)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use va_error::Error;

    use super::*;

    const NUMBERS: usize = 3;

    /// A device that holds `fits` images; gives the first number of each image. Notes what it was asked for.
    fn device(fits: usize, asked: &mut Vec<usize>) -> impl FnMut(&[f32]) -> Result<Tensor> {
        move |pixels| {
            asked.push(pixels.len() / NUMBERS);
            if pixels.len() > fits * NUMBERS {
                return Err(Error::new(Code::TooLarge, "full"));
            }
            let firsts: Vec<f32> = pixels.chunks(NUMBERS).map(|image| image[0]).collect();
            Ok(Tensor::from_slice(&firsts, firsts.len(), &Device::Cpu).unwrap())
        }
    }

    fn pixels(images: usize) -> Vec<f32> {
        (0..images * NUMBERS).map(|i| i as f32).collect()
    }

    fn numbers(results: &[Tensor]) -> Vec<f32> {
        results.iter().flat_map(|result| result.to_vec1::<f32>().unwrap()).collect()
    }

    #[test]
    fn what_does_not_fit_runs_in_smaller_parts_from_then_on_and_no_image_is_lost() {
        let (mut limit, mut asked) = (BatchLimit::new(16, NUMBERS), Vec::new());
        let found = numbers(&limit.run(&pixels(21), device(5, &mut asked)).unwrap());
        assert_eq!(found, (0..21).map(|image| (image * NUMBERS) as f32).collect::<Vec<_>>());
        assert_eq!(asked, [16, 8, 4, 4, 4, 4, 4, 1]);
        asked.clear();
        limit.run(&pixels(6), device(5, &mut asked)).unwrap();
        assert_eq!(asked, [4, 2], "it does not try again what failed before");
    }

    #[test]
    fn one_image_that_does_not_fit_is_an_error_and_so_is_anything_else() {
        let (mut limit, mut asked) = (BatchLimit::new(4, NUMBERS), Vec::new());
        assert_eq!(limit.run(&pixels(3), device(0, &mut asked)).unwrap_err().code(), Code::TooLarge);
        assert_eq!(asked, [3, 2, 1]);
        let mut calls = 0;
        let broken = |_: &[f32]| {
            calls += 1;
            Err(Error::internal("broken"))
        };
        assert_eq!(BatchLimit::new(4, NUMBERS).run(&pixels(4), broken).unwrap_err().code(), Code::Internal);
        assert_eq!(calls, 1);
        assert!(limit.run(&[], device(0, &mut asked)).unwrap().is_empty());
    }
}
