"""Files that earlier versions wrote are read by this one: models answer as they did, reports are written, runs go on.

tests/golden/netpick-VERSION/ holds archives that tools/golden.py made with that version.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import netpick
from netpick.api.pages import write_report
from netpick.errors import RequestError
from netpick.models.baselines import BASELINES
from netpick.report.results_file import read_results
from netpick.saved.use import load
from netpick.training.keeping import REQUEST, sealed, versions
from tools.golden import INTERRUPTED, plain, rows_in

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
FINISHED = [path for path in sorted(GOLDEN.glob("netpick-*/*.zip")) if path.stem != INTERRUPTED]
UNRELEASED = {  # baselines since the last version that made golden files
    *("unigram", "kneser-ney", "kneser-ney-cache", "the same again", "kneser-ney over voices"),
    *("commonest text", "nearest recording", "copy", "nearest source", "word by word"),
    *("majority tag", "linear of a window", "majority class", "frequent place", "grey threshold", "pixel trees"),
    *("real rows", "columns shuffled", "gaussian copula", "chain of trees", "smoothed chain of trees"),
    *("lattice of mean boxes", "most frequent places"),
}
STOPPED = sorted(GOLDEN.glob(f"netpick-*/{INTERRUPTED}.zip"))


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as members:
        members.extractall(folder)
    return folder


def check_same(table: pl.DataFrame, expected: dict[str, list[Any]], tolerance: float, of: tuple[str, Path]) -> None:
    """The columns of that time, cell by cell; there may be more by now."""
    name, folder = of
    assert set(expected) <= set(table.columns), name
    for column, cells in expected.items():
        for now, then in zip(table[column].to_list(), cells, strict=True):
            if isinstance(then, float):
                assert now == pytest.approx(then, rel=tolerance, abs=tolerance), (name, column)
            else:
                assert plain(now, folder) == then, (name, column)


@pytest.mark.parametrize("archive", FINISHED, ids=named)
def test_every_model_of_a_finished_run_answers_as_it_did(archive: Path, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path)
    answers = json.loads((folder / "answers.json").read_text())
    assert answers
    for candidate, expected in answers.items():
        model = load(folder / "run", candidate=candidate)  # which proves it by the rows in the file
        tolerance = 1e-6 if model.parts.record.family == "baseline" else 1e-5  # networks compute in float32
        table = model.predict(rows_in(folder / "rows"))
        check_same(table, expected, tolerance, (candidate, folder))
    assert load(folder / "run").card


@pytest.mark.parametrize("archive", FINISHED, ids=named)
def test_the_report_of_a_finished_run_is_written_from_its_folder(archive: Path, tmp_path: Path) -> None:
    run = unpacked(archive, tmp_path) / "run"
    recorded = json.loads((run / "report.json").read_text())
    results = read_results(run)
    entries = [*results.candidates, *results.baselines]
    assert [entry.name for entry in entries] == [e["name"] for e in (*recorded["candidates"], *recorded["baselines"])]
    metric = results.primary_metric
    for entry, then in zip(entries, (*recorded["candidates"], *recorded["baselines"]), strict=True):
        assert entry.test[metric].value == pytest.approx(then["test"][metric]["value"])
    page = write_report(run).read_text()
    assert all(entry.name in page for entry in entries)


def test_there_are_golden_files_of_every_kind() -> None:
    models = [name for path in FINISHED for name in json.loads(zipfile.ZipFile(path).read("answers.json"))]
    assert set(models) >= set(BASELINES) - UNRELEASED
    assert len({path.stem for path in FINISHED}) >= 17
    assert STOPPED


def stopped(archive: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run folder, beside its data."""
    monkeypatch.chdir(unpacked(archive, folder))
    return Path("run")


@pytest.mark.parametrize("archive", STOPPED, ids=named)
def test_a_run_of_another_version_is_refused_in_words(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stopped(archive, tmp_path, monkeypatch)
    request = json.loads((run / REQUEST).read_text())
    request["versions"]["torch"] = "1.0"
    (run / REQUEST).write_text(sealed(request))
    with pytest.raises(RequestError, match=r"cannot go on as it began: .*torch was 1\.0 and is "):
        netpick.resume(run)


@pytest.mark.parametrize("archive", STOPPED, ids=named)
def test_an_interrupted_run_ends(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers are those of one run with the versions that it began with alone; its files are read by any later one."""
    run = stopped(archive, tmp_path, monkeypatch)
    request = json.loads((run / REQUEST).read_text())
    request["versions"] = versions()
    (run / REQUEST).write_text(sealed(request))
    checkpoints = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert checkpoints
    ended = netpick.resume(run)
    assert not (run / "checkpoints").exists()
    assert len(ended.model.predict("table.csv")) == 160
    assert (run / "report.html").is_file()
