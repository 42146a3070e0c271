"""Same plan and seed, same answer: however files are decoded, wherever rows are kept, and whatever else is in the batch."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from small_sets import clips, images, numbers, series, sounds, table, texts

import netpick
from netpick.api import Run, run_fit
from netpick.columns.store import Store
from netpick.contest.prepare import FitOptions
from netpick.data import decode_work
from netpick.models.infer import DeviceData, predict_outputs, values_of
from netpick.types import Array
from tests.conformance import test_forecasters as forecasters
from tests.conformance import test_models as models

WITHIN = 1e-6


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "table": (table, "mlp[dropout=0.1],transformer"),
    "numbers": (numbers, "mlp"),
    "images": (images, "cnn"),
    "texts": (texts, "rnn"),
    "sounds": (sounds, "cnn"),
    "clips": (clips, "cnn_rnn"),
    "series": (series, "cnn"),
}


def fit(data: object, out: Path, kind: str, **more: object) -> Run:
    return run_fit(data, FitOptions(models=KINDS[kind][1], steps=8, seed=3, prefer="network", out=out, **more))  # type: ignore[arg-type]


def outcome(run: Run) -> tuple[bytes, bytes, object]:
    """Weights, predictions and scores: all of a run but its times and its words."""
    with zipfile.ZipFile(run.folder / "model.netpick") as archive:
        weights = archive.read("weights.safetensors")
    report = json.loads((run.folder / "report.json").read_text())
    scores = [(c["name"], c["validation"], c["test"]) for c in report["candidates"]], report["comparisons"]
    return weights, (run.folder / "predictions.parquet").read_bytes(), scores


Made = tuple[str, object, Run]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """The data of a kind and a run of it, made once."""

    @cache
    def made(kind: str) -> Made:
        folder = tmp_path_factory.mktemp(kind)
        data = KINDS[kind][0](folder)
        return kind, data, fit(data, folder / "run", kind)

    return made


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, make: Callable[[str], Made]) -> Made:
    return make(request.param)


def test_a_store_on_disk_changes_nothing(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, data, run = made
    monkeypatch.setenv("NETPICK_CACHE", str(tmp_path / "cache"))
    mapped: list[bool] = []
    made_data = DeviceData.__init__

    def noting(self: DeviceData, store: Store, *arguments: object) -> None:
        mapped.append(store.on_disk)
        made_data(self, store, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(DeviceData, "__init__", noting)
    assert outcome(fit(data, tmp_path / "run", kind, memory_limit=0)) == outcome(run)
    assert any(mapped)


@pytest.mark.parametrize(("workers", "processes_from"), [(1, 1_000), (4, 1_000), (1, 10), (3, 10)])
def test_workers_that_decode_change_nothing(
    workers: int,
    processes_from: int,
    make: Callable[[str], Made],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`first` decoded with as many workers as this machine has cores."""
    _, data, first = make("images")
    monkeypatch.setattr(decode_work, "cores", lambda: workers)
    monkeypatch.setattr(decode_work, "PROCESSES_FROM", processes_from)
    monkeypatch.setattr(decode_work, "PIECE", 16)
    assert outcome(fit(data, tmp_path / "run", "images")) == outcome(first)


def test_the_file_answers_as_the_training_process_did(made: Made) -> None:
    kind, data, run = made
    kept = pl.read_parquet(run.folder / "predictions.parquet")
    rows, winner = kept["row"].to_list(), run.results.verdict.winner
    model = netpick.load(run.folder)
    if kind == "series":
        assert isinstance(data, tuple)
        data = data[0]
    answers = model.predict(_every_row(kind, data))[rows]
    columns = [name for name in answers.columns if name.startswith("probability_")] or ["prediction"]
    for name in columns:
        said = kept[f"{winner}: {name}"].to_numpy()
        scale = max(1.0, float(np.abs(said).max())) if name == "prediction" else 1.0
        np.testing.assert_allclose(answers[name].to_numpy(), said, atol=WITHIN * scale, rtol=0)


def test_a_row_alone_is_answered_as_among_others(made: Made) -> None:
    kind, data, run = made
    model = netpick.load(run.folder)
    if kind == "series":
        assert isinstance(data, tuple)
        data = data[0]
    together = model.predict(_every_row(kind, data))
    columns = [name for name in together.columns if name.startswith("probability_")] or ["prediction"]
    for row in (0, 7, 41):
        alone = model.predict(_one_row(kind, data, row))
        for name in columns:
            scale = max(1.0, abs(float(together[name][row]))) if name == "prediction" else 1.0
            assert alone[name][0] == pytest.approx(together[name][row], abs=WITHIN * scale), (row, name)


def _files(data: object) -> list[str]:
    """Files of class folders, in the order of the rows."""
    return [str(path) for path in sorted(Path(str(data)).glob("*/*")) if path.is_file()]


def _every_row(kind: str, data: object) -> object:
    return _files(data) if kind in ("images", "sounds", "clips") else data


