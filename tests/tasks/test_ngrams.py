"""Kneser-Ney against sums written out by hand, and against the figures of the literature."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netpick.answers.symbols import SYMBOLS
from netpick.models.baselines import Baseline, Fitted, Given, Limit, Problem
from netpick.models.baselines.text_cache import KneserNeyCache
from netpick.models.baselines.text_ngrams import KneserNey
from netpick.tasks.text.blocks import cut_blocks
from netpick.tasks.text.ngrams import END, fit_ngrams
from netpick.tasks.text.state import NextState, stream_inputs
from netpick.types import Inputs

TEXT = np.array([3, 4, 5, 3, 4, 2, 3, 4, 5, 5, 3, 2, 4, 3, 3, 4, 2, 3, 5, 4, 3, 2] * 2 + [5, 5, 4, 2])


def lines_of(text: np.ndarray) -> list[list[int]]:
    lines: list[list[int]] = [[END]]
    for symbol in text.tolist():
        lines[-1].append(symbol)
        if symbol == END:
            lines.append([END])
    return [line for line in lines if len(line) > 1]


@pytest.mark.parametrize("restarts", [True, False])
def test_bigrams_are_those_of_the_textbook(restarts: bool) -> None:
    made = fit_ngrams(TEXT, 6, 2, restarts=restarts)
    lines = lines_of(TEXT) if restarts else [[END, *TEXT.tolist()]]
    pairs = Counter(chain.from_iterable(pairwise(line) for line in lines))
    ways = Counter(second for _, second in pairs)

    def given(count: int, of: Counter[Any]) -> float:
        """What an n-gram that comes so often gives away (Chen & Goodman 1999)."""
        times = Counter(of.values())
        if not all(times[k] for k in (1, 2, 3, 4)):
            return min(count, 3) / 2
        part = times[1] / (times[1] + 2 * times[2])
        kept = min(count, 3)
        return kept - (kept + 1) * part * times[kept + 1] / times[kept]

    total = sum(ways.values())
    plain = {s: ((ways[s] - given(ways[s], ways)) / total if ways[s] else 0.0) for s in range(1, 6)}
    left = sum(given(count, ways) for count in ways.values()) / total
    plain = {s: share + left / 5 for s, share in plain.items()}
    for first, second in product(range(2, 6), range(1, 6)):
        of_first = {pair: count for pair, count in pairs.items() if pair[0] == first}
        whole = sum(of_first.values())
        own = pairs[first, second]
        wanted = (own - given(own, pairs)) / whole if own else 0.0
        wanted += sum(given(count, pairs) for count in of_first.values()) / whole * plain[second]
        found = made.chances(made.starts(np.array([[first]]))[:, :, 0])[0, second]
        assert found == pytest.approx(wanted, rel=1e-5), (first, second)


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_probabilities_sum_to_one_and_blocks_say_the_same(order: int, restarts: bool) -> None:
    made = fit_ngrams(TEXT, 6, order, restarts=restarts)
    rows = np.random.default_rng(0).integers(1, 6, (4, 12))
    rows[0, :7], rows[1, -1] = 0, 0
    starts = made.starts(rows)
    logs, ranks = made.of_blocks(rows, 5)
    for place in range(7, 12):
        chances = made.chances(starts[:, :, place - 1])
        np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)
        for row in range(4):
            symbol = rows[row, place]
            if symbol == 0:
                assert logs[row, place - 7] == ranks[row, place - 7] == 0
                continue
            assert logs[row, place - 7] == pytest.approx(np.log(chances[row, symbol]), rel=1e-6)
            assert ranks[row, place - 7] == 1 + (chances[row] > chances[row, symbol]).sum()


def test_what_stands_before_the_end_of_a_line_is_forgotten() -> None:
    made = fit_ngrams(TEXT, 6, 4, restarts=True)
    rows = np.array([[3, 4, 5, END, 3], [5, 3, 3, END, 3]])
    chances = made.chances(made.starts(rows)[:, :, -1])
    assert np.array_equal(chances[0], chances[1])


@pytest.mark.slow
def test_the_penn_treebank_gives_the_figures_of_the_literature(shared_data: Path) -> None:
    """Mikolov's thesis, table 4.1: 148.3 with three words, 141.2 with five."""

    def words(part: str) -> list[str]:
        lines = (shared_data / "ptb" / f"ptb.{part}.txt").read_text().splitlines()
        return [word for line in lines for word in (*line.split(), "\n")]

    train, test = words("train"), words("test")
    numbers = {"<unk>": 1, "\n": END}
    for word in train:
        numbers.setdefault(word, len(numbers) + 1)
    text = np.array([numbers[word] for word in train])
    rows = np.array([[0, 0, 0, END, *(numbers[word] for word in test)]])
    for order, expected in ((3, 148.3), (5, 141.2)):
        logs, _ = fit_ngrams(text, len(numbers) + 1, order, restarts=True).of_blocks(rows, len(test))
        assert len(test) == 82_430
        assert np.exp(-logs.mean()) == pytest.approx(expected, abs=0.05)


