//! Which algorithm serves a shape: the one that was measured before, or measured now, or that cuDNN believes to be best.
//! Only algorithms that give the same bits every time come into question.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::mem::MaybeUninit;

use candle_core::{Error, Result};
use cudarc::cudnn::{result, sys};

use super::plan::{Plan, math, pointer};
use crate::device::cuda::errors::CudaResult;
use crate::device::cuda::operation::Operation;
use crate::device::kept::{Choice, KeptChoices};
use crate::device::{Buffer, ConvPass, Gpu, Number};
use crate::kernels::geometry::ConvGeometry;

/// Scratch memory that an algorithm may use. Measuring takes as much at once.
const WORKSPACE_BYTES: usize = 512 << 20;
/// How many algorithms cuDNN is asked for: more than it has, with and without tensor cores.
const ASKED: usize = 24;

/// The plan with its algorithm.
///
/// # Errors
/// When cuDNN has none for the shape.
pub(super) fn algorithm(
    operation: &Operation<'_>,
    plan: &Plan,
    pass: ConvPass,
    geo: &ConvGeometry,
    operands: [Buffer; 3],
    kept: Option<&mut KeptChoices>,
) -> Result<Plan> {
    let number = Number::of_values(&operands);
    let known = known(operation, plan, pass)?;
    let ranked = || best(&known, number);
    let Some(kept) = kept else { return plan.with(pass, ranked()?) };
    let key = key(pass, geo, number);
    // What is kept says which, the library whether it has that, and how much memory it takes.
    let same = |choice: Choice| known.iter().find(|one| one.choice == choice && one.fits(number));
    if let Some(one) = kept.get(&key).and_then(same) {
        return plan.with(pass, one);
    }
    // While the pass is recorded nothing can be measured, nor where there is no memory for it.
    let measured = measured(operation, plan, pass, operands)
        .and_then(|measured| best(&measured, number).map(|best| best.choice))
        .ok()
        .and_then(same);
    let chosen = measured.map_or_else(ranked, Ok)?;
    // The ranking's is kept too, because a run that goes on tomorrow must not choose anew. A file that cannot be written only
    // means that it does.
    let _ = kept.keep(key, chosen.choice);
    plan.with(pass, chosen)
}

/// One line of text without tabs.
fn key(pass: ConvPass, geo: &ConvGeometry, number: Number) -> String {
    let pass = match pass {
        ConvPass::Forward { .. } => "forward",
        ConvPass::InputGrad => "input_grad",
        ConvPass::WeightGrad => "weight_grad",
    };
    let ConvGeometry { batch, size, channels, out_channels, kernel, stride, padding, dilation, groups, .. } = geo;
    format!(
        "{pass} {number:?} {batch}x{size:?}x{channels} to {out_channels} kernel {kernel:?} stride {stride:?} padding \
         {padding:?} dilation {dilation:?} groups {groups}"
    )
}

/// What cuDNN says of an algorithm, whatever the pass.
pub(super) struct Candidate {
    pub choice: Choice,
    pub math: sys::cudnnMathType_t,
    pub workspace_bytes: usize,
    works: bool,
    is_deterministic: bool,
}

impl Candidate {
    /// For f32 only without tensor cores, which would round to TF32.
    fn fits(&self, number: Number) -> bool {
        self.works
            && self.is_deterministic
            && self.workspace_bytes <= WORKSPACE_BYTES
            && (number == Number::Bf16 || self.math == math(number))
    }
}

macro_rules! candidate {
    ($perf:expr) => {{
        let perf = $perf;
        Candidate {
            choice: Choice { algorithm: perf.algo as u32, math: perf.mathType as u32 },
            math: perf.mathType,
            workspace_bytes: perf.memory,
            works: perf.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS,
            is_deterministic: perf.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC,
        }
    }};
}

