"""A label for each token of a row: parts of speech, or where the names of people, places and things begin and end.

Networks answer K numbers a token, and behind them 1 where the row has a token. What is kept are probabilities (n, T, K), zeros
where there is none, and the likeliest sequence of tags that their scheme allows. The truth of a row are (T,) numbers of tags, -1
where there is no token, and K for a tag that training never had.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredTags
from netpick.answers.base import PLAIN, Answer, Read, TensorSpec
from netpick.answers.metrics.entities import TokenAccuracy, entity_counts
from netpick.answers.spans import NOTHING, SCHEMES, likeliest, parts_of
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

LEANS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)  # logarithms of odds
UNKNOWN_TAG = "?"  # how a tag that training never had is written


class Tags(Answer[AnsweredTags]):
    """One class for each token."""

    name: ClassVar[str] = "tags"
    typed = AnsweredTags
    geometry = "steps"
    each_token = True
    noun, plural = "tag", "tags"
    fallback = TokenAccuracy.name
    whole_tables = False  # they hold tags, and not how likely each was

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.labels  # type: ignore[no-any-return]

    def shape(self, state: Any) -> tuple[int, ...]:
        return (state.steps, len(state.labels))

    def target(self, truth: Array, state: Any) -> Array:
        return np.ascontiguousarray(truth, dtype=np.int64)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        from netpick.answers.losses import each_step

        return {"cross_entropy": each_step(recipe)}

    def labelled(self, truth: Array) -> Array:
        return np.asarray((truth >= 0).any(axis=1))

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs[..., :-1].float().softmax(dim=-1) * outputs[..., -1:].float()

    def decode(self, answers: Array, state: Any) -> AnsweredTags:
        short = state.steps - answers.shape[1]
        probabilities = np.pad(answers, ((0, 0), (0, max(0, short)), (0, 0))).astype(np.float32)
        parts = parts_of(state.labels, state.scheme)
        every = np.broadcast_to(parts, (len(answers), *parts.shape))
        return self.revised(AnsweredTags(probabilities=probabilities, parts=every), state)

    def revised(self, predictions: AnsweredTags, state: Any) -> AnsweredTags:
        """With the lean towards entities, and the likeliest tags then."""
        probabilities = leaning(predictions.probabilities, state)
        tags = likeliest(probabilities, parts_of(state.labels, state.scheme))
        return replace(predictions, probabilities=probabilities, tags=tags)

    def calibrated(self, predictions: AnsweredTags, truth: Array, state: Any) -> Any:
        """How far a model has to lean towards entities for the best F1 on validation rows, as two classes have a threshold.

        Neighbouring leans count too, so that the chance of a few entities decides less.
        """
        if state.scheme == "none" or NOTHING not in state.labels or not len(truth):
            return state
        parts, found = parts_of(state.labels, state.scheme), []
        for lean in LEANS:
            tags = likeliest(leaning(predictions.probabilities, replace(state, lean=lean)), parts)
            right, true, said = entity_counts(truth, tags, parts).sum(axis=0)
            found.append(2 * right / max(1, true + said))
        smooth = np.convolve(np.pad(found, 1, mode="edge"), np.ones(3) / 3, mode="valid")
        best = max(range(len(LEANS)), key=lambda place: (round(float(smooth[place]), 4), -abs(LEANS[place])))
        return replace(state, lean=LEANS[best])

    def calibration_words(self, state: Any) -> str:
        if not state.lean:
            return ""
        odds = math.exp(abs(state.lean))
        way = "more" if state.lean > 0 else "less"
        return f"entities are held {odds:.1f} times {way} likely than stated, which is best on validation sentences"

    def restated(self, predictions: AnsweredTags, like: Array, state: Any) -> Array:
        return predictions.probabilities

    def decide(self, predictions: AnsweredTags, rule: DecisionRule = PLAIN) -> Array:
        if predictions.tags is None:  # of an average
            return likeliest(predictions.probabilities, predictions.parts[0]) if len(predictions) else _none(0)
        return predictions.tags

    def primary(self, num_outputs: int, balance: float) -> str:
        """Of tags that name entities another one decides, which these two facts do not tell: see tasks/tag/examples.py."""
        return TokenAccuracy.name

    def columns(
        self, predictions: AnsweredTags, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """`prediction`, the tags of a sentence parted by blanks, and `doubtful`, the probability of the least likely of them."""
        tags = self.decide(predictions, rule)
        sure = np.where(tags >= 0, chance_of(predictions, tags), 1.0).min(axis=1, initial=1.0)
        return {
            f"{prefix}prediction": pl.Series(f"{prefix}prediction", lines_of(tags, labels), dtype=pl.String),
            f"{prefix}doubtful": pl.Series(f"{prefix}doubtful", sure.astype(np.float32)),
        }

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        return {"truth": pl.Series("truth", lines_of(truth, labels), dtype=pl.String)}

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read | None:
        """The tags, each as if it was certain."""
        truth, tags = (numbers_of(table[name], labels) for name in ("truth", f"{candidate}: prediction"))
        if truth.shape != tags.shape:
            return None
        certain = np.eye(len(labels) + 1, dtype=np.float32)[np.where(tags < 0, len(labels), tags)][..., :-1]
        scheme = SCHEMES[3] if any(label[:2] in ("E-", "S-", "L-", "U-") for label in labels) else SCHEMES[2]
        parts = parts_of(tuple(labels), scheme)
        if not parts[:, 0].any():
            parts = parts_of(tuple(labels), "none")
        predictions = AnsweredTags(
            probabilities=certain, parts=np.broadcast_to(parts, (len(tags), *parts.shape)), tags=tags
        )
        return Read(truth=truth, predictions=predictions, decided=tags)

    def json_rows(
        self, predictions: AnsweredTags, labels: Sequence[str], rule: DecisionRule, state: Any
    ) -> list[dict[str, Any]]:
        """The tags of each row, and the probability of each."""
        tags = self.decide(predictions, rule)
        chances, lengths = chance_of(predictions, tags), (tags >= 0).sum(axis=1).tolist()
        return [
            {
                "prediction": [labels[tag] for tag in row[:length]],
                "probability": [float(chance) for chance in sure[:length]],
            }
            for row, sure, length in zip(tags.tolist(), chances, lengths, strict=True)
        ]

    def json_schema(self, labels: Sequence[str], state: Any) -> dict[str, Any]:
        return {
            "prediction": {"type": "array", "items": {"type": "string"}},
            "probability": {"type": "array", "items": {"type": "number"}},
        }

    def tensors(self, predictions: AnsweredTags, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        tags = self.decide(predictions, rule)
        words = np.asarray([*labels, ""], dtype=object)
        return {"prediction": words[tags], "probability": chance_of(predictions, tags).astype(np.float64)}

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        shape = (-1, state.steps)
        return [
            TensorSpec(name="prediction", datatype="BYTES", shape=shape),
            TensorSpec(name="probability", datatype="FP64", shape=shape),
        ]

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import TagNumbers

        return TagNumbers(state)

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            (
                "answers",
                f"probabilities of each token's tags, float32 (rows, tokens, {count}); zeros where there is no token",
            ),
            ("prediction", "the number of each token's likeliest tag, int64 (rows, tokens), -1 where there is none"),
        )

    def purpose(self, count: int) -> str:
        return f"give each token one of {counted(count, 'tag')}"

    def words(self, predictions: AnsweredTags, labels: Sequence[str], rule: DecisionRule) -> str:
        return lines_of(self.decide(predictions, rule)[:1], labels)[0]

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return lines_of(np.asarray(truth)[None], labels)[0]

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        """The log-odds of a tag at the token where it is the likeliest."""
        import torch

        tags = outputs[..., :-1]
        others = torch.cat([tags[..., :index], tags[..., index + 1 :]], dim=-1)
        odds = tags[..., index] - others.logsumexp(dim=-1)
        return odds.masked_fill(outputs[..., -1] == 0, float("-inf")).amax(dim=-1)


TAGS = Tags()


def leaning(probabilities: Array, state: Any) -> Array:
    """Probabilities (n, T, K) of which that of no entity is divided by the exponential of the state's lean."""
    if not state.lean:
        return probabilities
    place = state.labels.index(NOTHING)
    made = probabilities.copy()
    made[..., place] *= np.float32(math.exp(-state.lean))
    total = made.sum(axis=2, keepdims=True)
    return np.asarray(np.divide(made, total, out=np.zeros_like(made), where=total > 0))


