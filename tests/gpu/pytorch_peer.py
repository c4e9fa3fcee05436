#!/usr/bin/env python3
"""What the GPU suite measures, in PyTorch on the same device, as JSON:

    training   images/s of forward, cross-entropy, backward, clipping and AdamW on images that are on the device:
               channels-last, bf16 under autocast, eager and torch.compile
    inference  images/s from pixels on the host to logits on the host: the median
    networks   errors of logits and gradients against f64, from the weights and batches of our own table

PyTorch is taken at its best: cuDNN searches for its algorithms, AdamW is fused, convolutions in f32 may use TF32 where that
is its default; for the errors they may not. What fails is a line with the reason. What the suite's targets need comes first,
what has to be compiled after it, and the file is written anew after every line: who has little time ends it when he likes, or
bounds it with `--seconds`. Needs torch and numpy; timm, or, for what it has, torchvision.

    python3 pytorch_peer.py --out pytorch.json
"""
import argparse
import json
import os
import pathlib
import statistics
import sys
import time

import torch

# Beside this script in the packed suite, in the sources where the parity tests have them.
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "parity" / "peers")]
from network_precision import WORK, measure, network  # noqa: E402

CLASSES = 1000


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def prepared(arch, size, device, mode):
    torch.manual_seed(0)
    model = network(arch, CLASSES, size).to(device, memory_format=torch.channels_last)
    return model, torch.compile(model) if mode == "compile" else model


def training(args, arch, precision, batch, mode):
    model, called = prepared(arch, args.size, args.device, mode)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, fused=args.device == "cuda")
    images = torch.rand(batch, 3, args.size, args.size, device=args.device).mul(2).sub(1)
    images = images.contiguous(memory_format=torch.channels_last)
    targets = torch.arange(batch, device=args.device) % CLASSES

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(args.device, torch.bfloat16, enabled=precision == "bf16"):
            loss = torch.nn.functional.cross_entropy(called(images), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    for _ in range(args.warmup):
        step()
    wait(args.device)
    if args.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    for _ in range(args.steps):
        step()
    wait(args.device)
    seconds = time.perf_counter() - began
    peak = torch.cuda.max_memory_allocated() if args.device == "cuda" else None
    return {"images_per_s": args.steps * batch / seconds, "peak_bytes": peak}


def inference(args, arch, precision, batch, mode):
    assert precision == "f32"
    model, called = prepared(arch, args.size, args.device, mode)
    model.eval()
    images = torch.rand(batch, 3, args.size, args.size).contiguous(memory_format=torch.channels_last)
    seconds = []
    with torch.inference_mode():
        for step in range(args.warmup + args.steps):
            began = time.perf_counter()
            called(images.to(args.device)).cpu()
            if step >= args.warmup:
                seconds.append(time.perf_counter() - began)
    return {"images_per_s": batch / statistics.median(seconds)}


def errors(args, arch, precision, batch, size, batches, rank):
    return measure(arch, precision, batch, size, batches, rank, args.device)


def attempt(line, work):
    """The line with what the work found, or with the reason why it found nothing."""
    try:
        line.update(work())
    except Exception as error:  # noqa: BLE001 - whatever PyTorch says is a line
        line.update({"images_per_s": None, "failure": f"{type(error).__name__}: {error}".splitlines()[0]})
    finally:
        torch._dynamo.reset()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    print(json.dumps(line), file=sys.stderr, flush=True)
    return line


def speeds(args, kind, works, mode):
    """What is to be measured: the list it belongs to, its line, its work."""
    measured = {"training": training, "inference": inference}[kind]
    for arch in args.archs:
        for precision, batch in works if mode in args.modes else []:
            line = {"arch": arch, "precision": precision, "batch": batch, "mode": mode}
            yield kind, line, lambda line=line: measured(args, **line)


def everything(args):
    """In the order of what is needed most."""
    bf16, f32 = ([(precision, batch) for batch in args.training_batches] for precision in ("bf16", "f32"))
    infer = [("f32", batch) for batch in args.inference_batches]
    yield from speeds(args, "training", bf16, "eager")
    yield from speeds(args, "inference", infer[:1], "eager")
    for work in WORK:
        if args.works is None or f"{work[0]}:{work[1]}" in args.works:
            yield "networks", {"arch": work[0], "precision": work[1]}, lambda work=work: errors(args, *work)
    yield from speeds(args, "training", bf16[:1], "compile")
    yield from speeds(args, "training", f32, "eager")
    yield from speeds(args, "inference", infer[1:], "eager")
    yield from speeds(args, "training", bf16[1:] + f32, "compile")
    yield from speeds(args, "inference", infer, "compile")


def exact(on):
    """Errors are those of f32; speed may use what is fastest."""
    torch.backends.cudnn.benchmark = not on
    torch.backends.cudnn.allow_tf32 = not on
    torch.backends.cuda.matmul.allow_tf32 = False


def write(path, result):
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(unfinished, path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--archs", nargs="+", default=["resnet50", "mobilenetv4_conv_small"])
    parser.add_argument("--size", type=int, default=224, help="height and width, px")
    parser.add_argument("--training-batches", type=int, nargs="+", default=[64, 8])
    parser.add_argument("--inference-batches", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--modes", nargs="+", choices=["eager", "compile"], default=["eager", "compile"])
    parser.add_argument("--works", nargs="+", help="of the error table only these, as resnet18:f32")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--seconds", type=float, help="begin nothing more after so long")
    args = parser.parse_args()

    began = time.monotonic()
    on_card = args.device == "cuda"
    result = {
        "torch": torch.__version__, "device": torch.cuda.get_device_name() if on_card else "cpu",
        "cuda": torch.version.cuda if on_card else None, "cudnn": torch.backends.cudnn.version() if on_card else None,
        "size": args.size, "steps": args.steps, "training": [], "inference": [], "networks": [],
    }
    for kind, line, work in everything(args):
        if args.seconds is not None and time.monotonic() - began > args.seconds:
            line.update({"images_per_s": None, "failure": "no time was left for it"})
        else:
            exact(kind == "networks")
            attempt(line, work)
        result[kind].append(line)
        write(args.out, result)


if __name__ == "__main__":
    main()
