"""What an idea costs, as CONTRIBUTING says: added to a copy of the package in so many files, it works everywhere.

Slow for a unit test (some 15 s of processor time): two small contests and all that is done with their models; and the conformance
suites of what was added (among the slow tests). In processes of their own, since the copy is another package of the same name.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.added import ADDED, Added

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("netpick", "tests/conformance", "tests/conftest.py", "tests/workbooks.py", "docs/checks", "pyproject.toml")
MOST_FILES = 3  # the idea, one line in a table, one sample

# Does all that a user does with what was added, and prints what came out as JSON.
ROUND = """
import json, sys
from pathlib import Path

import numpy as np
import polars as pl

import netpick
from netpick.api.pages import write_comparison, write_explanation, write_export
from netpick.serve import v2
from netpick.serve.describe import schema_of
from netpick.serve.options import Limits
from netpick.serve.served import ServedModel
from netpick.saved.use import load

def plain(value):
    return json.loads(json.dumps(value, default=str))

def all_of(task, folder):
    random = np.random.default_rng(0)
    a, b, code = random.normal(size=160).round(3), random.normal(size=160).round(3), random.integers(1, 4000, 160)
    colour, count = random.choice(["x", "y"], 160), random.integers(0, 50, 160)
    y = (3 * a - 2 * b + (colour == "x") + code / 1000 + random.normal(size=160) / 9).round(3)
    frame = pl.DataFrame({"a": a, "b": b, "colour": colour, "code": [f"#{c:x}" for c in code], "count": count, "y": y})
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [frame.columns, *frame.rows()]]
    folder.mkdir(parents=True)
    file = folder / "data.bars"
    file.write_text("\\n".join(lines))
    models = "wide_mlp[optimizer=lion,loss=log_cosh]"
    run = netpick.fit(file, "y", task=task, models=models, steps=20, folds=1, out=folder / "run", prefer="network")
    folder = folder / "run"
    report = json.loads((folder / "report.json").read_text())
    fresh = frame.drop("y").head(12)
    model = run.model
    answers = model.predict(fresh)
    page = folder / "explanation.html"
    write_explanation(folder, frame.head(40), page)
    graph = load(write_export(folder, out=folder / "exported")).predict(fresh) if task == "rank" else answers
    served = ServedModel(name="m", path=folder / "model.netpick", model=model, limits=Limits())
    answered = served.answer([served.rows_of(fresh.to_dicts())])
    entries = (*report["candidates"], *report["baselines"])
    write_comparison([folder, folder.parent.parent / "regress" / "run"], folder / "comparison.html")
    return {
        "task": report["task"],
        "files": sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "exported" not in path.parts),
        "scores": {e["name"]: e["test"] for e in entries},
        "kinds": {c["name"]: c["kind"] for c in report["data"]["columns"]},
        "layout": report["data"]["layout"],
        "recipe": json.loads((folder / "plan.json").read_text())["candidates"][0]["recipe"],
        "verdict": report["verdict"]["winner"],
        "findings": [finding["code"] for finding in report["findings"]],
        "checks": report["checks"],
        "predictions": plain(answers.to_dicts()),
        "of_file": bool(np.allclose(model.predict(file)["prediction"].head(12), answers["prediction"], rtol=1e-5)),
        "baseline": plain(load(folder, candidate="middle").predict(fresh).to_dicts()),
        "graph": bool(np.allclose(graph["prediction"], answers["prediction"], atol=1e-4)),
        "columns": graph.columns,
        "scored": {name: score.value for name, score in model.score(frame).items()},
        "explained": page.read_text().count("<h4"),
        "json": plain(answered.rows[:12]),
        "outputs": v2.outputs_of(served),
        "schema": {k: v for k, v in plain(schema_of(served)).items() if k not in ("task", "card", "created")},
        "interval": model.interval_words,
        "sections": [part for part in ("Predicted against true", "How far off it is", "Prediction intervals") if part in (folder / "report.html").read_text()],
    }

print(json.dumps({task: all_of(task, Path(sys.argv[1]) / task) for task in ("regress", "rank")}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and the conformance suites, with an idea more of every kind."""
    root = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name)  # with the bytecode of all that is not changed
        else:
            shutil.copy(ROOT / name, root / name)
    for path in (ROOT / "tests").glob("*.py"):  # what suites have in common
        shutil.copy(path, root / "tests")
    for idea in ADDED.values():
        idea.add(root)
    return root


def rows_of_contributing() -> Iterator[tuple[str, set[str], str]]:
    """Of the table "Where do I add": what, the files and folders in backticks, and the whole row."""
    for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| a") and len(cells) == 4:
            yield cells[0], set(re.findall(r"`([a-z_]+/[\w./]*)`", line)), line


@pytest.mark.parametrize("idea", ADDED.values(), ids=ADDED)
def test_it_costs_what_contributing_says(idea: Added) -> None:
    named = {what: places for what, places, _ in rows_of_contributing()}[idea.row]
    for path in idea.paths:
        assert any(path == place or (place.endswith("/") and path.startswith(place)) for place in named), path
    assert len([path for path in idea.paths if path.endswith(".py")]) <= MOST_FILES


def test_contributing_names_files_and_folders_that_exist() -> None:
    rows = list(rows_of_contributing())
    assert {what for what, _, _ in rows} >= {idea.row for idea in ADDED.values()}
    for _, places, row in rows:
        assert places, row
        assert all((ROOT / place).exists() for place in places), row


def python(root: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=root, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_what_was_added_works_everywhere_and_a_task_under_another_name_as_well(copy: Path) -> None:
    made: dict[str, dict[str, Any]] = json.loads(python(copy, "-c", ROUND, str(copy / "runs")).splitlines()[-1])
    ours, theirs = made["rank"], made["regress"]
    assert ours.pop("task") == {**theirs.pop("task"), "name": "rank"}
    assert ours["graph"]
    assert ours["explained"] > 3
    assert len(ours["sections"]) == 3
    network = "wide_mlp[optimizer=lion,loss=log_cosh]"
    assert {network, "middle", "mean", "linear", "boosted trees", "random forest"} <= set(ours["scores"])
    assert ours["verdict"] == network
    assert "quartic" in ours["scores"][network]
    assert ours["kinds"] == {
        "a": "number",
        "b": "number",
        "colour": "category",
        "code": "hex",
        "count": "number",
        "y": "number",
    }
    assert ours["layout"] == "bars"
    assert (ours["recipe"]["optimizer"], ours["recipe"]["loss"]) == ("lion", "log_cosh")
    assert "D090" in ours["findings"]
    assert ours["of_file"]
    for key, found in ours.items():
        assert found == theirs[key], key


@pytest.mark.slow
def test_the_conformance_suites_take_what_was_added(copy: Path) -> None:
    selected = " or ".join(f"({idea.suite})" for idea in ADDED.values())
    suites = sorted({f"tests/conformance/{idea.suite.split()[0]}.py" for idea in ADDED.values()})
    out = python(copy, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k", selected, *suites)
    for name, idea in ADDED.items():
        suite = idea.suite.split(" and ")[0]
        taken = [line for line in out.splitlines() if line.startswith("PASSED") and suite in line]
        assert [line for line in taken if name in line or idea.row == "a loss"], name