def chance_of(predictions: AnsweredTags, tags: Array) -> Array:
    """(n, T) probabilities of these tags; 0 where there is no token."""
    held = np.take_along_axis(predictions.probabilities, np.maximum(tags, 0)[..., None], axis=2)[..., 0]
    return np.where(tags >= 0, held, 0.0)


def lines_of(tags: Array, labels: Sequence[str]) -> list[str]:
    """The tags of each row in words, parted by blanks."""
    words = [*labels, UNKNOWN_TAG]
    return [" ".join(words[tag] for tag in row if tag >= 0) for row in tags.tolist()]


def numbers_of(lines: pl.Series, labels: Sequence[str], steps: int = 0) -> Array:
    """The inverse of `lines_of`: (n, T) numbers, at least `steps` of a row, K for a tag that is none of the labels."""
    numbers = {label: number for number, label in enumerate(labels)}
    rows = [[numbers.get(tag, len(labels)) for tag in (line or "").split(" ") if tag] for line in lines.to_list()]
    made = np.full((len(rows), max([steps, 1, *map(len, rows)])), -1, dtype=np.int64)
    for row, tags in zip(made, rows, strict=True):
        row[: len(tags)] = tags
    return made


def _none(rows: int) -> Array:
    return np.full((rows, 1), -1, dtype=np.int64)
