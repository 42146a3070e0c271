"""Realistic results to render: every task and kind of data that the report knows, without training anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from netpick.answers.answered import AnsweredClasses, AnsweredLabels, AnsweredNumbers
from netpick.answers.metrics import METRICS
from netpick.report.shown import data_info, with_shown
from netpick.tasks import TASKS
from netpick.types import (
    Array,
    ArrayColumn,
    CheckOutcome,
    Field,
    Finding,
    Note,
    Rows,
    Schema,
    Source,
    Split,
    TableColumn,
    UnreadableRow,
)
from netpick.types.results import (
    Ablation,
    Answered,
    Blend,
    CandidateResult,
    Comparison,
    ForecastInfo,
    ForecastShown,
    HalfTime,
    HistoryPoint,
    RunResults,
    Score,
    Search,
    TargetInfo,
    Threshold,
    Trial,
    Verdict,
)

HOSTILE = '</script><img src=x onerror="document.title=1">&amp;\'`|*_'
Floats = npt.NDArray[np.float64]


def score(value: float, width: float, n: int) -> Score:
    low, high = value - width / 2, value + width / 2
    return Score(
        value=value,
        low=max(0.0, low) if 0 <= value <= 1 else low,
        high=min(1.0, high) if 0 <= value <= 1 else high,
        n=n,
    )


def history(steps: int, first: float, last: float, loss: float, points: int = 14) -> tuple[HistoryPoint, ...]:
    """A curve from one score to another, with losses that fall and part a little at the end."""
    random = np.random.default_rng(steps)
    made = []
    for i in range(1, points + 1):
        t = i / points * 1.6
        made.append(
            HistoryPoint(
                step=round(steps * i / points),
                seconds=9.6 * i / points,
                train_loss=loss * math.exp(-3.2 * t) + 0.01,
                validation_loss=loss * math.exp(-2.4 * t) + 0.03 + 0.02 * t + float(random.normal(0, 0.004)),
                validation_score=last - (last - first) * math.exp(-4 * t) + float(random.normal(0, 0.001)),
                learning_rate=3e-3 * (1 - i / points),
            )
        )
    return tuple(made)


def network(name: str, family: str, test: Mapping[str, Score], predictions: Answered, **more: Any) -> CandidateResult:
    """A candidate that finished."""
    primary = next(iter(test.values()))
    return CandidateResult(
        **{
            "name": name, "family": family, "status": "ok", "test": test, "test_predictions": predictions,
            "validation": {k: replace(v, value=v.value * 0.998) for k, v in test.items()}, "seconds": 9.6, "steps": 1400,
            "parameters": 121_930, "bytes": 487_720, "latency_ms": 0.21,
            "history": history(1400, primary.value * 0.6, primary.value, 1.9),
        } | more
    )  # fmt: skip


def baseline(name: str, test: Mapping[str, Score], predictions: Answered | None = None, **more: Any) -> CandidateResult:
    """A baseline."""
    options = {"seconds": 2.1, "reason": ""} | more
    return CandidateResult(
        name=name, family="baseline", status="ok", test=test, validation=test, test_predictions=predictions, **options
    )


def probabilities(truth: Array, classes: int, sharpness: float, seed: int) -> Answered:
    """Softmax scores that are mostly right, more so with growing sharpness."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.6, (len(truth), classes))
    logits[np.arange(len(truth)), truth] += sharpness
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return AnsweredClasses(probabilities=raised / raised.sum(axis=1, keepdims=True))


def measured(truth: Array, predictions: Answered, names: Sequence[str], task: str) -> dict[str, Score]:
    """Plain values of some metrics, with a width that shrinks with the rows."""
    n = len(truth)
    ones = np.ones((1, n))
    decided = TASKS[task].answer.decide(predictions)
    found = {}
    for name in names:
        value = float(METRICS[name].values(truth, predictions, ones, decided)[0])
        found[name] = score(value, 2 * 1.96 * math.sqrt(max(1e-4, abs(value) * abs(1 - value)) / n), n)
    return found


def results_of(
    *,
    source: Source,
    schema: Schema,
    target: TargetInfo,
    thumbnails: Callable[[Rows], Sequence[Array]] | None = None,
    **rest: Any,
) -> RunResults:
    """Results with what a report shows of these data; thumbnails: pictures of rows."""
    bare = RunResults(source=data_info(source, schema, target), schema=schema, target=target, **rest)
    return with_shown(bare, source, thumbnails)


