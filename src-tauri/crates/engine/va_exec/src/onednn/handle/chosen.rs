//! Primitives as the library chooses them for a shape.

use std::ffi::c_int;
use std::ptr::{null, null_mut};

use candle_core::Result;

use super::super::ffi;
use super::desc::Desc;
use super::{check, cpu};
use crate::kernels::activation::Activation;

/// What is done to a result before it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::onednn) struct PostOps {
    /// Adds what is in the destination.
    pub sum: bool,
    /// Then this.
    pub activation: Option<Activation>,
}

/// The library's word for an activation, and its two constants.
fn eltwise(activation: Activation) -> (c_int, f32, f32) {
    match activation {
        Activation::Relu => (ffi::ELTWISE_RELU, 0.0, 0.0),
        Activation::Gelu => (ffi::ELTWISE_GELU_ERF, 0.0, 0.0),
        Activation::Silu => (ffi::ELTWISE_SWISH, 1.0, 0.0),
        Activation::HardSwish => (ffi::ELTWISE_HARDSWISH, 1.0 / 6.0, 0.5),
        Activation::Sigmoid => (ffi::ELTWISE_LOGISTIC, 0.0, 0.0),
    }
}

struct Attr(*mut ffi::dnnl_primitive_attr);

impl Attr {
    /// The caller brings the scratch memory; the same inputs give the same bits.
    fn new(post: PostOps) -> Result<Self> {
        let mut attr = Self(null_mut());
        // SAFETY: every handle is made just before its use; the post-ops are copied by the attribute.
        unsafe {
            check(ffi::dnnl_primitive_attr_create(&raw mut attr.0), "attribute")?;
            check(ffi::dnnl_primitive_attr_set_scratchpad_mode(attr.0, ffi::SCRATCHPAD_USER), "scratchpad mode")?;
            check(ffi::dnnl_primitive_attr_set_deterministic(attr.0, 1), "deterministic mode")?;
            if post == PostOps::default() {
                return Ok(attr);
            }
            let mut ops = null_mut();
            check(ffi::dnnl_post_ops_create(&raw mut ops), "post-operations")?;
            let mut status = ffi::SUCCESS;
            if post.sum {
                status |= ffi::dnnl_post_ops_append_sum(ops, 1.0, 0, 0);
            }
            if let Some(activation) = post.activation {
                let (algorithm, alpha, beta) = eltwise(activation);
                status |= ffi::dnnl_post_ops_append_eltwise(ops, algorithm, alpha, beta);
            }
            status |= ffi::dnnl_primitive_attr_set_post_ops(attr.0, ops);
            ffi::dnnl_post_ops_destroy(ops);
            check(status, "post-operations")?;
        }
        Ok(attr)
    }
}

impl Drop for Attr {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: made by oneDNN, given back once.
            unsafe { ffi::dnnl_primitive_attr_destroy(self.0) };
        }
    }
}

/// A primitive that was chosen but not yet made ready to run.
pub(in crate::onednn) struct PrimitiveDesc(pub(super) *mut ffi::dnnl_primitive_desc);

impl Drop for PrimitiveDesc {
    fn drop(&mut self) {
        // SAFETY: made by oneDNN, given back once.
        unsafe { ffi::dnnl_primitive_desc_destroy(self.0) };
    }
}

/// Strides, dilations (0 is dense) and padding of a convolution, as oneDNN takes them.
pub(in crate::onednn) struct Window {
    pub strides: ffi::Dims,
    pub dilates: ffi::Dims,
    /// On each side.
    pub padding: ffi::Dims,
}

impl PrimitiveDesc {
    pub fn conv_forward(
        [src, weights, dst]: [&Desc; 3],
        bias: Option<&Desc>,
        window: &Window,
        training: bool,
        post: PostOps,
    ) -> Result<Self> {
        let (mut pd, attr) = (null_mut(), Attr::new(post)?);
        let kind = if training { ffi::FORWARD_TRAINING } else { ffi::FORWARD_INFERENCE };
        // SAFETY: all handles are live, the arrays have the library's length, a missing bias is null as documented.
        let status = unsafe {
            ffi::dnnl_convolution_forward_primitive_desc_create(
                &raw mut pd,
                cpu()?.engine,
                kind,
                ffi::CONVOLUTION_DIRECT,
                src.0,
                weights.0,
                bias.map_or(null(), |b| b.0.cast_const()),
                dst.0,
                window.strides.as_ptr(),
                window.dilates.as_ptr(),
                window.padding.as_ptr(),
                window.padding.as_ptr(),
                attr.0,
            )
        };
        check(status, "convolution")?;
        Ok(Self(pd))
    }

