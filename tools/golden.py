"""Makes the golden files of this version: small finished runs of every kind, and one that was interrupted.

    python tools/golden.py [NAME ...]      writes tests/golden/netpick-VERSION/NAME.zip

Each archive holds a run folder (all its model files, report.json, results.zip, predictions; no report.html, which is written
again from them), a few rows of data, and what every kept model predicted for these rows. tests/end_to_end/test_golden.py reads
the archives of all versions: a file that a released version wrote is read by every later one. Archives are made once, by the
version that they are named after, and never again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
EVERY_CODE = tuple(f"D{number:03d}" for number in range(100))  # what is wrong with made-up data is no matter here
STEPS, SEED, FEW = 8, 5, 4
BULKY = ("random forest", "boosted trees", "boosted trees on lags", "nearest neighbours")
MOST_PACKED = 45_000  # bytes of a file of a run, packed
CLOCK = (2024, 1, 1, 0, 0, 0)  # of every member of an archive


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One run: a set of tests/small_sets.py and the options of the fit. Networks are as small as they can be."""

    data: str
    options: Mapping[str, Any] = field(default_factory=dict)
    answered: str = (
        "few"  # rows that are kept with the answers: the first few, or "all", where a forecast needs the history
    )


FINISHED = {
    "table": Golden(data="table", options={"models": "mlp[width=8],transformer[width=8,hidden=8]", "folds": 1}),
    "folds": Golden(data="table", options={"models": "mlp[width=8]", "folds": 2}),
    "columns": Golden(
        data="columns", options={"models": "mlp[width=8,members=2,embedding=ple,bins=4]", "target": ("price",)}
    ),
    "labels": Golden(data="labels", options={"models": "mlp[width=8]", "target": ("warm", "wet")}),
    "numbers": Golden(data="measures", options={"models": "mlp[width=8]", "target": ("weight", "cost")}),
    "ratings": Golden(data="ratings", options={"models": "fm[size=2,members=1,bins=4]"}),
    "pictures": Golden(
        data="pictures",
        options={
            "models": "mlp[width=4,side=6],cnn[width=2,stages=2],rnn[width=4],transformer[width=8,heads=2,layers=1]"
        },
    ),
    "layers": Golden(data="pictures", options={"layers": ("conv 2 3 relu, maxpool 2, flatten, dense 4 relu",)}),
    "files": Golden(data="images", options={"models": "cnn[width=2,stages=2]"}),
    "series": Golden(
        data="waves",
        options={
            "models": "mlp[width=4],cnn[width=2,blocks=1],rnn[cell=lstm,width=4],transformer[width=8,heads=2,layers=1]"
        },
    ),
    "texts": Golden(
        data="texts",
        options={
            "models": "mlp[embedding=2,buckets=64,width=4],cnn[embedding=2,width=2],rnn[embedding=2,width=4],"
            "transformer[width=8,heads=2,layers=1]"
        },
    ),
    "symbols": Golden(data="symbols", options={"models": "cnn[embedding=2,width=2]", "target": ("site",)}),
    "sounds": Golden(
        data="sounds",
        options={
            "models": "mlp[width=4],cnn[width=2,stages=2],rnn[width=4],cnn_rnn[channels=2,width=4],"
            "transformer[width=8,heads=2,layers=1]"
        },
    ),
    "clips": Golden(
        data="frames",
        options={
            "models": "cnn[width=2,stages=2],cnn_rnn[channels=2,stages=2,features=4,width=4],"
            "transformer[width=8,heads=2,layers=1,patch=8]"
        },
    ),
    "mixed": Golden(data="mixed", options={"models": "cnn[width=2,stages=2]", "target": ("verdict",)}),
    "forecast": Golden(
        data="load",
        options={
            "models": "mlp[width=4],cnn[width=2,blocks=2],rnn[width=4],transformer[width=4,heads=1,layers=1]",
            "target": ("load",),
            "horizon": 6,
            "context": 24,
        },
        answered="all",
    ),
    "forecasts": Golden(
        data="shops",
        options={
            "models": "mlp[width=4]",
            "target": ("sales", "visits"),
            "horizon": 5,
            "context": 14,
            "known": ("promotion",),
        },
        answered="future",
    ),
    "demand": Golden(
        data="spare_parts",
        options={"models": "mlp[width=4]", "target": ("sold",), "horizon": 5, "context": 14},
        answered="all",
    ),
}
INTERRUPTED = "interrupted"
BEGUN = ("fit", "table.csv", "--models", "mlp[width=8,dropout=0.1],transformer[width=8,hidden=8]", "--steps", "120")
REACHED = "checkpoints/1/steps/0000003?"  # where it is stopped: one training has ended, another goes on


def make_finished(name: str, folder: Path) -> None:
    """A run in `folder`, with rows and what each of its models answers for them."""
    import netpick
    from netpick.api import run_fit
    from netpick.contest.prepare import FitOptions

    golden = FINISHED[name]
    data = data_set(golden.data, folder)
    asked = FitOptions(**golden.options, steps=STEPS, seed=SEED, threads=1, accept=EVERY_CODE, out=Path("run"))
    run = run_fit(data, asked)
    (folder / "run" / "report.html").unlink()
    kept_rows(data, folder / "rows", golden.answered)
    answers = {}
    for candidate in run.models:
        table = netpick.load(folder / "run", candidate=candidate).predict(rows_in(folder / "rows"))
        answers[candidate] = {column: [plain(cell, folder) for cell in table[column]] for column in table.columns}
    (folder / "answers.json").write_text(json.dumps(answers, indent=1))