def split_of(train: int, validation: int, test: int, sentence: str, method: Any = "random") -> Split:
    rows = np.random.default_rng(1).permutation(train + validation + test)
    return Split(
        train=rows[:train], validation=rows[train : train + validation], test=rows[train + validation :],
        sentence=sentence, method=method,
    )  # fmt: skip


def plan_of(names: Sequence[tuple[str, str]], rows: Mapping[str, int], budget: float | None = 60.0) -> dict[str, Any]:
    """plan.json as plan.py writes it."""
    recipe = {
        "optimizer": "adamw", "learning_rate": 0.003, "momentum": 0.9, "weight_decay": 0.05, "schedule": "onecycle",
        "warmup": 0.25, "batch_size": 256, "clip": 1.0, "loss": "auto", "label_smoothing": 0.1, "class_weights": "none",
        "average": 0.999, "patience": 0, "augment": ["shift", "rotate"], "precision": "auto",
    }  # fmt: skip
    settings = {"width": 32, "depth": 3, "dropout": 0.1, "activation": "relu", "stem": {"kernel": 3, "stride": 2}}
    return {
        "seed": 0, "device": "cpu", "threads": 2, "budget_seconds": budget, "baseline_seconds": 6.0, "rows": dict(rows),
        "refit": False, "learning_rate_trials": 1,
        "candidates": [
            {
                "name": name, "family": family, "settings": settings, "recipe": recipe, "seed": 0, "steps": 1400, "looks": 14,
                "step_ms": 6.8, "parameters": 121_930, "precision": "bfloat16", "module": False, "remarks": [],
            }
            for name, family in names
        ],
    }  # fmt: skip


def compare(entries: Sequence[CandidateResult], metric: str) -> list[Comparison]:
    """The first against all others."""
    first = entries[0]
    sign = 1 if METRICS[metric].better == "higher" else -1
    pairs = []
    for other in entries[1:]:
        if metric not in other.test or metric not in first.test:
            continue
        gap = sign * (first.test[metric].value - other.test[metric].value)
        half = 0.5 * (first.test[metric].high - first.test[metric].low)
        verdict = "better" if gap > half else "worse" if gap < -half else "tie"
        pairs.append(
            Comparison(
                a=first.name, b=other.name, metric=metric, difference=gap, low=gap - half, high=gap + half,
                verdict=verdict,  # type: ignore[arg-type]
            )
        )  # fmt: skip
    return pairs


def glyphs(labels: Sequence[int], seed: int = 0) -> npt.NDArray[np.uint8]:
    """Digits drawn with Pillow's own font, turned and noisy: (N, 1, 28, 28)."""
    from PIL import Image, ImageDraw, ImageFont

    random = np.random.default_rng(seed)
    font = ImageFont.load_default(size=24)
    masters = []
    for digit in range(10):
        image = Image.new("L", (28, 28))
        ImageDraw.Draw(image).text((14, 14), str(digit), fill=255, font=font, anchor="mm")
        masters.append([np.asarray(image.rotate(angle)) for angle in (-18, -9, 0, 9, 18)])
    picked = np.stack([masters[label][random.integers(5)] for label in labels]).astype(np.int16)
    noisy = np.clip(picked + random.normal(0, 18, picked.shape), 0, 255)
    return noisy.astype(np.uint8)[:, None]


# --- (a) images ------------------------------------------------------------------------------------------------------


