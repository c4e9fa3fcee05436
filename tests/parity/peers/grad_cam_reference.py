#!/usr/bin/env python3
"""Grad-CAM (Selvaraju et al. 2017) in PyTorch (timm), f64, as JSON: one map for each family of architectures and some
layers, straight from the definition: channel weights are the spatial mean of the gradient of one class's logit.

Weights, running statistics and the image come from the counter-based generator that `va_exec::CounterRng` documents;
weights are rounded to f32, as a model file keeps them. Needs torch (CPU), timm and numpy.

    python tests/parity/peers/grad_cam_reference.py tests/golden/grad_cam.json
"""
import json
import pathlib
import sys

import numpy as np
import timm
import torch

from counter_rng import CLASSES, SEED, U64, normal, uniform, value

SIZE = 96
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# Architecture, module whose output is taken, its name in our graph, class, whether it is our default layer.
CASES = [
    ("resnet18", "layer4", "layer4.1.act2", 1, True),
    ("resnet18", "layer4", "layer4.1.act2", 3, True),
    ("resnet18", "layer3", "layer3.1.act2", 1, False),
    ("resnet18", "layer4.1.bn2", "layer4.1.bn2", 0, False),
    ("mobilenetv4_conv_small", "blocks.4", "blocks.4.0.act1", 2, True),
    ("mobilenetv4_conv_small", "blocks.2", "blocks.2.5.add", 4, False),
    ("convnext_atto", "stages.3", "stages.3.blocks.1.add", 0, True),
    ("vit_tiny_patch16_224", "blocks.11.norm1", "blocks.11.norm1", 2, True),
    ("vit_tiny_patch16_224", "blocks.5", "blocks.5.add2", 1, False),
]


def network(arch):
    extra = {"img_size": SIZE} if arch.startswith("vit") else {}
    model = timm.create_model(arch, num_classes=CLASSES, drop_rate=0.0, drop_path_rate=0.0, **extra).double().eval()
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if not tensor.dtype.is_floating_point:
                continue
            shape = tuple(tensor.shape)
            drawn = 0.5 + np.abs(normal(name, shape)) if name.endswith("running_var") else value(name, shape)
            tensor.copy_(torch.tensor(drawn.astype(np.float32)))
    return model


def image():
    count = SIZE * SIZE * 3
    pixels = np.floor(uniform("image", np.arange(count, dtype=U64)) * 256.0).reshape(SIZE, SIZE, 3)
    normalised = (pixels / 255.0 - np.array(MEAN)) / np.array(STD)
    return torch.tensor(normalised).permute(2, 0, 1)[None]


def grad_cam(model, module, class_idx):
    kept = []
    # A copy: some activations are overwritten in place later.
    hook = model.get_submodule(module).register_forward_hook(lambda _m, _i, out: kept.append(out) or out.clone())
    logits = model(image())
    hook.remove()
    (activation,) = kept
    (gradient,) = torch.autograd.grad(logits[0, class_idx], activation)
    activation, gradient = activation[0].detach(), gradient[0]
    if activation.ndim == 2:  # tokens: [1 + T, C], the class token leads
        activation, gradient = activation[1:].T, gradient[1:].T
    flat, weights = activation.reshape(activation.shape[0], -1), gradient.reshape(gradient.shape[0], -1).mean(dim=1)
    return torch.relu(weights @ flat), torch.softmax(logits[0], dim=0)


def main():
    cases = []
    for arch, module, layer, class_idx, is_default in CASES:
        heat, probabilities = grad_cam(network(arch), module, class_idx)
        assert heat.max() > 0, f"{arch} {layer}: an empty map tests nothing"
        cases.append({"arch": arch, "layer": layer, "class_idx": class_idx, "is_default": is_default,
                      "map": heat.tolist(), "probabilities": probabilities.tolist()})
    head = {"torch": torch.__version__, "timm": timm.__version__, "seed": SEED, "size": SIZE, "classes": CLASSES}
    lines = [f' {json.dumps(key)}: {json.dumps(entry)}' for key, entry in head.items()]
    body = ",\n".join(f"  {json.dumps(case)}" for case in cases)
    pathlib.Path(sys.argv[1]).write_text("{\n" + ",\n".join(lines) + ',\n "cases": [\n' + body + "\n ]\n}\n")


if __name__ == "__main__":
    main()
