"""Every answer in ANSWERS keeps the contract of answers/base.py: what it says comes back from tables, and fits its own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from netpick.answers import ANSWERS, PLAIN
from netpick.answers.answered import FACTS, averaged, codes_of, joined
from netpick.answers.base import Answer
from netpick.answers.boxes import as_truth
from netpick.answers.metrics import METRICS, metrics_for
from netpick.columns.discrete import DiscreteState
from netpick.errors import RequestError
from netpick.tasks.classify import ClassifyState
from netpick.tasks.detect.state import DetectState
from netpick.tasks.forecast.state import ForecastState
from netpick.tasks.forecast.timesteps import Step
from netpick.tasks.generate.state import GenerateState
from netpick.tasks.multilabel import MultilabelState
from netpick.tasks.music.state import MusicState
from netpick.tasks.pairs.state import new_state as pairs_of
from netpick.tasks.regress import RegressState
from netpick.tasks.segment.state import SegmentState
from netpick.tasks.speech.state import TranscribeState
from netpick.tasks.tag.state import TagState
from netpick.tasks.text.state import NextState
from netpick.types import Array
from netpick.types.objects import Thing
from netpick.types.results import Answered

N = 24
rng = np.random.default_rng(0)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A task's state, outputs (n, O) of a network, and the truth of these rows."""

    state: Any
    outputs: Array
    truth: Array


TWO_SERIES = ((1.0, -2.0), (5.0, 0.0))
SERIES_STATE = ForecastState(
    targets=("load", "price"), time_columns=("when",), id_columns=("place",), ids=("a", "b"),
    step=Step(unit="row", size=1, anchor=0), horizon=3, context=8, season=1, log=(False, False), location=TWO_SERIES,
    scale=((2.0, 1.0), (1.0, 3.0)), deviation=((2.0, 1.0), (1.0, 3.0)), naive=((1.0, 1.0), (1.0, 1.0)),
)  # fmt: skip

LENGTHS = np.r_[5, rng.integers(1, 6, N - 1)]  # tokens of each row
TOKENS = np.arange(5) < LENGTHS[:, None]

# A state, outputs and truth for each answer; a new answer adds one line here.
SAMPLES = {
    "class": Sample(
        state=ClassifyState(labels=("cat", "dog", "eel"), variants={}),
        outputs=rng.normal(size=(N, 3)),
        truth=rng.integers(0, 3, N),
    ),
    "labels": Sample(
        state=MultilabelState(labels=("sea", "hill"), one_column=False, delimiter=""),
        outputs=rng.normal(size=(N, 2)),
        truth=rng.integers(0, 2, (N, 2)).astype(np.int8),
    ),
    "numbers": Sample(
        state=RegressState(names=("height", "weight"), mean=(1.7, 70.0), std=(0.1, 9.0)),
        outputs=rng.normal(size=(N, 2)),
        truth=rng.normal(size=(N, 2)),
    ),
    "horizon": Sample(
        state=SERIES_STATE,
        outputs=np.column_stack([rng.normal(size=(N, 24)), np.arange(N) % 2]),
        truth=rng.normal(size=(N, 6)),
    ),
    "symbols": Sample(
        state=NextState(column="text", level="characters", symbols=("e", "a", "q"), apart=False, block=4, context=3),
        outputs=np.concatenate([-rng.random((N, 4)), rng.integers(1, 5, (N, 4))], axis=1),
        truth=np.stack([rng.integers(1, 6, (N, 4)), np.ones((N, 4), dtype=np.int64)], axis=1),
    ),
    "transcript": Sample(
        state=TranscribeState(column="words", level="words", symbols=("yes", "no"), longest=9),
        outputs=-rng.gamma(1.0, size=(N, 6, 5)),
        truth=codes_of([None if row == 3 else ["yes", "", "no yes", "n\u00f6"][row % 4] for row in range(N)]),
    ),
    "tags": Sample(
        state=TagState(labels=("O", "B-sea", "I-sea", "B-hill"), scheme="IOB2", steps=5),
        outputs=np.concatenate([rng.normal(size=(N, 5, 4)), TOKENS[..., None]], axis=2),
        truth=np.where(TOKENS, rng.integers(0, 4, (N, 5)), -1),
    ),
}
NOTES = rng.integers(3, 9, (N, 16, 2))
SAMPLES["notes"] = Sample(
    state=MusicState(column="piece", voices=2, block=16, context=16),
    outputs=np.stack([-rng.random((N, 16, 2)), rng.integers(1, 5, (N, 16, 2)), NOTES], axis=1).reshape(N, -1),
    truth=np.stack([NOTES, np.ones((N, 16, 2), dtype=np.int64)], axis=1),
)
PAIRS = pairs_of(("from", "to"), (["a b", "b"], ["ab", "bb"]))
SAMPLES["translation"] = Sample(
    state=PAIRS,
    outputs=np.concatenate([rng.random((N, 3)), rng.integers(3, 5, (N, 4))], axis=1),
    truth=codes_of(["ab"] * N),
)
SAMPLES["masks"] = Sample(
    state=SegmentState(labels=("sky", "sea", "land")),
    outputs=rng.normal(size=(N, 3, 6, 8)),
    truth=rng.integers(0, 3, (N, 6, 8)).astype(np.uint8),
)
SAMPLES["samples"] = Sample(
    state=GenerateState(
        columns=(
            DiscreteState(column="kind", cells="text", ordered=False, values=("cat", "dog")),
            DiscreteState(column="size", cells="integer", ordered=True, atoms=(1.0, 2.0, 5.0), decimals=0),
        ),
        classes=True,
    ),
    outputs=np.concatenate([rng.dirichlet(np.ones(3), N), rng.random((N, len(FACTS)))], axis=1),
    truth=np.concatenate([rng.integers(0, 3, (N, 1)), np.ones((N, 2)), np.zeros((N, 2))], axis=1).astype(np.float64),
)
CORNERS = 40 * rng.random((N, 6, 2))
SAMPLES["boxes"] = Sample(
    state=DetectState(labels=("cell", "speck", "worm")),
    outputs=np.concatenate([rng.normal(size=(N, 6, 3)), CORNERS, CORNERS + 9, np.full((N, 6, 3), 8.0)], axis=2),
    truth=as_truth(
        [[Thing(label="cell", left=1, top=2, right=9, bottom=9 + row)] * (row % 3 + 1) for row in range(N)],
        {"cell": 0, "speck": 1, "worm": 2},
    ),
)
COSTS = ("perplexity", "bits_per_character", "nats_per_note")
answers = pytest.mark.parametrize("name", sorted(ANSWERS))


