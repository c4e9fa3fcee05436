#!/usr/bin/env python3
"""Writes tests/golden/*.json: values of Pillow and scikit-learn that the Rust tests must meet.

    pip install pillow scikit-learn && python tests/parity/golden.py tests/golden
"""
import json
import pathlib
import statistics
import sys

import numpy as np
import PIL
import sklearn
from PIL import Image
from sklearn.metrics import (
    accuracy_score, average_precision_score, confusion_matrix, f1_score, hamming_loss, log_loss, precision_recall_fscore_support,
)

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
from recipe import Draws, augment, reduce  # noqa: E402

MASK = (1 << 64) - 1


def noise(width, height, seed):
    """Every byte is the top byte of draw (seed, stream 2, epoch 0, index = its position)."""
    data = bytes(Draws(seed, 2, 0, i).next_u64() >> 56 for i in range(width * height * 3))
    return Image.frombytes("RGB", (width, height), data)


def fnv(data):
    """FNV-1a, 64 bits: small in the file, enough to notice one byte."""
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return f"{h:016x}"


def resize_cases():
    sizes = [(17, 11, 8, 8), (8, 8, 17, 11), (64, 48, 64, 20), (64, 48, 21, 48), (5, 3, 1, 1), (1, 1, 4, 4), (31, 33, 32, 32),
             (200, 150, 64, 64), (97, 301, 128, 128), (33, 32, 32, 32)]
    for seed, (w, h, out_w, out_h) in enumerate(sizes):
        out = noise(w, h, seed).resize((out_w, out_h), Image.Resampling.BILINEAR).tobytes()
        yield {"seed": seed, "from": [w, h], "to": [out_w, out_h], "head": list(out[:12]), "fnv": fnv(out)}


def augment_cases():
    sizes = [(40, 30), (30, 100), (150, 70), (33, 32), (12, 90)]
    for k, (w, h) in enumerate(sizes * 2):
        scale, size = (0.3, 16) if k < len(sizes) else (0.7, 32)
        image = reduce(noise(w, h, 50 + k), size, scale)
        out = augment(image, size, scale, True, True, 7, 3, k)
        yield {"seed": 50 + k, "from": [w, h], "size": size, "min_scale": scale, "run_seed": 7, "epoch": 3, "index": k,
               "reduced": list(image.size), "fnv": fnv(out.tobytes())}


def metrics_cases():
    random = np.random.default_rng(5)
    for n, k, sharpness in [(40, 3, 2.0), (7, 4, 0.5), (200, 5, 4.0), (30, 2, 0.0)]:
        actual = random.integers(0, k - 1 if n == 7 else k, n)
        logits = np.round(random.standard_normal((n, k)) * 2, 1) + sharpness * np.eye(k)[actual]
        p = np.exp(logits - logits.max(1, keepdims=True))
        p = (p / p.sum(1, keepdims=True)).astype(np.float32).astype(np.float64)
        predicted = p.argmax(1)
        precision, recall, f1, support = precision_recall_fscore_support(actual, predicted, labels=range(k), zero_division=0)
        positives = [(actual == c).any() for c in range(k)]
        yield {
            "actual": actual.tolist(), "probabilities": p.tolist(), "predicted": predicted.tolist(),
            "accuracy": float((actual == predicted).mean()),
            "macro_f1": float(f1_score(actual, predicted, labels=range(k), average="macro", zero_division=0)),
            "loss": float(log_loss(actual, p / p.sum(1, keepdims=True), labels=range(k))),
            "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "support": support.tolist(),
            "confusion": confusion_matrix(actual, predicted, labels=range(k)).tolist(),
            "average_precision": [float(average_precision_score(actual == c, p[:, c])) if positives[c] else None for c in range(k)],
        }


def multilabel_cases():
    random = np.random.default_rng(6)
    for n, k, share, threshold in [(50, 4, 0.3, 0.5), (9, 5, 0.1, 0.25), (200, 3, 0.7, 0.6), (20, 1, 0.5, 0.5)]:
        actual = random.random((n, k)) < share
        # Two decimals: scores that are equal, and some at the threshold itself.
        p = np.clip(np.round(0.3 + 0.3 * actual + 0.2 * random.standard_normal((n, k)), 2), 0, 1).astype(np.float32)
        predicted = p >= np.float32(threshold)
        columns = [precision_recall_fscore_support(actual[:, c], predicted[:, c], average="binary", zero_division=0) for c in range(k)]
        precision, recall, f1 = ([float(column[i]) for column in columns] for i in range(3))
        average = [float(average_precision_score(actual[:, c], p[:, c])) if actual[:, c].any() else None for c in range(k)]
        known = [value for value in average if value is not None]
        flat = actual.reshape(-1), predicted.reshape(-1)
        yield {
            "threshold": threshold, "actual": actual.astype(int).tolist(), "probabilities": p.astype(np.float64).tolist(),
            "precision": precision, "recall": recall, "f1": f1, "support": actual.sum(0).tolist(), "average_precision": average,
            "macro_f1": statistics.mean(f1), "micro_f1": float(f1_score(*flat, zero_division=0)),
            "mean_average_precision": statistics.mean(known) if known else None,
            "exact_match": float(accuracy_score(actual, predicted)), "hamming_loss": float(hamming_loss(actual, predicted)),
        }


def write(name, made_with, cases):
    text = json.dumps({"made_with": made_with, "cases": list(cases)}, separators=(",", ":"))
    (pathlib.Path(sys.argv[1]) / name).write_text(text.replace('{"seed"', '\n{"seed"').replace('{"actual"', '\n{"actual"').replace('{"threshold"', '\n{"threshold"') + "\n")


if __name__ == "__main__":
    write("resize_pillow.json", f"Pillow {PIL.__version__}", resize_cases())
    write("augment_pillow.json", f"Pillow {PIL.__version__}", augment_cases())
    write("metrics_sklearn.json", f"scikit-learn {sklearn.__version__}", metrics_cases())
    write("multilabel_sklearn.json", f"scikit-learn {sklearn.__version__}", multilabel_cases())
