//! Convolutions and linear layers of a plan: on oneDNN where the network's back end is that and has such a kernel, on the
//! reference kernels otherwise. What oneDNN does not have is noted in the plan.

use candle_core::Result;
use va_graph::NodeId;

use super::Lowering;
use crate::backend::{Backend, Precision};
use crate::kernels::conv_ops::{Conv2dForward, Conv2dInputGrad, Conv2dWeightGrad, Epilogue};
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::lay_out::LaidOut;
use crate::kernels::linear::{LinearForward, LinearGeometry, LinearInputGrad, LinearWeightGrad};
use crate::onednn::{self, Number};

impl Lowering<'_> {
    /// The number type oneDNN works in, where products are to run on it.
    pub(super) fn onednn_number(&self) -> Option<Number> {
        match (self.network.backend(), self.network.precision()) {
            (Backend::OneDnn, Precision::F32) => Some(Number::F32),
            (Backend::OneDnn, Precision::Bf16) => Some(Number::Bf16),
            (Backend::OneDnn, Precision::F64) | (Backend::Reference | Backend::Cuda, _) => None,
        }
    }

    /// The kernel that oneDNN makes, or none.
    fn onednn<K>(&mut self, id: NodeId, make: impl FnOnce(&mut Self, Number) -> Result<K>) -> Option<K> {
        let number = self.onednn_number()?;
        match make(self, number) {
            Ok(kernel) => Some(kernel),
            Err(err) => {
                self.fallbacks.push(format!("{}: {err}", self.graph.node(id).name));
                None
            }
        }
    }

    /// The weights of a layer as a GPU's products read them, where they are laid out.
    fn laid_out(&self, id: NodeId) -> Result<Option<LaidOut>> {
        self.network.weights.as_ref().map_or(Ok(None), |weights| weights.of(id))
    }

    pub(super) fn conv_forward(&mut self, id: NodeId, geo: ConvGeometry, epilogue: Epilogue) -> Result<Conv2dForward> {
        let (train, frozen) = (self.has_backward(), self.network.is_frozen());
        let onednn = self.onednn(id, |plan, number| {
            onednn::Product::conv_forward(&geo, number, epilogue, train, frozen, &mut plan.workspace)
        });
        Ok(Conv2dForward::new(geo, epilogue).on(onednn).laid_out(self.laid_out(id)?))
    }

    pub(super) fn conv_input_grad(&mut self, id: NodeId, geo: ConvGeometry) -> Result<Conv2dInputGrad> {
        let onednn =
            self.onednn(id, |plan, number| onednn::Product::conv_input_grad(&geo, number, &mut plan.workspace));
        Ok(Conv2dInputGrad::new(geo).on(onednn).laid_out(self.laid_out(id)?))
    }

    pub(super) fn conv_weight_grad(&mut self, id: NodeId, geo: ConvGeometry) -> Conv2dWeightGrad {
        let onednn = self.onednn(id, |plan, number| onednn::WeightGrad::conv(&geo, number, &mut plan.workspace));
        Conv2dWeightGrad::new(geo).on(onednn)
    }

    pub(super) fn linear_forward(
        &mut self,
        id: NodeId,
        geo: LinearGeometry,
        epilogue: Epilogue,
    ) -> Result<LinearForward> {
        let frozen = self.network.is_frozen();
        let onednn = self.onednn(id, |plan, number| {
            onednn::Product::linear_forward(geo, number, epilogue, frozen, &mut plan.workspace)
        });
        Ok(LinearForward::new(geo, epilogue).on(onednn).laid_out(self.laid_out(id)?))
    }

    pub(super) fn linear_input_grad(&mut self, id: NodeId, geo: LinearGeometry) -> Result<LinearInputGrad> {
        let onednn =
            self.onednn(id, |plan, number| onednn::Product::linear_input_grad(geo, number, &mut plan.workspace));
        Ok(LinearInputGrad::new(geo).on(onednn).laid_out(self.laid_out(id)?))
    }

    pub(super) fn linear_weight_grad(&mut self, id: NodeId, geo: LinearGeometry) -> LinearWeightGrad {
        let onednn = self.onednn(id, |plan, number| onednn::WeightGrad::linear(geo, number, &mut plan.workspace));
        LinearWeightGrad::new(geo).on(onednn)
    }
}