def fitted() -> tuple[Fitted, Inputs]:
    state = NextState(column="text", level="characters", symbols=tuple("abc"), apart=False, block=8, context=4)
    blocks = cut_blocks(TEXT, state)
    problem = Problem(
        answer=SYMBOLS, inputs=stream_inputs(state), arrays={"stream": blocks.windows}, target=blocks.truth,
        num_classes=SYMBOLS.num_values(state), train=np.arange(len(blocks)), seed=0,
    )  # fmt: skip
    return KneserNey().fit(problem, Limit()), problem.inputs


def test_what_was_fitted_is_in_order() -> None:
    made, inputs = fitted()
    KneserNey().require(made, inputs, 16)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("keys1", lambda keys: keys[::-1].copy()),
        ("keys1", lambda keys: keys.astype(np.int32)),
        ("keys1", lambda keys: np.append(keys[:-1], 10_000)),
        ("keys0", lambda keys: np.concatenate([[-1], keys[1:]])),
        ("shares2", lambda shares: shares[:-1]),
        ("shares1", lambda shares: shares * np.float32("nan")),
        ("left1", lambda left: left - np.float32(2)),
        ("left0", lambda left: left * np.float32(0)),
        ("left2", lambda left: np.append(left, np.float32(0.5))),
        ("more", lambda nothing: np.zeros(3)),
    ],
)
def test_forged_ngrams_are_refused(name: str, change: Any) -> None:
    made, inputs = fitted()
    arrays = {**made.arrays, name: change(made.arrays.get(name))}
    with pytest.raises(ValueError, match=r".+"):
        KneserNey().require(replace(made, arrays=arrays), inputs, 16)


def bursts(count: int) -> np.ndarray:
    """Stretches of 60 symbols of which each has three favourites of its own, among 40."""
    generator = np.random.default_rng(0)
    stretches = [generator.choice(generator.choice(np.arange(3, 43), 3, replace=False), 60) for _ in range(count)]
    return np.concatenate([np.append(stretch, END) for stretch in stretches])


def learned(baseline: Baseline, text: np.ndarray) -> tuple[Fitted, np.ndarray]:
    """Fitted on all of the text but its last fifth, and the windows of that."""
    names = tuple(chr(0x100 + number) for number in range(40))
    state = NextState(column="text", level="characters", symbols=names, apart=False, block=8, context=40)
    blocks = cut_blocks(text, state)
    count = len(blocks) * 4 // 5
    problem = Problem(
        answer=SYMBOLS, inputs=stream_inputs(state), arrays={"stream": blocks.windows}, target=blocks.truth,
        num_classes=SYMBOLS.num_values(state), train=np.arange(count), seed=0,
    )  # fmt: skip
    fit = baseline.fit(problem, Limit())
    baseline.require(fit, problem.inputs, 16)
    return fit, blocks.windows[count:]


def test_a_cache_knows_what_came_just_before() -> None:
    text = bursts(60)
    plain, cached = (learned(baseline, text) for baseline in (KneserNey(), KneserNeyCache()))
    assert cached[0].state.same <= 1
    assert cached[0].state.weight > 0.5
    given = Given(inputs={}, arrays={"stream": plain[1]})
    costs = [
        -baseline.answer(fit, given)[:, :8].mean()
        for baseline, fit in ((KneserNey(), plain[0]), (KneserNeyCache(), cached[0]))
    ]
    assert costs[1] < 0.7 * costs[0]


def test_a_cache_says_of_blocks_what_it_says_symbol_by_symbol() -> None:
    fit, windows = learned(KneserNeyCache(), bursts(30))
    logs, ranks = np.split(KneserNeyCache().answer(fit, Given(inputs={}, arrays={"stream": windows[:5]})), 2, axis=1)
    for place in range(41, 49):
        chances = KneserNeyCache().following(fit, windows[:5, :place])
        np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)
        own = chances[np.arange(5), windows[:5, place]]
        np.testing.assert_allclose(np.exp(logs[:, place - 41]), own, rtol=1e-5)
        assert (ranks[:, place - 41] == 1 + (chances > own[:, None]).sum(axis=1)).all()
