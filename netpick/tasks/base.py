"""The contract of a task: how target cells become numbers, what is optimised, and how outputs become answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from netpick.errors import RequestError
from netpick.recipe import Recipe
from netpick.types import Array, Field, Predictions, Rows, TableColumn

if TYPE_CHECKING:
    from torch import Tensor

    LossFunction = Callable[[Tensor, Tensor], Tensor]  # outputs (B, O) and target (B, ...) -> loss per row (B,)


class Task(ABC):
    """One kind of answer. Instances are stateless; what is learned from the target is a `State`, which is JSON."""

    name: ClassVar[str]
    State: ClassVar[type[Any]]

    @abstractmethod
    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        """Why these target columns are of this task, in words; None when they are not."""

    @abstractmethod
    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> Any:
        """Learns the State. Labels come from all labelled rows (a class is known even if only test rows have it);
        scales come from `rows` alone."""

    @abstractmethod
    def encode(self, columns: Sequence[TableColumn], state: Any) -> Array:
        """Truth of all rows: classify (N,) int64, -1 missing; multilabel (N, L) int8, -1 missing; regress (N, T)
        float64 in the target's own units, NaN missing."""

    @abstractmethod
    def num_outputs(self, state: Any) -> int:
        """How many outputs the head has: classes, labels or values."""

    @abstractmethod
    def labels(self, state: Any) -> tuple[str, ...]:
        """Names of the outputs."""

    @abstractmethod
    def network_target(self, truth: Array, state: Any) -> Array:
        """What the network is trained on: class numbers, 0/1 floats, or standardised values."""

    @abstractmethod
    def loss(self, recipe: Recipe, class_weights: Sequence[float] | None) -> LossFunction:
        """The loss per row. Raises RequestError for a loss that does not fit the task."""

    @abstractmethod
    def answer(self, outputs: Tensor) -> Tensor:
        """Outputs (B, O) or (B, M, O) of M members to probabilities or standardised values (B, O)."""

    @abstractmethod
    def decode(self, answers: Array, state: Any) -> Predictions:
        """Answers (n, O) as predictions in the words and units of the target."""

    def calibrated(self, predictions: Predictions, truth: Array, state: Any) -> Any:
        """The state with what validation rows say of a candidate's probabilities or intervals.

        predictions: as `decode` made them with `state`, which holds nothing of that kind yet.
        """
        return state

    def revised(self, predictions: Predictions, state: Any) -> Predictions:
        """Plain predictions with the state's calibration or intervals applied; `decode` ends with it."""
        return predictions

    def calibration_words(self, state: Any) -> str:
        """What `calibrated` learned, in words; empty where it changed nothing."""
        return ""

    @abstractmethod
    def labelled(self, truth: Array) -> Array:
        """Which rows have a target: (N,) bool."""


def error_function(recipe: Recipe, what: str) -> Callable[..., Tensor]:
    """The loss of numbers by its name in the recipe, squared error by default. Raises RequestError, which says `what` fits."""
    from torch.nn import functional

    functions: dict[str, Callable[..., Tensor]] = {
        "auto": functional.mse_loss,
        "mse": functional.mse_loss,
        "mae": functional.l1_loss,
        "huber": functional.huber_loss,
    }
    if recipe.loss not in functions:
        raise RequestError(
            f"Loss '{recipe.loss}' was asked for, but {what}. Use one of these, or pass --task classify."
        )
    return functions[recipe.loss]
