"""What each group of columns adds to the recommended network: its test score when it gets that group from other rows.

Permutation importance (Breiman 2001; Fisher et al. 2019) of whole groups: every column of texts, pictures, sounds or clips
is a group, all numbers together are one, all categories another. Nothing is trained again: the network is asked what it makes
of rows in which one group has been exchanged between rows, and the loss has an interval from the same resamples as every
other comparison. It says what the trained network uses, not what could be learned without the group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import nn

from netpick.answers import Answer
from netpick.answers.compare import Contender, Resampler, paired_difference, score
from netpick.answers.metrics import Metric
from netpick.columns.encode import Encoder, input_names
from netpick.columns.forms import FORMS, JOINED
from netpick.columns.store import Store
from netpick.models.infer import DeviceData, predict_answers
from netpick.tasks import Task
from netpick.types import Array, Inputs, Rows
from netpick.types.results import Ablation, Answered, Comparison, DecisionRule

MOST_ROWS = 2_000  # test rows that are asked about; more narrow the intervals by little and cost as much as the contest
VERDICTS: Mapping[str, Literal["helps", "harms", "unclear"]] = {"better": "helps", "worse": "harms", "tie": "unclear"}


@dataclass(frozen=True, kw_only=True)
class ColumnGroup:
    """Columns that make one input of the network."""

    title: str
    input: str
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The network and all that it takes to ask it again."""

    network: nn.Module
    arrays: Mapping[str, Array]  # of all rows, by input name
    inputs: Inputs
    device: str
    task: Task
    task_state: Any
    truth: Array  # of all rows, in the task's own units
    rows: Rows  # the opened test rows
    row_groups: Array | None  # (n,) of the test rows, where rows of a group depend on each other
    metric: Metric[Any]
    rule: DecisionRule
    seed: int


def column_groups(encoders: Sequence[Encoder]) -> tuple[ColumnGroup, ...]:
    """The groups whose exchange says something; none where there is only one."""
    columns: dict[str, list[str]] = {}
    kinds: dict[str, set[str]] = {}
    for encoder, name in zip(encoders, input_names(encoders), strict=True):
        columns.setdefault(name, []).append(encoder.column)
        kinds.setdefault(name, set()).add(encoder.kind)
    if len(columns) < 2:
        return ()
    return tuple(
        ColumnGroup(title=_title(name, kinds[name], members), input=name, columns=tuple(members))
        for name, members in columns.items()
    )


def ablate(trial: Trial, groups: Sequence[ColumnGroup]) -> tuple[Ablation, ...]:
    """The test score without each group, and by how much the group makes it better. Empty where it is not defined."""
    chosen = _sampled(len(trial.rows), trial.seed)
    rows = trial.rows[chosen]
    metric, truth = trial.metric, trial.truth[rows]
    if len(rows) < 2 or not groups:
        return ()
    row_groups = None if trial.row_groups is None else trial.row_groups[chosen]
    arrays = {name: np.asarray(array[rows]) for name, array in trial.arrays.items()}

    def answered(number: int | None, partner: Rows) -> Answered:
        if number is None:
            return _predictions(trial, arrays)
        names = (groups[number].input, f"{groups[number].input}.lengths")
        return _predictions(trial, arrays | {name: arrays[name][partner] for name in names if name in arrays})

    asked = Exchange(
        metric=metric,
        truth=truth,
        answer=trial.task.answer,
        rule=trial.rule,
        resampler=Resampler(len(rows), trial.seed, row_groups),
    )
    losses = exchange_losses(asked, [group.title for group in groups], answered)
    return tuple(
        Ablation(
            group=group.title,
            columns=group.columns,
            score=score(metric, truth, without.predictions, without.decided, asked.resampler),
            difference=pair.difference,
            low=pair.low,
            high=pair.high,
            verdict=VERDICTS[pair.verdict],
        )
        for group, (without, pair) in zip(groups, losses, strict=False)
    )


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What is asked of rows in which something was exchanged between rows."""

    metric: Metric[Any]
    truth: Array
    answer: Answer[Any]
    rule: DecisionRule
    resampler: Resampler


def exchange_losses(
    asked: Exchange, titles: Sequence[str], answered: Callable[[int | None, Rows], Answered]
) -> list[tuple[Contender, Comparison]]:
    """Permutation importance: for each title what is said of rows that have something of another row each, and how much better
    the rows as they are score. Empty where the metric is not defined.

    answered: predictions where the number-th thing comes from the partner of each row (n,), or with None of the rows as they are.
    """
    count = len(asked.truth)
    whole = answered(None, np.arange(count))
    if not asked.metric.applies(asked.truth, whole):
        return []
    full = Contender(name="all", predictions=whole, decided=asked.answer.decide(whole, asked.rule))
    differences = []
    for number, title in enumerate(titles):
        exchanged = answered(number, partners_of(count, (asked.resampler.seed, number)))
        without = Contender(name=title, predictions=exchanged, decided=asked.answer.decide(exchanged, asked.rule))
        differences.append((without, paired_difference(asked.metric, asked.truth, full, without, asked.resampler)))
    return differences


def _title(name: str, kinds: set[str], columns: Sequence[str]) -> str:
    if len(columns) == 1:
        return f"{columns[0]} ({next(iter(kinds))})"
    title = FORMS[name].columns_words if name in JOINED else name
    return "number and date columns" if "datetime" in kinds and len(kinds) > 1 else title


def _sampled(count: int, seed: int) -> Rows:
    """Places of at most MOST_ROWS rows, in their order."""
    if count <= MOST_ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 1]).choice(count, MOST_ROWS, replace=False))


def partners_of(count: int, key: tuple[int, int]) -> Rows:
    """For every row another one, each taken once: all rows in a ring of random order."""
    order = np.random.default_rng(key).permutation(count)
    partner = np.empty(count, np.int64)
    partner[order] = np.roll(order, 1)
    return partner


def _predictions(trial: Trial, arrays: Mapping[str, Array]) -> Answered:
    data = DeviceData(Store(arrays=arrays), trial.inputs, trial.device)
    count = len(next(iter(arrays.values())))
    answers = predict_answers(trial.network, data, np.arange(count, dtype=np.int64), trial.task.answer)
    predictions: Answered = trial.task.answer.decode(answers, trial.task_state)
    return predictions