    pub fn conv_input_grad(
        [diff_src, weights, diff_dst]: [&Desc; 3],
        window: &Window,
        hint: &PrimitiveDesc,
    ) -> Result<Self> {
        let (mut pd, attr) = (null_mut(), Attr::new(PostOps::default())?);
        // SAFETY: as in `conv_forward`.
        let status = unsafe {
            ffi::dnnl_convolution_backward_data_primitive_desc_create(
                &raw mut pd,
                cpu()?.engine,
                ffi::CONVOLUTION_DIRECT,
                diff_src.0,
                weights.0,
                diff_dst.0,
                window.strides.as_ptr(),
                window.dilates.as_ptr(),
                window.padding.as_ptr(),
                window.padding.as_ptr(),
                hint.0,
                attr.0,
            )
        };
        check(status, "convolution input gradient")?;
        Ok(Self(pd))
    }

    pub fn conv_weight_grad(
        [src, diff_weights, diff_dst]: [&Desc; 3],
        window: &Window,
        hint: &PrimitiveDesc,
    ) -> Result<Self> {
        let (mut pd, attr) = (null_mut(), Attr::new(PostOps::default())?);
        // SAFETY: as in `conv_forward`; no bias gradient.
        let status = unsafe {
            ffi::dnnl_convolution_backward_weights_primitive_desc_create(
                &raw mut pd,
                cpu()?.engine,
                ffi::CONVOLUTION_DIRECT,
                src.0,
                diff_weights.0,
                null(),
                diff_dst.0,
                window.strides.as_ptr(),
                window.dilates.as_ptr(),
                window.padding.as_ptr(),
                window.padding.as_ptr(),
                hint.0,
                attr.0,
            )
        };
        check(status, "convolution weight gradient")?;
        Ok(Self(pd))
    }

    pub fn matmul([src, weights, dst]: [&Desc; 3], bias: Option<&Desc>, post: PostOps) -> Result<Self> {
        let (mut pd, attr) = (null_mut(), Attr::new(post)?);
        // SAFETY: all handles are live, a missing bias is null as documented.
        let status = unsafe {
            ffi::dnnl_matmul_primitive_desc_create(
                &raw mut pd,
                cpu()?.engine,
                src.0,
                weights.0,
                bias.map_or(null(), |b| b.0.cast_const()),
                dst.0,
                attr.0,
            )
        };
        check(status, "matrix product")?;
        Ok(Self(pd))
    }

    /// Copies `src` into the order and number type of `dst`, adding to it if `post.sum`.
    pub fn reorder(src: &Desc, dst: &Desc, post: PostOps) -> Result<Self> {
        let (mut pd, attr, engine) = (null_mut(), Attr::new(post)?, cpu()?.engine);
        // SAFETY: all handles are live.
        let status =
            unsafe { ffi::dnnl_reorder_primitive_desc_create(&raw mut pd, src.0, engine, dst.0, engine, attr.0) };
        check(status, "reorder")?;
        Ok(Self(pd))
    }

    pub(super) fn query(&self, what: c_int) -> Result<Desc> {
        let mut md = null_mut();
        // SAFETY: the descriptor that is asked for belongs to the primitive; the clone is ours.
        let status = unsafe {
            let found = ffi::dnnl_primitive_desc_query_md(self.0, what, 0);
            if found.is_null() { ffi::UNIMPLEMENTED } else { ffi::dnnl_memory_desc_clone(&raw mut md, found) }
        };
        check(status, "memory description")?;
        Ok(Desc(md))
    }

    pub fn weights(&self) -> Result<Desc> {
        self.query(ffi::QUERY_WEIGHTS_MD)
    }

    pub fn diff_weights(&self) -> Result<Desc> {
        self.query(ffi::QUERY_DIFF_WEIGHTS_MD)
    }
}
