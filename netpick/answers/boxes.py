"""Objects in pictures: what each is, and the box around it.

Networks answer for P places of a picture: logits of K classes, a box in pixels that they read, and the place's x, y and stride. What is kept are at most MOST boxes
(n, MOST, 6) of left, top, right, bottom, score and class, of which those that lie over surer ones are left out (suppress.py). The truth of a row
is (M, 8): a box in the same pixels, its class, what it is (1 an object, 2 one that is set aside, 0 nothing), and how many pixels of the file, across and down, are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredBoxes
from netpick.answers.base import PLAIN, Answer, Read, TensorSpec
from netpick.answers.metrics.boxes import ASIDE, OBJECT, Ap50, BoxF1, matched
from netpick.answers.suppress import MOST, OVERLAP, suppressed, suppressed_arrays
from netpick.types import Array
from netpick.types.objects import Thing, read_cell, write_cell
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

UNTOLD = 0.4  # the threshold of a class that validation pictures do not tell
FEWEST = 5  # objects of a class on validation pictures, that tell one
PLACE = 3  # numbers behind a box: x, y and stride of its place
UNKNOWN = "?"  # a class that training never had


class Boxes(Answer[AnsweredBoxes]):
    """Any number of objects, each of one class."""

    name: ClassVar[str] = "boxes"
    typed = AnsweredBoxes
    each_object = True
    geometry = "pyramid"
    unit = "picture"
    noun, plural = "class", "boxes"
    fallback = BoxF1.name
    whole_tables = False  # they hold what is said, and not what was less sure

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.labels  # type: ignore[no-any-return]

    def shape(self, state: Any) -> tuple[int, ...]:
        return (MOST, 6)

    def num_values(self, state: Any) -> int:
        return MOST * 6

    def target(self, truth: Array, state: Any) -> Array:
        return np.ascontiguousarray(truth, dtype=np.float32)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        from netpick.answers.box_losses import detection

        return {"detection": detection(recipe)}

    def labelled(self, truth: Array) -> Array:
        """Pictures that somebody looked at: those with nothing in them, too."""
        return np.asarray((truth[..., 5] >= 0).all(axis=1))

    def answer(self, outputs: Tensor) -> Tensor:
        outputs = outputs.float()
        return suppressed(outputs[..., -4 - PLACE : -PLACE], outputs[..., : -4 - PLACE].sigmoid())

    def in_graph(self, outputs: Tensor) -> Tensor:
        """(B, P, 4 + K): the box of each place, and how sure each class is there; ONNX has no operator that suppresses as we do."""
        import torch

        outputs = outputs.float()
        return torch.cat([outputs[..., -4 - PLACE : -PLACE], outputs[..., : -4 - PLACE].sigmoid()], dim=-1)

    def after_graph(self, made: Array) -> Array:
        """The surest boxes of each picture."""
        return suppressed_arrays(made[..., :4], made[..., 4:])

    def decode(self, answers: Array, state: Any) -> AnsweredBoxes:
        answers = np.asarray(answers, dtype=np.float32)
        classes = np.rint(answers[..., 5]).astype(np.int64)
        classes[(classes < 0) | (classes >= len(state.labels))] = -1
        return self.revised(
            AnsweredBoxes(
                boxes=np.ascontiguousarray(answers[..., :4]),
                scores=np.ascontiguousarray(answers[..., 4]),
                classes=classes,
                kept=classes >= 0,
            ),
            state,
        )

    def revised(self, predictions: AnsweredBoxes, state: Any) -> AnsweredBoxes:
        """With what is sure enough to be said."""
        least = np.array([*thresholds_of(state), np.inf])[predictions.classes]
        return replace(predictions, kept=predictions.scores >= least)

    def calibrated(self, predictions: AnsweredBoxes, truth: Array, state: Any) -> Any:
        """How sure an object of each class has to be: where the F1 of validation pictures is best."""
        if not len(truth):
            return state
        matching = matched(truth, predictions)
        found = []
        for label in range(len(state.labels)):
            there = int(matching.there[:, label].sum()) if label < matching.there.shape[1] else 0
            mine = (matching.classes == label) & ~matching.void[..., 0]
            order = np.argsort(-matching.scores[mine], kind="stable")
            right = np.cumsum(matching.hit[..., 0][mine][order])
            if there < FEWEST or not len(order) or not right[-1]:
                found.append(UNTOLD)
                continue
            f1 = 2 * right / (np.arange(1, len(order) + 1) + there)
            smooth = np.convolve(np.pad(f1, 2, mode="edge"), np.ones(5) / 5, mode="valid")
            best = int(smooth.argmax())
            found.append(float(np.clip(matching.scores[mine][order][best], 0.02, 0.95)))
        return replace(state, thresholds=tuple(round(threshold, 4) for threshold in found))

    def calibration_words(self, state: Any) -> str:
        if not state.thresholds:
            return ""
        named = ", ".join(
            f"{label} {threshold:.2f}" for label, threshold in zip(state.labels, state.thresholds, strict=True)
        )
        return f"said from these scores on, which are best on validation pictures: {named}"

    def restated(self, predictions: AnsweredBoxes, like: Array, state: Any) -> Array:
        parts: list[Array] = [predictions.boxes, predictions.scores[..., None], predictions.classes[..., None]]
        return np.concatenate(parts, axis=2).astype(np.float32)

    def decide(self, predictions: AnsweredBoxes, rule: DecisionRule = PLAIN) -> Array:
        """(n, MOST) classes of what is said; -1 where nothing is."""
        return np.where(predictions.kept, predictions.classes, -1)

    def primary(self, num_outputs: int, balance: float) -> str:
        return Ap50.name

    def columns(
        self, predictions: AnsweredBoxes, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """`prediction`, what is said of a picture as a JSON list of [label, left, top, right, bottom] in its own pixels, and `scores`, how sure each is."""
        rows = said_in(predictions, labels)
        scores = [" ".join(f"{score:.4f}" for _, score in row) for row in rows]
        return {
            f"{prefix}prediction": pl.Series(
                f"{prefix}prediction", [write_cell([t for t, _ in row]) for row in rows], dtype=pl.String
            ),
            f"{prefix}scores": pl.Series(f"{prefix}scores", scores, dtype=pl.String),
        }

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        cells = [write_cell(things_of(row, labels)) for row in truth]
        return {"truth": pl.Series("truth", cells, dtype=pl.String)}

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read | None:
        """What was said, in pixels of the files."""
        number = {label: place for place, label in enumerate(labels)}
        truth = as_truth([read_cell(cell) for cell in table["truth"].to_list()], number)
        said = [read_cell(cell) or [] for cell in table[f"{candidate}: prediction"].to_list()]
        sure = [[float(word) for word in (cell or "").split()] for cell in table[f"{candidate}: scores"].to_list()]
        answers = np.zeros((len(said), MOST, 6), np.float32)
        answers[..., 5] = -1
        for row, (things, scores) in enumerate(zip(said, sure, strict=True)):
            for place, (thing, score) in enumerate(zip(things[:MOST], scores, strict=False)):
                answers[row, place] = (
                    thing.left,
                    thing.top,
                    thing.right,
                    thing.bottom,
                    score,
                    number.get(thing.label, -1),
                )
        classes = answers[..., 5].astype(np.int64)
        predictions = AnsweredBoxes(
            boxes=answers[..., :4].copy(), scores=answers[..., 4].copy(), classes=classes, kept=classes >= 0
        )
        return Read(truth=truth, predictions=predictions, decided=self.decide(predictions))

    def json_rows(
        self, predictions: AnsweredBoxes, labels: Sequence[str], rule: DecisionRule, state: Any
    ) -> list[dict[str, Any]]:
        """What is said of each picture, the surest first."""
        return [
            {
                "boxes": [
                    {"label": t.label, "score": score, "box": [t.left, t.top, t.right, t.bottom]} for t, score in row
                ]
            }
            for row in said_in(predictions, labels)
        ]

    def json_schema(self, labels: Sequence[str], state: Any) -> dict[str, Any]:
        numbers = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
        properties = {"label": {"type": "string"}, "score": {"type": "number"}, "box": numbers}
        return {"boxes": {"type": "array", "items": {"type": "object", "properties": properties}}}

    def tensors(self, predictions: AnsweredBoxes, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        decided = self.decide(predictions, rule)
        names = np.asarray([*labels, ""], dtype=object)[decided]
        said = decided >= 0
        return {
            "label": names,
            "score": np.where(said, predictions.scores, 0.0).astype(np.float64),
            "box": np.where(said[..., None], predictions.in_files, 0.0).astype(np.float64),
        }

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        return [
            TensorSpec(name="label", datatype="BYTES", shape=(-1, MOST)),
            TensorSpec(name="score", datatype="FP64", shape=(-1, MOST)),
            TensorSpec(name="box", datatype="FP64", shape=(-1, MOST, 4)),
        ]

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import PlacedBoxes

        return PlacedBoxes()

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            (
                "boxes",
                "of every place left, top, right, bottom in pixels of the picture as it is read, float32 (rows, places, 4)",
            ),
            (
                "scores",
                f"how sure each class is there, float32 (rows, places, {count}); of boxes of a class that overlap by more than {OVERLAP:g} keep the surest",
            ),
            ("answers", f"both side by side, float32 (rows, places, {4 + count})"),
        )

    def purpose(self, count: int) -> str:
        return f"find objects of {counted(count, 'class', 'classes')}"

    def words(self, predictions: AnsweredBoxes, labels: Sequence[str], rule: DecisionRule) -> str:
        return count_words([thing.label for thing, _ in said_in(predictions.take(slice(0, 1)), labels)[0]])

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return count_words([thing.label for thing in things_of(np.asarray(truth), labels) or () if not thing.aside])

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        """The highest log-odds of a class among all places."""
        return outputs[..., index].amax(dim=-1)


BOXES = Boxes()


def thresholds_of(state: Any) -> tuple[float, ...]:
    """How sure an object of each class has to be to be said."""
    return state.thresholds or (UNTOLD,) * len(state.labels)


def said_in(predictions: AnsweredBoxes, labels: Sequence[str]) -> list[list[tuple[Thing, float]]]:
    """Of each picture what is said, in pixels of its file, and how sure; the surest first."""
    boxes, made = predictions.in_files, []
    for row in range(len(predictions)):
        places = np.flatnonzero(predictions.kept[row] & (predictions.classes[row] >= 0))
        places = places[np.argsort(-predictions.scores[row, places], kind="stable")]
        things = []
        for place in places.tolist():
            left, top, right, bottom = (round(float(edge), 1) for edge in boxes[row, place])
            thing = Thing(label=labels[predictions.classes[row, place]], left=left, top=top, right=right, bottom=bottom)
            things.append((thing, round(float(predictions.scores[row, place]), 4)))
        made.append(things)
    return made


def things_of(truth: Array, labels: Sequence[str]) -> list[Thing] | None:
    """The objects of a row (M, 8), in pixels of its file; None where nobody looked."""
    if (truth[:, 5] < 0).any():
        return None
    named = [*labels, UNKNOWN]
    things = []
    for left, top, right, bottom, label, what, across, down in truth[truth[:, 5] > 0].tolist():
        edges = left * across, top * down, right * across, bottom * down
        left, top, right, bottom = (round(edge, 2) for edge in edges)
        thing = Thing(label=named[int(label)], left=left, top=top, right=right, bottom=bottom, aside=what == ASIDE)
        things.append(thing)
    return things


def as_truth(rows: Sequence[Sequence[Thing] | None], number: Mapping[str, int], scale: Array | None = None) -> Array:
    """(N, M, 8) of objects in pixels of the files; `scale` (N, 2) are how many of them, across and down, are one that a network reads.

    Of a class that is not among `number`, one more is said than there are classes.
    """
    most = max([1, *(len(row) for row in rows if row is not None)])
    made = np.zeros((len(rows), most, 8), np.float32)
    made[..., 6:] = 1 if scale is None else scale[:, None]
    for row, things in enumerate(rows):
        if things is None:
            made[row, :, 5] = -1
            continue
        for place, thing in enumerate(things):
            edges = np.array([thing.left, thing.top, thing.right, thing.bottom]) / np.tile(made[row, 0, 6:], 2)
            made[row, place, :6] = *edges, number.get(thing.label, len(number)), ASIDE if thing.aside else OBJECT
    return made


def count_words(names: Sequence[str]) -> str:
    """'12 RBC, 1 WBC', or 'nothing'."""
    return ", ".join(f"{count:,} {name}" for name, count in Counter(names).most_common()) or "nothing"


__all__ = ["BOXES", "Boxes", "as_truth", "count_words", "said_in", "things_of"]
