"""What each group of columns adds to the recommended network: its test score when it gets that group from other rows.

Permutation importance (Breiman 2001; Fisher et al. 2019) of whole groups: every column of texts, pictures, sounds or clips
is a group, all numbers together are one, all categories another. Nothing is trained again: the network is asked what it makes
of rows in which one group has been exchanged between rows, and the loss has an interval from the same resamples as every
other comparison. It says what the trained network uses, not what could be learned without the group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import nn

from netpick.compare import Contender, Resampler, paired_difference, score
from netpick.encode import JOINED, Encoder, input_names
from netpick.evaluate import decide
from netpick.infer import DeviceData, predict_outputs
from netpick.metrics import Metric
from netpick.store import Store
from netpick.tasks import Task
from netpick.types import Ablation, Array, DecisionRule, Inputs, Predictions, Rows

MOST_ROWS = 2_000  # test rows that are asked about; more narrow the intervals by little and cost as much as the contest
JOINED_TITLES = {"vector": "number columns", "codes": "category columns"}
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
    metric: Metric
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
    resampler = Resampler(len(rows), trial.seed, row_groups)
    arrays = {name: np.asarray(array[rows]) for name, array in trial.arrays.items()}
    whole = _predictions(trial, arrays)
    if not metric.applies(truth, whole):
        return ()
    full = Contender(name="all", predictions=whole, decided=decide(trial.task.name, whole, trial.rule))
    made = []
    for number, group in enumerate(groups):
        partner = _partners(len(rows), (trial.seed, number))
        names = (group.input, f"{group.input}.lengths")
        exchanged = _predictions(trial, arrays | {name: arrays[name][partner] for name in names if name in arrays})
        decided = decide(trial.task.name, exchanged, trial.rule)
        without = Contender(name=group.title, predictions=exchanged, decided=decided)
        pair = paired_difference(metric, truth, full, without, resampler)
        made.append(
            Ablation(
                group=group.title,
                columns=group.columns,
                score=score(metric, truth, exchanged, decided, resampler),
                difference=pair.difference,
                low=pair.low,
                high=pair.high,
                verdict=VERDICTS[pair.verdict],
            )
        )
    return tuple(made)


def _title(name: str, kinds: set[str], columns: Sequence[str]) -> str:
    if len(columns) == 1:
        return f"{columns[0]} ({next(iter(kinds))})"
    title = JOINED_TITLES[name] if name in JOINED else name
    return "number and date columns" if "datetime" in kinds and len(kinds) > 1 else title


def _sampled(count: int, seed: int) -> Rows:
    """Places of at most MOST_ROWS rows, in their order."""
    if count <= MOST_ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 1]).choice(count, MOST_ROWS, replace=False))


def _partners(count: int, key: tuple[int, int]) -> Rows:
    """For every row another one, each taken once: all rows in a ring of random order."""
    order = np.random.default_rng(key).permutation(count)
    partner = np.empty(count, np.int64)
    partner[order] = np.roll(order, 1)
    return partner


def _predictions(trial: Trial, arrays: Mapping[str, Array]) -> Predictions:
    data = DeviceData(Store(arrays=arrays), trial.inputs, trial.device)
    count = len(next(iter(arrays.values())))
    outputs = predict_outputs(trial.network, data, np.arange(count, dtype=np.int64))
    return trial.task.decode(trial.task.answer(outputs).cpu().numpy(), trial.task_state)
