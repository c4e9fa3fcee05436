#!/usr/bin/env python3
"""Training throughput of PyTorch on synthetic images, as one JSON line.

The work is that of our `train_speed` example: forward, cross-entropy, backward, clipping, AdamW, channels-last; with
`--precision bf16` under autocast, as PyTorch trains in bf16.
"""
import argparse
import json
import resource
import statistics
import time

import timm
import torch


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--size", type=int, default=224, help="height and width, px")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = timm.create_model(args.arch, num_classes=10).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    images = torch.randn(args.batch, 3, args.size, args.size).to(memory_format=torch.channels_last)
    targets = torch.randint(0, 10, (args.batch,))

    seconds = []
    for step in range(args.warmup + args.steps):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
            loss = torch.nn.functional.cross_entropy(model(images), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step >= args.warmup:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "program": f"PyTorch {torch.__version__.split('+')[0]}",
        "images_per_s": args.batch / statistics.median(seconds),
        "threads": args.threads,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


if __name__ == "__main__":
    main()
