"""What an idea costs, as CONTRIBUTING says: added to a copy of the package in so many files, it works everywhere.

Slow for a unit test (some 15 s): two small contests and all that is done with their models, in a process of its own, since the
copy is another package of the same name.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

RANK = '''"""Ranking: a regression under another name."""

from __future__ import annotations

from typing import ClassVar

from netpick.tasks.regress import Regress


class Rank(Regress):
    """Numbers that say an order."""

    name: ClassVar[str] = "rank"
    asked = True
'''

# Does all that a user does with each task, and prints what came out as JSON.
ROUND = """
import json, sys
from pathlib import Path

import numpy as np
import polars as pl

import netpick
from netpick.api import write_comparison, write_explanation, write_export
from netpick.serve import v2
from netpick.serve.describe import schema_of
from netpick.serve.options import Limits
from netpick.serve.served import ServedModel
from netpick.saved.use import load

def plain(value):
    return json.loads(json.dumps(value, default=str))

def round_of(task, folder):
    random = np.random.default_rng(0)
    frame = pl.DataFrame({"a": random.normal(size=160), "b": random.normal(size=160), "c": random.choice(["x", "y"], 160)})
    frame = frame.with_columns(y=3 * frame["a"] - 2 * frame["b"] + (frame["c"] == "x").cast(pl.Float64) + random.normal(size=160) / 9)
    run = netpick.fit(frame, "y", task=task, models="mlp", steps=60, folds=1, out=folder, prefer="network")
    report = json.loads((folder / "report.json").read_text())
    fresh = frame.drop("y").head(12)
    model = run.model
    said = model.predict(fresh)
    page = folder / "explanation.html"
    write_explanation(folder, frame.head(40), page)
    exported = write_export(folder, out=folder / "exported")
    graph = load(exported).predict(fresh)
    served = ServedModel(name="m", path=folder / "model.netpick", model=model, limits=Limits())
    answered = served.answer([served.rows_of(fresh.to_dicts())])
    scores = {e["name"]: e["test"] for e in (*report["candidates"], *report["baselines"])}
    write_comparison([folder, folder.parent / "regress"], folder / "comparison.html")
    return {
        "task": report["task"],
        "files": sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "exported" not in path.parts),
        "scores": scores,
        "verdict": report["verdict"]["winner"],
        "findings": [finding["code"] for finding in report["findings"]],
        "checks": report["checks"],
        "predictions": plain(said.to_dicts()),
        "baseline": plain(load(folder, candidate="boosted trees").predict(fresh).to_dicts()),
        "graph": bool(np.allclose(graph["prediction"], said["prediction"], atol=1e-4)),
        "columns": graph.columns,
        "scored": {name: score.value for name, score in model.score(frame).items()},
        "explained": page.read_text().count("<h4"),
        "json": plain(served.worded(answered, 0, 12)),
        "outputs": v2.outputs_of(served),
        "schema": {k: v for k, v in plain(schema_of(served)).items() if k not in ("task", "card", "created")},
        "interval": model.interval_words,
        "sections": [part for part in ("Predicted against true", "How far off it is", "Prediction intervals") if part in (folder / "report.html").read_text()],
    }

print(json.dumps({task: round_of(task, Path(sys.argv[1]) / task) for task in ("regress", "rank")}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, with a task more: a file, a line in a table, and a sample."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "netpick", root / "netpick", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "conformance" / "test_tasks.py", root / "tests")
    before = contents(root)
    (root / "netpick" / "tasks" / "rank.py").write_text(RANK)
    changed(
        root / "netpick" / "tasks" / "__init__.py",
        ("from netpick.tasks.regress import Regress\n", "from netpick.tasks.rank import Rank\nfrom netpick.tasks.regress import Regress\n"),
        ("Classify(), Regress(),", "Classify(), Rank(), Regress(),"),
    )  # fmt: skip
    line = '    "regress": lambda: {"y": np.random.default_rng(1).normal(40, 9, N).tolist()},\n'
    changed(root / "tests" / "test_tasks.py", (line, line + line.replace("regress", "rank")))
    after = contents(root)
    assert sum(after[path] != before.get(path) for path in after) == 3
    return root


def contents(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.py")}


def changed(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in pairs:
        assert text.count(old) == 1, (path.name, old)
        text = text.replace(old, new)
    path.write_text(text)


def python(root: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=root, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_a_task_under_another_name_is_three_files_and_works_everywhere(copy: Path) -> None:
    out = python(copy, "-c", ROUND, str(copy / "runs"))
    made: dict[str, dict[str, Any]] = json.loads(out.splitlines()[-1])
    ours, theirs = made["rank"], made["regress"]
    assert ours.pop("task") == {**theirs.pop("task"), "name": "rank"}
    assert ours["graph"]
    assert ours["explained"] > 3
    assert len(ours["sections"]) == 3
    assert {"mlp", "mean", "linear", "boosted trees", "random forest"} <= set(ours["scores"])
    for key, found in ours.items():
        assert found == theirs[key], key


def test_its_conformance_suite_takes_it(copy: Path) -> None:
    said = python(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "rank", "tests/test_tasks.py")
    assert "passed" in said
