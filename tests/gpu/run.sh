#!/bin/sh
# The GPU suite of VisAIon, on a machine with an NVIDIA card, its driver and CUDA's libraries (a CUDA 13 toolkit, or a Python
# environment with NVIDIA's packages). Needs no Rust and no network. Options: see `./gpu_suite --help`.
cd "$(dirname "$0")" && exec ./gpu_suite --out gpu-suite.json "$@"