def images(test: int = 10_000, train: int = 50_000, classes: int = 10) -> RunResults:
    """Ten classes of pictures, four families with variants, MNIST's size; the pixels are made when they are asked for."""
    total = train + 2_000 + test
    labels = np.random.default_rng(2).integers(0, classes, total)
    split = split_of(
        train, 2_000, test, "The given test folder is kept; validation rows are drawn from train/ by class."
    )
    truth = labels[split.test]
    names = [str(k) if classes == 10 else f"class {k:02d}" for k in range(classes)]
    shown = ("accuracy", "balanced_accuracy", "f1", "log_loss", "calibration_error")
    families = [
        ("cnn", "cnn", 7.2, {}),
        (
            "transformer",
            "transformer",
            6.6,
            {"parameters": 402_122, "bytes": 1_608_488, "latency_ms": 0.9, "seconds": 12.3},
        ),
        ("mlp", "mlp", 6.3, {"parameters": 669_706, "bytes": 2_678_824, "latency_ms": 0.04, "seconds": 6.1}),
        ("rnn[cell=gru]", "rnn", 6.8, {"parameters": 152_000, "latency_ms": 1.7, "seconds": 12.8}),
        ("rnn[cell=lstm]", "rnn", 6.5, {"parameters": 198_000, "latency_ms": 1.9, "seconds": 12.9}),
        ("rnn[cell=simple]", "rnn", 5.3, {"parameters": 61_000, "latency_ms": 1.2, "seconds": 12.7}),
        ("mlp[activation=sigmoid]", "mlp", 5.8, {"parameters": 669_706, "latency_ms": 0.04, "seconds": 6.2}),
    ]
    candidates = []
    for seed, (name, family, sharp, more) in enumerate(families):
        said = probabilities(truth, classes, sharp, seed)
        candidates.append(network(name, family, measured(truth, said, shown, "classify"), said, **more))
    candidates.append(
        CandidateResult(
            name="layers", family="layers", status="failed", seconds=0.2,
            reason="RuntimeError: the loss became NaN at step 41; lower the learning rate with --recipe learning_rate=1e-4",
        )
    )  # fmt: skip
    trees, knn = probabilities(truth, classes, 5.6, 20), probabilities(truth, classes, 6.1, 21)
    baselines = [
        baseline(
            "nearest neighbours", measured(truth, knn, shown, "classify"), knn, reason="5,000 sampled rows", seconds=0.7
        ),
        baseline(
            "boosted trees", measured(truth, trees, shown, "classify"), trees, reason="10,000 sampled rows", seconds=5.4
        ),
        baseline("majority", {"accuracy": score(1.14 / classes, 0.012, test)}, seconds=0.002),
    ]
    pixels: Callable[[Rows], Sequence[Array]] = lambda rows: [g[0] for g in glyphs([int(labels[r]) % 10 for r in rows])]  # noqa: E731
    best = candidates[0].test["accuracy"]
    return results_of(
        version="0.1.0", title="mnist_png", created="2026-11-21T09:30:00+00:00",
        command="netpick fit mnist_png --budget 60s --out runs/mnist",
        source=Source(
            name="mnist_png", origin="mnist_png", layout="image_folder", num_rows=total, fingerprint="3f9a" * 16, target="label",
            columns={
                "image": ArrayColumn(name="image", values=np.zeros((total, 1, 1, 1), np.uint8), kind="image"),
                "label": TableColumn(name="label", values=pl.Series("label", [names[k] for k in labels])),
            },
            notes=[
                Note(subject="Layout", text="Folders train/ and test/ with one folder per class.", override="--split random"),
                Note(subject="Labels", text="The names of the class folders, in the order of their numbers."),
            ],
            unreadable=[UnreadableRow(row=4711, path="train/7/4711.png", reason="the file ends after 112 of 274 bytes")],
            row_names=[f"{'test' if i > train else 'train'}/{names[k]}/{i:05d}.png" for i, k in enumerate(labels)],
        ),
        schema=Schema(
            fields=[
                Field(name="image", kind="image", role="feature", reason="pictures of 28 x 28 pixels", num_missing=0, num_distinct=total),
                Field(name="label", kind="category", role="target", reason="class folders", num_missing=0, num_distinct=classes, examples=names[:4]),
            ],
            task="classify",
        ),
        target=TargetInfo(names=["label"], task="classify", labels=names), split=split,
        plan=plan_of([(c.name, c.family) for c in candidates], {"train": train, "validation": 2_000, "test": test}),
        primary_metric="accuracy", candidates=candidates, baselines=baselines,
        comparisons=compare([*candidates[:-1], *baselines], "accuracy"),
        verdict=Verdict(
            winner="cnn", best_baseline="nearest neighbours", deep_learning_helps="yes",
            sentence=f"Use the cnn: accuracy {best.value:.3f} on {test:,} test rows, better than every other network and than "
            "nearest neighbours, the best baseline.",
        ),
        threshold=None,
        findings=[
            Finding(code="D001", severity="warning", title="Equal images in train and test", evidence="12 test images also occur among the training rows.", advice="Remove them, or read the scores as slightly too good.", rows=[12, 981, 40_021]),
            Finding(code="D008", severity="info", title="One file could not be read", evidence="train/7/4711.png ends after 112 of 274 bytes.", advice="Copy it again from the source."),
        ],
        test_openings=1, seconds=58.4, test_truth=truth, thumbnails=pixels,
    )  # fmt: skip


# --- (b) a table with two classes --------------------------------------------------------------------------------


