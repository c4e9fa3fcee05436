//! An image as tokens with a class token and a position embedding, and one token out of many.

use candle_core::Result;

use super::op::{In, Out, SliceKernel, expect_len};
use super::real::{Element, Real};
use crate::par;

/// Tokens of one sample, the class token included, and their channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenGeometry {
    pub batch: usize,
    pub tokens: usize,
    pub channels: usize,
}

impl TokenGeometry {
    fn sample_len(&self) -> usize {
        self.tokens * self.channels
    }

    fn check<T>(&self, name: &str, tokens: &[T]) -> Result<()> {
        expect_len(name, "tokens", tokens, self.batch * self.sample_len())
    }

    fn check_image<T>(&self, name: &str, image: &[T]) -> Result<()> {
        expect_len(name, "image", image, self.batch * (self.tokens - 1) * self.channels)
    }
}

/// `y[n] = [class token, positions of x[n]]`: sources x and the class token.
pub struct PlaceTokens(pub TokenGeometry);

impl SliceKernel<2> for PlaceTokens {
    const NAME: &'static str = "tokens";
    fn run<T: Element>(&self, y: Out<'_, T>, [x, class]: [In<'_, T>; 2]) -> Result<()> {
        let (geo, y, x, class) = (self.0, y.values()?, x.values()?, class.reals()?);
        geo.check(Self::NAME, y)?;
        geo.check_image(Self::NAME, x)?;
        expect_len(Self::NAME, "class token", class, geo.channels)?;
        let image = geo.sample_len() - geo.channels;
        par::chunks_mut(y, geo.sample_len(), |n, y| {
            y[..geo.channels].iter_mut().zip(class).for_each(|(y, &v)| *y = T::narrow(v));
            y[geo.channels..].copy_from_slice(&x[n * image..][..image]);
        });
        Ok(())
    }
}

/// `y[n] += positions` for every sample: the source has the length of one.
pub struct AddPositions;

impl SliceKernel<1> for AddPositions {
    const NAME: &'static str = "position_embedding";
    fn run<T: Element>(&self, y: Out<'_, T>, [positions]: [In<'_, T>; 1]) -> Result<()> {
        let (y, positions) = (y.values()?, positions.reals()?);
        let len = positions.len();
        expect_len(Self::NAME, "tokens", y, y.len() / len * len)?;
        par::chunks_mut(
            y,
            len,
            #[inline(always)]
            |_, y| y.iter_mut().zip(positions).for_each(|(y, &p)| *y = T::narrow(y.wide() + p)),
        );
        Ok(())
    }
}

/// `dpositions += Σ dy` over samples.
pub struct PositionGrad;

impl SliceKernel<1> for PositionGrad {
    const NAME: &'static str = "position_embedding_grad";
    fn run<T: Element>(&self, grad: Out<'_, T>, [dy]: [In<'_, T>; 1]) -> Result<()> {
        let (grad, dy) = (grad.reals()?, dy.values()?);
        let len = grad.len();
        expect_len(Self::NAME, "gradient", dy, dy.len() / len * len)?;
        const PART: usize = 1 << 12;
        par::chunks_mut(grad, PART, |part, grad| {
            for (i, g) in grad.iter_mut().enumerate() {
                let sum: f64 = dy[part * PART + i..].iter().step_by(len).map(|v| v.wide().f64()).sum();
                *g += T::Real::of(sum);
            }
        });
        Ok(())
    }
}

/// `dclass += Σ dy[n, 0]`.
pub struct ClassTokenGrad(pub TokenGeometry);

impl SliceKernel<1> for ClassTokenGrad {
    const NAME: &'static str = "class_token_grad";
    fn run<T: Element>(&self, grad: Out<'_, T>, [dy]: [In<'_, T>; 1]) -> Result<()> {
        let (grad, dy) = (grad.reals()?, dy.values()?);
        self.0.check(Self::NAME, dy)?;
        expect_len(Self::NAME, "class token", grad, self.0.channels)?;
        for (i, g) in grad.iter_mut().enumerate() {
            let sum: f64 = dy[i..].iter().step_by(self.0.sample_len()).map(|v| v.wide().f64()).sum();
            *g += T::Real::of(sum);
        }
        Ok(())
    }
}

/// `dx (+)= dy` without the class token: source dy.
pub struct TokensInputGrad {
    pub geometry: TokenGeometry,
    pub accumulate: bool,
}

impl SliceKernel<1> for TokensInputGrad {
    const NAME: &'static str = "tokens_input_grad";
    fn run<T: Element>(&self, dx: Out<'_, T>, [dy]: [In<'_, T>; 1]) -> Result<()> {
        let (geo, dx, dy) = (self.geometry, dx.values()?, dy.values()?);
        geo.check(Self::NAME, dy)?;
        geo.check_image(Self::NAME, dx)?;
        let image = geo.sample_len() - geo.channels;
        par::chunks_mut(
            dx,
            image,
            #[inline(always)]
            |n, dx| {
                let from = &dy[n * geo.sample_len() + geo.channels..][..image];
                for (d, g) in dx.iter_mut().zip(from) {
                    let base = if self.accumulate { d.wide() } else { T::Real::ZERO };
                    *d = T::narrow(base + g.wide());
                }
            },
        );
        Ok(())
    }
}

/// `y[n] = x[n, index]`: source x.
pub struct SelectToken {
    pub geometry: TokenGeometry,
    pub index: usize,
}

impl SliceKernel<1> for SelectToken {
    const NAME: &'static str = "select_token";
    fn run<T: Element>(&self, y: Out<'_, T>, [x]: [In<'_, T>; 1]) -> Result<()> {
        let (geo, y, x) = (self.geometry, y.values()?, x.values()?);
        geo.check(Self::NAME, x)?;
        expect_len(Self::NAME, "output", y, geo.batch * geo.channels)?;
        for (y, x) in y.chunks_exact_mut(geo.channels).zip(x.chunks_exact(geo.sample_len())) {
            y.copy_from_slice(&x[self.index * geo.channels..][..geo.channels]);
        }
        Ok(())
    }
}

/// `dx (+)= dy` at the token, zero elsewhere: source dy.
pub struct SelectTokenGrad {
    pub geometry: TokenGeometry,
    pub index: usize,
    pub accumulate: bool,
}

impl SliceKernel<1> for SelectTokenGrad {
    const NAME: &'static str = "select_token_grad";
    fn run<T: Element>(&self, dx: Out<'_, T>, [dy]: [In<'_, T>; 1]) -> Result<()> {
        let (geo, dx, dy) = (self.geometry, dx.values()?, dy.values()?);
        geo.check(Self::NAME, dx)?;
        expect_len(Self::NAME, "gradient", dy, geo.batch * geo.channels)?;
        par::chunks_mut(dx, geo.sample_len(), |n, dx| {
            if !self.accumulate {
                dx.fill(T::default());
            }
            let token = &mut dx[self.index * geo.channels..][..geo.channels];
            let dy = &dy[n * geo.channels..][..geo.channels];
            token.iter_mut().zip(dy).for_each(|(d, g)| *d = T::narrow(d.wide() + g.wide()));
        });
        Ok(())
    }
}
