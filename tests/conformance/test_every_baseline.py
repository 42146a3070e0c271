"""Every baseline on every kind of problem: honest shapes, finite numbers, the same answer twice, no warning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from netpick.answers.answered import codes_of
from netpick.data.sources import open_source
from netpick.models.baselines import BASELINES, Decision, Fitted, Limit, Problem
from netpick.models.baselines.majority import Constant
from netpick.tasks import TASKS
from netpick.tasks.examples import ExampleRequest
from netpick.tasks.forecast.parts import series_parts
from netpick.tasks.generate.state import record_inputs
from netpick.tasks.music.examples import cut
from netpick.tasks.music.state import MusicState, chord_inputs
from netpick.tasks.pairs.state import new_state as pairs_of
from netpick.tasks.pairs.state import pair_inputs, pair_rows, truth_of
from netpick.tasks.text.blocks import cut_blocks
from netpick.tasks.text.state import NextState, stream_inputs
from netpick.types import Array, InputSpec, TableColumn

N = 240
SHORTENED = {"frame average": 60, "random forest": 25}  # iterations; in full they take seconds

TRAIN, NEW = np.arange(0, 200), np.arange(200, N)


def problem(task: str, arrays: dict[str, Array], inputs: dict[str, InputSpec], target: Array, outputs: int) -> Problem:
    return Problem(
        answer=TASKS[task].answer, inputs=inputs, arrays=arrays, target=target, num_classes=outputs, train=TRAIN, seed=3
    )


def table(generator: np.random.Generator) -> tuple[dict[str, Array], dict[str, InputSpec]]:
    arrays = {
        "vector": generator.normal(size=(N, 3)).astype(np.float32),
        "codes": generator.integers(0, [4, 400], size=(N, 2)).astype(np.int32),
    }
    inputs = {
        "vector": InputSpec(form="vector", shape=(3,)),
        "codes": InputSpec(form="codes", shape=(2,), cardinalities=(4, 400)),
    }
    return arrays, inputs


def binary_table() -> Problem:
    arrays, inputs = table(np.random.default_rng(0))
    target = (arrays["vector"][:, 0] + (arrays["codes"][:, 0] == 1) > 0.3).astype(np.int64)
    return problem("classify", arrays, inputs, target, 2)


def labelled_table() -> Problem:
    arrays, inputs = table(np.random.default_rng(1))
    target = np.stack([arrays["vector"][:, 0] > 0, arrays["vector"][:, 1] > 0, np.zeros(N)], axis=1)
    return problem("multilabel", arrays, inputs, target.astype(np.float32), 3)


def numbers_table() -> Problem:
    arrays, inputs = table(np.random.default_rng(2))
    target = np.stack([3e5 + 1e4 * arrays["vector"][:, 0], -arrays["vector"][:, 1]], axis=1).astype(np.float64)
    return problem("regress", arrays, inputs, target, 2)


def colour_images() -> Problem:
    generator = np.random.default_rng(3)
    target = generator.integers(0, 3, N)
    grid = generator.integers(0, 120, size=(N, 3, 33, 20)).astype(np.uint8)
    grid[np.arange(N), target] += 90
    inputs = {"grid": InputSpec(form="grid", shape=(3, 33, 20), mean=(0.3,) * 3, std=(0.2,) * 3)}
    return problem("classify", {"grid": grid}, inputs, target, 3)


def padded_series() -> Problem:
    generator = np.random.default_rng(4)
    target = generator.integers(0, 2, N)
    lengths = generator.integers(1, 91, N).astype(np.int32)
    steps = np.arange(90)[None, :, None]
    series = np.sin(steps * (0.1 + 0.5 * target[:, None, None])) + generator.normal(0, 0.1, (N, 90, 2))
    series *= steps < lengths[:, None, None]
    inputs = {"series": InputSpec(form="series", shape=(90, 2), padded=True)}
    return problem("classify", {"series": series.astype(np.float32), "series.lengths": lengths}, inputs, target, 2)


def clips_of_bright_places() -> Problem:
    """Each class is bright in a corner of its own, in every frame."""
    generator = np.random.default_rng(7)
    target = generator.integers(0, 3, N)
    clip = generator.integers(0, 120, size=(N, 5, 3, 20, 16)).astype(np.uint8)
    for row, label in enumerate(target):
        clip[row, :, :, 6 * label : 6 * label + 6, :8] += 90
    inputs = {"clip": InputSpec(form="clip", shape=(5, 3, 20, 16), mean=(0.3,) * 3, std=(0.2,) * 3)}
    return problem("classify", {"clip": clip}, inputs, target, 3)


def clips_with_numbers() -> Problem:
    """How bright both halves of a clip are."""
    generator = np.random.default_rng(8)
    level = generator.uniform(20, 200, (N, 2))
    columns = np.repeat(level, 8, axis=1)[:, None, None, None, :]
    clip = (columns + generator.normal(0, 5, (N, 4, 1, 16, 16))).clip(0, 255).astype(np.uint8)
    inputs = {"clip": InputSpec(form="clip", shape=(4, 1, 16, 16), mean=(0.4,), std=(0.2,))}
    return problem("regress", {"clip": clip}, inputs, 1e4 * level, 2)


def labelled_clips() -> Problem:
    whole = clips_of_bright_places()
    target = np.eye(3, dtype=np.float32)[whole.target]
    return problem("multilabel", dict(whole.arrays), dict(whole.inputs), target, 3)


def images_beside_a_table() -> Problem:
    arrays, inputs = table(np.random.default_rng(5))
    arrays["grid"] = np.random.default_rng(6).integers(0, 256, size=(N, 1, 28, 28)).astype(np.uint8)
    inputs["grid"] = InputSpec(form="grid", shape=(1, 28, 28), mean=(0.5,), std=(0.3,))
    target = (arrays["vector"][:, :1] * 2).astype(np.float64)
    return problem("regress", arrays, inputs, target, 1)


def texts() -> Problem:
    """Sentences in which one of two words tells the class, beside numbers of the same rows."""
    generator = np.random.default_rng(7)
    target = generator.integers(0, 2, N)
    words = np.array(["tea", "milk", "sugar", "cup", "spoon", "hot"])
    cells = [" ".join([*generator.choice(words, 5), ["cake", "bread"][label]]) for label in target]
    tokens = np.array(
        [
            [2 + int(np.flatnonzero(words == w)[0]) if w in words else 8 + (w == "bread") for w in c.split()]
            for c in cells
        ]
    )
    arrays, inputs = table(generator)
    arrays |= {"tokens": tokens.astype(np.int32), "tokens.lengths": np.full(N, 6, dtype=np.int32)}
    inputs["tokens"] = InputSpec(form="tokens", shape=(6,), cardinalities=(10,), padded=True, names=("note",))
    columns = {"note": TableColumn(name="note", values=pl.Series("note", cells))}
    return replace(problem("classify", arrays, inputs, target, 2), columns=columns)


def strings_without_words() -> Problem:
    whole = texts()
    cells = pl.Series("note", [None if row % 3 else "" for row in range(N)], dtype=pl.String)
    target = np.arange(N, dtype=np.float64)[:, None]
    return replace(
        whole,
        answer=TASKS["regress"].answer,
        target=target,
        num_classes=1,
        columns={"note": TableColumn(name="note", values=cells)},
    )


def labelled_texts() -> Problem:
    whole = texts()
    target = np.stack([whole.target, 1 - whole.target, np.zeros(N)], axis=1).astype(np.float32)
    return replace(whole, answer=TASKS["multilabel"].answer, target=target, num_classes=3)


def a_class_missing_from_training() -> Problem:
    whole = colour_images()
    return problem("classify", dict(whole.arrays), dict(whole.inputs), whole.target, 5)


def one_class_in_training() -> Problem:
    whole = binary_table()
    return problem("classify", dict(whole.arrays), dict(whole.inputs), np.ones(N, dtype=np.int64), 2)


def four_rows() -> Problem:
    vector = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)[np.arange(N) % 4]
    inputs = {"vector": InputSpec(form="vector", shape=(2,))}
    target = np.array([0, 1, 1, 0])[np.arange(N) % 4]
    return Problem(
        answer=TASKS["classify"].answer, inputs=inputs, arrays={"vector": vector}, target=target, num_classes=2,
        train=np.arange(4), seed=0,
    )  # fmt: skip


def monthly_series() -> Problem:
    """Two series with a trend and a season, from a table, as windows of a forecast."""
    steps = np.arange(N // 2)
    months = [f"{1990 + step // 12}-{step % 12 + 1:02}" for step in steps]
    curves = [100 + steps + 20 * np.sin(2 * np.pi * steps / 12), 9 - 0.01 * steps + np.cos(2 * np.pi * steps / 12)]
    frame = pl.DataFrame(
        {"month": months * 2, "shop": ["a"] * len(steps) + ["b"] * len(steps), "sales": np.concatenate(curves)}
    )
    windows = series_parts(open_source(frame), ExampleRequest(horizon=6, context=24)).windows
    rows = windows.rows[windows.rows % (N // 2) < 70]
    target = windows.truth
    return Problem(
        answer=TASKS["forecast"].answer, inputs=windows.inputs, arrays=windows.store.arrays, target=target, num_classes=6, train=rows, seed=0,
        windows=windows,
    )  # fmt: skip


def spare_parts() -> Problem:
    """Two parts that are asked for on a fifth of the days."""
    generator = np.random.default_rng(3)
    steps = N // 2
    days = [f"2023-{1 + step // 28:02}-{step % 28 + 1:02}" for step in range(steps)]
    asked = generator.integers(1, 9, 2 * steps) * (generator.random(2 * steps) < 0.2)
    frame = pl.DataFrame({"day": days * 2, "part": ["a"] * steps + ["b"] * steps, "sales": asked})
    windows = series_parts(open_source(frame), ExampleRequest(horizon=3, context=10)).windows
    rows = windows.rows[windows.timeline.positions[windows.rows] < 70]
    return replace(
        monthly_series(), inputs=windows.inputs, arrays=windows.store.arrays, target=windows.truth, num_classes=3, train=rows, windows=windows
    )  # fmt: skip


def ratings() -> Problem:
    """Each user and each thing adds its own to the mean; of 110 and 120 that there may be, six occur often."""
    generator = np.random.default_rng(9)
    codes = generator.integers(1, [7, 7], size=(N, 2)).astype(np.int32)
    target = 3.0 + 0.2 * codes[:, 0] - 0.4 * codes[:, 1] + generator.normal(0, 0.05, N)
    inputs = {"codes": InputSpec(form="codes", shape=(2,), cardinalities=(111, 121))}
    return problem("regress", {"codes": codes}, inputs, target[:, None], 1)


def clicks() -> Problem:
    whole = ratings()
    return replace(
        whole, answer=TASKS["classify"].answer, target=(whole.target[:, 0] > 2.3).astype(np.int64), num_classes=2
    )


def three_grades() -> Problem:
    whole = ratings()
    return replace(
        whole, answer=TASKS["classify"].answer, target=np.digitize(whole.target[:, 0], [1.8, 2.8]), num_classes=3
    )


def syllables() -> Problem:
    """A text of three syllables, each of which says what comes next but for the first of them."""
    generator = np.random.default_rng(10)
    parts = np.array([[3, 4, 5, 2], [4, 3, 6, 6], [7, 5, 4, 2]])
    text = parts[generator.integers(0, 3, 4 * N)].ravel()
    state = NextState(column="text", level="characters", symbols=tuple("abcde"), apart=False, block=16, context=8)
    blocks = cut_blocks(text, state)
    return Problem(
        answer=TASKS["next"].answer, inputs=stream_inputs(state), arrays={"stream": blocks.windows}, target=blocks.truth,
        num_classes=TASKS["next"].answer.num_values(state), train=TRAIN, seed=0,
    )  # fmt: skip


def chords_in_turn() -> Problem:
    """Pieces of two voices that go up by turns: which of them moves next is told by the chord before."""
    generator = np.random.default_rng(15)
    state = MusicState(column="piece", voices=2, block=16, context=16)
    pieces = []
    for start in generator.integers(40, 60, N // 2).tolist():
        steps = np.arange(30)
        pieces.append(np.stack([start + 12 + (steps + 1) // 2 % 5, start + steps // 2 % 5], axis=1).astype(np.int32))
    blocks = cut(pieces, state)
    return Problem(
        answer=TASKS["music"].answer, inputs=chord_inputs(state), arrays={"chords": blocks.windows}, target=blocks.truth,
        num_classes=TASKS["music"].answer.num_values(state), train=TRAIN, seed=0,
    )  # fmt: skip


def made_up_rows() -> Problem:
    """Rows of a category and a number that goes with it, as codes and places."""
    generator = np.random.default_rng(16)
    kinds = generator.choice(["tea", "milk", "hot"], N)
    sizes = np.round(generator.normal(size=N) + 3 * (kinds == "tea"), 2)
    columns = [
        TableColumn(name="size", values=pl.Series("size", sizes)),
        TableColumn(name="kind", values=pl.Series("kind", kinds)),
    ]
    state = TASKS["generate"].fit(columns, TRAIN)
    truth = TASKS["generate"].encode(columns, state)
    arrays = {"record": np.ascontiguousarray(truth[:, 1:3].astype(np.int32))}
    return problem("generate", arrays, dict(record_inputs(state)), truth, 1)


def spoken() -> Problem:
    """Recordings of two tones in one of two orders, and what they say; a few are shorter than others."""
    generator = np.random.default_rng(12)
    order = generator.integers(0, 2, N)
    lengths = generator.integers(20, 31, N).astype(np.int32)
    sounds = generator.integers(0, 60, (N, 30, 4)).astype(np.uint8)
    for row, (first, length) in enumerate(zip(order.tolist(), lengths.tolist(), strict=True)):
        sounds[row, : length // 2, first] += 150
        sounds[row, length // 2 : length, 1 - first] += 150
        sounds[row, length:] = 0
    inputs = {"spectrogram": InputSpec(form="speech", shape=(30, 4), padded=True, ahead=(1, 4))}
    target = codes_of([["low high", "high low"][first] for first in order.tolist()])
    return problem(
        "transcribe", {"spectrogram": sounds, "spectrogram.lengths": lengths}, inputs, target, target.shape[1]
    )


def word_for_word() -> Problem:
    """Sentences whose words have one translation each, in the same order."""
    generator = np.random.default_rng(13)
    words = {"tea": "The", "with": "mit", "milk": "Milch", "hot": "heiss", "cold": "kalt"}
    texts = [generator.choice(list(words), 5).tolist() for _ in range(N)]
    sides = [" ".join(text) for text in texts], [" ".join(words[word] for word in text) for text in texts]
    state = pairs_of(("en", "de"), sides)
    target = truth_of(sides[1])
    made = problem("translate", {"pair": pair_rows(*sides, state)}, dict(pair_inputs(state)), target, target.shape[1])
    return replace(made, columns={"en": TableColumn(name="en", values=pl.Series("en", sides[0]))})


def tagged_sentences() -> Problem:
    """Words whose tag is told by the word itself, but for one that is told by the word before it."""
    generator = np.random.default_rng(11)
    length = 6
    words = generator.integers(2, 10, (N, length))
    before = np.pad(words, ((0, 0), (1, 0)))[:, :-1]
    tags = np.where(words == 9, before % 2, words % 3)
    lengths = generator.integers(1, length + 1, N).astype(np.int32)
    known = np.arange(length) < lengths[:, None]
    codes = np.where(known[..., None], np.stack([words, words, words % 2 + 2, words], axis=2), 0).astype(np.int32)
    spec = InputSpec(form="words", shape=(length, 4), cardinalities=(10, 10, 4, 10), padded=True, ahead=(1, 3))
    arrays = {"words": codes, "words.lengths": lengths}
    return problem("tag", arrays, {"words": spec}, np.where(known, tags, -1), 3)


PROBLEMS = (
    binary_table, labelled_table, numbers_table, colour_images, padded_series, images_beside_a_table,
    clips_of_bright_places, clips_with_numbers, labelled_clips,
    a_class_missing_from_training, one_class_in_training, four_rows, texts, labelled_texts, strings_without_words,
    monthly_series, spare_parts, ratings, clicks, three_grades, syllables, spoken, word_for_word,
    tagged_sentences, chords_in_turn, made_up_rows,
)  # fmt: skip
CASES = [
    pytest.param(name, make, id=f"{name}-{make.__name__}")
    for make, given in [(make, make()) for make in PROBLEMS]
    for name in BASELINES
    if BASELINES[name].texts == given.answer.texts and BASELINES[name].applies(given)
]


def fitted_of(name: str, given: Problem, decided: Decision | None = None) -> Fitted:
    if decided is None and name in SHORTENED:
        decided = Decision(rows=len(given.train), iterations=SHORTENED[name], full=False)
    return BASELINES[name].fit(given, Limit(), decided)


def outputs_of(name: str, given: Problem, rows: Array = NEW) -> Array:
    return answers_of(name, fitted_of(name, given), given, rows)


def answers_of(name: str, fitted: Fitted, given: Problem, rows: Array = NEW) -> Array:
    """In the target's units."""
    baseline = BASELINES[name]
    return baseline.answer(fitted, baseline.given(given, rows))


