//! Exponential, error function and sums on either number type: exact to the last digits in f64, and in f32 without
//! branches or calls, so that the compiler makes vector code of loops over them.

use candle_core::cpu::erf::erf_f64;

use super::real::Real;

/// Decided when the kernel is compiled: f64 is the only type that needs more than f32 arithmetic.
#[inline(always)]
fn is_wide<T>() -> bool {
    size_of::<T>() == 8
}

/// `eˣ`. In f32 within two units of the last place; beyond ±87 it stays at the ends of the range.
#[inline(always)]
pub(crate) fn exp<T: Real>(x: T) -> T {
    if is_wide::<T>() { T::of(x.f64().exp()) } else { T::of(f64::from(exp_f32(x.f64() as f32))) }
}

/// The error function and `exp(-x²)`, which share their work in f32.
#[inline(always)]
pub(crate) fn erf_and_gauss<T: Real>(x: T) -> (T, T) {
    if is_wide::<T>() {
        return (T::of(erf_f64(x.f64())), T::of((-x.f64() * x.f64()).exp()));
    }
    let (erf, gauss) = erf_f32(x.f64() as f32);
    (T::of(f64::from(erf)), T::of(f64::from(gauss)))
}

/// `2ⁿ · eʳ` with `n` the nearest whole number of halvings and the series of `eʳ`, whose rest is below 6e-9.
#[inline(always)]
fn exp_f32(x: f32) -> f32 {
    const LOW: f32 = -87.3;
    const HIGH: f32 = 88.7;
    /// Adding it leaves the whole number in the low bits of the sum.
    const SHIFT: f32 = 12_582_912.0;
    /// ln 2 in two parts, the first with few enough digits for an exact product.
    const LN2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = if x < LOW { LOW } else { x };
    let x = if x > HIGH { HIGH } else { x };
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN2[0]) - n * LN2[1];
    let mut sum = 1.0 / 5040.0;
    for term in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + term;
    }
    // Two factors, so that neither leaves the range of exponents at the ends.
    let whole = (shifted.to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32);
    let half = whole >> 1;
    let power = |n: i32| f32::from_bits((n.wrapping_add(127) as u32) << 23);
    sum * power(half) * power(whole.wrapping_sub(half))
}

/// Formula 7.1.26 of Abramowitz & Stegun (1964): within 1.5e-7 everywhere.
#[inline(always)]
fn erf_f32(x: f32) -> (f32, f32) {
    const TERMS: [f32; 4] = [-1.453_152_1, 1.421_413_8, -0.284_496_74, 0.254_829_6];
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let mut sum = 1.061_405_4_f32;
    for term in TERMS {
        sum = sum * t + term;
    }
    let gauss = exp_f32(-x * x);
    ((1.0 - sum * t * gauss).copysign(x), gauss)
}

/// Lanes of a sum: one AVX-512 register of f32.
const LANES: usize = 16;

/// Sum of `f` over a slice. Each of sixteen lanes adds in the number type that is computed with, the lanes are joined in
/// f64: rows of thousands lose nothing that matters, and the compiler keeps the lanes in registers. The order is fixed.
#[inline(always)]
pub(crate) fn lane_sum<T: Copy, R: Real>(data: &[T], f: impl Fn(T) -> R) -> f64 {
    lane_dot(
        data,
        data,
        #[inline(always)]
        |v, _| f(v),
    )
}

/// Sum of `f` over the pairs of two slices of one length, as [`lane_sum`] does it.
#[inline(always)]
pub(crate) fn lane_dot<A: Copy, B: Copy, R: Real>(a: &[A], b: &[B], f: impl Fn(A, B) -> R) -> f64 {
    let mut lanes = [R::ZERO; LANES];
    let (whole_a, whole_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = whole_a.remainder().iter().zip(whole_b.remainder()).map(|(&a, &b)| f(a, b).f64()).sum::<f64>();
    for (a, b) in whole_a.zip(whole_b) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += f(a, b);
        }
    }
    lanes.iter().map(|lane| lane.f64()).sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_functions_stay_near_the_f64_ones() {
        for i in -9000..9000 {
            let x = i as f32 / 100.0;
            let wide = f64::from(x);
            if (-87.0..88.0).contains(&wide) {
                let error = (f64::from(exp(x)) / wide.exp() - 1.0).abs();
                assert!(error < 3e-7, "exp({x}) is off by {error}");
            }
            let (erf, gauss) = erf_and_gauss(x);
            assert!((f64::from(erf) - erf_f64(wide)).abs() < 3e-7, "erf({x}) = {erf}");
            assert!((f64::from(gauss) - (-wide * wide).exp()).abs() < 1e-6, "gauss({x}) = {gauss}");
        }
    }

    #[test]
    fn the_ends_of_the_range_are_finite_and_nan_stays() {
        assert!(exp(1e30f32).is_finite() && exp(-1e30f32) < 1e-37 && exp(-1e30f32) >= 0.0);
        assert!(exp(f32::NAN).is_nan() && erf_and_gauss(f32::NAN).0.is_nan());
        assert_eq!(erf_and_gauss(f32::INFINITY).0, 1.0);
    }

    #[test]
    fn lanes_sum_every_element_once() {
        let data: Vec<f64> = (0..37).map(f64::from).collect();
        assert_eq!(lane_sum(&data, |v| v), 666.0);
        assert_eq!(lane_dot(&data, &data, |a, b| a - b + 1.0), 37.0);
    }
}
