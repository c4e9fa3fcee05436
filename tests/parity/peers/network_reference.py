#!/usr/bin/env python3
"""The zoo's architectures in PyTorch (timm), f64, as JSON: logits, loss, gradient norms and samples, running statistics,
and the losses of fifty training steps.

Weights and inputs come from the counter-based generator that `va_exec::CounterRng` documents, so no file is shared.
Needs torch (CPU), timm and numpy.

    python tests/parity/peers/network_reference.py tests/golden            # every architecture
    python tests/parity/peers/network_reference.py tests/golden resnet18   # one of them
"""
import json
import pathlib
import sys

import numpy as np
import timm
import torch
import torch.nn.functional as F

SEED, BATCH, CLASSES, SMOOTHING, SAMPLES = 7, 4, 5, 0.1, 3
SIZES = {
    "resnet18": 40, "resnet34": 40, "resnet50": 40, "mobilenetv4_conv_small": 40, "mobilenetv4_conv_medium": 40,
    "convnext_atto": 40, "convnext_tiny": 40, "vit_tiny_patch16_224": 48, "vit_small_patch16_224": 48,
}
# Small steps where batch norm over four samples would make a rounding error grow from step to step.
# Optimiser, learning rate, weight decay of the training runs; momentum 0.9 for SGD.
RUNS = {
    "resnet18": ("sgd", 1e-3, 1e-2), "mobilenetv4_conv_small": ("sgd", 1e-5, 1e-2), "convnext_atto": ("adamw", 1e-4, 0.05),
}
STEPS = 50
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
    with np.errstate(over="ignore"):
        radius = np.sqrt(-2.0 * np.log(1.0 - uniform(name, U64(2) * index)))
        return (radius * np.cos(2.0 * np.pi * uniform(name, U64(2) * index + U64(1)))).reshape(shape)


def value(name, shape):
    """The rule of the test: fan-in for convolutions and linear layers, scales near one, factors near a half, everything
    else near zero."""
    z = normal(name, shape)
    if len(shape) == 4:
        return z * np.sqrt(2.0 / (shape[1] * shape[2] * shape[3]))
    if len(shape) == 2:
        return z * np.sqrt(1.0 / shape[1])
    offset = 1.0 if name.endswith("weight") else 0.5 if name.endswith("gamma") else 0.0
    return z * 0.1 + offset


def network(arch, size):
    extra = {"img_size": size} if arch.startswith("vit") else {}
    model = timm.create_model(arch, num_classes=CLASSES, drop_rate=0.0, drop_path_rate=0.0, **extra).double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.tensor(value(name, tuple(parameter.shape))))
    return model.train()


def images(name, size):
    return torch.tensor(normal(name, (BATCH, size, size, 3))).permute(0, 3, 1, 2)


def summary(tensor):
    flat = tensor.detach().reshape(-1)
    step = max(1, flat.numel() // SAMPLES)
    return {"norm": flat.norm().item(), "step": step, "samples": flat[::step][:SAMPLES].tolist()}


def gradients(arch, size):
    model = network(arch, size)
    logits = model(images("input", size))
    loss = F.cross_entropy(logits, torch.arange(BATCH) % CLASSES, label_smoothing=SMOOTHING)
    loss.backward()
    statistics = {n: b for n, b in model.named_buffers() if "running_" in n}
    return {
        "torch": torch.__version__, "timm": timm.__version__, "seed": SEED, "batch": BATCH, "size": size,
        "classes": CLASSES, "label_smoothing": SMOOTHING, "logits": logits.tolist(), "loss": loss.item(),
        "gradients": {n: summary(p.grad) for n, p in sorted(model.named_parameters())},
        "buffers": {n: summary(b) for n, b in sorted(statistics.items())},
    }


def training(arch, size):
    kind, lr, decay = RUNS[arch]
    model = network(arch, size)
    spared = [p for n, p in model.named_parameters() if p.ndim == 1]
    groups = [{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": decay},
              {"params": spared, "weight_decay": 0.0}]
    optimiser = (torch.optim.SGD(groups, lr=lr, momentum=0.9) if kind == "sgd" else torch.optim.AdamW(groups, lr=lr))
    losses = []
    for step in range(STEPS):
        targets = (torch.arange(BATCH) + step) % CLASSES
        loss = F.cross_entropy(model(images(f"batch {step}", size)), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return {"optimiser": kind, "lr": lr, "weight_decay": decay, "losses": losses}


def text(result):
    """JSON with one line an entry, so that a change is seen where it is."""
    lines = []
    for name, entry in result.items():
        if isinstance(entry, dict) and name in ("gradients", "buffers"):
            inner = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in entry.items())
            lines.append(f' {json.dumps(name)}: {{\n{inner}\n }}' if inner else f" {json.dumps(name)}: {{}}")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(entry)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    folder, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for arch, size in SIZES.items():
        if wanted and arch not in wanted:
            continue
        result = gradients(arch, size)
        if arch in RUNS:
            result["training"] = training(arch, size)
        (folder / f"{arch}_f64.json").write_text(text(result))


if __name__ == "__main__":
    main()
