"""A small strided CNN on the folder of PNG digits, one epoch, one-cycle: accuracy and seconds since start.

torchvision's published wheel does not import beside the CPU build of torch, because its compiled operators need the CUDA
build. fastai uses none of those operators on this path, so two of them are declared (never defined) before the import.
"""

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402
import itertools  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402

import torch  # noqa: E402

DECLARED = torch.library.Library("torchvision", "DEF")
for operator in ("nms", "qnms"):
    DECLARED.define(f"{operator}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")

import fastai  # noqa: E402
from fastai.vision.all import (  # noqa: E402
    CategoryBlock,
    ConvLayer,
    DataBlock,
    Flatten,
    GrandparentSplitter,
    ImageBlock,
    Learner,
    PILImageBW,
    accuracy,
    get_image_files,
    parent_label,
    set_seed,
)


def network():
    widths = (1, 16, 32, 64, 128)
    layers = [ConvLayer(a, b, stride=2, ks=5 if a == 1 else 3) for a, b in itertools.pairwise(widths)]
    return torch.nn.Sequential(*layers, ConvLayer(128, 10, stride=2, act_cls=None, norm_type=None), Flatten())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    set_seed(arguments.seed)
    block = DataBlock(
        blocks=(ImageBlock(PILImageBW), CategoryBlock),
        get_items=get_image_files,
        splitter=GrandparentSplitter("train", "test"),
        get_y=parent_label,
    )
    loaders = block.dataloaders(arguments.folder, bs=256, num_workers=2)
    learner = Learner(loaders, network(), loss_func=torch.nn.CrossEntropyLoss(), metrics=accuracy)
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(arguments.epochs, 0.01)
    result = {
        "peer": f"fastai {fastai.__version__} on torch {torch.__version__}",
        "accuracy": float(learner.recorder.values[-1][-1]),
        "seconds": time.perf_counter() - STARTED,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