def binary(test: int = 6_000) -> RunResults:
    """Adult-like: two uneven classes, a threshold that costs shifted, networks that tie with the trees."""
    total = 5 * test
    random = np.random.default_rng(3)
    truth_all = (random.random(total) < 0.24).astype(np.int64)
    split = split_of(
        total - test - 1500, 1500, test, "Stratified at random, because nothing orders or groups the rows."
    )
    truth = truth_all[split.test]
    shown = (
        "auc",
        "average_precision",
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "log_loss",
        "brier",
    )

    def entry(sharp: float, seed: int) -> tuple[dict[str, Score], Answered]:
        said = probabilities(truth, 2, sharp, seed)
        return measured(truth, said, shown, "classify"), said

    mlp, transformer = entry(2.95, 1), entry(2.9, 2)
    candidates = [
        network("mlp", "mlp", *mlp, parameters=84_112, bytes=336_448, latency_ms=0.05),
        network("transformer", "transformer", *transformer, parameters=131_000, bytes=524_000, latency_ms=0.4),
    ]
    baselines = [
        baseline("boosted trees", *entry(3.1, 3), seconds=1.9, bytes=610_000),
        baseline("logistic regression", *entry(2.6, 4), seconds=0.3, bytes=2_000),
        baseline("majority", {"auc": score(0.5, 0.0, test)}, seconds=0.001),
    ]
    ages = random.integers(17, 90, total)
    columns = {
        "age": pl.Series("age", ages), "workclass": pl.Series("workclass", random.choice(["Private", "State-gov", "Self-emp"], total)),
        "education": pl.Series("education", random.choice(["HS-grad", "Bachelors", "Masters", "11th"], total)),
        "hours": pl.Series("hours", random.normal(40, 9, total).round(1)), "capital gain": pl.Series("capital gain", random.integers(0, 9999, total)),
        "country": pl.Series("country", ["United-States"] * total), "id": pl.Series("id", np.arange(total)),
        "income": pl.Series("income", [(" <=50K", " >50K")[k] for k in truth_all]),
    }  # fmt: skip
    kinds = ["number", "category", "category", "number", "number", None, None, "category"]
    roles = ["feature"] * 5 + ["left_out"] * 2 + ["target"]
    reasons = ["numbers"] * 5 + [
        "the same value in every row",
        "a different value in every row: an identifier",
        "asked for",
    ]
    fields = [
        Field(
            name=name, kind=kind, role=role, reason=reason, num_missing=1836 if name == "workclass" else 0,  # type: ignore[arg-type]
            num_distinct=values.n_unique(), examples=[str(v).strip() for v in values[:4]],
            stray=[(811, "n/a"), (9_114, "40 h")] if name == "hours" else [],
        )
        for (name, values), kind, role, reason in zip(columns.items(), kinds, roles, reasons, strict=True)
    ]  # fmt: skip
    return results_of(
        version="0.1.0", title="adult_train", created="2026-11-21T09:31:00+00:00",
        command="netpick fit adult_train.csv --budget 60s --cost fn=3",
        source=Source(
            name="adult_train", origin="adult_train.csv", layout="csv", num_rows=total, fingerprint="a1" * 32,
            columns={name: TableColumn(name=name, values=values) for name, values in columns.items()},
            notes=[
                Note(subject="Separator", text="A comma, seen in every line.", override="--separator ';'"),
                Note(subject="Header", text="The first line names the columns.", override="--no-header"),
            ],
        ),
        schema=Schema(fields=fields, task="classify", notes=[Note(subject="Target", text="income, the last categorical column.", override="--target COLUMN")]),
        target=TargetInfo(names=["income"], task="classify", labels=["<=50K", ">50K"]), split=split,
        plan=plan_of([(c.name, c.family) for c in candidates], {"train": 22_500, "validation": 1500, "test": test}),
        primary_metric="auc", candidates=candidates, baselines=baselines, comparisons=compare([*candidates, *baselines], "auc"),
        verdict=Verdict(
            winner="mlp", best_baseline="boosted trees", deep_learning_helps="no",
            sentence="You do not need deep learning here: boosted trees reach ROC AUC 0.925, and no network beats them.",
        ),
        threshold=Threshold(
            value=0.31, cost_fp=1.0, cost_fn=3.0, positive=">50K",
            sentence="An alarm is raised from 0.31 on: with a missed case three times as costly as a false alarm, this was "
            "cheapest on the validation rows.",
        ),
        findings=[
            Finding(code="D003", severity="severe", title="A column gives the target away", evidence="'capital gain' alone predicts income with AUC 0.97.", advice="Pass --drop 'capital gain' unless it is known when the model is used.", columns=["capital gain"]),
            Finding(code="D006", severity="warning", title="Labels differ by a stray character", evidence="adult_test.csv writes '>50K.' where adult_train.csv writes '>50K'.", advice="They are read as the same label."),
        ],
        test_openings=2, seconds=61.2, test_truth=truth,
    )  # fmt: skip


