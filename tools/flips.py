"""Damages a model file and a checkpoint in every way that disks do, and checks that it is noticed each time.

    python tools/flips.py [FLIPS]

Cut at every 4 KiB (and at every byte of the last one), and FLIPS (1,000) random bits of each turned over, one at a time. The
model and the checkpoint are those of a real run that was stopped and went on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

CUT = 4096
NETPICK = [sys.executable, "-m", "netpick.cli"]


def damaged(whole: bytes, flips: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Every cut and some flips of these bytes, with what was done in words."""
    for size in sorted({*range(0, len(whole), CUT), *range(max(0, len(whole) - 64), len(whole))}):
        yield f"cut to {size} bytes", whole[:size]
    for bit in np.random.default_rng(seed).choice(len(whole) * 8, min(flips, len(whole) * 8), replace=False).tolist():
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit} turned over", bytes(changed)


def unnoticed(path: Path, flips: int, is_noticed: Callable[[], bool]) -> tuple[int, list[str]]:
    """How many damages were done to a file, and those that were not noticed. The file is whole again afterwards."""
    whole = path.read_bytes()
    count, missed = 0, []
    try:
        for what, content in damaged(whole, flips):
            path.write_bytes(content)
            count += 1
            if not is_noticed():
                missed.append(f"{path.name}: {what}")
    finally:
        path.write_bytes(whole)
    return count, missed


def refuses_model(path: Path) -> bool:
    """Whether loading it ends in a ModelFileError."""
    import netpick

    try:
        netpick.load(path)
    except netpick.ModelFileError:
        return True
    return False


def refuses_checkpoint(path: Path) -> bool:
    """Whether reading it ends in a RefusedError."""
    from netpick.disk.strict import RefusedError
    from netpick.training.checkpoint import read_checkpoint

    try:
        read_checkpoint(path)
    except RefusedError:
        return True
    return False


def stopped_run(folder: Path) -> Path:
    """A run that was asked to stop in the middle of training: its last two checkpoints are there."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    np.savez(folder / "digits.npz", x=digits.images.astype(np.uint8), y=digits.target)
    run = folder / "run"
    command = [*NETPICK, "fit", str(folder / "digits.npz"), "--models", "cnn", "--steps", "400", "--out", str(run)]
    quiet = subprocess.DEVNULL
    environment = os.environ | {"NETPICK_CHECKPOINT_SECONDS": "0"}
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment)
    while not list(run.glob("checkpoints/0/steps/0000002?")):
        if process.poll() is not None:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    if process.wait() != 4:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}, not 4.")
    return run


def main(flips: int) -> int:
    count, missed = 0, []
    with tempfile.TemporaryDirectory() as name:
        run = stopped_run(Path(name))
        checkpoint = max(run.glob("checkpoints/0/steps/*"))
        cases = [(path, lambda: refuses_checkpoint(checkpoint)) for path in sorted(checkpoint.iterdir())]
        for path, is_noticed in cases:
            done, unseen = unnoticed(path, flips, is_noticed)
            print(
                f"{path.name} of a checkpoint, {path.stat().st_size:,} bytes: {done:,} damages, {len(unseen)} unnoticed"
            )
            count, missed = count + done, missed + unseen
        if subprocess.run(
            [*NETPICK, "resume", str(run)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode:
            raise SystemExit("The run did not go on from its checkpoint.")
        model = run / "model.netpick"
        done, unseen = unnoticed(model, flips, lambda: refuses_model(model))
        print(f"{model.name}, {model.stat().st_size:,} bytes: {done:,} damages, {len(unseen)} unnoticed")
        count, missed = count + done, missed + unseen
    print("\n".join(missed))
    print(f"{count:,} damages, {len(missed)} unnoticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
