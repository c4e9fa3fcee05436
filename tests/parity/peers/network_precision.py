#!/usr/bin/env python3
"""How far PyTorch's f32 and bf16 (autocast, channels-last) lie from its own f64: one training step of four networks.

Ours may be at most twice as far (`va_exec/tests/precision.rs`). Weights and images come from the counter-based generator
of `counter_rng.py`, rounded to f32, so that every precision starts from the same numbers. An error is the Euclidean
distance from the f64 result as a share of that result's length:

    logits    all logits of the batch
    gradient  the gradient of all parameters as one vector
    tensor    the median over parameters of the error of each gradient by itself; those that are zero but for rounding
              (a bias before a norm) are left out

Of several batches the error of rank `rank` (from 0, the smallest first) counts: the middle one, but of networks with
ReLUs in f32 the lower quartile. Where a ReLU's input lies so near zero that rounding decides its side, the gradient jumps
(from 1e-5 to 1e-2), which says nothing of the kernels. `reference` is the length of the f64 logits and gradient of each
batch, by which a reader can tell whether it computes the same thing. Needs torch, timm and numpy; the committed figures
are those of a CPU, `tests/gpu/pytorch_peer.py` measures the same on a card.

    python tests/parity/peers/network_precision.py tests/golden
"""
import json
import pathlib
import statistics
import sys

import torch
import torch.nn.functional as F
from counter_rng import CLASSES, SEED, normal, value

# Architecture, precision, images a batch, height and width in px, batches, rank. In f32 small where there are ReLUs, so
# that few of them are near zero; in bf16 large enough for batch norms to be well conditioned.
WORK = [
    ("resnet18", "f32", 4, 48, 9, 2), ("resnet18", "bf16", 16, 64, 3, 1),
    ("mobilenetv4_conv_small", "f32", 6, 32, 9, 2), ("mobilenetv4_conv_small", "bf16", 16, 64, 3, 1),
    ("convnext_atto", "f32", 8, 64, 5, 2), ("convnext_atto", "bf16", 8, 64, 5, 2),
    ("vit_tiny_patch16_224", "f32", 8, 64, 7, 3), ("vit_tiny_patch16_224", "bf16", 8, 64, 7, 3),
]
# A gradient shorter than this share of the whole is rounding alone.
NEGLIGIBLE = 1e-7


def rounded(array):
    return torch.tensor(array).float()


def network(arch, classes, size):
    """timm's, or torchvision's where there is no timm: parameters of its residual networks have the same names."""
    try:
        import timm
    except ImportError:
        import torchvision
        return torchvision.models.get_model(arch, num_classes=classes)
    extra = {"img_size": size} if arch.startswith("vit") else {}
    return timm.create_model(arch, num_classes=classes, drop_rate=0.0, drop_path_rate=0.0, **extra)


def step(arch, batch, size, number, dtype, autocast=False, device="cpu"):
    """Logits and gradients by name of the batch `number`, in f64 on the CPU."""
    model = network(arch, CLASSES, size).to(dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(rounded(value(name, tuple(parameter.shape))))
    model = model.train().to(device, memory_format=torch.channels_last)
    images = rounded(normal(f"precision {number}", (batch, size, size, 3))).permute(0, 3, 1, 2).to(device, dtype)
    with torch.autocast(device, torch.bfloat16, enabled=autocast):
        logits = model(images.contiguous(memory_format=torch.channels_last))
    logits = logits if dtype == torch.float64 else logits.float()
    F.cross_entropy(logits, torch.arange(batch, device=device) % CLASSES).backward()
    gradients = {name: p.grad.double().reshape(-1).cpu() for name, p in model.named_parameters()}
    return logits.detach().double().cpu(), gradients


def errors(ours, reference):
    (logits, gradients), (exact_logits, exact) = ours, reference
    whole, exact_whole = (torch.cat(list(by_name.values())) for by_name in (gradients, exact))
    length = exact_whole.norm()
    tensors = [((gradients[n] - exact[n]).norm() / exact[n].norm()).item() for n in exact if exact[n].norm() > NEGLIGIBLE * length]
    return {
        "logits": ((logits - exact_logits).norm() / exact_logits.norm()).item(),
        "gradient": ((whole - exact_whole).norm() / length).item(),
        "tensor": statistics.median(tensors),
    }


def measure(arch, precision, batch, size, batches, rank, device="cpu"):
    references = [step(arch, batch, size, number, torch.float64) for number in range(batches)]
    found = [errors(step(arch, batch, size, number, torch.float32, precision == "bf16", device), reference)
             for number, reference in enumerate(references)]
    return {
        "arch": arch, "precision": precision, "batch": batch, "size": size, "rank": rank,
        "reference": [[logits.norm().item(), torch.cat(list(g.values())).norm().item()] for logits, g in references],
        **{key: float(f"{sorted(e[key] for e in found)[rank]:.3e}") for key in found[0]},
    }


def main():
    import timm

    result = {
        "torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability(), "timm": timm.__version__, "seed": SEED,
        "classes": CLASSES, "negligible": NEGLIGIBLE,
    }
    head = json.dumps(result)[1:-1]
    works = ",\n".join(f"  {json.dumps(measure(*work))}" for work in WORK)
    text = "{\n " + head + ',\n "works": [\n' + works + "\n ]\n}\n"
    (pathlib.Path(sys.argv[1]) / "network_precision.json").write_text(text)


if __name__ == "__main__":
    main()
