#!/usr/bin/env python3
"""Accuracy parity with PyTorch, and of every exported file with ONNX Runtime, on one data set of `accuracy.json`.

A recipe names the classes, where their images lie, the number of runs and the training settings. Without a test folder
run k trains on all but the k-th of `runs` stratified folds and is tested on that one; with a test folder the runs differ
in their seed (initial weights, order, augmentation). Both sides start from the same weights, read the same decoded
pixels and draw the same crops, flips and order (our training resize is within one level of 255 of Pillow's).

    python tests/parity/accuracy.py --data DIR --name magnetic-tile --fold-run PROGRAM --out DIR --table FILE

Runs that `OUT/ours.jsonl` and `OUT/torch.jsonl` hold are not done again, so an interrupted campaign goes on where it
was. `--side` does one part alone: `ours`, `torch` (needs the initial weights that ours wrote) or `table`. Both sides use
as many threads as OMP_NUM_THREADS says. With `--epochs` and `--runs` a trial is shorter than the recipe; it needs an
`--out` of its own.

Exits with 1 when ours lies more than two standard errors from PyTorch's mean, or ONNX Runtime gives one test image
another class or a probability more than 1e-4 away.
"""
import argparse
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys

import numpy as np
import onnxruntime
from PIL import Image

HERE = pathlib.Path(__file__).parent
LARGEST_DIFFERENCE = 1e-4
BATCH = 8


def files_of(data, pattern, name):
    found = sorted(path.relative_to(data).as_posix() for path in data.glob(pattern.replace("{class}", name)))
    if not found:
        sys.exit(f"no image at {data / pattern.replace('{class}', name)}: is --data the folder that holds the data set?")
    return found


def all_files(recipe, data, pattern):
    return [[file, index] for index, name in enumerate(recipe["classes"]) for file in files_of(data, pattern, name)]


def stratified(recipe, data):
    """Every class is shuffled by a fixed seed and dealt to the folds in turn."""
    dealt = [[] for _ in range(recipe["runs"])]
    for index, name in enumerate(recipe["classes"]):
        files = files_of(data, recipe["train"], name)
        random.Random(index).shuffle(files)
        for position, file in enumerate(files):
            dealt[position % len(dealt)].append([file, index])
    return [{"train": sorted(sum(dealt[:k] + dealt[k + 1:], [])), "test": sorted(dealt[k])} for k in range(len(dealt))]


def splits(recipe, data):
    if recipe["test"] is None:
        return stratified(recipe, data)
    one = {"train": all_files(recipe, data, recipe["train"]), "test": all_files(recipe, data, recipe["test"])}
    return [one] * recipe["runs"]


def decoded(data, out, folds):
    """The same folds over PNG copies below OUT/images, so that no decoder differs between the two sides."""
    def copy(file):
        png = (out / "images" / file).with_suffix(".png")
        if not png.exists():
            png.parent.mkdir(parents=True, exist_ok=True)
            part = png.with_suffix(".part")
            Image.open(data / file).convert("RGB").save(part, format="png")
            part.rename(png)
        return png.relative_to(out / "images").as_posix()
    return [{part: [[copy(file), index] for file, index in fold[part]] for part in ("train", "test")} for fold in folds]


def prepare(arguments, recipe):
    """Folds, settings and decoded images in OUT; a folder of another recipe is refused."""
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "recipe.json"
    if kept.exists() and json.loads(kept.read_text()) != recipe:
        sys.exit(f"{out} holds results of another recipe: remove it, or name another --out")
    kept.write_text(json.dumps(recipe))
    folds = decoded(arguments.data, out, splits(recipe, arguments.data))
    (out / "folds.json").write_text(json.dumps({"classes": recipe["classes"], "folds": folds}))
    (out / "settings.json").write_text(json.dumps(recipe["settings"]))


def finished(path):
    """The results in a file by run; a line that was cut off counts as missing."""
    results = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            result = json.loads(line)
        except json.JSONDecodeError:
            continue
        results[result["fold"]] = result
    return results


def run_missing(command, runs, path):
    """Runs what is missing and keeps each result, a JSON line a run, as it comes."""
    missing = [run for run in range(runs) if run not in finished(path)]
    if not missing:
        return
    command = [*map(str, command), "--only", ",".join(map(str, missing))]
    with path.open("a") as kept, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            kept.write(line.rstrip("\n") + "\n")
            kept.flush()
            print(line, end="", flush=True)
    if process.returncode:
        sys.exit(f"{command[0]} failed ({process.returncode})")


