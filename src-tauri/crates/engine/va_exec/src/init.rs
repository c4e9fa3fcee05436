//! Start values, the same bits for the same seed.

use candle_core::{Device, Tensor};
use va_error::Result;
use va_graph::Init;

use crate::error::CandleContext;
use crate::network::Network;
use crate::par;
use crate::rng::CounterRng;

impl Network {
    /// Fills parameters by their rules and resets buffers. Element `i` in PyTorch order of the parameter called `name`
    /// draws from `CounterRng::new(seed, name)` at position `i`.
    ///
    /// # Errors
    /// Only when memory runs out.
    pub fn init(&mut self, seed: u64) -> Result<()> {
        for index in 0..self.layout().params().len() {
            let entry = self.layout().params()[index].clone();
            let values = draw(entry.init, CounterRng::new(seed, &entry.name), entry.len);
            let tensor = Tensor::from_vec(values, entry.shape.clone(), &Device::Cpu).engine("initialising")?;
            self.write_param(&entry, &tensor)?;
        }
        self.init_buffers()
    }

    pub(crate) fn init_buffers(&self) -> Result<()> {
        for entry in self.layout().buffers() {
            let values = draw(entry.init, CounterRng::new(0, &entry.name), entry.len);
            let tensor = Tensor::from_vec(values, entry.len, &Device::Cpu).engine("initialising")?;
            self.write_buffer(entry, &tensor)?;
        }
        Ok(())
    }
}

fn draw(init: Init, rng: CounterRng, len: usize) -> Vec<f64> {
    match init {
        Init::Zeros => vec![0.0; len],
        Init::Ones => vec![1.0; len],
        Init::Constant { value } => vec![value; len],
        Init::Normal { std } => draws(len, |i| std * rng.normal(i)),
        Init::Uniform { bound } => draws(len, |i| bound * (2.0 * rng.uniform(i) - 1.0)),
    }
}

/// Numbers of one task.
const PART: usize = 1 << 14;

fn draws(len: usize, draw: impl Fn(u64) -> f64 + Sync) -> Vec<f64> {
    let mut numbers = vec![0.0; len];
    par::chunks_mut(&mut numbers, PART, |part, numbers| {
        numbers.iter_mut().enumerate().for_each(|(i, v)| *v = draw((part * PART + i) as u64));
    });
    numbers
}
