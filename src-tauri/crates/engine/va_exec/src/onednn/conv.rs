//! Convolutions `[N, H, W, C] -> [N, HO, WO, K]` with weights `[kh, kw, C / groups, K]` in f32.

use candle_core::Result;

use super::handle::{Desc, Number, PostOps, PrimitiveDesc, Window, wide};
use super::product::{Direction, Product, WeightGrad};
use super::workspace::WorkspaceBuilder;
use crate::kernels::conv_ops::Epilogue;
use crate::kernels::geometry::ConvGeometry;

/// The descriptions of one geometry.
struct Shapes {
    src: Desc,
    dst: Desc,
    /// Weights in the primitive's own order, in the number type of the activations.
    weights: Desc,
    /// Weights as they lie in the flat tensor.
    flat: Desc,
    weight_dims: Vec<usize>,
    window: Window,
}

fn nhwc(number: Number, batch: usize, [h, w]: [usize; 2], c: usize) -> Result<Desc> {
    Desc::strided(number, &[batch, c, h, w], &[h * w * c, 1, w * c, c])
}

impl Shapes {
    fn new(geo: &ConvGeometry, number: Number) -> Result<Self> {
        let (groups, [kh, kw]) = (geo.groups, geo.kernel);
        let (inputs, outputs) = (geo.channels / groups, geo.out_channels / groups);
        let out = geo.out_channels;
        let strides = [outputs, 1, out, kw * inputs * out, inputs * out];
        let dims = [groups, outputs, inputs, kh, kw];
        // oneDNN knows the grouped form by its fifth dimension.
        let skip = usize::from(groups == 1);
        Ok(Self {
            src: nhwc(number, geo.batch, geo.size, geo.channels)?,
            dst: nhwc(number, geo.batch, geo.out_size, out)?,
            weights: Desc::any(number, &dims[skip..])?,
            flat: Desc::strided(Number::F32, &dims[skip..], &strides[skip..])?,
            weight_dims: dims[skip..].to_vec(),
            window: window(geo),
        })
    }

    fn forward(&self, bias: Option<&Desc>, training: bool, post: PostOps) -> Result<PrimitiveDesc> {
        PrimitiveDesc::conv_forward([&self.src, &self.weights, &self.dst], bias, &self.window, training, post)
    }
}

fn window(geo: &ConvGeometry) -> Window {
    Window {
        strides: wide(&geo.stride),
        dilates: wide(&[geo.dilation[0] - 1, geo.dilation[1] - 1]),
        padding: wide(&geo.padding),
    }
}

impl Product {
    /// `y = conv(x, w)` with an epilogue.
    ///
    /// # Errors
    /// When oneDNN has no such convolution.
    pub fn conv_forward(
        geo: &ConvGeometry,
        number: Number,
        epilogue: Epilogue,
        training: bool,
        frozen: bool,
        workspace: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        let shapes = Shapes::new(geo, number)?;
        let bias = epilogue.bias.then(|| Desc::strided(Number::F32, &[geo.out_channels], &[1])).transpose()?;
        let pd = shapes.forward(bias.as_ref(), training, epilogue.into())?;
        Self::new(&pd, Direction::Forward, [shapes.src, shapes.flat, shapes.dst], bias, frozen, workspace)
    }

    /// `dx = convᵀ(dy, w)`.
    ///
    /// # Errors
    /// When oneDNN has no such convolution.
    pub fn conv_input_grad(geo: &ConvGeometry, number: Number, workspace: &mut WorkspaceBuilder) -> Result<Self> {
        let shapes = Shapes::new(geo, number)?;
        let hint = shapes.forward(None, true, PostOps::default())?;
        let pd = PrimitiveDesc::conv_input_grad([&shapes.src, &shapes.weights, &shapes.dst], &shapes.window, &hint)?;
        Self::new(&pd, Direction::Backward, [shapes.dst, shapes.flat, shapes.src], None, false, workspace)
    }
}

impl WeightGrad {
    /// Of a convolution.
    ///
    /// # Errors
    /// When oneDNN has no such convolution.
    pub fn conv(geo: &ConvGeometry, number: Number, workspace: &mut WorkspaceBuilder) -> Result<Self> {
        let mut shapes = Shapes::new(geo, number)?;
        let hint = shapes.forward(None, true, PostOps::default())?;
        shapes.weights = Desc::any(Number::F32, &shapes.weight_dims)?;
        let pd = PrimitiveDesc::conv_weight_grad([&shapes.src, &shapes.weights, &shapes.dst], &shapes.window, &hint)?;
        Self::unpacked(&pd, [shapes.src, shapes.flat, shapes.dst], workspace)
    }
}
