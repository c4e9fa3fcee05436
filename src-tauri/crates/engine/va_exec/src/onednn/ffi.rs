//! The part of oneDNN's C interface that is used here; names and values as in `oneapi/dnnl/dnnl_types.h` (3.14).
#![allow(non_camel_case_types, unsafe_code)]

use std::ffi::{c_int, c_void};

/// The crate only builds and links the library.
use onednn_src as _;

macro_rules! opaque {
    ($($name:ident),*) => { $(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )* };
}

opaque!(dnnl_engine, dnnl_stream, dnnl_memory_desc, dnnl_memory, dnnl_primitive_desc, dnnl_primitive);
opaque!(dnnl_primitive_attr, dnnl_post_ops);

pub const MAX_NDIMS: usize = 12;
pub type Dims = [i64; MAX_NDIMS];

pub const SUCCESS: c_int = 0;
pub const UNIMPLEMENTED: c_int = 3;

pub const CPU: c_int = 1;
pub const IN_ORDER: u32 = 1;

pub const BF16: c_int = 2;
pub const F32: c_int = 3;

pub const FORMAT_ANY: c_int = 1;

pub const FORWARD_TRAINING: c_int = 64;
pub const FORWARD_INFERENCE: c_int = 96;

pub const CONVOLUTION_DIRECT: c_int = 0x1;
pub const ELTWISE_RELU: c_int = 0x20;
pub const ELTWISE_LOGISTIC: c_int = 0x29;
pub const ELTWISE_SWISH: c_int = 0x2c;
pub const ELTWISE_GELU_ERF: c_int = 0x31;
pub const ELTWISE_HARDSWISH: c_int = 0x34;

pub const SCRATCHPAD_USER: c_int = 1;

pub const QUERY_WEIGHTS_MD: c_int = 131;
pub const QUERY_DIFF_WEIGHTS_MD: c_int = 132;
pub const QUERY_SCRATCHPAD_MD: c_int = 136;

pub const ARG_SRC: c_int = 1;
pub const ARG_DST: c_int = 17;
pub const ARG_WEIGHTS: c_int = 33;
pub const ARG_BIAS: c_int = 41;
pub const ARG_SCRATCHPAD: c_int = 80;
pub const ARG_DIFF_SRC: c_int = 129;
pub const ARG_DIFF_DST: c_int = 145;
pub const ARG_DIFF_WEIGHTS: c_int = 161;

#[repr(C)]
pub struct ExecArg {
    pub arg: c_int,
    pub memory: *mut dnnl_memory,
}

