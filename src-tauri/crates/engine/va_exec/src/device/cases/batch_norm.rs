//! Batch norms, and what a GPU joins around them.

use super::{Case, case1, case2, far, joined, positive, real, value};
use crate::kernels::batch_norm::{
    AffineParam, BN_ROWS, BnAffine, BnApply, BnFromRunning, BnInputGrad, BnParamGrad, BnReduceGrad, BnStatistics,
    BnUpdateRunning, RunningStatistic,
};
use crate::kernels::joined::{apply_add, input_grad, learn, learn_masked, prepare};

const SIZES: [(usize, usize); 6] = [(2, 3), (65, 40), (900, 33), (1300, 64), (70, 96), (40, 8)];

pub(super) fn cases() -> Vec<Case> {
    SIZES.into_iter().flat_map(|(rows, c)| [alone(rows, c), with_a_sum(rows, c)].concat()).collect()
}

/// Of `[rows, c]`.
fn alone(rows: usize, c: usize) -> Vec<Case> {
    let (packed, len, name) = (BN_ROWS * c, rows * c, |what: &str| format!("{what} [{rows}, {c}]"));
    let running = |which| BnUpdateRunning { which, momentum: 0.1, rows };
    let mut cases = vec![
        case1(&name("BN statistics"), real(packed), value(len), BnStatistics { eps: 1e-5 }),
        case1(&name("BN statistics far from zero"), real(packed), far(len), BnStatistics { eps: 1e-12 }),
        case2(&name("BN from running"), real(packed), [real(c), positive(c)], BnFromRunning { eps: 1e-5 }),
        case2(&name("BN affine"), real(packed), [real(c), real(c)], BnAffine),
        case1(&name("BN running mean"), real(c), real(packed), running(RunningStatistic::Mean)),
        case1(&name("BN running variance"), real(c), real(packed), running(RunningStatistic::Variance)),
        case1(&name("BN gamma gradient"), real(c), real(packed), BnParamGrad(AffineParam::Gamma)),
        case1(&name("BN beta gradient"), real(c), real(packed), BnParamGrad(AffineParam::Beta)),
        joined(
            &name("BN prepare"),
            real(packed),
            vec![value(len), real(c), positive(c), real(c), real(c)],
            |packed, srcs| prepare([packed, &srcs[0], &srcs[1], &srcs[2], &srcs[3], &srcs[4]], 1e-5, 0.1),
        ),
        joined(
            &name("BN prepare: running mean"),
            real(c),
            vec![real(packed), value(len), positive(c), real(c), real(c)],
            |mean, srcs| prepare([&srcs[0], &srcs[1], mean, &srcs[2], &srcs[3], &srcs[4]], 1e-5, 0.1),
        ),
        joined(
            &name("BN prepare: running variance"),
            positive(c),
            vec![real(packed), value(len), real(c), real(c), real(c)],
            |var, srcs| prepare([&srcs[0], &srcs[1], &srcs[2], var, &srcs[3], &srcs[4]], 1e-5, 0.1),
        ),
    ];
    for relu in [false, true] {
        let name = |what: &str| name(&with(what, relu));
        let (apply, reduce, grad) = (BnApply { relu }, BnReduceGrad { relu }, BnInputGrad { relu });
        cases.extend([
            case2(&name("BN apply"), value(len), [value(len), real(packed)], apply),
            case2(&name("BN sums of gradient"), real(packed), [value(len), value(len)], reduce),
            case2(&name("BN input gradient"), value(len), [value(len), real(packed)], grad),
            joined(
                &name("BN learn: gamma"),
                real(c),
                vec![real(packed), value(len), value(len), real(c)],
                move |dgamma, srcs| learn([&srcs[0], &srcs[1], &srcs[2], dgamma, &srcs[3]], relu),
            ),
            joined(
                &name("BN learn: beta"),
                real(c),
                vec![real(packed), value(len), value(len), real(c)],
                move |dbeta, srcs| learn([&srcs[0], &srcs[1], &srcs[2], &srcs[3], dbeta], relu),
            ),
        ]);
    }
    cases
}

/// Of `[rows, c]`.
fn with_a_sum(rows: usize, c: usize) -> Vec<Case> {
    let (packed, len, name) = (BN_ROWS * c, rows * c, |what: &str| format!("{what} [{rows}, {c}]"));
    let apply = |relu: bool| {
        joined(
            &name(&with("BN apply, add", relu)),
            value(len),
            vec![value(len), real(packed), value(len)],
            move |y, srcs| apply_add([y, &srcs[0], &srcs[1], &srcs[2]], relu),
        )
    };
    vec![
        apply(false),
        apply(true),
        joined(
            &name("BN learn after a sum"),
            real(packed),
            vec![value(len), value(len), value(len), real(c), real(c)],
            |packed, srcs| learn_masked([packed, &srcs[0], &srcs[1], &srcs[2], &srcs[3], &srcs[4]]),
        ),
        joined(
            &name("BN gradient that passed the sum"),
            value(len),
            vec![real(packed), value(len), value(len), real(c), real(c)],
            |dy, srcs| learn_masked([&srcs[0], &srcs[1], dy, &srcs[2], &srcs[3], &srcs[4]]),
        ),
        joined(
            &name("BN input gradient beside"),
            value(len),
            vec![value(len), value(len), real(packed)],
            |dx, srcs| input_grad([dx, &srcs[0], &srcs[1], &srcs[2]]),
        ),
    ]
}

fn with(what: &str, relu: bool) -> String {
    format!("{what}{}", if relu { ", ReLU" } else { "" })
}
