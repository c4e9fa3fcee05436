//! Which algorithm serves a shape: the one that was measured before, or measured now, or that cuDNN believes to be best.
//! Only algorithms that give the same bits every time come into question.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::mem::MaybeUninit;

use candle_core::{Error, Result};
use cudarc::cudnn::{result, sys};

use super::Asked;
use super::algorithm::Form;
use super::plan::{Descriptors, Plan, math, pointer};
use crate::device::cuda::errors::CudaResult;
use crate::device::cuda::operation::Operation;
use crate::device::kept::{Choice, KeptChoices};
use crate::device::{Gpu, Number};
use crate::kernels::geometry::ConvGeometry;

/// Scratch memory that an algorithm may use. Measuring takes as much at once.
const WORKSPACE_BYTES: usize = 512 << 20;
/// How many algorithms cuDNN is asked for: more than it has, with and without tensor cores.
const ASKED: usize = 24;
/// A bias and ReLU in the kernel of the convolution save a pass over the result; an algorithm that takes so many times as long
/// as the fastest loses more than that.
const SLOWEST: f32 = 1.25;

/// How cuDNN computes it.
///
/// # Errors
/// When cuDNN has no algorithm for it, or none that is worth it.
pub(super) fn plan(operation: &Operation<'_>, asked: &Asked<'_>, kept: Option<&mut KeptChoices>) -> Result<Plan> {
    let descriptors = Descriptors::new(asked)?;
    let known = known(operation, &descriptors, asked.form)?;
    // What is kept or measured says which, the library whether it has that, and how much memory it takes.
    let serves = |choice: Choice| -> Result<Option<Plan>> {
        match known.iter().find(|one| one.choice == choice && one.fits(asked)) {
            Some(one) => serving(operation, &descriptors, asked, one),
            None => Ok(None),
        }
    };
    let key = key(asked.form, asked.geometry, asked.number());
    let before = kept.as_ref().and_then(|kept| kept.get(&key));
    if before == Some(Choice::NONE) {
        return none();
    }
    if let Some(plan) = before.map_or(Ok(None), serves)? {
        return Ok(plan);
    }
    // While the pass is recorded nothing can be measured, nor where there is no memory for it.
    let measured = match &kept {
        Some(_) => measured(operation, &descriptors, asked).unwrap_or_default(),
        None => Vec::new(),
    };
    let mut found = None;
    for choice in ranking(&measured, &known, asked) {
        if let Some(plan) = serves(choice)? {
            found = Some((choice, plan));
            break;
        }
    }
    if let Some(kept) = kept {
        // The ranking's is kept too, because a run that goes on tomorrow must not choose anew. A file that cannot be written
        // only means that it does.
        let _ = kept.keep(key, found.as_ref().map_or(Choice::NONE, |(choice, _)| *choice));
    }
    found.map_or_else(none, |(_, plan)| Ok(plan))
}

/// The best first.
fn ranking(measured: &[Candidate], known: &[Candidate], asked: &Asked<'_>) -> Vec<Choice> {
    let fastest = measured.iter().filter(|one| one.is_allowed(asked.number())).map(|one| one.time_ms).next();
    let Some(fastest) = fastest.filter(|_| asked.form.is_finished()) else {
        return measured.iter().chain(known).filter(|one| one.fits(asked)).map(|one| one.choice).collect();
    };
    // Products without bias were measured: those that are slow even so are out.
    let is_worth_it = |one: &&Candidate| one.fits(asked) && one.time_ms <= SLOWEST * fastest;
    measured.iter().filter(is_worth_it).map(|one| one.choice).collect()
}

/// The plan with this algorithm. Whether cuDNN computes a form with a bias by it, only the call itself says: it is tried, with
/// the result into scratch memory.
fn serving(
    operation: &Operation<'_>,
    descriptors: &Descriptors,
    asked: &Asked<'_>,
    chosen: &Candidate,
) -> Result<Option<Plan>> {
    let plan = Plan::new(*descriptors, asked.form, chosen)?;
    if !asked.form.is_finished() {
        return Ok(Some(plan));
    }
    let [y, x, w] = asked.operands;
    let aside = Asked { operands: [operation.scratch(y.number, y.len)?, x, w], keep: false, ..*asked };
    match plan.run(operation, &aside) {
        Ok(()) => Ok(Some(plan)),
        Err(Error::Cuda(why)) if why.is::<result::CudnnError>() => Ok(None),
        Err(other) => Err(other),
    }
}