def said(name: str) -> tuple[Answer[Any], Sample, Answered]:
    answer, sample = ANSWERS[name], SAMPLES[name]
    outputs = torch.from_numpy(sample.outputs.astype(np.float32))
    return answer, sample, answer.decode(answer.answer(outputs).numpy(), sample.state)


def test_every_answer_has_a_sample() -> None:
    assert set(SAMPLES) == set(ANSWERS)


@answers
def test_at_most_one_fact_holds(name: str) -> None:
    answer = ANSWERS[name]
    facts = (
        *(answer.one_class, answer.any_labels, answer.quantities, answer.sequences, answer.texts),
        *(answer.each_token, answer.each_pixel),
    )
    assert sum(facts) <= 1
    assert answer.noun
    assert answer.plural
    assert answer.purpose(1) != answer.purpose(2)


@answers
def test_predictions_are_of_its_kind_and_can_be_taken_apart_and_put_together(name: str) -> None:
    answer, _, predictions = said(name)
    assert isinstance(predictions, answer.typed)
    assert len(predictions) == N
    assert predictions.finite()
    some = predictions.take(np.array([3, 1]))
    assert np.array_equal(some.stated, predictions.stated[[3, 1]])
    together = joined([predictions.take(slice(0, 5)), predictions.take(slice(5, N))])
    for field, part in vars(predictions).items():
        assert part is None or np.array_equal(vars(together)[field], part), field
    assert np.allclose(averaged([predictions, predictions], [0.5, 0.5]).stated, predictions.stated)


@answers
def test_its_metrics_are_defined_and_it_names_two_of_them(name: str) -> None:
    answer, sample, predictions = said(name)
    decided = answer.decide(predictions)
    names = [metric.name for metric in metrics_for(answer.typed)]
    assert answer.fallback in names
    assert {answer.primary(count, balance) for count in (1, 2, 5) for balance in (0.01, 0.5)} <= set(names)
    assert METRICS[answer.fallback].applies(sample.truth, predictions)
    assert np.isfinite(METRICS[answer.fallback].values(sample.truth, predictions, np.ones((1, N)), decided)).all()


@answers
def test_decisions_have_the_shape_of_the_truth(name: str) -> None:
    answer, sample, predictions = said(name)
    decided = answer.decide(predictions)
    assert decided is None or answer.each_object or decided.shape == sample.truth.shape  # any number of objects
    assert (decided is None) == (answer.quantities or answer.sequences or answer.texts or answer.made_up)