@cache
def first_fit(name: str, make: Callable[[], Problem]) -> tuple[Fitted, Array]:
    """Of the problem as it is made, and its answers: several tests start from them."""
    given = make()
    fitted = fitted_of(name, given)
    return fitted, answers_of(name, fitted, given)


def read_back(name: str, fitted: Fitted, given: Problem) -> Fitted:
    """With arrays as a model file holds them, which the baseline has to find in order."""
    stored = load_arrays(save_arrays({key: np.ascontiguousarray(array) for key, array in fitted.arrays.items()}))
    again = replace(fitted, arrays=stored, cache={})
    BASELINES[name].require(again, given.inputs, given.num_classes)
    return again


@pytest.mark.parametrize(("name", "make"), CASES)
def test_predictions_have_the_shape_of_the_task(name: str, make: Callable[[], Problem]) -> None:
    given = make()
    fitted, outputs = first_fit(name, make)
    assert np.array_equal(outputs, answers_of(name, read_back(name, fitted, given), given))
    assert len(outputs) == len(NEW)
    if not given.answer.texts:  # these are as long as they are
        steps = given.target.shape[1:] if given.answer.each_token else ()
        assert outputs.shape == (len(NEW), *steps, given.num_classes)
    assert outputs.dtype == np.float64
    assert np.isfinite(outputs).all()
    if given.answer.heard:
        logs, ranks, guesses = np.split(outputs, 3, axis=1)
        there = given.target[NEW, 0].reshape(len(NEW), -1) > 0
        assert logs.max() <= 0
        assert ranks[there].min() >= 1
        assert guesses[there].min() > 0
        assert not logs[~there].any()
    elif given.answer.sequences:
        logs, ranks = np.split(outputs, 2, axis=1)
        assert logs.max() < 0
        assert ranks.min() >= 1
    elif not (given.answer.quantities or given.answer.texts):
        assert outputs.min() >= 0
        assert outputs.max() <= 1
    if given.answer.each_token:
        assert np.allclose(outputs.sum(axis=2), given.target[NEW] >= 0)
    if given.answer.one_class:
        assert np.allclose(outputs.sum(axis=1), 1)
        assert outputs.min() > 0, "a probability of zero makes one surprise infinitely bad"


