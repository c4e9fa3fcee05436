//! Convolutions `[N, H, W, C] -> [N, HO, WO, K]` with weights `[kh, kw, C / groups, K]` in f32.

use candle_core::Result;

use super::ffi::{ARG_BIAS, ARG_DIFF_DST, ARG_DIFF_SRC, ARG_DIFF_WEIGHTS, ARG_DST, ARG_SRC, ARG_WEIGHTS};
use super::handle::{Arg, Desc, Memory, Number, PostOps, Primitive, PrimitiveDesc, Window, wide};
use super::packed::{Pack, Unpack};
use super::workspace::WorkspaceBuilder;
use crate::kernels::conv_ops::Epilogue;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::raw::Plain;

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

/// `y = conv(x, w)` with an epilogue.
pub(crate) struct ConvForward {
    primitive: Primitive,
    weights: Pack,
    src: Desc,
    dst: Desc,
    bias: Option<Desc>,
}

impl ConvForward {
    /// # Errors
    /// When oneDNN has no such convolution.
    pub fn new(
        geo: &ConvGeometry,
        number: Number,
        epilogue: Epilogue,
        training: bool,
        frozen: bool,
        workspace: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        let shapes = Shapes::new(geo, number)?;
        let bias = epilogue.bias.then(|| Desc::strided(Number::F32, &[geo.out_channels], &[1])).transpose()?;
        let post = PostOps { sum: epilogue.sum, relu: epilogue.relu };
        let pd = shapes.forward(bias.as_ref(), training, post)?;
        let primitive = Primitive::new(&pd)?;
        let weights = Pack::new(shapes.flat, pd.weights()?, &primitive, frozen, workspace)?;
        Ok(Self { primitive, weights, src: shapes.src, dst: shapes.dst, bias })
    }

    pub fn run<T: Plain, P: Plain>(&self, y: &mut [T], x: &[T], w: &[P], bias: Option<&[P]>) -> Result<()> {
        self.weights.with(w, |weights, scratch| {
            let src = Arg::new(ARG_SRC, &self.src, Memory::read(x));
            let weights = Arg::new(ARG_WEIGHTS, self.weights.desc(), weights);
            let dst = Arg::new(ARG_DST, &self.dst, Memory::write(y));
            match (&self.bias, bias) {
                (Some(desc), Some(bias)) => {
                    let bias = Arg::new(ARG_BIAS, desc, Memory::read(bias));
                    self.primitive.run([src, weights, bias, dst], scratch)
                }
                _ => self.primitive.run([src, weights, dst], scratch),
            }
        })
    }
}

/// `dx = convᵀ(dy, w)`.
pub(crate) struct ConvInputGrad {
    primitive: Primitive,
    weights: Pack,
    src: Desc,
    dst: Desc,
}

impl ConvInputGrad {
    /// # Errors
    /// When oneDNN has no such convolution.
    pub fn new(geo: &ConvGeometry, number: Number, workspace: &mut WorkspaceBuilder) -> Result<Self> {
        let shapes = Shapes::new(geo, number)?;
        let hint = shapes.forward(None, true, PostOps::default())?;
        let pd = PrimitiveDesc::conv_input_grad([&shapes.src, &shapes.weights, &shapes.dst], &shapes.window, &hint)?;
        let primitive = Primitive::new(&pd)?;
        let weights = Pack::new(shapes.flat, pd.weights()?, &primitive, false, workspace)?;
        Ok(Self { primitive, weights, src: shapes.src, dst: shapes.dst })
    }

    pub fn run<T: Plain, P: Plain>(&self, dx: &mut [T], dy: &[T], w: &[P]) -> Result<()> {
        self.weights.with(w, |weights, scratch| {
            let dst = Arg::new(ARG_DIFF_DST, &self.dst, Memory::read(dy));
            let weights = Arg::new(ARG_WEIGHTS, self.weights.desc(), weights);
            let src = Arg::new(ARG_DIFF_SRC, &self.src, Memory::write(dx));
            self.primitive.run([dst, weights, src], scratch)
        })
    }
}

/// `dw += xᵀ ⋆ dy`, in f32.
pub(crate) struct ConvWeightGrad {
    primitive: Primitive,
    weights: Unpack,
    src: Desc,
    dst: Desc,
}

impl ConvWeightGrad {
    /// # Errors
    /// When oneDNN has no such convolution.
    pub fn new(geo: &ConvGeometry, number: Number, workspace: &mut WorkspaceBuilder) -> Result<Self> {
        let mut shapes = Shapes::new(geo, number)?;
        let hint = shapes.forward(None, true, PostOps::default())?;
        shapes.weights = Desc::any(Number::F32, &shapes.weight_dims)?;
        let pd = PrimitiveDesc::conv_weight_grad([&shapes.src, &shapes.weights, &shapes.dst], &shapes.window, &hint)?;
        let primitive = Primitive::new(&pd)?;
        let weights = Unpack::new(pd.diff_weights()?, shapes.flat, &primitive, workspace)?;
        Ok(Self { primitive, weights, src: shapes.src, dst: shapes.dst })
    }

    pub fn run<T: Plain, P: Plain>(&self, dw: &mut [P], x: &[T], dy: &[T]) -> Result<()> {
        self.weights.with(dw, |weights, scratch| {
            let src = Arg::new(ARG_SRC, &self.src, Memory::read(x));
            let dst = Arg::new(ARG_DIFF_DST, &self.dst, Memory::read(dy));
            let weights = Arg::new(ARG_DIFF_WEIGHTS, self.weights.desc(), weights);
            self.primitive.run([src, dst, weights], scratch)
        })
    }
}
