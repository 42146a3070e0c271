"""Attention, head by head: what each token looks at. The layers run in torch's fused kernel, so the weights are worked out again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from netpick.explain.attribute import Batch, passed
from netpick.explain.steps import Steps, step_axis
from netpick.explain.subject import Subject, Target
from netpick.models.networks.blocks import SelfAttention
from netpick.models.networks.patch_transformer import GridPatches
from netpick.report.components import fold
from netpick.report.drawing import bars, heat_map, overlay, stretched, tiles
from netpick.report.markup import Html, element
from netpick.types import Array
from netpick.types.drawings import Bar, Figure
from netpick.types.words import counted, percent

MOST_TOKENS = 64  # for a map of every token by every token
MOST_LAYERS = 3


@dataclass(frozen=True, kw_only=True)
class Heads:
    """Attention of one layer for the first row of a batch: (heads, T, T), each line sums to 1; T counts valid tokens."""

    weights: Array

    def received(self) -> Array:
        """(heads, T): how much each token is looked at, the mean over all that look."""
        return np.asarray(self.weights.mean(axis=1))


def attention_heads(subject: Subject, batch: Batch, trunk: nn.Module, target: Target) -> list[Heads]:
    """Of every self-attention layer in the order in which they run."""
    layers = [part for part in trunk.modules() if isinstance(part, SelfAttention)]
    layer_heads = []
    for one in passed(subject, batch, layers, target):
        mask = one.taken[1] if len(one.taken) > 1 else None
        assert isinstance(one.layer, SelfAttention)
        layer_heads.append(Heads(weights=head_weights(one.layer, one.taken[0].detach(), mask)))
    return layer_heads


@torch.no_grad()
def head_weights(layer: SelfAttention, steps: Tensor, mask: Tensor | None) -> Array:
    """(heads, T, T) of the first row: softmax of queries times keys, as torch's kernel has them."""
    length = steps.shape[1] if mask is None else max(1, int(mask[0].sum()))
    width = steps.shape[2] // layer.heads
    projected = layer.queries_keys_values(steps[:1, :length].float()).view(length, 3, layer.heads, width)
    queries, keys, _ = projected.permute(1, 2, 0, 3).unbind(0)  # (heads, T, width) each
    return np.asarray((queries @ keys.transpose(1, 2) / math.sqrt(width)).softmax(dim=-1).numpy())


def sequence_figures(
    subject: Subject, batch: Batch, trunk: nn.Module, target: Target, steps: Steps
) -> tuple[Figure, ...]:
    """Attention over texts, series and sounds: every token by every token where there are few, else how much each is looked at."""
    layers = attention_heads(subject, batch, trunk, target)
    figures = []
    for number, found in enumerate(layers[-MOST_LAYERS:], start=1 + max(0, len(layers) - MOST_LAYERS)):
        heads, length = found.weights.shape[:2]
        received = found.received().mean(axis=0)
        most = [int(i) for i in np.argsort(-received, kind="stable")[:3]]
        maps = [
            element("div", element("p", element("b", f"head {head + 1}")), _map(found.weights[head], steps))
            for head in range(heads)
        ]
        parts = [element("div", maps, class_="panels narrow")] if length <= MOST_TOKENS else []
        looked = element(
            "div",
            element("p", element("b", "How much each is looked at, head by head")),
            heat_map(found.received()),
            step_axis(steps, length),
        )
        figures.append(
            Figure(
                title=f"Attention, layer {number} of {len(layers)}",
                sentence=f"Where each of {counted(heads, 'head')} takes its information from: a line is a token that looks, a "
                f"column one that is looked at; most looks go to {', '.join(steps.name(i) for i in most)}.",
                caution="as an explanation by itself: what a head looks at need not change the answer, and later layers look at "
                "mixtures of tokens, not at the tokens.",
                alt=f"Most looked at: {', '.join(f'{steps.name(i)} {percent(float(received[i]))}' for i in most)}.",
                drawing=element("div", looked, parts, class_="maps"),
            )
        )
    return tuple(figures)


def _map(weights: Array, steps: Steps) -> Html:
    return element("div", heat_map(weights), step_axis(steps, weights.shape[1]))


def picture_figures(
    subject: Subject, batch: Batch, trunk: nn.Module, target: Target, image: Array
) -> tuple[Figure, ...]:
    """Attention over the patches of a picture, laid over it, one picture a head."""
    patches = next((part for part in trunk.modules() if isinstance(part, GridPatches)), None)
    layers = attention_heads(subject, batch, trunk, target)
    if patches is None or not layers:
        return ()
    rows = []
    for number, found in enumerate(layers, start=1):
        shown = []
        for head, looked in enumerate(found.received(), start=1):
            values = stretched(looked.reshape(patches.size), image.shape[1:])
            shown.append((overlay(image, values - values.min()), f"head {head}"))
        rows.append(element("div", element("p", element("b", f"layer {number}")), tiles(shown)))
    return (
        Figure(
            title="Attention, head by head",
            sentence=f"How much each of {patches.size[0] * patches.size[1]} patches is looked at by all others, in each of "
            f"{counted(len(layers), 'layer')}; orange patches most.",
            caution="as an explanation by itself: what a head looks at need not change the answer, and behind the first layer every "
            "token already holds something of all others.",
            alt=f"{sum(len(found.weights) for found in layers)} heads over the picture.",
            drawing=element("div", rows, class_="maps"),
        ),
    )


def table_figures(
    subject: Subject, batch: Batch, trunk: nn.Module, target: Target, columns: Sequence[str]
) -> tuple[Figure, ...]:
    """Attention of the token that answers to the columns of a row, in the last layer."""
    layers = attention_heads(subject, batch, trunk, target)
    if not layers or layers[-1].weights.shape[1] != len(columns) + 1:
        return ()
    looks = layers[-1].weights[:, 0, 1:]  # the answer's token comes first
    order = np.argsort(-looks.mean(axis=0), kind="stable")[:12]
    shown = [
        Bar(name=columns[int(i)], value=float(looks[:, i].mean()), text=percent(float(looks[:, i].mean())))
        for i in order
    ]
    each = element(
        "div",
        [
            element(
                "div",
                element("p", element("b", f"head {head + 1}")),
                bars(
                    f"Head {head + 1}",
                    ("Column", "Attention"),
                    [
                        Bar(name=columns[int(i)], value=float(look[i]), text=percent(float(look[i])))
                        for i in np.argsort(-look, kind="stable")[:6]
                    ],
                ),
            )
            for head, look in enumerate(looks)
        ],
        class_="panels narrow",
    )
    return (
        Figure(
            title="Attention of the answer to the columns",
            sentence=f"Which columns the token that answers looks at in the last layer, the mean of {counted(len(looks), 'head')} and "
            "each by itself.",
            caution="as importance: a column may be looked at and not matter, and columns have exchanged what they know before.",
            alt="; ".join(f"{bar.name} {bar.text}" for bar in shown[:5]),
            drawing=element("div", bars("Mean over heads", ("Column", "Attention"), shown), fold("Head by head", each)),
        ),
    )