@pytest.mark.parametrize(("name", "make"), CASES)
def test_the_same_problem_gives_the_same_predictions(name: str, make: Callable[[], Problem]) -> None:
    assert np.array_equal(first_fit(name, make)[1], outputs_of(name, make()))


@pytest.mark.parametrize(("name", "make"), CASES)
def test_only_training_rows_are_learned_from(name: str, make: Callable[[], Problem]) -> None:
    given = make()
    given.target[NEW] = given.target[0]
    assert np.array_equal(first_fit(name, make)[1], outputs_of(name, given))


@pytest.mark.parametrize(
    "make",
    [
        binary_table,
        colour_images,
        padded_series,
        numbers_table,
        texts,
        clips_of_bright_places,
        ratings,
        clicks,
        three_grades,
        tagged_sentences,
    ],
)
@pytest.mark.parametrize("name", [name for name, one in sorted(BASELINES.items()) if not isinstance(one, Constant)])
def test_what_can_be_learned_is_learned(name: str, make: Callable[[], Problem]) -> None:
    given = make()
    if not BASELINES[name].applies(given):
        pytest.skip(f"{name} is not for this problem")
    if make is texts and not BASELINES[name].reads_texts:
        pytest.skip("the numbers beside these texts say nothing")
    truth, outputs = given.target[NEW], first_fit(name, make)[1]
    if given.answer.quantities:
        explained = 1 - np.square(outputs - truth).mean(axis=0) / truth.var(axis=0)
        assert explained.min() > 0.7
    elif given.answer.each_token:
        assert (outputs.argmax(axis=2) == truth)[truth >= 0].mean() > 0.8
    else:
        assert (outputs.argmax(axis=1) == truth).mean() > 0.8