@answers
def test_what_was_written_into_a_table_is_read_back(name: str) -> None:
    answer, sample, predictions = said(name)
    labels = answer.labels(sample.state)
    columns = answer.truth_columns(sample.truth, labels) | answer.columns(predictions, labels, PLAIN, "mlp: ")
    table = pl.DataFrame(list(columns.values()))
    if len(table) != N:  # a row a step and target
        table = table.insert_column(0, pl.Series("origin", np.repeat(np.arange(N), len(table) // N)))
    read = answer.read(table, "mlp", labels)
    if answer.each_pixel or answer.made_up:  # a table holds the shares of pixels, and no column of the truth
        assert read is None
        return
    assert read is not None
    if answer.sequences:  # a table of blocks holds what all their symbols cost together, which sums over blocks need
        ones = np.ones((1, N))
        for metric in (metric for metric in metrics_for(answer.typed) if metric.name in COSTS):
            again = metric.values(read.truth, read.predictions, ones, None)
            np.testing.assert_allclose(again, metric.values(sample.truth, predictions, ones, None), rtol=1e-6)
        with pytest.raises(pl.exceptions.PolarsError):
            answer.read(table, "cnn", labels)
        return
    known = (
        answer.labelled(sample.truth) if answer.texts else np.ones(N, dtype=bool)
    )  # a table has no empty texts but those
    np.testing.assert_allclose(read.truth[known], sample.truth[known])
    if not (
        answer.each_token or answer.each_object
    ):  # a table of sentences holds their tags alone, one of objects what is said
        np.testing.assert_allclose(read.predictions.stated, predictions.stated, rtol=1e-6)
    decided = answer.decide(predictions)
    assert (read.decided is None) == (decided is None)
    assert decided is None or np.array_equal(read.decided, decided)
    with pytest.raises((pl.exceptions.PolarsError, ValueError)):
        answer.read(table, "cnn", labels)


@answers
def test_json_and_tensors_are_as_they_were_announced(name: str) -> None:
    answer, sample, predictions = said(name)
    labels = answer.labels(sample.state)
    schema = answer.json_schema(labels, sample.state)
    if schema:  # a forecast is served as a table
        rows = answer.json_rows(predictions, labels, PLAIN, sample.state)
        assert len(rows) == N
        assert all(set(row) == set(schema) for row in rows)
    tensors = answer.tensors(predictions, labels, PLAIN)
    assert all(len(tensor) == N for tensor in tensors.values())
    if schema:
        specs = {spec.name: spec for spec in answer.tensor_specs(labels, sample.state)}
        assert set(specs) == set(tensors)
        letters = {"BYTES": "O", "FP64": "f", "BOOL": "b", "UINT8": "u"}
        for key, tensor in tensors.items():
            extents = zip(tensor.shape[1:], specs[key].shape[1:], strict=True)
            assert all(known in (-1, size) for size, known in extents)
            assert tensor.dtype.kind == letters[specs[key].datatype]


@answers
def test_its_part_of_a_graph_says_the_same(name: str) -> None:
    answer, sample, predictions = said(name)
    if answer.stepwise:
        pytest.skip("what is generated step by step is no single graph")
    if answer.each_object:
        pytest.skip("what stands behind its graph is tested in tests/saved/test_export_objects.py")
    if answer.made_up:
        with pytest.raises(RequestError, match="cannot be exported yet"):
            answer.graph(PLAIN, sample.state)
        return
    graph = answer.graph(PLAIN, sample.state)
    raw = answer.answer(torch.from_numpy(sample.outputs.astype(np.float32)))
    made = dict(zip(graph.names, graph(raw), strict=True))  # type: ignore[arg-type, call-overload]
    key = next(name for name in ("probabilities", "prediction", "bits", "nats") if name in made)
    if answer.texts:  # what symbols spell, a graph cannot say
        assert made[key].shape == (N, sample.outputs.shape[1])
        return
    if answer.each_token:  # a graph knows no scheme
        likeliest = np.where(predictions.stated.any(axis=2), predictions.stated.argmax(axis=2), -1)
        np.testing.assert_array_equal(made[key].numpy(), likeliest)
        return
    if answer.each_pixel:
        np.testing.assert_array_equal(made[key].numpy(), answer.decide(predictions))
        return
    costs = key in ("bits", "nats")
    said_there = answer.tensors(predictions, (), PLAIN)[key][:, None] if costs else predictions.stated
    np.testing.assert_allclose(made[key].reshape(N, -1).numpy(), said_there, rtol=1e-5)
    named = {word for names, _ in answer.graph_words(2) for word in names.split(", ")}
    assert {"answers", *graph.names} <= named  # type: ignore[misc]


@answers
def test_a_row_in_words_and_the_evidence_for_it(name: str) -> None:
    answer, sample, predictions = said(name)
    labels = answer.labels(sample.state)
    words = answer.words(predictions, labels, PLAIN)
    assert (
        any(label in words for label in labels) or (answer.sequences and words[-4:] in ("bits", "nats")) or answer.texts
    )
    assert answer.truth_words(sample.truth[0], labels)
    outputs = torch.from_numpy(sample.outputs.astype(np.float32)).requires_grad_()
    evidence = answer.evidence(outputs, 1, sample.state)
    assert evidence.shape == (N,)
    evidence.sum().backward()
    assert outputs.grad is not None
    assert outputs.grad.abs().sum() > 0


@answers
def test_answers_of_a_baseline_in_the_target_s_units_decode_to_themselves(name: str) -> None:
    answer, sample, predictions = said(name)
    if not answer.whole_tables:
        pytest.skip("a forecasting baseline adds intervals and scales: tests/conformance/test_every_baseline.py")
    again = answer.decode(answer.standardised(predictions.stated, sample.state), sample.state)
    np.testing.assert_allclose(again.stated, predictions.stated, rtol=1e-12)
