//! The host's optimiser steps, of which a GPU is asked none: there a whole update is one ([`super::DeviceUpdate`]).

use candle_core::{Result, bail};

use super::{Buffer, DeviceKernel, Gpu};
use crate::kernels::flat::{AdamApply, AdamMoments, MoveTowards, Scale, SgdApply, SgdVelocity};
use crate::kernels::op::SliceKernel;

macro_rules! on_the_host {
    ($($kernel:ty: $sources:literal),*) => {
        $(impl DeviceKernel<$sources> for $kernel {
            fn run_on(&self, _: &dyn Gpu, _: Buffer, _: [Buffer; $sources]) -> Result<()> {
                bail!("BUG: {} is a step of the host; a GPU does whole updates", Self::NAME)
            }
        })*
    };
}

on_the_host!(AdamMoments: 1, AdamApply: 1, SgdVelocity: 2, SgdApply: 2, MoveTowards: 1, Scale: 0);
