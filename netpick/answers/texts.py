"""A text for a row, made up symbol by symbol: what was said in a recording, a sentence in another language.

Here is what holds of all such answers: how they are kept, written, read back and said. Subclasses say what networks learn and how their
outputs become texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import NO_TEXT, AnsweredTexts, codes_of, texts_of
from netpick.answers.base import Answer, Read, TensorSpec, objects
from netpick.types import Array
from netpick.types.results import DecisionRule

if TYPE_CHECKING:
    from torch import Tensor

MOST_SAID = 400  # characters of a text that is said in words


class Texts(Answer[AnsweredTexts]):
    """A text a row. Its truth is (N, L) int32: see `codes_of`. The task's state has the `column` and the `longest` text's characters."""

    typed: ClassVar[type[AnsweredTexts]]
    texts = True
    noun, plural = "text", "texts"

    def num_values(self, state: Any) -> int:
        """Characters of a text that a baseline answers, which it does in code points (n, L)."""
        return int(state.longest)

    def labels(self, state: Any) -> tuple[str, ...]:
        return (state.column,)

    def labelled(self, truth: Array) -> Array:
        return np.asarray(truth[:, 0] != NO_TEXT)

    def restated(self, predictions: AnsweredTexts, like: Array, state: Any) -> Array:
        return self.standardised(predictions.stated, state)

    def columns(
        self, predictions: AnsweredTexts, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """`prediction`: the text."""
        name = f"{prefix}prediction"
        return {name: pl.Series(name, predictions.texts, dtype=pl.String)}

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        return {"truth": pl.Series("truth", texts_of(truth), dtype=pl.String)}

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read | None:
        said = table[f"{candidate}: prediction"].cast(pl.String).to_list()
        truth = table["truth"].cast(pl.String).to_list()
        return Read(truth=codes_of(truth), predictions=self.typed(codes=codes_of(said)), decided=None)

    def tensors(self, predictions: AnsweredTexts, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        return {"prediction": objects(predictions.texts)}

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        return [TensorSpec(name="prediction", datatype="BYTES", shape=(-1,))]

    def words(self, predictions: AnsweredTexts, labels: Sequence[str], rule: DecisionRule) -> str:
        return _quoted(predictions.take(slice(0, 1)).texts[0])

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return _quoted(texts_of(truth[None])[0])

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        """The mean of the largest output of each step: how sure the network is of what it says."""
        return outputs.flatten(1).mean(dim=1)


def _quoted(text: str) -> str:
    whole = text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]}..."
    return f'"{whole}"'