def _one_row(kind: str, data: object, row: int) -> object:
    if kind in ("images", "sounds", "clips"):
        return [_files(data)[row]]
    if kind == "series":
        assert isinstance(data, np.ndarray)
        return data[row : row + 1]
    if kind == "texts":
        return pl.read_ndjson(str(data))[row : row + 1].drop("label")
    return pl.read_csv(str(data))[row : row + 1]


def alike(network: torch.nn.Module, arrays: dict[str, Array], inputs: netpick.types.Inputs) -> float:  # type: ignore[name-defined]
    """The largest difference of a row's outputs alone and among all others, as probabilities or in units of the outputs."""
    data = DeviceData(Store(arrays=arrays), inputs, "cpu")
    rows = np.arange(len(next(iter(arrays.values()))))
    together = values_of(predict_outputs(network, data, rows))
    some = rows[:: len(rows) // 5]
    alone = torch.cat([values_of(predict_outputs(network, data, np.array([row]))) for row in some])
    scale = max(1.0, float(together.abs().max()))
    return float((together[some] - alone).abs().max()) / scale


@pytest.mark.parametrize("case", models.CASES, ids=lambda case: case.name)
def test_networks_answer_each_row_for_itself(case: models.Case) -> None:
    torch.set_num_threads(1)
    batch = models.make_batch(case.inputs, 90 if "codes" in case.inputs else 200)
    arrays = {name: value.numpy() for name, value in batch.items() if not name.endswith(".mask")}
    arrays |= {f"{n[:-5]}.lengths": v.sum(dim=1).int().numpy() for n, v in batch.items() if n.endswith(".mask")}
    assert alike(case.build(), arrays, case.inputs) < WITHIN


@pytest.mark.parametrize("name", forecasters.INPUTS)
@pytest.mark.parametrize("family", forecasters.FORECASTERS)
def test_forecasters_answer_each_row_for_itself(family: str, name: str) -> None:
    torch.set_num_threads(1)
    inputs = forecasters.INPUTS[name]
    batch = forecasters.make_batch(inputs, 200)
    batch["window.series"] = torch.zeros((200, 1), dtype=torch.int32)
    arrays = {name: value.numpy() for name, value in batch.items()}
    assert alike(forecasters.build(family, inputs), arrays, inputs) < WITHIN


def test_a_forecaster_continues_a_history_as_it_did_in_training(tmp_path: Path) -> None:
    days = pl.date_range(pl.date(2023, 1, 1), pl.date(2023, 9, 1), eager=True)
    generator = np.random.default_rng(6)
    frames = []
    for shop, level in (("north", 100.0), ("south", 900.0)):
        sales = level * (
            1 + 0.3 * np.sin(2 * np.pi * np.arange(len(days)) / 7) + 0.05 * generator.normal(size=len(days))
        )
        frames.append(pl.DataFrame({"day": days, "shop": [shop] * len(days), "sales": sales}))
    frame = pl.concat(frames)
    asked = {
        "target": ("sales",),
        "horizon": 5,
        "context": 14,
        "models": "rnn",
        "steps": 10,
        "seed": 3,
    }
    run, again = (
        run_fit(frame, FitOptions(out=tmp_path / name, memory_limit=limit, **asked))  # type: ignore[arg-type]
        for name, limit in (("memory", None), ("disk", 0))
    )
    assert outcome(run) == outcome(again)
    assert run.results.verdict.winner != "rnn", "the recommended one learned once more, up to the newest window"
    kept = pl.read_parquet(run.folder / "predictions.parquet")
    for origin in kept["origin"].unique().sort()[[0, 3, -1]]:
        for shops in (["north", "south"], ["south"]):  # both series, and one alone
            history = frame.filter((pl.col("day") < pl.lit(origin).str.to_date()) & pl.col("shop").is_in(shops))
            said = netpick.load(run.folder, candidate="rnn").predict(history)
            then = kept.filter((pl.col("origin") == origin) & pl.col("series").is_in(shops)).sort("series", "time")
            for new, old in (("prediction", "rnn: prediction"), ("low", "rnn: low"), ("high", "rnn: high")):
                np.testing.assert_allclose(
                    said.sort("shop", "day")[new].to_numpy(), then[old].to_numpy(), rtol=2 * WITHIN
                )


def test_scores_of_the_file_are_those_of_the_report(made: Made) -> None:
    kind, data, run = made
    if kind not in ("table", "numbers", "texts"):
        pytest.skip("the labels of files are read from their folders")
    frame = pl.read_ndjson(str(data)) if kind == "texts" else pl.read_csv(str(data))
    report = json.loads((run.folder / "report.json").read_text())
    winner = next(c for c in report["candidates"] if c["name"] == run.results.verdict.winner)
    found = netpick.load(run.folder).score(frame[pl.read_parquet(run.folder / "predictions.parquet")["row"].to_list()])
    assert found.keys() == winner["test"].keys()
    for name, score in found.items():
        assert score.value == pytest.approx(winner["test"][name]["value"], abs=WITHIN, rel=WITHIN), name
        assert score.n == winner["test"][name]["n"]
