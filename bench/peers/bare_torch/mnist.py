"""What torch can do with nothing around it: MNIST from arrays, bf16, channels-last, one-cycle, a strided CNN."""

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402
import gzip  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

BATCH = 256


def read(folder, name, offset):
    with gzip.open(os.path.join(folder, name)) as file:
        return torch.from_numpy(np.frombuffer(file.read(), np.uint8, offset=offset).copy())


def block(inputs, outputs, kernel):
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mnist")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    folder = arguments.mnist
    images = {p: read(folder, f"{p}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28) for p in ("train", "t10k")}
    labels = {p: read(folder, f"{p}-labels-idx1-ubyte.gz", 8).long() for p in ("train", "t10k")}
    images = {
        part: ((v.float() / 255 - 0.13) / 0.31).to(memory_format=torch.channels_last) for part, v in images.items()
    }
    network = nn.Sequential(
        block(1, 32, 5), block(32, 64, 3), block(64, 128, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01, fused=True)
    steps = int(arguments.epochs * (60_000 // BATCH))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=steps)
    order = torch.cat([torch.randperm(60_000) for _ in range(int(arguments.epochs) + 1)])
    training_started = time.perf_counter()
    for step in range(steps):
        rows = order[step * BATCH : (step + 1) * BATCH]
        with torch.autocast("cpu", torch.bfloat16):
            loss = nn.functional.cross_entropy(network(images["train"][rows]), labels["train"][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    training = time.perf_counter() - training_started
    network.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        answers = torch.cat([network(part).argmax(1) for part in images["t10k"].split(2_000)])
    result = {
        "peer": f"bare loop on torch {torch.__version__}",
        "accuracy": (answers == labels["t10k"]).float().mean().item(),
        "seconds": time.perf_counter() - STARTED,
        "step_ms": 1000 * training / steps,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