def make_interrupted(folder: Path) -> None:
    """A run in `folder` that was stopped in the middle of a training, beside its data."""
    import time

    data_set("table", folder)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NETPICK_CHECKPOINT_SECONDS": "0"}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "netpick.cli", *BEGUN, "--folds", "1", "--out", "run", "--threads", "1"]
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        while not list((folder / "run").glob(REACHED)):
            assert process.poll() is None, "it came to its end"
            time.sleep(0.002)
        process.terminate()
    assert process.returncode == 4, process.returncode


def data_set(name: str, folder: Path) -> Any:
    """The data as a fit reads them: a path within the current folder, or arrays."""
    sys.path[:0] = [str(ROOT / "tests")]
    import small_sets
    from ratings_table import ratings_table

    os.chdir(folder)
    if name == "ratings":
        ratings_table(1_200).write_csv("ratings.csv")
        return "ratings.csv"
    return vars(small_sets)[name](Path())


def kept_rows(data: Any, target: Path, which: str) -> None:
    """A few rows of the data, as a user would give them to `predict`: a file, a folder, or arrays."""
    import numpy as np
    import polars as pl

    target.mkdir()
    if isinstance(data, tuple):
        np.save(target / "rows.npy", data[0][:FEW])
        return
    path = Path(data)
    if path.is_dir():
        shutil.copytree(path, target / path.name)
        thin(target / path.name)
        return
    if path.suffix in (".ts", ".jsonl"):
        lines = path.read_text().splitlines()
        head = next((number + 1 for number, line in enumerate(lines) if line == "@data"), 0)
        (target / path.name).write_text("\n".join(lines[: head + FEW]) + "\n")
        return
    table = pl.read_csv(path, infer_schema=False)
    if which == "few":
        table = table.head(FEW)
    if which == "future":  # the covariate that is known ahead, of the days that are asked for
        days = [f"2023-07-{20 + day}" for day in range(5)]
        shops = table["shop"].unique(maintain_order=True).to_list()
        ahead = [{"day": day, "shop": shop, "promotion": "false"} for shop in shops for day in days]
        table = pl.concat([table, pl.DataFrame(ahead)], how="diagonal")
    table.write_csv(target / path.name)
    for picture in table["picture"] if "picture" in table.columns else ():
        copy = target / picture
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path.parent / picture, copy)


def thin(folder: Path) -> None:
    """Leaves the first few of everything that there are many of."""
    inner = sorted(folder.iterdir())
    for path in inner if len(inner) <= FEW else inner[:2]:
        if path.is_dir():
            thin(path)
    for path in inner[2:] if len(inner) > FEW else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def rows_in(folder: Path) -> Any:
    """What `predict` is given: the file or folder in it, or the array."""
    import numpy as np

    path = next(path for path in sorted(folder.iterdir()) if path.name != "pictures")
    return np.load(path) if path.suffix == ".npy" else path


def plain(cell: Any, folder: Path) -> Any:
    """A cell as JSON has it, without the folder that its path begins with."""
    return cell if cell is None or isinstance(cell, (bool, int, float)) else str(cell).removeprefix(f"{folder}/")


def lighten(folder: Path) -> None:
    """Leaves out what is large even when it is packed: predictions, and models of BULKY, which other runs have, too, with
    the blend that needs them."""
    index, answers = folder / "run/models/models.json", folder / "answers.json"
    kept, said = json.loads(index.read_text()), json.loads(answers.read_text())
    files = kept["files"]
    large = [
        name
        for name, file in files.items()
        if name in BULKY and len(zlib.compress((index.parent / file).read_bytes(), 9)) > MOST_PACKED
    ]
    blend = [name for name in files if large and name == "blend"]  # it cannot be used without its members
    for name in [*large, *blend]:
        (index.parent / files.pop(name)).unlink()
        del said[name]
    index.write_text(json.dumps(kept, indent=1))
    answers.write_text(json.dumps(said, indent=1))
    predictions = folder / "run/predictions.parquet"
    if predictions.stat().st_size > MOST_PACKED:
        predictions.unlink()


def packed(folder: Path, kept: Sequence[str], target: Path) -> None:
    """What is kept of `folder`, as an archive that is the same whenever its parts are."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            place = path.relative_to(folder)
            if place.parts[0] in kept:
                archive.writestr(zipfile.ZipInfo(str(place), CLOCK), path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def main(names: Sequence[str]) -> int:
    from netpick import __version__

    kept: tuple[str, ...]
    for name in names or (*FINISHED, INTERRUPTED):
        target = GOLDEN / f"netpick-{__version__}" / f"{name}.zip"
        if target.exists():
            print(f"{target} is there already, and is never made again.")
            return 2
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary).resolve()
            if name == INTERRUPTED:
                make_interrupted(folder)
                kept = "run", "table.csv"
            else:
                environment = os.environ | {"PYTHONPATH": str(ROOT)}
                subprocess.run([sys.executable, __file__, "--make", name, str(folder)], env=environment, check=True)
                lighten(folder)
                kept = "run", "rows", "answers.json"
            packed(folder, kept, target)
        print(f"{target.relative_to(ROOT)} {target.stat().st_size:,} bytes", flush=True)
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        make_finished(sys.argv[2], Path(sys.argv[3]))
    else:
        raise SystemExit(main(sys.argv[1:]))