# --- (c) numbers -----------------------------------------------------------------------------------------------------


def regression(targets: int = 1, test: int = 4_100) -> RunResults:
    """House prices: one or several numbers, errors that grow with the price."""
    random = np.random.default_rng(4)
    total = 5 * test
    split = split_of(total - 2 * test, test, test, "At random, because nothing orders or groups the rows.")
    truth = random.lognormal(12.1, 0.5, (test, targets))
    names = [f"median_house_value{i or ''}" for i in range(targets)]

    def entry(noise: float, seed: int) -> tuple[dict[str, Score], Answered]:
        made = np.random.default_rng(seed)
        said = AnsweredNumbers(values=truth * np.exp(made.normal(0, noise, truth.shape)))
        found = measured(truth, said, ("r2", "rmse", "mae"), "regress")
        return {k: v if k == "r2" else score(v.value, v.value * 0.05, test) for k, v in found.items()}, said

    candidates = [
        network("mlp", "mlp", *entry(0.13, 1)),
        network("transformer", "transformer", *entry(0.16, 2), seconds=12.0),
    ]
    baselines = [
        baseline("boosted trees", *entry(0.15, 3)), baseline("linear", *entry(0.3, 4), seconds=0.02),
        baseline("mean", {"r2": score(-0.0002, 0.001, test)}, seconds=0.001),
    ]  # fmt: skip
    columns = {
        "rooms": pl.Series("rooms", random.integers(1, 9, total)),
        "income": pl.Series("income", random.normal(4, 1, total)),
    }
    return results_of(
        version="0.1.0", title="california_housing", created="2026-11-21T09:32:00+00:00", command="netpick fit california_housing.csv",
        source=Source(
            name="california_housing", origin="california_housing.csv", layout="csv", num_rows=total, fingerprint="0c" * 32,
            columns={name: TableColumn(name=name, values=values) for name, values in columns.items()},
        ),
        schema=Schema(
            fields=[Field(name=n, kind="number", role="feature", reason="numbers", num_missing=0, num_distinct=v.n_unique(), examples=["3", "4"]) for n, v in columns.items()]
            + [Field(name=n, kind="number", role="target", reason="asked for", num_missing=0, num_distinct=test) for n in names],
            task="regress",
        ),
        target=TargetInfo(names=names, task="regress"), split=split, plan=plan_of([("mlp", "mlp")], {"test": test}, None),
        primary_metric="r2", candidates=candidates, baselines=baselines, comparisons=compare([*candidates, *baselines], "r2"),
        verdict=Verdict(
            winner="mlp", best_baseline="boosted trees", deep_learning_helps="yes",
            sentence="Use the mlp: R2 0.920 on 4,100 test rows, a little better than boosted trees.",
        ),
        threshold=None, findings=[], test_openings=1, seconds=48.0, test_truth=truth,
    )  # fmt: skip


# --- (d) series ------------------------------------------------------------------------------------------------------


def series(channels: int = 3, test: int = 300) -> RunResults:
    """Labelled series of unequal length."""
    random = np.random.default_rng(5)
    total = 3 * test
    labels = random.integers(0, 4, total)
    names = ["standing", "walking", "running", "badminton"]
    split = split_of(total - 60 - test, 60, test, "The given _TRAIN and _TEST files.", "given")
    truth = labels[split.test]
    lengths = random.integers(40, 101, total).astype(np.int32)

    def curve(row: int) -> Array:
        made = np.random.default_rng(int(row))
        t = np.arange(int(lengths[row]))[:, None] / 12.0
        wave = np.sin(t * (1 + labels[row]) + np.arange(channels) + made.normal(0, 0.3)) * (0.4 + labels[row])
        noisy = (wave + made.normal(0, 0.25, (len(t), channels))).astype(np.float32)
        noisy[10:13] = np.nan if row % 5 == 0 else noisy[10:13]
        return noisy

    shown = ("accuracy", "balanced_accuracy", "f1", "log_loss", "calibration_error")
    sharps = [("rnn", "rnn", 6.0), ("cnn", "cnn", 5.8), ("transformer", "transformer", 4.6), ("mlp", "mlp", 3.9)]
    candidates = []
    for seed, (name, family, sharp) in enumerate(sharps):
        said = probabilities(truth, 4, sharp, seed)
        candidates.append(network(name, family, measured(truth, said, shown, "classify"), said, seconds=9.0 + seed))
    near = probabilities(truth, 4, 3.7, 9)
    baselines = [baseline("nearest neighbours", measured(truth, near, shown, "classify"), near, seconds=0.2)]
    return results_of(
        version="0.1.0", title="BasicMotions", created="2026-11-21T09:33:00+00:00", command="netpick fit BasicMotions_TRAIN.ts",
        source=Source(
            name="BasicMotions", origin="BasicMotions_TRAIN.ts", layout="ts", num_rows=total, fingerprint="bb" * 32, target="class",
            columns={
                "series": ArrayColumn(name="series", values=np.zeros((total, 1, channels), np.float32), kind="series", lengths=lengths),
                "class": TableColumn(name="class", values=pl.Series("class", [names[k] for k in labels])),
            },
        ),
        schema=Schema(
            fields=[
                Field(name="series", kind="series", role="feature", reason=f"40 to 100 steps of {channels} channels", num_missing=0, num_distinct=total),
                Field(name="class", kind="category", role="target", reason="the file's classes", num_missing=0, num_distinct=4, examples=names),
            ],
            task="classify",
        ),
        target=TargetInfo(names=["class"], task="classify", labels=names), split=split,
        plan=plan_of([(c.name, c.family) for c in candidates], {"test": test}), primary_metric="accuracy",
        candidates=candidates, baselines=baselines, comparisons=compare([*candidates, *baselines], "accuracy"),
        verdict=Verdict(
            winner="rnn", best_baseline="nearest neighbours", deep_learning_helps="yes",
            sentence="Use the rnn; the cnn ties with it and costs more. Both beat nearest neighbours.",
        ),
        threshold=None, findings=[], test_openings=1, seconds=59.0, test_truth=truth,
        thumbnails=lambda rows: [curve(int(row)) for row in rows],
    )  # fmt: skip


