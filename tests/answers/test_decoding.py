"""Generating symbol by symbol: the best text is found, and the limits hold."""

from __future__ import annotations

import numpy as np
import pytest

from netpick.answers.decoding import END, PERIODS, Limits, decoded, longest_runs
from netpick.types import Array

NEVER = (99,) * PERIODS


class Table:
    """Log-probabilities of the next symbol by the last one, the same for every source but for a shift of symbols."""

    def __init__(self, chances: Array, choices: int) -> None:
        self.logs, self.choices = np.log(np.maximum(chances, 1e-30)), choices
        self.longest = 0

    def __call__(self, rows: Array, parents: Array, symbols: Array) -> tuple[Array, Array]:
        self.longest = max(self.longest, len(rows))
        logs = self.logs[symbols]
        order = np.argsort(-logs, axis=1, kind="stable")[:, : self.choices]
        return order, np.take_along_axis(logs, order, axis=1)


def chain(*steps: tuple[int, int, float]) -> Array:
    """(6, 6) chances: from, to, how likely."""
    table = np.zeros((6, 6))
    for before, after, chance in steps:
        table[before, after] = chance
    return table


def test_greedy_takes_the_likeliest_and_a_beam_finds_the_better_whole() -> None:
    table = chain((END, 3, 0.6), (END, 4, 0.4), (3, END, 0.3), (3, 5, 0.3), (4, END, 1.0), (5, END, 1.0))
    greedy = decoded(Table(table, 2), np.array([5, 5]), 1, NEVER)
    assert greedy.tolist() == [[3], [3]]
    assert decoded(Table(table, 6), np.array([5]), 3, NEVER).tolist() == [[4]]


def test_length_does_not_count_against_a_text() -> None:
    """0.5 for an end at once; 0.5, 0.9 and 0.9 for two symbols and an end: less likely, and surer a symbol."""
    table = chain((END, END, 0.5), (END, 3, 0.5), (3, 4, 0.9), (4, END, 0.9), (3, END, 0.1), (4, 3, 0.1))
    assert decoded(Table(table, 6), np.array([5]), 3, NEVER).tolist() == [[3, 4]]


def test_a_text_without_an_end_stops_at_its_limit() -> None:
    table = chain((END, 3, 1.0), (3, 4, 1.0), (4, 3, 1.0))
    said = decoded(Table(table, 2), np.array([3, 5, 1]), 1, NEVER)
    assert said.tolist() == [[3, 4, 3, 0, 0], [3, 4, 3, 4, 3], [3, 0, 0, 0, 0]]


@pytest.mark.parametrize("beam", [1, 4])
def test_what_repeats_itself_more_often_than_any_text_of_training_is_ended(beam: int) -> None:
    table = chain((END, 3, 1.0), (3, 4, 1.0), (4, 3, 1.0))
    runs = longest_runs(np.array([[3, 4, 3, 4, 5, 0], [5, 5, 5, 3, 0, 0]]))
    assert runs == (2, 2, 0, 0)
    said = decoded(Table(table, 2 * beam), np.array([40]), beam, (2, 2, 9, 9))
    if beam == 1:
        assert said.tolist() == [[3, 4, 3, 4, 3]]  # three in a row that are the same as two before
    assert said.shape[1] <= 5


def test_finished_sources_are_computed_no_further() -> None:
    table = chain((END, 3, 0.9), (END, 4, 0.1), (3, 4, 0.9), (3, END, 0.1), (4, END, 1.0))
    model = Table(table, 4)
    decoded(model, np.full(10, 4), 2, NEVER)
    assert model.longest <= 20


def test_limits_go_by_the_length_of_the_source() -> None:
    limits = Limits(longest=20, percent=150, extra=3, usual=5, runs=NEVER)
    assert limits.of(np.array([0, 2, 10, 100])).tolist() == [3, 6, 18, 20]
