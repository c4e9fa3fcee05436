use candle_core::{DType, Device};

use super::super::emulation::{Emulated, on_emulated_gpu};
use super::*;
use crate::kernels::joined::{self, single};
use crate::rng::CounterRng;

/// What a plan does on a GPU, with a sum and without, gives the bits of the kernels one by one.
#[test]
fn joined_kernels_give_the_bits_of_single_ones() {
    // Channels in eights, and others; half of the gradients are stopped by a ReLU.
    for (dtype, channels, relu) in [(DType::F32, 24, true), (DType::BF16, 24, true), (DType::BF16, 21, false)] {
        let (rows, eps, momentum) = (333, 1e-5, 0.1);
        let draw = |name: &str, len: usize, dtype: DType| {
            let data: Vec<f32> = (0..len as u64).map(|i| CounterRng::new(6, name).normal(i) as f32).collect();
            Tensor::from_vec(data, len, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
        };
        let run = |is_joined: bool| {
            let [x, addend, first, second] =
                ["x", "addend", "first", "second"].map(|name| draw(name, rows * channels, dtype));
            let [y, dx] = [(); 2].map(|()| draw("nothing", rows * channels, dtype));
            let of_channels = |name: &str| draw(name, channels, DType::F32);
            let [mean, var, gamma, beta] = ["mean", "var", "gamma", "beta"].map(of_channels);
            let [dgamma, dbeta] = ["dgamma", "dbeta"].map(of_channels);
            let packed = Tensor::zeros(BN_ROWS * channels, DType::F32, &Device::Cpu).unwrap();
            let (done, seen) = on_emulated_gpu(|| -> Result<()> {
                let before = [&packed, &x, &mean, &var, &gamma, &beta];
                let (sum, masked) = ([&y, &x, &packed, &addend], [&packed, &x, &first, &y, &dgamma, &dbeta]);
                let (plain, beside) = ([&packed, &x, &second, &dgamma, &dbeta], [&dx, &first, &x, &packed]);
                if is_joined {
                    joined::prepare(before, eps, momentum)?;
                    joined::apply_add(sum, relu)?;
                    joined::learn(plain, relu)?;
                    joined::learn_masked(masked)?;
                    return joined::input_grad(beside);
                }
                single::prepare(before, eps, momentum)?;
                single::apply_add(sum, relu)?;
                single::learn(plain, relu)?;
                single::learn_masked(masked)?;
                single::input_grad(beside)
            });
            done.unwrap();
            assert_eq!(seen.values().sum::<usize>(), if is_joined { 8 } else { 18 });
            let left = [&packed, &mean, &var, &y, &dgamma, &dbeta, &first, &dx];
            let bits = |v: f32| v.to_bits();
            left.map(|tensor| tensor.to_dtype(DType::F32).unwrap().to_vec1().unwrap().into_iter().map(bits).collect())
        };
        let ours: [Vec<u32>; 8] = run(true);
        assert!(ours == run(false), "{dtype:?} {channels}");
        let stopped = ours[6].iter().filter(|&&bits| f32::from_bits(bits) == 0.0).count();
        assert!((0.3..0.7).contains(&(stopped as f64 / (rows * channels) as f64)), "{stopped}");
    }
}

/// A mean a thousand deviations from zero, and many rows a thread: differences of large sums would show.
#[test]
fn one_pass_sees_small_deviations_far_from_zero() {
    let (rows, channels) = (4000, 16);
    let rng = CounterRng::new(4, "far");
    let mut x: Vec<f32> = (0..rows * channels).map(|i| (1.0 + 1e-3 * rng.normal(i as u64)) as f32).collect();
    let mut parts = vec![0.0f32; 2 * channels];
    let buffer = |data: &mut [f32]| Buffer { address: data.as_mut_ptr() as u64, len: data.len(), number: Number::F32 };
    let (from, to) = (buffer(&mut x), buffer(&mut parts));
    let columns = Columns::to_sum_in_layers(rows, channels, &[from], usize::MAX);
    assert_eq!(columns.parts(), 1);
    Call::by_column(FILE, "batch_norm_moments", Number::F32, &columns)
        .real(to)
        .value(from)
        .run(&Emulated::default())
        .unwrap();
    for c in 0..channels {
        let column = || x.iter().skip(c).step_by(channels).map(|&v| f64::from(v));
        let mean = column().sum::<f64>() / rows as f64;
        let squares: f64 = column().map(|v| (v - mean).powi(2)).sum();
        assert!((f64::from(parts[c]) - mean).abs() < 1e-7, "{} {mean}", parts[c]);
        assert!((f64::from(parts[channels + c]) / squares - 1.0).abs() < 1e-5, "{} {squares}", parts[channels + c]);
    }
}
