"""Every candidate of a run can be used: what its file predicts is what the run predicted, baselines of every kind included."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from command_line import command_here
from report_again import check_report_again

import netpick
from netpick.errors import ModelFileError, RequestError
from netpick.explain import explain
from netpick.explain.effects import permutation_importance
from netpick.explain.exchanges import row_figures
from netpick.explain.reading import read_subject
from netpick.models.baselines import BASELINES
from netpick.saved.asked import new_examples
from netpick.saved.use import candidate_of, load
from netpick.tasks.forecast.examples import NewWindows
from tests.ratings_table import ratings_table

ROWS = 150


def mixed(generator: np.random.Generator) -> pl.DataFrame:
    words = np.array(["tea", "milk", "sugar", "cup", "hot", "Straße"])
    height = generator.normal(170, 10, ROWS)
    height[::17] = np.nan
    return pl.DataFrame(
        {
            "height": pl.Series(height).fill_nan(None),
            "colour": generator.choice(["red", "green", "blue"], ROWS),
            "note": [" ".join(generator.choice(words, 5)) for _ in range(ROWS)],
        }
    )


def classes(folder: Path) -> tuple[object, dict[str, object]]:
    frame = mixed(np.random.default_rng(0))
    label = (frame["height"].fill_null(170) > 171) ^ (frame["colour"] == "red")
    return frame.with_columns(label=label.cast(pl.String)), {"target": "label"}


def several_classes(folder: Path) -> tuple[object, dict[str, object]]:
    frame = mixed(np.random.default_rng(1))
    return frame.with_columns(kind=frame["note"].str.split(" ").list.first()), {"target": "kind"}


def labels(folder: Path) -> tuple[object, dict[str, object]]:
    frame = mixed(np.random.default_rng(2))
    tall, red = frame["height"].fill_null(170) > 171, frame["colour"] == "red"
    tags = [";".join(t for t, on in (("tall", a), ("red", b), ("none", not (a or b))) if on) for a, b in zip(tall, red, strict=True)]  # fmt: skip
    return frame.with_columns(tags=pl.Series(tags)), {"target": "tags", "task": "multilabel"}


def numbers(folder: Path) -> tuple[object, dict[str, object]]:
    frame = mixed(np.random.default_rng(3))
    price = 1e5 + 1e3 * frame["height"].fill_null(170) + 2e4 * (frame["colour"] == "red").cast(pl.Float64)
    return frame.with_columns(price=price), {"target": "price"}


def images(folder: Path) -> tuple[object, dict[str, object]]:
    generator = np.random.default_rng(4)
    kinds = generator.integers(0, 3, ROWS)
    pixels = generator.integers(0, 120, (ROWS, 12, 12)).astype(np.uint8)
    for row, kind in enumerate(kinds):
        pixels[row, 4 * kind : 4 * kind + 4] += 100
    return (pixels, kinds), {}


def series(folder: Path) -> tuple[object, dict[str, object]]:
    steps = np.arange(160)
    sales = 50 + 0.3 * steps + 10 * np.sin(2 * np.pi * steps / 12) + np.random.default_rng(5).normal(0, 1, 160)
    months = [f"{2000 + step // 12}-{step % 12 + 1:02}" for step in steps]
    frame = pl.DataFrame({"month": months * 2, "shop": ["a"] * 160 + ["b"] * 160, "sales": [*sales, *(sales * 3)]})
    return frame, {"horizon": 4, "context": 24}


def ratings(folder: Path) -> tuple[object, dict[str, object]]:
    return ratings_table(1_200), {"models": "mlp,fm"}


CASES = (classes, several_classes, labels, numbers, images, series, ratings)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[netpick.Run, object]:
    make: Callable[[Path], tuple[object, dict[str, object]]] = request.param
    folder = tmp_path_factory.mktemp(make.__name__)
    data, options = make(folder)
    asked: dict[str, Any] = {"models": "mlp", **options}
    run = netpick.fit(data, steps=2, out=folder / "run", **asked)
    return run, data


def test_the_report_is_written_again_from_the_folder_alone(case: tuple[netpick.Run, object]) -> None:
    check_report_again(case[0].folder)


def test_every_candidate_predicts_what_the_run_predicted(case: tuple[netpick.Run, object]) -> None:
    run, data = case
    assert set(run.models) == {entry.name for entry in run.results.entries}
    for result in run.results.entries:
        model = run.models[result.name]
        assert model.parts.record.candidate == result.name
        assert result.test_predictions is not None
        if run.results.forecast is not None and result.name == run.results.verdict.winner:
            assert "learned once more" in result.reason, "it knows more than the contest's forecaster did"
            continue
        blend = run.results.blend
        members = blend.weights if blend is not None and result.name == blend.result.name else {result.name: 1.0}
        if run.results.forecast is not None and run.results.verdict.winner in members:
            continue  # one of its members learned once more
        if run.results.forecast is not None:
            found, rows = forecasts(model, data, run)
            anew = [r.name for r in run.results.baselines if "fitted anew" in r.reason]
            if set(anew) & set(members):  # the fit that is kept is the first one, before the first origin
                rows = rows[:1]
        else:
            source = model.read(data)
            answers = model.engine.outputs(model.encode(source))
            found = model.parts.task.answer.decode(answers, model.parts.task_state)
            rows = run.results.split.test
        tolerance = 1e-6 if result.family == "baseline" else 1e-4
        for name in ("probabilities", "values", "quantiles"):
            expected, answered = (getattr(said, name, None) for said in (result.test_predictions, found))
            assert (expected is None) == (answered is None), (result.name, name)
            if expected is not None:
                scale = max(1.0, float(np.abs(expected).max()))
                assert np.abs(answered[rows] - expected[: len(rows)]).max() <= tolerance * scale, (result.name, name)


def forecasts(model: netpick.Model, data: object, run: netpick.Run) -> tuple[object, object]:
    """Of the test windows, as `score` answers windows."""
    from netpick.tasks.forecast.timeline import TimelineRequest, make_timeline

    state = model.parts.task_state
    asked = TimelineRequest(time=state.time_columns, ids=state.id_columns, step=state.step, targets=state.targets)
    examples = new_examples(model.parts, model.read(data))
    assert isinstance(examples, NewWindows)
    windows = examples.windows(make_timeline(examples.source, asked))
    test = run.results.split.test
    answers = model.engine.forecasts(windows, test)
    return model.parts.task.answer.decode(answers, model.parts.task_state), np.arange(len(test))


@pytest.mark.filterwarnings("ignore::netpick.errors.UnseenValues")  # users of test rows alone
def test_predict_and_score_work_for_every_baseline(case: tuple[netpick.Run, object]) -> None:
    run, data = case
    for result in run.results.baselines:
        model = load(run.folder, candidate=result.name)
        assert model.engine.name == "numpy"
        assert len(model.predict(data)) > 0
        assert set(model.score(data)) >= {run.results.primary_metric}
        assert model.parts.record.candidate == result.name


def test_these_runs_have_baselines_of_every_kind() -> None:
    """All but those of clips, of demand that is often zero, and of sequences, which have runs of their own (tests/conformance, jobs of each task)."""
    tried = {"majority", "mean", "linear", "boosted trees", "random forest", "nearest neighbours", "tf-idf + linear",
             "tf-idf + naive bayes", "last value", "seasonal naive", "drift", "exponential smoothing", "theta",
             "boosted trees on lags", "id biases"}  # fmt: skip
    assert set(BASELINES) - tried == {
        *("frame average", "intermittent demand", "unigram", "kneser-ney", "kneser-ney-cache"),
        *("majority class", "frequent place", "grey threshold", "pixel trees"),
        *("commonest text", "nearest recording", "copy", "nearest source", "word by word"),
        *("majority tag", "linear of a window"),
        *("the same again", "kneser-ney over voices"),
        *("real rows", "columns shuffled", "gaussian copula", "chain of trees", "smoothed chain of trees"),
        *("lattice of mean boxes", "most frequent places"),
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    folder = tmp_path_factory.mktemp("kept")
    data, options = classes(folder)
    assert isinstance(data, pl.DataFrame)
    data.write_csv(folder / "data.csv")
    return netpick.fit(folder / "data.csv", steps=2, models="mlp", out=folder / "run", **options)  # type: ignore[arg-type]


def typed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return command_here(*map(str, words), cwd=Path.cwd())


def test_a_baseline_is_used_by_name_without_torch_or_scikit_learn(run: netpick.Run) -> None:
    code = (
        "import sys, netpick\n"
        f"model = netpick.load({str(run.folder)!r}, candidate='boosted trees')\n"
        f"print(len(model.predict({str(run.folder.parent / 'data.csv')!r})))\n"
        "print([name for name in ('torch', 'sklearn') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n")[:2] == [str(ROWS), "[]"], done.stderr


def test_the_command_line_takes_a_candidate(run: netpick.Run) -> None:
    data = run.folder.parent / "data.csv"
    done = typed("predict", run.folder, data, "--candidate", "boosted trees")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == ROWS + 1


def test_a_candidate_that_is_not_there_lists_near_matches(run: netpick.Run) -> None:
    with pytest.raises(RequestError) as caught:
        load(run.folder, candidate="random forst")
    assert str(caught.value).startswith(
        f"The run in {run.folder} has no candidate 'random forst'. Did you mean random forest?"
    )
    with pytest.raises(KeyError):
        {}["x"]
    with pytest.raises(RequestError):
        run.models["rnnn"]


def test_export_says_what_to_type_for_a_baseline(run: netpick.Run) -> None:
    done = typed("export", run.folder, "--candidate", "linear")
    assert done.returncode == 2
    told = " ".join(done.stderr.split())
    assert "This model ('linear') is a baseline, but this needs a network." in told
    assert "RUN --candidate NAME, such as --candidate mlp." in told


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def products() -> pl.DataFrame:
    """Of which trees and networks learn different parts."""
    generator = np.random.default_rng(0)
    a, b, c = generator.normal(size=(3, 400))
    kind = generator.choice(["red", "green"], 400)
    size = a * b + (kind == "red") + generator.normal(0, 0.3, 400)
    return pl.DataFrame({"a": a, "b": b, "c": c, "kind": kind, "size": size})


@pytest.fixture(scope="module")
def blended(tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    folder = tmp_path_factory.mktemp("blended")
    run = netpick.fit(products(), "size", steps=30, models="mlp", split="random", out=folder / "run")
    assert run.results.blend is not None
    assert len(run.results.blend.weights) > 1
    return run


def test_the_blend_is_a_model_like_any_other(blended: netpick.Run) -> None:
    model, data = load(blended.folder, candidate="blend"), products()
    assert model.card.count("--candidate blend") == 2
    table, rows = pl.read_parquet(blended.folder / "predictions.parquet"), blended.results.split.test
    for name, values in model.predict(data).to_dict().items():
        assert np.abs(values.to_numpy()[rows] - table[f"blend: {name}"].to_numpy()).max() < 1e-6, name
    assert set(model.score(data)) >= {"r2"}
    assert len(model.predict({"a": 0.5, "b": 1.0, "c": 0.0, "kind": "red"})) == 1
    done = typed("export", blended.folder, "--candidate", "blend")
    assert done.returncode == 2
    assert "is the blend, an average of several models, but this needs a network." in " ".join(done.stderr.split())


@pytest.mark.parametrize("name", ["linear", "random forest", "blend"])
def test_what_is_no_network_is_explained_by_exchanged_columns_and_its_mistakes(blended: netpick.Run, name: str) -> None:
    model = blended.models[name]
    order = [one.column for one in permutation_importance(read_subject(model, products()))]
    assert order[0] == "kind" if name == "linear" else order[-1] == "c"
    page = explain(model, products(), rows=2)
    assert [part.title for part in page.parts][:2] == ["All rows together", "Where it errs"]
    assert len(page.parts) == 4
    assert "What the model goes by" in page.html()


@pytest.mark.parametrize("name", ["linear", "blend"])
def test_what_is_no_network_is_explained_without_labels(blended: netpick.Run, name: str) -> None:
    page = explain(blended.models[name], products().drop("size"), rows=2)
    assert [figure.title for figure in page.figures] == ["What moves the answers", *["What each cell adds"] * 2]
    assert name != "linear" or page.figures[0].alt.startswith("kind ")
    assert any("hold no known answers" in said for said in page.missing)
    with pytest.raises(RequestError, match=r"holds one row, or one column .* Pass several rows, or labelled ones"):
        explain(blended.models[name], products().drop("size").head(1))


def test_a_cell_adds_what_the_answer_would_lose_with_other_cells(blended: netpick.Run) -> None:
    """The red ones are larger by one, and nothing else is told apart by a line."""
    subject = read_subject(blended.models["linear"], products().drop("size"))
    kinds = products()["kind"].to_list()
    red, green = kinds.index("red"), kinds.index("green")
    first = [row_figures(subject, row, subject.target_of(row))[0].alt.split(";")[0] for row in (red, green)]
    assert first[0].startswith("kind = red: +")
    assert first[1].startswith("kind = green: \N{MINUS SIGN}")


def test_the_words_of_a_text_are_left_out_one_by_one(run: netpick.Run) -> None:
    data = pl.read_csv(run.folder.parent / "data.csv")
    subject = read_subject(run.models["tf-idf + linear"], data)
    figures = row_figures(subject, 0, subject.target_of(0))
    assert [figure.title for figure in figures] == ["What each cell adds", "What the words of note add"]
    said = [part.split(":")[0].strip() for part in figures[1].alt.split(";")]
    assert set(said) <= set(str(data["note"][0]).split())


def test_a_baseline_s_raw_texts_are_exchanged_with_their_column(run: netpick.Run) -> None:
    """tf-idf reads texts beside the encoded rows: exchanging the column of notes exchanges them too."""
    subject = read_subject(run.models["tf-idf + linear"], pl.read_csv(run.folder.parent / "data.csv"))
    rows, partners = np.arange(subject.count), np.roll(np.arange(subject.count), 1)
    own = subject.predictions(rows).stated
    moved = {
        encoder.column: bool((subject.exchanged(rows, number, partners).stated != own).any())
        for number, encoder in enumerate(subject.encoders)
    }
    assert moved["note"]


def test_a_blend_takes_no_other_models_than_its_own(blended: netpick.Run, tmp_path: Path) -> None:
    assert blended.results.blend is not None
    run, (first, second, *_) = copied(blended.folder, tmp_path / "run"), list(blended.results.blend.weights)
    files = {name: candidate_of(run, name) for name in (first, second)}
    shutil.copy(run / "models" / "blend.netpick", tmp_path / "blend.netpick")
    with pytest.raises(ModelFileError, match="lie beside it in the folder models of its run"):
        load(tmp_path / "blend.netpick")
    shutil.copy(files[second], files[first])
    with pytest.raises(ModelFileError, match="is not the one that it was weighed with"):
        load(run, candidate="blend")
    files[first].unlink()
    with pytest.raises(ModelFileError, match=f"needs the model of '{first}'"):
        load(run, candidate="blend")


def test_a_kept_model_cut_short_or_missing_is_refused(run: netpick.Run, tmp_path: Path) -> None:
    copy = copied(run.folder, tmp_path / "run")
    file = copy / "models" / "linear.netpick"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ModelFileError, match="is not a model file that can be trusted"):
        load(copy, candidate="linear")
    file.unlink()
    with pytest.raises(RequestError, match="there is no linear"):
        load(copy, candidate="linear")
    (copy / "models" / "models.json").write_text('{"recommended": "mlp", "files": {"linear": "../../x"}}')
    with pytest.raises(RequestError, match="cannot be read"):
        load(copy, candidate="linear")


def test_a_run_that_kept_the_best_only_says_so(tmp_path: Path) -> None:
    data, options = classes(tmp_path)
    run = netpick.fit(data, steps=2, models="mlp", keep="best", out=tmp_path / "run", **options)  # type: ignore[arg-type]
    assert not (run.folder / "models").exists()
    (only,) = run.models
    assert load(run.folder, candidate=only).parts.record.candidate == only
    with pytest.raises(RequestError, match=f"kept one model only, '{only}'"):
        load(run.folder, candidate="no such")


def test_a_forecaster_continues_its_series_with_a_baseline(tmp_path: Path) -> None:
    data, options = series(tmp_path)
    run = netpick.fit(data, steps=2, models="mlp", out=tmp_path / "run", **options)  # type: ignore[arg-type]
    model = run.models["last value"]
    assert isinstance(data, pl.DataFrame)
    assert new_examples(model.parts, model.read(data)).names == ["a", "b"]
    made = model.predict(data)
    last = data.group_by("shop", maintain_order=True).last()["sales"]
    assert made["prediction"].to_numpy().reshape(2, 4)[:, 0] == pytest.approx(last.to_numpy())
    assert (made["low"] <= made["high"]).all()