#[link(name = "stdc++")]
#[link(name = "gomp")]
unsafe extern "C" {
    pub fn dnnl_engine_create(engine: *mut *mut dnnl_engine, kind: c_int, index: usize) -> c_int;
    pub fn dnnl_get_effective_cpu_isa() -> c_int;
    pub fn dnnl_stream_create(stream: *mut *mut dnnl_stream, engine: *mut dnnl_engine, flags: u32) -> c_int;

    pub fn dnnl_memory_desc_create_with_strides(
        md: *mut *mut dnnl_memory_desc,
        ndims: c_int,
        dims: *const i64,
        data_type: c_int,
        strides: *const i64,
    ) -> c_int;
    pub fn dnnl_memory_desc_create_with_tag(
        md: *mut *mut dnnl_memory_desc,
        ndims: c_int,
        dims: *const i64,
        data_type: c_int,
        tag: c_int,
    ) -> c_int;
    pub fn dnnl_memory_desc_clone(md: *mut *mut dnnl_memory_desc, existing: *const dnnl_memory_desc) -> c_int;
    pub fn dnnl_memory_desc_destroy(md: *mut dnnl_memory_desc) -> c_int;
    pub fn dnnl_memory_desc_get_size(md: *const dnnl_memory_desc) -> usize;
    pub fn dnnl_memory_desc_equal(a: *const dnnl_memory_desc, b: *const dnnl_memory_desc) -> c_int;

    pub fn dnnl_memory_create(
        memory: *mut *mut dnnl_memory,
        md: *const dnnl_memory_desc,
        engine: *mut dnnl_engine,
        handle: *mut c_void,
    ) -> c_int;
    pub fn dnnl_memory_set_data_handle(memory: *mut dnnl_memory, handle: *mut c_void) -> c_int;
    pub fn dnnl_memory_destroy(memory: *mut dnnl_memory) -> c_int;

    pub fn dnnl_primitive_attr_create(attr: *mut *mut dnnl_primitive_attr) -> c_int;
    pub fn dnnl_primitive_attr_destroy(attr: *mut dnnl_primitive_attr) -> c_int;
    pub fn dnnl_primitive_attr_set_scratchpad_mode(attr: *mut dnnl_primitive_attr, mode: c_int) -> c_int;
    pub fn dnnl_primitive_attr_set_deterministic(attr: *mut dnnl_primitive_attr, value: c_int) -> c_int;
    pub fn dnnl_primitive_attr_set_post_ops(attr: *mut dnnl_primitive_attr, post_ops: *const dnnl_post_ops) -> c_int;
    pub fn dnnl_post_ops_create(post_ops: *mut *mut dnnl_post_ops) -> c_int;
    pub fn dnnl_post_ops_destroy(post_ops: *mut dnnl_post_ops) -> c_int;
    pub fn dnnl_post_ops_append_sum(
        post_ops: *mut dnnl_post_ops,
        scale: f32,
        zero_point: i32,
        data_type: c_int,
    ) -> c_int;
    pub fn dnnl_post_ops_append_eltwise(post_ops: *mut dnnl_post_ops, alg: c_int, alpha: f32, beta: f32) -> c_int;

    pub fn dnnl_convolution_forward_primitive_desc_create(
        pd: *mut *mut dnnl_primitive_desc,
        engine: *mut dnnl_engine,
        prop_kind: c_int,
        alg_kind: c_int,
        src: *const dnnl_memory_desc,
        weights: *const dnnl_memory_desc,
        bias: *const dnnl_memory_desc,
        dst: *const dnnl_memory_desc,
        strides: *const i64,
        dilates: *const i64,
        padding_l: *const i64,
        padding_r: *const i64,
        attr: *const dnnl_primitive_attr,
    ) -> c_int;
    pub fn dnnl_convolution_backward_data_primitive_desc_create(
        pd: *mut *mut dnnl_primitive_desc,
        engine: *mut dnnl_engine,
        alg_kind: c_int,
        diff_src: *const dnnl_memory_desc,
        weights: *const dnnl_memory_desc,
        diff_dst: *const dnnl_memory_desc,
        strides: *const i64,
        dilates: *const i64,
        padding_l: *const i64,
        padding_r: *const i64,
        hint: *const dnnl_primitive_desc,
        attr: *const dnnl_primitive_attr,
    ) -> c_int;
    pub fn dnnl_convolution_backward_weights_primitive_desc_create(
        pd: *mut *mut dnnl_primitive_desc,
        engine: *mut dnnl_engine,
        alg_kind: c_int,
        src: *const dnnl_memory_desc,
        diff_weights: *const dnnl_memory_desc,
        diff_bias: *const dnnl_memory_desc,
        diff_dst: *const dnnl_memory_desc,
        strides: *const i64,
        dilates: *const i64,
        padding_l: *const i64,
        padding_r: *const i64,
        hint: *const dnnl_primitive_desc,
        attr: *const dnnl_primitive_attr,
    ) -> c_int;
    pub fn dnnl_matmul_primitive_desc_create(
        pd: *mut *mut dnnl_primitive_desc,
        engine: *mut dnnl_engine,
        src: *const dnnl_memory_desc,
        weights: *const dnnl_memory_desc,
        bias: *const dnnl_memory_desc,
        dst: *const dnnl_memory_desc,
        attr: *const dnnl_primitive_attr,
    ) -> c_int;
    pub fn dnnl_reorder_primitive_desc_create(
        pd: *mut *mut dnnl_primitive_desc,
        src: *const dnnl_memory_desc,
        src_engine: *mut dnnl_engine,
        dst: *const dnnl_memory_desc,
        dst_engine: *mut dnnl_engine,
        attr: *const dnnl_primitive_attr,
    ) -> c_int;
    pub fn dnnl_primitive_desc_destroy(pd: *mut dnnl_primitive_desc) -> c_int;
    pub fn dnnl_primitive_desc_query_md(
        pd: *const dnnl_primitive_desc,
        what: c_int,
        index: c_int,
    ) -> *const dnnl_memory_desc;
    pub fn dnnl_primitive_create(primitive: *mut *mut dnnl_primitive, pd: *const dnnl_primitive_desc) -> c_int;
    pub fn dnnl_primitive_destroy(primitive: *mut dnnl_primitive) -> c_int;
    pub fn dnnl_primitive_execute(
        primitive: *const dnnl_primitive,
        stream: *mut dnnl_stream,
        nargs: c_int,
        args: *const ExecArg,
    ) -> c_int;
}
