//! The calls of cuDNN and their algorithms, by the numbers under which they are kept.

use cudarc::cudnn::sys::cudnnConvolutionBwdDataAlgo_t as InputGradAlgorithm;
use cudarc::cudnn::sys::cudnnConvolutionBwdFilterAlgo_t as WeightGradAlgorithm;
use cudarc::cudnn::sys::cudnnConvolutionFwdAlgo_t as ForwardAlgorithm;

/// Which call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Forward,
    /// Forward with a bias and then, perhaps, ReLU.
    Finished {
        relu: bool,
    },
    InputGrad,
    WeightGrad,
}

impl Form {
    /// As it is kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Finished { relu: false } => "forward with bias",
            Self::Finished { relu: true } => "forward with bias and ReLU",
            Self::InputGrad => "input_grad",
            Self::WeightGrad => "weight_grad",
        }
    }

    pub fn is_finished(self) -> bool {
        matches!(self, Self::Finished { .. })
    }

    /// Whether the call takes the algorithm of this number: without ReLU, one with a bias takes a single one (cuDNN's
    /// documentation of `cudnnConvolutionBiasActivationForward`).
    pub fn takes(self, algorithm: u32) -> bool {
        let only = ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
        self != Self::Finished { relu: false } || algorithm == only as u32
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Algorithm {
    Forward(ForwardAlgorithm),
    InputGrad(InputGradAlgorithm),
    WeightGrad(WeightGradAlgorithm),
}

const FORWARD: [ForwardAlgorithm; 8] = [
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM,
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_GEMM,
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_DIRECT,
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_FFT,
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING,
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD,
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED,
];

const INPUT_GRAD: [InputGradAlgorithm; 6] = [
    InputGradAlgorithm::CUDNN_CONVOLUTION_BWD_DATA_ALGO_0,
    InputGradAlgorithm::CUDNN_CONVOLUTION_BWD_DATA_ALGO_1,
    InputGradAlgorithm::CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT,
    InputGradAlgorithm::CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING,
    InputGradAlgorithm::CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD,
    InputGradAlgorithm::CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED,
];

const WEIGHT_GRAD: [WeightGradAlgorithm; 7] = [
    WeightGradAlgorithm::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0,
    WeightGradAlgorithm::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1,
    WeightGradAlgorithm::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT,
    WeightGradAlgorithm::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3,
    WeightGradAlgorithm::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD,
    WeightGradAlgorithm::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED,
    WeightGradAlgorithm::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING,
];

impl Algorithm {
    /// None for a number that cuDNN does not use.
    pub fn numbered(form: Form, number: u32) -> Option<Self> {
        match form {
            Form::Forward | Form::Finished { .. } => {
                FORWARD.iter().find(|&&a| a as u32 == number).map(|&a| Self::Forward(a))
            }
            Form::InputGrad => INPUT_GRAD.iter().find(|&&a| a as u32 == number).map(|&a| Self::InputGrad(a)),
            Form::WeightGrad => WEIGHT_GRAD.iter().find(|&&a| a as u32 == number).map(|&a| Self::WeightGrad(a)),
        }
    }
}