# --- (e) several labels ----------------------------------------------------------------------------------------------


def multilabel(test: int = 800) -> RunResults:
    """Six labels, of which a row may have none, one or several."""
    random = np.random.default_rng(6)
    total = 4 * test
    names = ["toxic", "spam", "question", "praise", "refund", "shipping"]
    split = split_of(total - 2 * test, test, test, "Stratified at random.")
    truth = (random.random((test, 6)) < np.array([0.1, 0.3, 0.4, 0.2, 0.05, 0.25])).astype(np.int64)

    def entry(sharp: float, seed: int) -> tuple[dict[str, Score], Answered]:
        logits = np.random.default_rng(seed).normal(0, 1.2, truth.shape) + sharp * (truth - 0.5)
        said = AnsweredLabels(probabilities=1 / (1 + np.exp(-logits)))
        return measured(truth, said, ("auc", "f1", "precision", "recall", "log_loss"), "multilabel"), said

    candidates = [network("mlp", "mlp", *entry(4.4, 1)), network("transformer", "transformer", *entry(4.0, 2))]
    baselines = [baseline("logistic regression", *entry(3.2, 3))]
    columns = {f"word {i}": pl.Series(f"word {i}", random.random(total).round(3)) for i in range(50)}
    return results_of(
        version="0.1.0", title="tickets", created="2026-11-21T09:34:00+00:00", command="netpick fit tickets.csv --task multilabel",
        source=Source(
            name="tickets", origin="tickets.csv", layout="csv", num_rows=total, fingerprint="cd" * 32,
            columns={name: TableColumn(name=name, values=values) for name, values in columns.items()},
        ),
        schema=Schema(
            fields=[Field(name=n, kind="number", role="feature", reason="numbers", num_missing=0, num_distinct=900, examples=["0.1"]) for n in columns]
            + [Field(name=n, kind="boolean", role="target", reason="asked for", num_missing=0, num_distinct=2) for n in names],
            task="multilabel",
        ),
        target=TargetInfo(names=names, task="multilabel", labels=names), split=split, plan=plan_of([("mlp", "mlp")], {"test": test}),
        primary_metric="auc", candidates=candidates, baselines=baselines, comparisons=compare([*candidates, *baselines], "auc"),
        verdict=Verdict(winner="mlp", best_baseline="logistic regression", deep_learning_helps="unclear", sentence="The mlp leads; its lead over logistic regression may be chance."),
        threshold=None, findings=[], test_openings=1, seconds=30.0, test_truth=truth,
    )  # fmt: skip


# --- (f) the worst case ----------------------------------------------------------------------------------------------