def compare_with_onnxruntime(out, run):
    """Test images of the run, largest probability difference, and how many images get another class.

    ONNX Runtime gets the very numbers that our inference computed with (`pixels-<run>.npy`, `[N, H, W, 3]`).
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
    session = onnxruntime.InferenceSession(out / f"model-{run}.onnx", options, providers=["CPUExecutionProvider"])
    pixels = np.load(out / f"pixels-{run}.npy", mmap_mode="r")
    ours = np.array([row for _, row in json.loads((out / f"probabilities-{run}.json").read_text())])
    assert len(ours) == len(pixels) > 0, "every test image needs its pixels and its probabilities"
    theirs = np.concatenate([
        session.run(["probabilities"], {"input": np.ascontiguousarray(pixels[at:at + BATCH].transpose(0, 3, 1, 2))})[0]
        for at in range(0, len(pixels), BATCH)
    ]).astype(np.float64)
    return len(ours), float(np.abs(theirs - ours).max()), int((theirs.argmax(1) != ours.argmax(1)).sum())


def table(name, recipe, out):
    """The Markdown table and whether the two agree."""
    runs, settings = recipe["runs"], recipe["settings"]
    sides = [finished(out / file) for file in ("ours.jsonl", "torch.jsonl")]
    for side, results in zip(("ours", "torch"), sides):
        if len(results) < runs:
            sys.exit(f"{len(results)} of {runs} runs are done on the side {side}: run it again to do the rest")
    (a, b), (s, t) = ([[side[run][key] for run in range(runs)] for side in sides] for key in ("accuracy", "train_seconds"))
    difference = statistics.mean(a) - statistics.mean(b)
    error = math.sqrt((statistics.variance(a) + statistics.variance(b)) / runs)
    images, worst, other = zip(*(compare_with_onnxruntime(out, run) for run in range(runs)))
    images, worst, other = sum(images), max(worst), sum(other)
    near = abs(difference) <= 2 * error
    passed = near and worst <= LARGEST_DIFFERENCE and other == 0
    what = "fold" if recipe["test"] is None else "run"

    def spread(values):
        return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"
    rows = [
        f"| {name}, {settings['arch']}, {settings['image_size_px']} px, batch {settings['batch_size']}, {settings['epochs']} epochs, "
        f"{runs} {what}s: test accuracy | VisAIon | PyTorch |",
        "|---|---:|---:|",
        *(f"| {what} {k + 1} | {x:.4f} | {y:.4f} |" for k, (x, y) in enumerate(zip(a, b))),
        f"| mean ± standard deviation | {spread(a)} | {spread(b)} |",
        f"| training a {what}, s (median) | {statistics.median(s):.0f} | {statistics.median(t):.0f} |",
        "",
        f"Difference of the means {difference:+.4f}, standard error {error:.4f}: {'within' if near else 'OUTSIDE'} two standard errors "
        f"({sides[0][0]['engine']}; {sides[1][0]['engine']}).",
        f"ONNX Runtime {onnxruntime.__version__} against our inference on {images} test images: largest probability difference {worst:.1e} "
        f"(at most {LARGEST_DIFFERENCE:g}), {other} with another class. {'PASS' if passed else 'FAIL'}.",
    ]
    return "\n".join(rows), passed


def main():
    recipes = json.loads((HERE / "accuracy.json").read_text())
    parser = argparse.ArgumentParser()
    for flag in ("data", "fold-run", "out", "table"):
        parser.add_argument(f"--{flag}", type=pathlib.Path, required=flag in ("data", "out"))
    parser.add_argument("--name", choices=recipes, required=True)
    parser.add_argument("--side", choices=("ours", "torch", "table"), action="append")
    parser.add_argument("--epochs", type=int, help="of a trial")
    parser.add_argument("--runs", type=int, help="of a trial")
    arguments = parser.parse_args()
    sides, recipe = arguments.side or ["ours", "torch", "table"], recipes[arguments.name]
    if "ours" in sides and not arguments.fold_run:
        parser.error("our side needs --fold-run")
    settings = recipe["settings"]
    settings["epochs"] = arguments.epochs or settings["epochs"]
    settings["warmup_epochs"] = min(settings["warmup_epochs"], settings["epochs"])
    recipe["runs"] = arguments.runs or recipe["runs"]
    prepare(arguments, recipe)
    out = arguments.out
    files = ["--folds", out / "folds.json", "--settings", out / "settings.json", "--data", out / "images", "--out", out]
    if "ours" in sides:
        run_missing([arguments.fold_run.resolve(), *files], recipe["runs"], out / "ours.jsonl")
    if "torch" in sides:
        run_missing([sys.executable, HERE / "peers/train_classifier.py", *files], recipe["runs"], out / "torch.jsonl")
    if "table" in sides:
        text, passed = table(arguments.name, recipe, out)
        print(text)
        if arguments.table:
            arguments.table.write_text(text + "\n")
        sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
