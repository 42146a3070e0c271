"""What is explained: a network, rows for it in its own form, and a single number to ask about.

All other parts of this room ask through here: how sure the network is of one answer, for these rows or for changed ones.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from netpick.answers import Answer
from netpick.answers.answered import AnsweredChances
from netpick.columns.encode import Encoder, input_places
from netpick.columns.forms import FORMS
from netpick.columns.store import Store
from netpick.models.infer import DeviceData, answers_of
from netpick.models.networks.network import Network
from netpick.saved.engines import NUMBERS, TEXTS, Engine
from netpick.tasks import Task
from netpick.types import Array, Column, Inputs, Rows
from netpick.types.results import Answered, DecisionRule

VALUES_AT_ONCE = 2 << 20  # input values of the changed rows that are asked about in one go
TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the network is asked about: how sure it is of one class or label, or one number that it predicts."""

    index: int
    name: str
    words: str  # "its certainty of cat"
    against: int | None = None  # of a classification: the runner-up


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A network, or what answers in its place, and the rows that it is explained on. All rows are encoded; `rows` says where they lie in `columns`."""

    title: str
    candidate: str
    family: str
    network: nn.Module
    inputs: Inputs
    encoders: tuple[Encoder, ...]
    task: Task
    state: Any
    labels: tuple[str, ...]
    rule: DecisionRule
    primary: str
    arrays: Mapping[str, Array]
    columns: Mapping[str, Column]  # as they were read, all of them
    rows: Rows  # (n,) row of each encoded row in `columns`
    names: Sequence[str] | None  # of the rows in `columns`
    truth: Array | None  # (n, ...) in the task's own units, where the data say it
    origin: str = ""
    num_rows: int = 0  # that the data hold, explained or not
    noun: str = "row"
    check: Callable[[], None] | None = None  # called before the network is: it may raise, which ends the explanation
    engine: Engine | None = None  # what answers instead of a network: that of a baseline or a blend
    raw: Mapping[str, Array] = field(default_factory=dict)  # cells that it reads beside the encoded rows

    @property
    def count(self) -> int:
        return len(self.rows)

    def name(self, row: int) -> str:
        """How a person would name a row."""
        place = int(self.rows[row])
        return self.names[place] if self.names is not None and place < len(self.names) else f"{self.noun} {place + 1:,}"

    def batch(self, rows: Sequence[int] | Rows) -> dict[str, Tensor]:
        """Inputs of these rows, as the network reads them."""
        return batch_of(self.arrays, self.inputs, np.asarray(rows, dtype=np.int64))

    @property
    def answer(self) -> Answer[Any]:
        """What it answers."""
        return self.task.answer

    def predictions(self, rows: Rows | None = None) -> Answered:
        """What the network says about these rows, or about all."""
        wanted = np.arange(self.count) if rows is None else rows
        if self.engine is not None:
            whole = {**self.arrays, **self.raw}
            return self.decoded(self.engine.outputs({name: array[wanted] for name, array in whole.items()}))
        answers = [self.answers(self.batch(part)) for part in np.array_split(wanted, max(1, len(wanted) // 256))]
        return self.decoded(np.concatenate(answers))

    def exchanged(self, rows: Rows, number: int, partners: Rows) -> Answered:
        """What it says about these rows with their partners' cells in one column. partners: places among the rows."""
        name, part = input_places(self.encoders)[number]
        if self.engine is not None:
            column = self.encoders[number].column
            own = {key: array[rows] for key, array in {**self.arrays, **self.raw}.items()}
            moved = {key: array[partners] for key, array in own.items() if key in (TEXTS + column, NUMBERS + column)}
            for key in own.keys() & {name, f"{name}.lengths"}:
                moved[key] = mixed(own[key], own[key][partners], part)
            return self.decoded(self.engine.outputs({**own, **moved}))
        answers = []
        for places in np.array_split(np.arange(len(rows)), max(1, len(rows) // 256)):
            batch, other = self.batch(rows[places]), self.batch(rows[partners[places]])
            for key in batch.keys() & {name, f"{name}.mask"}:
                batch[key] = mixed(batch[key], other[key], part)
            answers.append(self.answers(batch))
        return self.decoded(np.concatenate(answers))

    def decoded(self, answers: Array) -> Answered:
        """Answers (n, O) in the words and units of the target."""
        predictions: Answered = self.answer.decode(answers, self.state)
        return predictions

    @torch.no_grad()
    def answers(self, batch: Mapping[str, Tensor]) -> Array:
        """Probabilities or scaled values (B, O)."""
        self._begin()
        return np.asarray(answers_of(self.answer.answer, self.network(batch)).numpy())

    def decided(self, predictions: Answered) -> Array | None:
        return self.answer.decide(predictions, self.rule)

    def score(self, batch: Mapping[str, Tensor], target: Target) -> Tensor:
        """(B,) how much the network is for the target: log-odds of a class or label, or the predicted number.

        Log-odds rather than probabilities, because a probability near 1 hardly moves whatever is taken from the row.
        """
        self._begin()
        return answers_of(lambda o: self.answer.evidence(o.float(), target.index, self.state), self.network(batch))

    def _begin(self) -> None:
        if self.check is not None:
            self.check()
        self.network.eval()

    @torch.no_grad()
    def scores(self, batch: Mapping[str, Tensor], target: Target) -> Array:
        """`score` without gradients, in pieces that fit."""
        return np.concatenate([self.score(part, target).numpy() for part in _pieces(batch, self.inputs)])

    def changed(self, batch: Mapping[str, Tensor], variants: Mapping[str, Tensor], target: Target) -> Array:
        """(N,) scores of one row (B = 1) with some of its inputs replaced by N variants."""
        count = len(next(iter(variants.values())))
        whole = {name: value.expand(count, *value.shape[1:]) for name, value in batch.items()}
        return self.scores({**whole, **variants}, target)

    def target_of(self, row: int) -> Target:
        """What is worth asking about this row: the class that it was given, the surest label, the number."""
        predictions = self.predictions(np.array([row]))
        if not isinstance(predictions, AnsweredChances):
            name = self.labels[0]
            return Target(index=0, name=name, words=f"the predicted {name}")
        chances = predictions.probabilities[0]
        order = np.argsort(-chances, kind="stable")
        decided = self.decided(predictions)
        index = int(decided[0]) if self.answer.one_class and decided is not None else int(order[0])
        rest = next((int(i) for i in order if i != index), None)
        name = self.labels[index]
        runner = rest if self.answer.one_class else None
        return Target(index=index, name=name, words=f"its certainty of {name}", against=runner)

    def trunk(self, name: str) -> nn.Module:
        """The part of the network that reads an input; the whole network where it has no such parts."""
        if isinstance(self.network, Network):
            known = dict(zip(self.network.names, self.network.trunks.values(), strict=True))
            return known.get(name) or known.get("table") or self.network
        return self.network


V = TypeVar("V", Array, Tensor)


def mixed(own: V, other: V, part: slice | None) -> V:
    """Rows with a part of their values from other ones; None: all of them."""
    if part is None:
        return other
    made = copy.copy(own) if isinstance(own, np.ndarray) else own.clone()
    made[:, part] = other[:, part]
    return made


def batch_of(arrays: Mapping[str, Array], inputs: Inputs, rows: Rows) -> dict[str, Tensor]:
    """Encoded rows as the network reads them; padded ones end with the longest of them."""
    return DeviceData(Store(arrays=arrays), inputs, "cpu").batch(torch.as_tensor(rows))


def _pieces(batch: Mapping[str, Tensor], inputs: Inputs) -> Iterator[dict[str, Tensor]]:
    """The batch in pieces of so many input values."""
    values = sum(
        int(np.prod(value.shape[1:])) * (FORMS[inputs[name].form].cell_cost if name in inputs else 1)
        for name, value in batch.items()
    )
    size = max(8, min(1024, VALUES_AT_ONCE // max(1, values)))
    count = len(next(iter(batch.values())))
    for start in range(0, count, size):
        yield {name: value[start : start + size] for name, value in batch.items()}


def rank_correlation(a: Array, b: Array) -> float:
    """Spearman's rank correlation of two maps of one shape; NaN where one of them is flat."""
    from scipy.stats import rankdata

    first, second = rankdata(np.asarray(a).ravel()), rankdata(np.asarray(b).ravel())
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / size if size > TINY else float("nan")
