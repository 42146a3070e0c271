"""Convolution windows that fired: which stretches of a text or a series the strongest filters answered to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from netpick.explain.attribute import Batch, passed
from netpick.explain.subject import Subject, Target
from netpick.models.networks.text_cnn import TextCnnTrunk
from netpick.report.drawing import bars
from netpick.report.markup import element
from netpick.types.drawings import Bar, Figure
from netpick.types.words import significant

MOST_FIRED = 10


@dataclass(frozen=True, kw_only=True)
class Firing:
    """A filter's strongest answer: where its window begins and ends, how strong it was, and what it says for the answer."""

    filter: str
    start: int
    end: int
    activation: float
    part: float


def firings(subject: Subject, batch: Batch, trunk: nn.Module, target: Target) -> list[Firing]:
    """Of the convolutions over steps that see the input itself, the windows that say most; at most one a filter."""
    kernels = [part for part in trunk.modules() if isinstance(part, nn.Conv1d) and part.dilation[0] == 1]
    if isinstance(trunk, TextCnnTrunk):
        kernels = [part for part in trunk.convolutions if isinstance(part, nn.Conv1d)]
    else:
        kernels = [k for k in kernels if k.kernel_size[0] > 1][:3]
    made: list[Firing] = []
    for one in passed(subject, batch, kernels, target):
        assert isinstance(one.layer, nn.Conv1d)
        values, gradient = one.given[0].numpy(), one.gradient[0].numpy()  # (D, T)
        evidence = values * gradient
        size, stride = one.layer.kernel_size[0], one.layer.stride[0]
        before = (size - 1) // 2 if isinstance(trunk, TextCnnTrunk) else _before(one.layer)
        for number in range(len(values)):
            place = int(np.abs(evidence[number]).argmax())
            if evidence[number, place] == 0:
                continue
            made.append(
                Firing(
                    filter=f"{number + 1} of width {size}",
                    start=place * stride - before,
                    end=place * stride - before + size,
                    activation=float(values[number, place]),
                    part=float(evidence[number, place]),
                )
            )
    return sorted(made, key=lambda firing: -abs(firing.part))


def _before(layer: nn.Conv1d) -> int:
    padding = layer.padding[0]
    return padding if isinstance(padding, int) else 0


def text_figures(
    subject: Subject, batch: Batch, trunk: nn.Module, target: Target, words: list[str]
) -> tuple[Figure, ...]:
    """Runs of words that filters fired on, and what each says for the answer."""
    shown = []
    taken: set[tuple[int, int]] = set()
    for firing in firings(subject, batch, trunk, target):
        place = (max(0, firing.start), min(len(words), firing.end))
        if place in taken or place[0] >= place[1]:
            continue
        taken.add(place)
        run = ("" if all(len(w) == 1 for w in words) else " ").join(words[place[0] : place[1]])
        shown.append(Bar(name=f"{run} (filter {firing.filter})", value=firing.part))
        if len(shown) == MOST_FIRED:
            break
    if not shown:
        return ()
    return (
        Figure(
            title="Windows that fired",
            sentence=f"The runs that the convolution's filters answered to, and what each says for {target.name} (filter's answer "
            "times its weight in the answer); one line a run.",
            caution="as a vocabulary: dozens of filters fire at once, and the same run may speak for another answer in another text.",
            alt="; ".join(f"{bar.name} {significant(bar.value, 2)}" for bar in shown[:5]),
            drawing=element("div", bars("Windows that fired", ("Run", "Says"), shown)),
        ),
    )
