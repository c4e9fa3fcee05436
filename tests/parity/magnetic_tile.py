#!/usr/bin/env python3
"""Accuracy parity with PyTorch, and of every exported file with ONNX Runtime, on the magnetic-tile images.

Three classes, 128 px, 30 epochs, 5 stratified folds, ours and PyTorch from the same initial weights over the same stream
of augmented images. Run by `cargo xtask parity`, which builds `fold_run` and names it; writes a Markdown table.

    python tests/parity/magnetic_tile.py --data DIR --fold-run PROGRAM --out DIR --table FILE

Exits with 1 when ours lies more than two standard errors from PyTorch's mean, or a runtime disagrees with ours.
"""
import argparse
import json
import math
import pathlib
import random
import statistics
import subprocess
import sys

import numpy as np
import onnxruntime
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
from recipe import MEAN, STD  # noqa: E402

CLASSES = ["MT_Blowhole", "MT_Break", "MT_Free"]
FOLDS = 5
SETTINGS = {"image_size_px": 128, "epochs": 30, "batch_size": 32, "seed": 1}
LARGEST_DIFFERENCE = 1e-4


def make_folds(data):
    """Stratified: every class is shuffled by a fixed seed and dealt to the folds in turn."""
    dealt = [[] for _ in range(FOLDS)]
    for index, name in enumerate(CLASSES):
        files = sorted(path.relative_to(data).as_posix() for path in (data / name / "Imgs").glob("*.jpg"))
        random.Random(index).shuffle(files)
        for position, file in enumerate(files):
            dealt[position % FOLDS].append([file, index])
    folds = [{"train": sorted(sum(dealt[:k] + dealt[k + 1:], [])), "test": sorted(dealt[k])} for k in range(FOLDS)]
    return {"classes": CLASSES, "folds": folds}


def lines_of(command, keep):
    """The JSON lines a program prints, kept in a file as they come; what the file already holds is not run again."""
    if not keep.exists() or len(keep.read_text().splitlines()) < FOLDS:
        with keep.open("w") as file:
            subprocess.run(command, check=True, stdout=file)
    return [json.loads(line) for line in keep.read_text().splitlines()]


def softmax(logits):
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def compare_with_onnxruntime(data, out, number):
    """Largest probability difference, and how many images get another class, over the fold's test images."""
    session = onnxruntime.InferenceSession(out / f"model-{number}.onnx", providers=["CPUExecutionProvider"])
    size, worst, other = SETTINGS["image_size_px"], 0.0, 0
    ours = json.loads((out / f"probabilities-{number}.json").read_text())
    for name, probabilities in ours:
        image = Image.open(data / name).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        pixels = (np.asarray(image, dtype=np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
        logits = session.run(None, {session.get_inputs()[0].name: pixels.transpose(2, 0, 1)[None].astype(np.float32)})[0]
        theirs = softmax(logits.astype(np.float64))[0]
        worst = max(worst, float(np.abs(theirs - probabilities).max()))
        other += int(theirs.argmax() != int(np.argmax(probabilities)))
    return len(ours), worst, other


def main():
    parser = argparse.ArgumentParser()
    for name in ("data", "fold-run", "out", "table"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    (out / "folds.json").write_text(json.dumps(make_folds(arguments.data)))
    (out / "settings.json").write_text(json.dumps(SETTINGS))
    files = ["--folds", out / "folds.json", "--settings", out / "settings.json", "--data", arguments.data, "--out", out]
    ours = lines_of([arguments.fold_run, *files], out / "ours.jsonl")
    peer = pathlib.Path(__file__).parent / "peers" / "train_classifier.py"
    theirs = lines_of([sys.executable, peer, *files], out / "torch.jsonl")

    a, b = [line["accuracy"] for line in ours], [line["accuracy"] for line in theirs]
    difference = statistics.mean(a) - statistics.mean(b)
    error = math.sqrt((statistics.variance(a) + statistics.variance(b)) / FOLDS)
    compared = [compare_with_onnxruntime(arguments.data, out, number) for number in range(FOLDS)]
    images, worst, other = sum(c[0] for c in compared), max(c[1] for c in compared), sum(c[2] for c in compared)
    passed = abs(difference) <= 2 * error and worst <= LARGEST_DIFFERENCE and other == 0

    rows = [
        "| magnetic-tile, ResNet-18, 128 px, 30 epochs, 5 folds | VisAIon | PyTorch |",
        "|---|---:|---:|",
        *(f"| fold {k + 1} accuracy | {x:.4f} | {y:.4f} |" for k, (x, y) in enumerate(zip(a, b))),
        f"| mean ± standard deviation | {statistics.mean(a):.4f} ± {statistics.stdev(a):.4f} | {statistics.mean(b):.4f} ± {statistics.stdev(b):.4f} |",
        f"| training a fold, s (median) | {statistics.median(line['train_seconds'] for line in ours):.0f} | {statistics.median(line['train_seconds'] for line in theirs):.0f} |",
        "",
        f"Difference of the means {difference:+.4f}, standard error {error:.4f}: {'within' if abs(difference) <= 2 * error else 'OUTSIDE'} two standard errors.",
        f"ONNX Runtime {onnxruntime.__version__} against our inference on {images} test images: largest probability difference {worst:.1e} "
        f"(at most {LARGEST_DIFFERENCE:g}), {other} with another class. {'PASS' if passed else 'FAIL'}.",
    ]
    arguments.table.write_text("\n".join(rows) + "\n")
    print("\n".join(rows))
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
