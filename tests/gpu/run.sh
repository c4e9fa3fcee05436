#!/bin/sh
# The GPU suite of VisAIon, on a machine with an NVIDIA card, its driver and CUDA's libraries (a CUDA 13 toolkit, or a Python
# environment with NVIDIA's packages). Needs no Rust and no network. Where PyTorch is and sees the card (PYTHON names another
# interpreter than python3), it is measured first, and the suite compares. Options: see `./gpu_suite --help`.
cd "$(dirname "$0")" || exit 1
python=${PYTHON:-python3}
for option in "$@"; do
    case $option in --cpu | --help | -h) exec ./gpu_suite "$@" ;; esac
done
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    # Its environment may hold CUDA's libraries too.
    : "${VIRTUAL_ENV:=$("$python" -c 'import sys; print(sys.prefix)')}"
    export VIRTUAL_ENV
    echo "PyTorch is measured first: some minutes."
    rm -f pytorch.json
    if "$python" pytorch_peer.py --out pytorch.json 2>pytorch.log; then
        set -- --peer pytorch.json "$@"
    else
        echo "PyTorch could not be measured; pytorch.log says why."
    fi
else
    echo "PyTorch is not there, or does not see the card: nothing is compared with it (PYTHON=... names its interpreter)."
fi
exec ./gpu_suite --out gpu-suite.json "$@"