def hostile() -> RunResults:
    """Only failed networks, and names that want to be markup wherever a name can stand."""
    test, total = 60, 300
    labels = [f"{HOSTILE} {k}" for k in range(3)]
    random = np.random.default_rng(7)
    split = split_of(200, 40, test, HOSTILE)
    truth = random.integers(0, 3, test)
    said = probabilities(truth, 3, 2.0, 1)
    failed = [
        CandidateResult(name=f"{name} {HOSTILE}", family=name, status="failed", reason=f"RuntimeError: {HOSTILE}")
        for name in ("mlp", "cnn")
    ]
    baselines = [
        baseline(f"majority {HOSTILE}", measured(truth, said, ("accuracy",), "classify"), said),
        baseline("broken", {"accuracy": score(math.nan, math.nan, test)}, seconds=math.nan),
    ]
    column = TableColumn(name=HOSTILE, values=pl.Series(HOSTILE, [HOSTILE] * total))
    finding = Finding(
        code="D001", severity="severe", title=HOSTILE, evidence=HOSTILE, advice=HOSTILE, columns=[HOSTILE], rows=[1]
    )
    return results_of(
        version="0.1.0", title=HOSTILE, created="2026-11-21T09:35:00+00:00", command=f"netpick fit '{HOSTILE}",
        source=Source(
            name=HOSTILE, origin=HOSTILE, layout="csv", num_rows=total, fingerprint="ee" * 32, columns={HOSTILE: column},
            notes=[Note(subject=HOSTILE, text=HOSTILE, override=HOSTILE)],
            unreadable=[UnreadableRow(row=3, path=str(Path("a") / HOSTILE), reason=HOSTILE)],
            row_names=[HOSTILE] * total,
        ),
        schema=Schema(
            fields=[
                Field(name=HOSTILE, kind="category", role="feature", reason=HOSTILE, num_missing=0, num_distinct=2, examples=[HOSTILE], stray=[(1, HOSTILE)]),
                Field(name="out", kind=None, role="left_out", reason=HOSTILE, num_missing=0, num_distinct=1),
            ],
            task="classify", notes=[Note(subject=HOSTILE, text=HOSTILE)],
        ),
        target=TargetInfo(names=[HOSTILE], task="classify", labels=labels), split=split,
        plan={"seed": 0, HOSTILE: HOSTILE, "nothing": math.nan, "candidates": [{"name": HOSTILE, "settings": {HOSTILE: [HOSTILE, 1.5, None, True]}}]},
        primary_metric="accuracy", candidates=failed, baselines=baselines, comparisons=[],
        verdict=Verdict(winner=None, best_baseline=baselines[0].name, deep_learning_helps="unclear", sentence=f"No network finished. {HOSTILE}"),
        ablation=[Ablation(group=HOSTILE, columns=[HOSTILE], score=score(0.5, 0.2, test), difference=0.1, low=0.05, high=0.15, verdict="helps")],
        threshold=None, findings=[finding], test_openings=1, seconds=3.0, test_truth=truth,
        thumbnails=lambda rows: [np.full((8, 8, 3), int(r) % 255, np.uint8) for r in rows],
    )  # fmt: skip


# --- (g) small and exact: the contract ------------------------------------------------------------------------------


