#!/usr/bin/env python3
"""ResNet-18 in PyTorch, f64: logits, loss, gradient norms and samples, running statistics, as JSON.

Weights and inputs come from the counter-based generator that `va_exec::CounterRng` documents, so no file is shared.
Needs torch (CPU) and numpy; the network is written here with torch.nn.functional and timm's parameter names.

    python tests/parity/peers/resnet_reference.py > tests/golden/resnet18_f64.json
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

SEED, BATCH, SIZE, CLASSES, SMOOTHING, SAMPLES = 7, 4, 40, 5, 0.1, 5
U64 = np.uint64


def mix(z):
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


def key(seed, name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return mix(np.array([seed ^ value], dtype=U64))[0]


def uniform(name, index):
    with np.errstate(over="ignore"):
        bits = mix(key(SEED, name) + index * U64(0x9E3779B97F4A7C15))
    return (bits >> U64(11)).astype(np.float64) * 2.0**-53


def normal(name, shape):
    index = np.arange(int(np.prod(shape)), dtype=U64)
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(name, U64(2) * index)))
    return (radius * np.cos(2.0 * np.pi * uniform(name, U64(2) * index + U64(1)))).reshape(shape)


def shapes():
    """timm names and shapes of ResNet-18."""
    def norm(name, c):
        return {f"{name}.weight": (c,), f"{name}.bias": (c,)}

    out = {"conv1.weight": (64, 3, 7, 7), **norm("bn1", 64)}
    width = 64
    for stage, c in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            p = f"layer{stage}.{block}"
            out |= {f"{p}.conv1.weight": (c, width, 3, 3), **norm(f"{p}.bn1", c)}
            out |= {f"{p}.conv2.weight": (c, c, 3, 3), **norm(f"{p}.bn2", c)}
            if width != c:
                out |= {f"{p}.downsample.0.weight": (c, width, 1, 1), **norm(f"{p}.downsample.1", c)}
            width = c
    return out | {"fc.weight": (CLASSES, 512), "fc.bias": (CLASSES,)}


def value(name, shape):
    """The rule of the test: He for convolutions, scales near one, everything else near zero."""
    z = normal(name, shape)
    if len(shape) == 4:
        return z * np.sqrt(2.0 / (shape[0] * shape[2] * shape[3]))
    if len(shape) == 2:
        return z * 0.05
    return z * 0.1 + (1.0 if name.endswith("weight") else 0.0)


def main():
    torch.set_default_dtype(torch.float64)
    params = {n: torch.tensor(value(n, s), requires_grad=True) for n, s in shapes().items()}
    buffers = {}

    def bn(name, x):
        mean, var = torch.zeros(x.shape[1]), torch.ones(x.shape[1])
        y = F.batch_norm(x, mean, var, params[f"{name}.weight"], params[f"{name}.bias"], True, 0.1, 1e-5)
        buffers[f"{name}.running_mean"], buffers[f"{name}.running_var"] = mean, var
        return y

    x = torch.tensor(normal("input", (BATCH, SIZE, SIZE, 3))).permute(0, 3, 1, 2)
    y = F.relu(bn("bn1", F.conv2d(x, params["conv1.weight"], stride=2, padding=3)))
    y = F.max_pool2d(y, 3, 2, 1)
    for stage in range(1, 5):
        for block in range(2):
            p = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            z = F.relu(bn(f"{p}.bn1", F.conv2d(y, params[f"{p}.conv1.weight"], stride=stride, padding=1)))
            z = bn(f"{p}.bn2", F.conv2d(z, params[f"{p}.conv2.weight"], padding=1))
            if f"{p}.downsample.0.weight" in params:
                y = bn(f"{p}.downsample.1", F.conv2d(y, params[f"{p}.downsample.0.weight"], stride=stride))
            y = F.relu(z + y)
    logits = F.linear(y.mean((2, 3)), params["fc.weight"], params["fc.bias"])
    targets = torch.arange(BATCH) % CLASSES
    loss = F.cross_entropy(logits, targets, label_smoothing=SMOOTHING)
    loss.backward()

    def summary(tensor):
        flat = tensor.detach().reshape(-1)
        step = max(1, flat.numel() // SAMPLES)
        return {"norm": flat.norm().item(), "step": step, "samples": flat[::step][:SAMPLES].tolist()}

    result = {
        "torch": torch.__version__, "seed": SEED, "batch": BATCH, "size": SIZE, "classes": CLASSES,
        "label_smoothing": SMOOTHING, "logits": logits.tolist(), "loss": loss.item(),
        "gradients": {n: summary(p.grad) for n, p in sorted(params.items())},
        "buffers": {n: summary(b) for n, b in sorted(buffers.items())},
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
