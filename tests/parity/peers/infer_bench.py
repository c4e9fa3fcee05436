#!/usr/bin/env python3
"""Inference throughput of ONNX Runtime on synthetic images, as one JSON line.

The model is timm's, exported by PyTorch with a free batch dimension into `--folder` on first use; ONNX Runtime folds and
fuses it as it likes.
"""
import argparse
import json
import os
import pathlib
import statistics
import time

import numpy as np
import onnxruntime


def exported(arch: str, size: int, folder: pathlib.Path) -> pathlib.Path:
    path = folder / f"{arch}-{size}.onnx"
    if not path.exists():
        import timm
        import torch

        folder.mkdir(parents=True, exist_ok=True)
        model = timm.create_model(arch, num_classes=10, exportable=True).eval()
        sample = torch.randn(1, 3, size, size)
        torch.onnx.export(model, (sample,), str(path), input_names=["image"], output_names=["logits"],
                          dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}}, opset_version=17, dynamo=False)
    return path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--size", type=int, default=224, help="height and width, px")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    args = parser.parse_args()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    path = exported(args.arch, args.size, args.folder)
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).standard_normal((args.batch, 3, args.size, args.size), dtype=np.float32)
    seconds = []
    for step in range(args.warmup + args.steps):
        start = time.perf_counter()
        session.run(None, {"image": images})
        if step >= args.warmup:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "program": f"ONNX Runtime {onnxruntime.__version__}",
        "images_per_s": args.batch / statistics.median(seconds),
        "threads": args.threads,
    }))


if __name__ == "__main__":
    main()
