#!/usr/bin/env python3
"""A small file as PyTorch saves it, its numbers as JSON, and a position embedding resized by timm.

Needs torch (CPU), timm and numpy.

    python tests/parity/peers/weights_reference.py tests/golden
"""
import collections
import json
import pathlib
import sys

import torch
from timm.layers import resample_abs_pos_embed


def main():
    folder = pathlib.Path(sys.argv[1])
    state = collections.OrderedDict()
    state["fc.weight"] = torch.arange(12, dtype=torch.float32).reshape(3, 4) / 7
    state["turned"] = state["fc.weight"].t()  # shares its storage, other strides
    state["part"] = torch.arange(20, dtype=torch.float64)[5:11].reshape(2, 3) / 3
    state["half"] = (torch.arange(4) / 9).half()
    state["brain"] = (torch.arange(4) / 9).bfloat16()
    state["bn.num_batches_tracked"] = torch.tensor(41)
    state["parameter"] = torch.nn.Parameter(torch.tensor([1.5, -2.5]))
    torch.save({"epoch": 3, "lr": 0.1, "name": "run", "done": True, "state_dict": state}, folder / "torch_state.pth")
    grid = torch.sin(torch.arange(1 + 25, dtype=torch.float32).reshape(1, 26, 1) * torch.tensor([0.7, 1.9]))
    resized = {str(to): resample_abs_pos_embed(grid, [to, to]).reshape(-1).tolist() for to in (2, 3, 7, 8)}
    result = {
        "torch": torch.__version__,
        "state": {n: {"shape": list(t.shape), "values": t.detach().float().reshape(-1).tolist()} for n, t in state.items()},
        "embedding": grid.reshape(-1).tolist(),
        "resized": resized,
    }
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in result.items())
    (folder / "weights_torch.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