fn none<T>() -> Result<T> {
    Err(Error::Msg("cuDNN has no algorithm for this convolution".to_owned()))
}

/// One line of text without tabs.
fn key(form: Form, geo: &ConvGeometry, number: Number) -> String {
    let ConvGeometry { batch, size, channels, out_channels, kernel, stride, padding, dilation, groups, .. } = geo;
    format!(
        "{} {number:?} {batch}x{size:?}x{channels} to {out_channels} kernel {kernel:?} stride {stride:?} padding \
         {padding:?} dilation {dilation:?} groups {groups}",
        form.name()
    )
}

/// What cuDNN says of an algorithm, whatever the pass.
pub(super) struct Candidate {
    pub choice: Choice,
    pub math: sys::cudnnMathType_t,
    pub workspace_bytes: usize,
    /// Where it was measured.
    time_ms: f32,
    works: bool,
    is_deterministic: bool,
}

impl Candidate {
    fn fits(&self, asked: &Asked<'_>) -> bool {
        self.is_allowed(asked.number()) && asked.form.takes(self.choice.algorithm)
    }

    /// For f32 only without tensor cores, which would round to TF32.
    fn is_allowed(&self, number: Number) -> bool {
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
            time_ms: perf.time,
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

/// All that cuDNN has, ranked by its own rules without running anything.
fn known(operation: &Operation<'_>, descriptors: &Descriptors, form: Form) -> Result<Vec<Candidate>> {
    let (handle, Descriptors { x, y, w, conv, .. }) = (operation.lane().dnn(), descriptors);
    // SAFETY: descriptors that are whole; cuDNN fills no more than it has room for.
    Ok(unsafe {
        match form {
            Form::Forward | Form::Finished { .. } => {
                candidates!(sys::cudnnConvolutionFwdAlgoPerf_t, |n, found, room| {
                    result::get_convolution_forward_algorithm(handle, *x, *w, *conv, *y, n, found, room)
                })
            }
            Form::InputGrad => candidates!(sys::cudnnConvolutionBwdDataAlgoPerf_t, |n, found, room| {
                result::get_convolution_backward_data_algorithm(handle, *w, *y, *conv, *x, n, found, room)
            }),
            Form::WeightGrad => candidates!(sys::cudnnConvolutionBwdFilterAlgoPerf_t, |n, found, room| {
                result::get_convolution_backward_filter_algorithm(handle, *x, *y, *conv, *w, n, found, room)
            }),
        }
    })
}

/// As [`known`], ranked by running all of them on these operands, with results into scratch memory; a form with a bias
/// without it.
fn measured(operation: &Operation<'_>, descriptors: &Descriptors, asked: &Asked<'_>) -> Result<Vec<Candidate>> {
    let scratch = operation.scratch(Number::F32, WORKSPACE_BYTES / 4)?;
    let (room_at, room_bytes) = (pointer(scratch).cast_mut(), WORKSPACE_BYTES);
    let written = operation.scratch(asked.number(), asked.operands[0].len)?;
    let (to, [_, a, b]) = (pointer(written).cast_mut(), asked.operands.map(pointer));
    let (handle, &Descriptors { x, y, w, conv, .. }) = (operation.lane().dnn(), descriptors);
    // SAFETY: buffers of the sizes that the descriptors say; the result is scratch memory as long as the true one.
    Ok(unsafe {
        match asked.form {
            Form::Forward | Form::Finished { .. } => {
                candidates!(sys::cudnnConvolutionFwdAlgoPerf_t, |n, found, room| {
                    sys::cudnnFindConvolutionForwardAlgorithmEx(
                        handle, x, a, w, b, conv, y, to, n, found, room, room_at, room_bytes,
                    )
                    .result()
                })
            }
            Form::InputGrad => candidates!(sys::cudnnConvolutionBwdDataAlgoPerf_t, |n, found, room| {
                sys::cudnnFindConvolutionBackwardDataAlgorithmEx(
                    handle, w, b, y, a, conv, x, to, n, found, room, room_at, room_bytes,
                )
                .result()
            }),
            Form::WeightGrad => candidates!(sys::cudnnConvolutionBwdFilterAlgoPerf_t, |n, found, room| {
                sys::cudnnFindConvolutionBackwardFilterAlgorithmEx(
                    handle, x, a, y, b, conv, w, to, n, found, room, room_at, room_bytes,
                )
                .result()
            }),
        }
    })
}