@pytest.mark.parametrize("name", list(BASELINES))
def test_it_describes_itself(name: str) -> None:
    baseline = BASELINES[name]
    assert baseline.name == name
    assert baseline.definition.endswith(".")
    assert type(baseline).__doc__


def test_every_problem_has_a_yardstick_that_looks_at_nothing_and_two_that_learn() -> None:
    for make in PROBLEMS:
        given = make()
        fitting = {name: one for name, one in BASELINES.items() if one.texts == given.answer.texts}
        names = {name for name, baseline in fitting.items() if baseline.applies(given)}
        if given.windows is not None:
            assert {"last value", "seasonal naive", "exponential smoothing", "boosted trees on lags"} <= names
            continue
        if given.answer.heard:
            assert names == {"the same again", "kneser-ney over voices"}
            continue
        if given.answer.sequences:
            assert names == {"unigram", "kneser-ney", "kneser-ney-cache"}
            continue
        if given.answer.texts:
            assert "commonest text" in names
            assert len(names) > 1
            continue
        if given.answer.each_token:
            assert names == {"majority tag", "linear of a window"}
            continue
        if given.answer.made_up:
            assert {"real rows", "columns shuffled", "chain of trees"} <= names
            continue
        assert len(names & {"majority", "mean"}) == 1
        assert {"linear", "boosted trees", "random forest"} <= names or {"tf-idf + linear"} <= names
