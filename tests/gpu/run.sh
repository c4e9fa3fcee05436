#!/bin/sh
# The GPU suite of VisAIon, on a machine with an NVIDIA card, its driver and CUDA's libraries: a GPU pack, a CUDA 13 toolkit, or
# a Python environment with NVIDIA's packages. Needs no Rust and no network. Where PyTorch is and sees the card, it is measured,
# too, and the suite compares; PYTHON names another interpreter than python3. Options: see `./gpu_suite --help`;
#
#     ./run.sh               everything
#     ./run.sh --minutes 9   what is possible in that time
cd "$(dirname "$0")" || exit 1
for option in "$@"; do
    case $option in --cpu | --help | -h) exec ./gpu_suite "$@" ;; esac
done
# What the card's algorithms took is kept with the user's data; without a home, here.
export HOME="${HOME:-$PWD}"
python=${PYTHON:-python3}

# An interpreter that hangs must not cost the rest.
ask() {
    if command -v timeout >/dev/null; then timeout 120 "$python" -c "$1"; else "$python" -c "$1"; fi
}

# CUDA 13 of NVIDIA's Python packages. An environment that has another CUDA is left out: its cuDNN has the same name.
nvidia=$(ask '
import glob, importlib.util, sys
spec = importlib.util.find_spec("nvidia")
places = list(spec.submodule_search_locations) if spec else []
print(next((place for place in places if glob.glob(place + "/*/lib/libcudart.so.13")), ""))
' 2>/dev/null)
given() { case " $options" in *" $1"*) ;; *) return 1 ;; esac; }
options=$*
given --cuda || [ -z "$nvidia" ] || set -- --cuda "$nvidia" "$@"
given --out || set -- --out gpu-suite.json "$@"
if given --pytorch || given --peer; then
    :
elif why=$(ask 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "it does not see the card")' 2>&1); then
    set -- --pytorch "$(command -v "$python")" "$@"
else
    echo "PyTorch is not measured (PYTHON=... names its interpreter): $(echo "$why" | tail -n 1)"
fi
exec ./gpu_suite "$@"
