"""A class for each pixel of a picture: cells and membranes, roads and sky.

Networks answer K numbers a pixel (B, K, H, W), in pictures of any size. What is kept are each pixel's class and how likely it is. The
truth of a row are (H, W) numbers of classes at the top left of the largest picture; 255 stands behind its edges and where no class is
said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredMasks
from netpick.answers.base import PLAIN, Answer, Read, TensorSpec
from netpick.answers.metrics.masks import IGNORED, MaskedIou, PixelAccuracy
from netpick.answers.png import palette_png, png_text
from netpick.columns.batches import joined
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

SMALLEST = 16  # pixels of a side with which a model file is tried
THRESHOLDS = np.arange(256)  # of the second of two classes, in 255ths
SHARP = 255
MOST_WHOLE = 1 << 24  # probabilities that are kept whole


class Masks(Answer[AnsweredMasks]):
    """One class for each pixel."""

    name: ClassVar[str] = "masks"
    typed = AnsweredMasks
    geometry = "map"
    each_pixel = True
    unit = "picture"
    noun, plural = "class", "masks"
    fallback = PixelAccuracy.name
    whole_tables = False  # they hold shares of pixels, not the masks

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.labels  # type: ignore[no-any-return]

    def shape(self, state: Any) -> tuple[int, ...]:
        return (len(state.labels), SMALLEST, SMALLEST)

    def target(self, truth: Array, state: Any) -> Array:
        return truth

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        from netpick.answers.losses import dice_and_entropy, each_pixel

        return {"dice_cross_entropy": dice_and_entropy(recipe), "cross_entropy": each_pixel(recipe)}

    def labelled(self, truth: Array) -> Array:
        return np.asarray((truth != IGNORED).any(axis=(1, 2)))

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs.float().softmax(dim=-3)

    def joined(self, parts: Sequence[Array]) -> Array:
        """Of many pictures in half as many bytes: probabilities of all classes for all pixels are many."""
        large = sum(part.size for part in parts) > MOST_WHOLE
        return joined([part.astype(np.float16) if large else part for part in parts])

    def decode(self, answers: Array, state: Any) -> AnsweredMasks:
        classes = answers.argmax(axis=1).astype(np.uint8)
        highest = np.take_along_axis(answers, classes[:, None].astype(np.intp), axis=1)[:, 0]
        sure = np.rint(highest.astype(np.float32) * SHARP).clip(0, SHARP).astype(np.uint8)
        shares = answers.mean(axis=(2, 3), dtype=np.float64)
        return self.revised(AnsweredMasks(classes=classes, sure=sure, shares=shares), state)

    def revised(self, predictions: AnsweredMasks, state: Any) -> AnsweredMasks:
        """Of two classes, the second where it is as likely as the threshold."""
        if len(state.labels) != 2 or state.threshold is None:
            return predictions
        second = chance_of_second(predictions)
        classes = (second >= state.threshold).astype(np.uint8)
        return replace(predictions, classes=classes, sure=np.where(classes == 1, second, SHARP - second))

    def calibrated(self, predictions: AnsweredMasks, truth: Array, state: Any) -> Any:
        """Of two classes, with the threshold that gives the best mean IoU on validation pictures."""
        if len(state.labels) != 2 or not len(truth):
            return state
        counts = np.zeros((2, SHARP + 1))
        second = chance_of_second(predictions)
        height, width = (min(sides) for sides in zip(truth.shape[1:], second.shape[1:], strict=True))
        for there, said in zip(truth[:, :height, :width], second[:, :height, :width], strict=True):
            for number in range(2):
                counts[number] += np.bincount(said[there == number], minlength=SHARP + 1)
        above = counts[:, ::-1].cumsum(axis=1)[:, ::-1]  # (2, 256) pixels called the second from each threshold on
        matrix = np.stack([counts.sum(axis=1)[:, None] - above, above], axis=1).transpose(2, 0, 1)
        values = MaskedIou().of_matrix(matrix)
        best = float(values.max())
        near = THRESHOLDS[values >= best - 1e-3 * best]  # a flat top is wide: its middle holds elsewhere, too
        if values[(SHARP + 1) // 2] >= best - 1e-3 * best:
            return state
        return replace(state, threshold=int(np.median(near)))

    def calibration_words(self, state: Any) -> str:
        if state.threshold is None:
            return ""
        return f"a pixel is called {state.labels[1]} from a probability of {state.threshold / SHARP:.2f} on, which is best on validation pictures"

    def restated(self, predictions: AnsweredMasks, like: Array, state: Any) -> Array:
        sure = predictions.sure[:, None] / SHARP
        rest = (1 - sure) / max(1, predictions.num_classes - 1)
        classes = np.arange(predictions.num_classes)[None, :, None, None]
        return np.where(predictions.classes[:, None] == classes, sure, rest)

    def decide(self, predictions: AnsweredMasks, rule: DecisionRule = PLAIN) -> Array:
        return predictions.classes

    def primary(self, num_outputs: int, balance: float) -> str:
        return MaskedIou.name

    def columns(
        self, predictions: AnsweredMasks, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """`prediction`, the share of each class in words, and a column of the same as a number for each class."""
        shares = shares_of(predictions, len(labels))
        told = pl.Series(f"{prefix}prediction", [share_words(row, labels) for row in shares], dtype=pl.String)
        named = {f"{prefix}share_{label}": shares[:, i] for i, label in enumerate(labels)}
        return {told.name: told, **{name: pl.Series(name, values) for name, values in named.items()}}

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        return {
            "truth": pl.Series(
                "truth", [share_words(true_shares(row, len(labels)), labels) for row in truth], pl.String
            )
        }

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read | None:
        return None

    def json_rows(
        self, predictions: AnsweredMasks, labels: Sequence[str], rule: DecisionRule, state: Any
    ) -> list[dict[str, Any]]:
        """Each mask as a PNG with a palette in base64, its size, and the share of each class."""
        shares = shares_of(predictions, len(labels))
        rows = []
        for row in range(len(predictions)):
            mask, sure = cut(predictions, row)
            rows.append(
                {
                    "prediction": share_words(shares[row], labels),
                    "height": int(mask.shape[0]),
                    "width": int(mask.shape[1]),
                    "shares": dict(zip(labels, map(float, shares[row]), strict=True)),
                    "mask": png_text(palette_png(mask)),
                    "probability": float(sure.mean() / SHARP) if sure.size else 0.0,
                }
            )
        return rows

    def json_schema(self, labels: Sequence[str], state: Any) -> dict[str, Any]:
        number, whole = {"type": "number"}, {"type": "integer"}
        shares = {"type": "object", "properties": dict.fromkeys(labels, number), "additionalProperties": number}
        png = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}
        return {
            "prediction": {"type": "string"},
            "height": whole,
            "width": whole,
            "shares": shares,
            "mask": png,
            "probability": number,
        }

    def tensors(self, predictions: AnsweredMasks, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        return {"prediction": predictions.classes, "probability": predictions.sure / float(SHARP)}

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        shape = (-1, -1, -1)
        return [
            TensorSpec(name="prediction", datatype="UINT8", shape=shape),
            TensorSpec(name="probability", datatype="FP64", shape=shape),
        ]

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import PixelClasses

        return PixelClasses(state)

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            ("answers", f"probabilities of each pixel's classes, float32 (rows, {count}, height, width)"),
            ("prediction", "the number of each pixel's class, int64 (rows, height, width)"),
        )

    def purpose(self, count: int) -> str:
        return f"give each pixel one of {counted(count, 'class', 'classes')}"

    def words(self, predictions: AnsweredMasks, labels: Sequence[str], rule: DecisionRule) -> str:
        return share_words(shares_of(predictions.take(slice(0, 1)), len(labels))[0], labels)

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return share_words(true_shares(truth, len(labels)), labels)

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        """The mean over pixels of the log-odds of a class."""
        import torch

        others = torch.cat([outputs[:, :index], outputs[:, index + 1 :]], dim=1)
        return (outputs[:, index] - others.logsumexp(dim=1)).mean(dim=(1, 2))


MASKS = Masks()


def chance_of_second(predictions: AnsweredMasks) -> Array:
    """(n, H, W) uint8: how likely the second of two classes is, in 255ths."""
    return np.where(predictions.classes == 1, predictions.sure, SHARP - predictions.sure)


def cut(predictions: AnsweredMasks, row: int) -> tuple[Array, Array]:
    """The classes (h, w) of one picture, and how likely each is, without what lies behind its edges."""
    if predictions.sizes is None:
        return predictions.classes[row], predictions.sure[row]
    height, width = predictions.sizes[row].tolist()
    return predictions.classes[row, :height, :width], predictions.sure[row, :height, :width]


def shares_of(predictions: AnsweredMasks, count: int) -> Array:
    """(n, K) share of the pixels of each picture that are called each class."""
    masks = [cut(predictions, row)[0] for row in range(len(predictions))]
    return np.stack([true_shares(mask, count) for mask in masks]) if masks else np.zeros((0, count))


def true_shares(mask: Array, count: int) -> Array:
    """(K,) share of each class among the pixels (h, w) that have one."""
    counts = np.bincount(mask.ravel(), minlength=IGNORED + 1)[:count].astype(np.float64)
    return np.asarray(counts / max(1.0, counts.sum()))


def share_words(shares: Array, labels: Sequence[str]) -> str:
    """'cell 77.9 %, membrane 22.1 %', the largest first."""
    order = np.argsort(-shares, kind="stable")
    told = [f"{labels[place]} {100 * shares[place]:.1f} %" for place in order if shares[place] > 0]
    return ", ".join(told[:6]) + (", ..." if len(told) > 6 else "")
