#!/usr/bin/env python3
"""Our training recipe in PyTorch, on the same folds from the same initial weights: one JSON line a fold.

The twin of `cargo run -p va_engine --example fold_run`; arguments and files are the same (see its documentation), except
that the settings must name every part of the recipe:

    python tests/parity/peers/train_classifier.py --folds folds.json --data DIR --settings settings.json --out DIR

`OUT/initial-<fold>.safetensors` must be there (`fold_run` writes it before it trains, or with `--initial-only`).
Needs torch, timm, safetensors, numpy, Pillow >= 13 (its resize chooses the order of passes as ours does). What the
recipe is: see the documentation of the crate `va_train`. PyTorch uses OMP_NUM_THREADS threads.
"""
import argparse
import json
import math
import pathlib
import time

import numpy as np
import timm
import torch
from PIL import Image
from recipe import MEAN, STD, augment, epoch_order, learning_rate, reduce
from safetensors.torch import load_file

SETTINGS = {"arch", "image_size_px", "batch_size", "epochs", "learning_rate", "weight_decay", "warmup_epochs", "label_smoothing",
            "clip_norm", "seed", "augmentation"}
AUGMENTATION = {"crop_min_scale", "flip_horizontal", "flip_vertical"}


def normalise(images):
    """[N, 3, H, W] f32 from PIL images."""
    pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2).float() / 255
    return (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def build(settings, classes, weights):
    model = timm.create_model(settings["arch"], num_classes=classes)
    state = load_file(weights)
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    assert not missing and not unexpected, (missing, unexpected)
    return model.to(memory_format=torch.channels_last)


def train(settings, model, samples, device):
    size, batch_size, augmentation = settings["image_size_px"], settings["batch_size"], settings["augmentation"]
    seed, scale = settings["seed"], augmentation["crop_min_scale"]
    images = [reduce(Image.open(path).convert("RGB"), size, scale) for path, _ in samples]
    targets = torch.tensor([target for _, target in samples])
    steps = max(len(samples) // batch_size, 1)
    total, warmup = steps * settings["epochs"], min(round(settings["warmup_epochs"] * steps), steps * settings["epochs"])
    decay = [p for p in model.parameters() if p.ndim > 1]
    no_decay = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decay, "weight_decay": settings["weight_decay"]}, {"params": no_decay, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=settings["learning_rate"], betas=(0.9, 0.999), eps=1e-8)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=settings["label_smoothing"])
    model.train()
    step, mean_loss = 0, math.nan
    for epoch in range(settings["epochs"]):
        order, losses = epoch_order(seed, epoch, len(samples)), []
        for k in range(steps):
            indices = order[k * batch_size:(k + 1) * batch_size]
            flips = augmentation["flip_horizontal"], augmentation["flip_vertical"]
            batch = [augment(images[i], size, scale, *flips, seed, epoch, i) for i in indices]
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, settings["learning_rate"], warmup, total)
            x = normalise(batch).to(device, memory_format=torch.channels_last)
            loss = loss_of(model(x), targets[indices].to(device))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            if settings["clip_norm"] > 0:
                torch.nn.utils.clip_grad_norm_(model.parameters(), settings["clip_norm"])
            optimiser.step()
            losses.append(loss.item())
            step += 1
        mean_loss = sum(losses) / len(losses)
    return step, mean_loss


def test(settings, model, samples, device):
    size = settings["image_size_px"]
    model.eval()
    right, loss = 0, 0.0
    with torch.inference_mode():
        for start in range(0, len(samples), 32):
            part = samples[start:start + 32]
            images = [Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR) for path, _ in part]
            targets = torch.tensor([target for _, target in part])
            logits = model(normalise(images).to(device, memory_format=torch.channels_last)).cpu()
            right += (logits.argmax(1) == targets).sum().item()
            loss += torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
    return right / len(samples), loss / len(samples)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folds", required=True, type=pathlib.Path)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--settings", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--only", help="numbers of the folds to run, with commas; all without it")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    folds = json.loads(arguments.folds.read_text())
    settings = json.loads(arguments.settings.read_text())
    if set(settings) != SETTINGS or set(settings["augmentation"]) != AUGMENTATION:
        parser.error(f"the settings must name exactly {sorted(SETTINGS)}, the augmentation {sorted(AUGMENTATION)}")
    numbers = range(len(folds["folds"])) if arguments.only is None else map(int, arguments.only.split(","))
    for number in numbers:
        fold = folds["folds"][number]
        mine = {**settings, "seed": settings["seed"] + number}
        split = {name: [(arguments.data / path, target) for path, target in fold[name]] for name in ("train", "test")}
        weights = arguments.out / f"initial-{number}.safetensors"
        model = build(mine, len(folds["classes"]), weights).to(arguments.device)
        began = time.perf_counter()
        steps, train_loss = train(mine, model, split["train"], arguments.device)
        seconds = time.perf_counter() - began
        accuracy, loss = test(mine, model, split["test"], arguments.device)
        print(json.dumps({"engine": f"torch {torch.__version__} {arguments.device}", "fold": number, "accuracy": accuracy, "loss": loss,
                          "train_loss": train_loss, "steps": steps, "train_seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
