"""Turns single bits of an interrupted run's files over, and resumes: the run ends as it would have, or is refused by the file's name.

    python tools/flip_runs.py [FLIPS] [SEED]

FLIPS (2,000) in turn over all files of the folder, in fresh copies of it: a tenth of them in a run of a table, whose baselines take
two thirds of a resume, and the others in one of texts. Flips of several files share a resume where none of these files was ever refused:
when it ends in the same bytes, none of them did anything; when not, each is tried alone. Ends with exit code 1 when a resume gave other
bytes, another error than a refusal (exit 2), or a refusal that does not name the file.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from netpick.api import run_fit
from netpick.api.continuing import run_resume
from netpick.contest.prepare import FitOptions
from netpick.errors import Interrupted, NetpickError
from netpick.training.stop import Stop
from netpick.types import Event

SAME, REFUSED = "the same bytes", "refused by name"
SAID_EVERY = 50
TOGETHER = 6  # flips of different files in one resume, which takes a second or two
Flip = tuple[str, int]  # a file, and the number of a bit in it


@dataclass(frozen=True, kw_only=True)
class Interruption:
    """A run that was stopped in the training of its second network, and what it would have come to."""

    folder: Path
    files: tuple[str, ...]
    outcome: object

    def flips(self, count: int, seed: int) -> Iterator[Flip]:
        """So many, the files in turn."""
        rng = np.random.default_rng(seed)
        for number in range(count):
            name = self.files[number % len(self.files)]
            yield name, int(rng.integers((self.folder / name).stat().st_size * 8))

    def resumed(self, flips: Sequence[Flip], work: Path) -> str:
        """What becomes of the run when these bits are turned over."""
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(self.folder, work)
        for name, bit in flips:
            changed = bytearray((work / name).read_bytes())
            changed[bit // 8] ^= 1 << bit % 8
            (work / name).write_bytes(changed)
        try:
            run_resume(work)
        except NetpickError as error:
            named = error.exit_code == 2 and any(Path(name).name in str(error) for name, _ in flips)
            return REFUSED if named else f"{type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"{type(error).__name__}: {error}"
        return SAME if outcome_of(work) == self.outcome else "other bytes"

    def outcomes(self, flips: Iterable[Flip], work: Path) -> Iterator[tuple[Flip, str]]:
        """What becomes of each of them."""
        refused: set[str] = set()  # files
        harmless: set[str] = set()
        waiting: dict[str, Flip] = {}

        def together() -> Iterator[tuple[Flip, str]]:
            some = list(waiting.values())
            waiting.clear()
            if len(some) > 1 and self.resumed(some, work) == SAME:
                yield from ((flip, SAME) for flip in some)
                return
            for flip in some:
                what = self.resumed([flip], work)
                (harmless if what == SAME else refused).add(flip[0])
                yield flip, what

        for flip in flips:
            name = flip[0]
            if name in refused or name not in harmless:  # the first flip of a file, and all of one that may be refused
                what = self.resumed([flip], work)
                (harmless if what == SAME else refused).add(name)
                yield flip, what
                continue
            if name in waiting or len(waiting) == TOGETHER:
                yield from together()
            waiting[name] = flip
        yield from together()


def numbers() -> pl.DataFrame:
    x = np.random.default_rng(0).normal(size=(150, 3)).round(3)
    labels = np.where(x[:, 0] * x[:, 1] > 0, "yes", "no")
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "label": labels})


def sentences() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    words = rng.choice(["a", "film", "of", "two", "good", "bad", "days", "and", "nights", "at", "sea"], (120, 9))
    rows = [" ".join(row) for row in words]
    return pl.DataFrame({"text": rows, "label": ["yes" if " good" in row else "no" for row in rows]})


def interruption(folder: Path, data: Callable[[], pl.DataFrame] = numbers) -> Interruption:
    """A small run of two networks, with checkpoints of both."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "table.csv"
    data().write_csv(table)
    stop, run = Stop(), folder / "run"

    def stop_in_the_second(event: Event, /) -> None:
        if event.data.get("candidate") == "transformer" and event.data.get("step", 0) > 2:
            stop.asked = True

    asked = FitOptions(target=("label",), models="mlp,transformer", steps=12, folds=1, out=run, keep="best")
    before = os.environ.get("NETPICK_CHECKPOINT_SECONDS")
    os.environ["NETPICK_CHECKPOINT_SECONDS"] = "0"
    try:
        run_fit(str(table), asked, stop_in_the_second, stop)
        raise SystemExit("The run was not interrupted.")
    except Interrupted:
        pass
    finally:
        if before is None:
            del os.environ["NETPICK_CHECKPOINT_SECONDS"]
        else:
            os.environ["NETPICK_CHECKPOINT_SECONDS"] = before
    files = tuple(sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()))
    shutil.copytree(run, folder / "whole")
    run_resume(folder / "whole")
    return Interruption(folder=run, files=files, outcome=outcome_of(folder / "whole"))


def outcome_of(run: Path) -> object:
    """Weights, predictions and scores."""
    with zipfile.ZipFile(run / "model.netpick") as archive:
        weights = archive.read("weights.safetensors")
    report = json.loads((run / "report.json").read_text())
    scores = [(c["name"], c["validation"], c["test"]) for c in (*report["candidates"], *report["baselines"])]
    return weights, (run / "predictions.parquet").read_bytes(), scores


def main(count: int, seed: int) -> int:
    became: Counter[tuple[str, str]] = Counter()
    bad: list[str] = []
    with tempfile.TemporaryDirectory(prefix="netpick-flips-") as name:
        for data, share in ((numbers, count // 10), (sentences, count - count // 10)):
            run = interruption(Path(name) / data.__name__, data)
            for (file, bit), what in run.outcomes(run.flips(share, seed), Path(name) / "work"):
                known = what in (SAME, REFUSED)
                became[file, what if known else "WRONG"] += 1
                if not known:
                    bad.append(f"{data.__name__}: {file}, bit {bit}: {what}")
                    print(bad[-1], flush=True)
                if sum(became.values()) % SAID_EVERY == 0:
                    print(f"{sum(became.values()):,} bits turned over so far, {len(bad)} wrong", flush=True)
    for (file, what), times in sorted(became.items()):
        print(f"{file}: {times} {what}")
    print(f"{count:,} bits turned over in {time.process_time():.0f} seconds of a processor, {len(bad)} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(given[0] if given else 2_000, given[1] if len(given) > 1 else 0))