def tiny() -> RunResults:
    """Every field of report.json filled by hand, with one of each thing and a NaN: the golden file is made of this."""
    half = Score(value=0.75, low=0.3, high=0.95, n=4)
    said = AnsweredClasses(probabilities=np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]]))
    candidates = [
        CandidateResult(
            name="mlp",
            family="mlp",
            status="ok",
            validation={"accuracy": half},
            test={"accuracy": half},
            seconds=1.5,
            steps=200,
            parameters=386,
            bytes=1544,
            latency_ms=0.05,
            calibration="Platt: slope 1.2, offset 0.1",
            stated={"calibration_error": half},
            test_predictions=said,
            validation_predictions=said,
            history=[
                HistoryPoint(
                    step=200,
                    seconds=1.5,
                    train_loss=0.25,
                    validation_loss=math.nan,
                    validation_score=0.75,
                    learning_rate=0.001,
                )
            ],
            half_time=HalfTime(
                step=110,
                validation_loss=0.75,
                validation_score=0.5,
                end_step=200,
                end_loss=0.5,
                end_score=0.75,
                loss_error=0.125,
            ),
        ),
        CandidateResult(
            name="cnn", family="cnn", status="failed", reason="TrainingError: the loss became NaN at step 3"
        ),
    ]
    values = pl.Series("x", [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0])
    made = results_of(
        version="0.1.0", title="points", created="2026-11-21T09:30:00+00:00", command="netpick fit points.csv", seconds=2.5,
        source=Source(
            name="points", origin="points.csv", layout="csv", num_rows=10, fingerprint="ab" * 32,
            columns={"x": TableColumn(name="x", values=values), "y": TableColumn(name="y", values=pl.Series("y", list("ababababab")))},
            notes=[Note(subject="Separator", text="A comma.", override="--separator ';'")],
            unreadable=[UnreadableRow(row=7, path="points.csv", reason="too few cells")],
        ),
        schema=Schema(
            fields=[
                Field(name="x", kind="number", role="feature", reason="numbers", num_missing=1, num_distinct=10, examples=("0.5",), stray=((3, "n/a"),)),
                Field(name="y", kind="category", role="target", reason="named y", num_missing=0, num_distinct=2, examples=("a", "b")),
            ],
            task="classify", notes=[Note(subject="Target", text="y, because of its name.")],
        ),
        target=TargetInfo(names=["y"], task="classify", labels=["a", "b"]),
        split=Split(train=np.arange(4), validation=np.arange(4, 6), test=np.arange(6, 10), sentence="Stratified at random.", method="random"),
        plan={"seed": 0, "rows": {"train": np.int64(4)}, "candidates": [{"name": "mlp", "recipe": {"learning_rate": 0.001, "augment": ()}}]},
        primary_metric="accuracy", candidates=candidates,
        baselines=[
            CandidateResult(name="majority", family="baseline", status="ok", validation={"accuracy": half}, test={"accuracy": Score(value=0.5, low=0.15, high=0.85, n=4)}, seconds=0.001)
        ],
        comparisons=[Comparison(a="mlp", b="majority", metric="accuracy", difference=0.25, low=-0.25, high=0.75, verdict="tie")],
        verdict=Verdict(winner="mlp", best_baseline="majority", sentence="The mlp ties with always saying the commonest class.", lines=["More rows would tell."], deep_learning_helps="unclear", best_network="mlp", equals=["majority"], margin=0.005, chance=0.25),
        searches=[
            Search(
                candidate="mlp", tuned="mlp tuned", metric="accuracy", method="tpe", steps=90, chosen=1, stated=half, corrected=half,
                trials=[
                    Trial(number=0, settings={"width": 8}, score=0.5, rung=2, steps=90, seconds=1.0),
                    Trial(number=1, settings={"width": 16}, score=0.5, rung=2, steps=90, seconds=1.0),
                    Trial(number=2, settings={"width": 32}, score=None, rung=0, steps=0, seconds=0.0, failed="diverged"),
                ],
                against=Comparison(a="mlp tuned", b="mlp", metric="accuracy", difference=0.0, low=-0.5, high=0.5, verdict="tie"),
                sentence="Tuning mlp gained 0.0 (-0.5 to 0.5): no more than noise. Keep the default.",
            )
        ],
        blend=Blend(
            result=CandidateResult(name="blend", family="blend", status="ok", reason="0.60 mlp + 0.40 majority", test={"accuracy": half}),
            weights={"mlp": 0.6, "majority": 0.4},
            against=Comparison(a="blend", b="mlp", metric="accuracy", difference=0.0, low=-0.5, high=0.5, verdict="tie"),
            sentence="The blend is no better.",
        ),
        ablation=[Ablation(group="x (number)", columns=["x"], score=half, difference=0.25, low=-0.25, high=0.75, verdict="unclear")],
        threshold=Threshold(value=0.5, cost_fp=1.0, cost_fn=1.0, positive="b", sentence="Half."),
        findings=[Finding(code="D004", severity="warning", title="Few rows", evidence="10 rows.", advice="Collect more.", columns=("y",), rows=(0, 1))],
        checks=[CheckOutcome(code="D001", title="Copies", outcome="passed"), CheckOutcome(code="D004", title="Few rows", outcome="found"), CheckOutcome(code="D006", title="Files", outcome="does not apply")],
        test_openings=1, test_truth=np.array([0, 1, 1, 0]),
    )  # fmt: skip
    shown = ForecastShown(
        windows=np.zeros((0, 2, 1, 4)),
        error=np.zeros(2),
        coverage=np.zeros(2),
        by_series=np.array([[3, 0.5, 0.75], [1, 1.5, 0.5]]),
    )
    info = ForecastInfo(
        horizon=2,
        context=4,
        season=1,
        step="daily",
        shown=(),
        ids=("a", "b"),
        known_steps=np.array([9, 3]),
        series=np.array([0, 0, 0, 1]),
        by_candidate={"mlp": shown},
    )
    return replace(made, forecast=info)


SAMPLES: dict[str, Callable[[], RunResults]] = {
    "images": images,
    "binary": binary,
    "regression": regression,
    "several_targets": lambda: regression(targets=2),
    "series": series,
    "multilabel": multilabel,
    "hostile": hostile,
    "tiny": tiny,
}