/// Asks cuDNN for its candidates, the best first: `ask(count, found, room)`, which must fill as many as it says.
macro_rules! candidates {
    ($kind:ty, $ask:expr) => {{
        let mut found: c_int = 0;
        let mut room = [const { MaybeUninit::<$kind>::uninit() }; ASKED];
        $ask(ASKED as c_int, &raw mut found, room.as_mut_ptr().cast::<$kind>()).cuda()?;
        let filled = usize::try_from(found).unwrap_or(0);
        // cuDNN has filled so many.
        room.iter().take(filled).map(|perf| candidate!(perf.assume_init_ref())).collect::<Vec<_>>()
    }};
}

fn best(candidates: &[Candidate], number: Number) -> Result<&Candidate> {
    let none = || Error::Msg("cuDNN has no algorithm for this convolution".to_owned());
    candidates.iter().find(|candidate| candidate.fits(number)).ok_or_else(none)
}

/// All that cuDNN has, ranked by its own rules without running anything.
fn known(operation: &Operation<'_>, plan: &Plan, pass: ConvPass) -> Result<Vec<Candidate>> {
    let (handle, Plan { x, y, w, conv, .. }) = (operation.lane().dnn(), plan);
    // SAFETY: descriptors of the plan; cuDNN fills no more than it has room for.
    Ok(unsafe {
        match pass {
            ConvPass::Forward { .. } => candidates!(sys::cudnnConvolutionFwdAlgoPerf_t, |n, found, room| {
                result::get_convolution_forward_algorithm(handle, *x, *w, *conv, *y, n, found, room)
            }),
            ConvPass::InputGrad => candidates!(sys::cudnnConvolutionBwdDataAlgoPerf_t, |n, found, room| {
                result::get_convolution_backward_data_algorithm(handle, *w, *y, *conv, *x, n, found, room)
            }),
            ConvPass::WeightGrad => candidates!(sys::cudnnConvolutionBwdFilterAlgoPerf_t, |n, found, room| {
                result::get_convolution_backward_filter_algorithm(handle, *x, *y, *conv, *w, n, found, room)
            }),
        }
    })
}

/// As [`known`], ranked by running all of them on these operands, with results into scratch memory.
fn measured(operation: &Operation<'_>, plan: &Plan, pass: ConvPass, operands: [Buffer; 3]) -> Result<Vec<Candidate>> {
    let number = Number::of_values(&operands);
    let scratch = operation.scratch(Number::F32, WORKSPACE_BYTES / 4)?;
    let (room_at, room_bytes) = (pointer(scratch).cast_mut(), WORKSPACE_BYTES);
    let written = operation.scratch(number, operands[0].len)?;
    let to = pointer(written).cast_mut();
    let (handle, &Plan { x, y, w, conv, .. }) = (operation.lane().dnn(), plan);
    // SAFETY: buffers of the sizes that the descriptors say; the result is scratch memory as long as the true one.
    Ok(unsafe {
        match pass {
            ConvPass::Forward { .. } => {
                let (px, pw) = (pointer(operands[1]), pointer(operands[2]));
                candidates!(sys::cudnnConvolutionFwdAlgoPerf_t, |n, found, room| {
                    sys::cudnnFindConvolutionForwardAlgorithmEx(
                        handle, x, px, w, pw, conv, y, to, n, found, room, room_at, room_bytes,
                    )
                    .result()
                })
            }
            ConvPass::InputGrad => {
                let (py, pw) = (pointer(operands[1]), pointer(operands[2]));
                candidates!(sys::cudnnConvolutionBwdDataAlgoPerf_t, |n, found, room| {
                    sys::cudnnFindConvolutionBackwardDataAlgorithmEx(
                        handle, w, pw, y, py, conv, x, to, n, found, room, room_at, room_bytes,
                    )
                    .result()
                })
            }
            ConvPass::WeightGrad => {
                let (px, py) = (pointer(operands[1]), pointer(operands[2]));
                candidates!(sys::cudnnConvolutionBwdFilterAlgoPerf_t, |n, found, room| {
                    sys::cudnnFindConvolutionBackwardFilterAlgorithmEx(
                        handle, x, px, y, py, conv, w, to, n, found, room, room_at, room_bytes,
                    )
                    .result()
                })
            }
        }
    })
}
