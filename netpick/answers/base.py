"""The contract of an answer: all that depends on what is answered, from the loss to the words that people read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic

import numpy as np
import polars as pl

from netpick.answers.answered import A
from netpick.columns.batches import joined
from netpick.errors import RequestError
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import Answered, DecisionRule

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

MOST_NAMED = 100  # labels that a schema names one by one
PLAIN = DecisionRule()  # the likeliest class, labels from one half on


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """A tensor of a reply: its datatype in the words of the Open Inference Protocol, and its shape, -1 for any number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a table of predictions says of one candidate."""

    truth: Array
    predictions: Answered
    decided: Array | None
    groups: Array | None = None  # of rows that depend on each other


class Answer(ABC, Generic[A]):
    """One kind of answer. Instances are stateless; `state` is what the task learned from the target, which is JSON.

    The facts say what a row's truth is. Whoever needs to tell answers apart asks for a fact, never for a name, and an
    answer of which none holds is none of those.
    """

    name: ClassVar[str]
    typed: ClassVar[type[Answered]]  # what `decode` gives
    one_class: ClassVar[bool] = (
        False  # exactly one of several classes: mistakes may have costs, two classes a threshold
    )
    any_labels: ClassVar[bool] = False  # each of several labels holds or does not
    quantities: ClassVar[bool] = False  # numbers in units
    sequences: ClassVar[bool] = False  # the symbols of a text, one after another
    heard: ClassVar[bool] = False  # its sequences are chords, a line each, which can be played
    stepwise: ClassVar[bool] = False  # it is generated step by step, which no single graph does
    texts: ClassVar[bool] = False  # a text that is made up, such as what was said in a recording
    each_token: ClassVar[bool] = False  # one of several classes for each token of a row
    each_pixel: ClassVar[bool] = False  # one of several classes for each pixel of a picture
    each_object: ClassVar[bool] = False  # the objects in a picture: what they are, and where
    made_up: ClassVar[bool] = False  # rows that are made up: it is judged by what it makes, and says nothing of a row
    geometry: ClassVar[str] = "pooled"  # of the features that its head reads: a name in HEADS
    unit: ClassVar[str] = "row"  # what is answered by itself, in words
    noun: ClassVar[str]  # for what `labels` names: "class"
    plural: ClassVar[str]
    fallback: ClassVar[str]  # a metric that is defined on any rows, for when the primary one is not
    shown_beside: ClassVar[
        tuple[str, ...]
    ] = ()  # metrics that stand beside the one that decides wherever that is shown
    whole_tables: ClassVar[bool] = True  # whether tables of predictions hold all that its metrics read

    # --- learning ---

    def num_outputs(self, state: Any) -> int:
        """How many outputs the head has: classes, labels or values."""
        return len(self.labels(state))

    def num_values(self, state: Any) -> int:
        """Numbers that a baseline answers for an example: those of its truth, or a probability of each class."""
        return self.num_outputs(state)

    def shape(self, state: Any) -> tuple[int, ...]:
        """Of the answers for one row."""
        return (self.num_outputs(state),)

    @abstractmethod
    def labels(self, state: Any) -> tuple[str, ...]:
        """Names of the classes, labels or targets."""

    @abstractmethod
    def target(self, truth: Array, state: Any) -> Array:
        """What the network is trained on: class numbers, 0/1 floats, or standardised values."""

    @abstractmethod
    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        """What it can be trained with, by the recipe's name for it; the first one unless another is asked for."""

    def loss(self, recipe: Recipe, class_weights: Sequence[float] | None) -> LossFunction:
        """The loss per row. Raises RequestError for a loss that does not fit the answer."""
        known = self.losses(recipe, class_weights)
        if recipe.loss == "auto":
            return next(iter(known.values()))
        if recipe.loss not in known:
            raise RequestError(
                f"Loss '{recipe.loss}' was asked for, but {self.plural} are trained with {' or '.join(known)}. Leave the loss "
                "out, or choose another --target or --task."
            )
        return known[recipe.loss]

    @abstractmethod
    def labelled(self, truth: Array) -> Array:
        """Which rows have a target: (N,) bool."""

    # --- answering ---

    @abstractmethod
    def answer(self, outputs: Tensor) -> Tensor:
        """Outputs (..., O) to probabilities or standardised values (..., O)."""

    def in_graph(self, outputs: Tensor) -> Tensor:
        """What of `answer` stands in an exported graph: all of it, unless ONNX has no words for a part."""
        return self.answer(outputs)

    def after_graph(self, made: Array) -> Array:
        """What an engine does with what `in_graph` made, so that both together are `answer`; without torch."""
        return made

    def joined(self, parts: Sequence[Array]) -> Array:
        """Answers (n, ...) of several batches as one array."""
        return joined(parts)

    @abstractmethod
    def decode(self, answers: Array, state: Any) -> A:
        """Answers (n, O) as predictions in the words and units of the target."""

    def standardised(self, answers: Array, state: Any) -> Array:
        """A baseline's answers, probabilities or numbers in the target's units (n, K), as a network's: the inverse of `decode`."""
        return answers

    def restated(self, predictions: A, like: Array, state: Any) -> Array:
        """Answers (n, O) that decode to these predictions where the state has no calibration: the inverse of `decode`.

        like: what a model answered for the same rows, for what predictions do not say.
        """
        return self.standardised(predictions.stated, state)

    def calibrated(self, predictions: A, truth: Array, state: Any) -> Any:
        """The state with what validation rows say of a candidate's probabilities or intervals.

        predictions: as `decode` made them with `state`, which holds nothing of that kind yet.
        """
        return state

    def revised(self, predictions: A, state: Any) -> A:
        """Plain predictions with the state's calibration or intervals applied; `decode` ends with it."""
        return predictions

    def calibration_words(self, state: Any) -> str:
        """What `calibrated` learned, in words; empty where it changed nothing."""
        return ""

    def coverage(self, state: Any) -> float | None:
        """The share of rows whose truth lies between `low` and `high`; None where there are no intervals."""
        return None

    def decide(self, predictions: A, rule: DecisionRule = PLAIN) -> Array | None:
        """Classes (n,) or labels (n, L) of 0/1 that the probabilities stand for; None for numbers."""
        return None

    def as_cells(self, words: pl.Series, state: Any) -> pl.Series:
        """Predicted labels as the target's cells were: whole numbers and truth values as such."""
        return words

    # --- scoring ---

    @abstractmethod
    def primary(self, num_outputs: int, balance: float) -> str:
        """The name of the metric that decides a contest.

        num_outputs: classes, labels, or numbers on scales of their own. balance: share of the rows that are in the rarest
        class; 1 / num_outputs when all are equal.
        """

    def barred(self, predictions: A) -> str:
        """Why whoever answered so may not be recommended, however good its scores are; empty where nothing speaks against it."""
        return ""

    def beside(self, predictions: A, rival: Array | None) -> A:
        """The predictions with what some metrics compare them with: a forecast that needs no learning."""
        return predictions

    # --- tables ---

    @abstractmethod
    def columns(
        self, predictions: A, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """Columns of a table of predictions."""

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        """The truth beside it: `truth_NAME` for each label or target."""
        return {f"truth_{name}": pl.Series(f"truth_{name}", truth[:, i]) for i, name in enumerate(labels)}

    @abstractmethod
    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read | None:
        """What `columns` and `truth_columns` wrote of a candidate. Raises PolarsError or ValueError where columns are missing."""

    # --- programs ---

    def json_rows(self, predictions: A, labels: Sequence[str], rule: DecisionRule, state: Any) -> list[dict[str, Any]]:
        """Each row as JSON values: what `tensors` gives, with numbers by label and flags as the labels that hold."""
        named = self.tensors(predictions, labels, rule)
        columns = [_as_json(values, labels) for values in named.values()]
        return [dict(zip(named, row, strict=True)) for row in zip(*columns, strict=True)]

    def json_schema(self, labels: Sequence[str], state: Any) -> dict[str, Any]:
        """JSON schema of what `json_rows` gives, by key."""
        return {spec.name: _schema(spec, labels) for spec in self.tensor_specs(labels, state)}

    @abstractmethod
    def tensors(self, predictions: A, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        """The rows as arrays by name: texts as objects, truths as bool, numbers as float64."""

    @abstractmethod
    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        """What `tensors` gives."""

    @abstractmethod
    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        """What turns answers into predictions in an exported graph; its `names` are those of what it gives."""

    @abstractmethod
    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        """The outputs of an exported graph of so many labels, and what each of them is."""

    # --- words ---

    @abstractmethod
    def purpose(self, count: int) -> str:
        """What is asked of a row, in words: 'classify into 3 classes'."""

    @abstractmethod
    def words(self, predictions: A, labels: Sequence[str], rule: DecisionRule) -> str:
        """What is said of the first row, as a person would say it."""

    @abstractmethod
    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        """The truth of one row, as a person would say it."""

    # --- looking inside ---

    @abstractmethod
    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        """(...) how much outputs (..., O) are for one class or label, as log-odds, or one predicted number."""


def numbers_of(table: pl.DataFrame, names: Sequence[str]) -> Array:
    """Columns of a table (n, len(names)) as float64."""
    return np.stack([table[name].cast(pl.Float64).to_numpy() for name in names], axis=1)


def objects(texts: Sequence[str]) -> Array:
    """Texts (n,) as an array of objects."""
    cells = np.empty(len(texts), dtype=object)
    cells[:] = texts
    return cells


def class_names(numbers: Array, labels: Sequence[str]) -> list[str]:
    """Names of classes by their numbers (n,)."""
    names: list[str] = np.asarray(labels, dtype=object)[numbers].tolist()
    return names


def _as_json(values: Array, labels: Sequence[str]) -> list[Any]:
    rows: list[Any] = values.tolist()
    if values.ndim == 1:
        return rows
    if values.dtype.kind == "b":
        return [[label for label, yes in zip(labels, row, strict=True) if yes] for row in rows]
    return [dict(zip(labels, row, strict=True)) for row in rows]


def _schema(spec: TensorSpec, labels: Sequence[str]) -> dict[str, Any]:
    number = {"type": ["number", "null"]}
    if spec.datatype == "BOOL":
        return {"type": "array", "items": {"type": "string"}}
    if len(spec.shape) == 1:
        return {"type": "string"} if spec.datatype == "BYTES" else number
    named = dict.fromkeys(labels[:MOST_NAMED], number)
    return {"type": "object", "properties": named, "additionalProperties": number}
