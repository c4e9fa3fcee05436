#!/usr/bin/env python3
"""The zoo's architectures in PyTorch (timm), f64, as JSON: logits, loss, gradient norms and samples, running statistics,
and the losses of fifty training steps.

Weights and inputs come from a counter-based generator (`counter_rng.py`), so no file is shared. Needs torch (CPU), timm
and numpy.

    python tests/parity/peers/network_reference.py tests/golden            # every architecture
    python tests/parity/peers/network_reference.py tests/golden resnet18   # one of them
"""
import json
import pathlib
import sys

import timm
import torch
import torch.nn.functional as F
from counter_rng import CLASSES, SEED, normal, value

BATCH, SMOOTHING, SAMPLES = 4, 0.1, 3
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
