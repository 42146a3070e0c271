"""Rows as people see them, small; and the rows that look alike to the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from netpick.explain.sounds import upright
from netpick.explain.subject import Subject, Target
from netpick.explain.tables import cell
from netpick.explain.texts import shown_text
from netpick.models.networks.base import Features
from netpick.models.networks.module import UserModule
from netpick.models.networks.network import Network
from netpick.report.drawing import as_pixels, shrunk
from netpick.report.markup import Child, Html, element
from netpick.report.pictures import curves, image
from netpick.types import Array, ArrayColumn, Rows
from netpick.types.drawings import Figure
from netpick.types.words import grouped

SIDE = 80  # pixels of a small picture
MOST_CELLS = 4
MOST_NEIGHBOURS = 6
MOST_COMPARED = 1_000


def is_pictured(subject: Subject) -> bool:
    """Whether its rows have pictures or curves; texts and tables are told in words."""
    return any(encoder.kind in ("image", "audio", "clip", "series") for encoder in subject.encoders)


def sample(subject: Subject, row: int, described: str) -> Html:
    """A row, small: a picture, a curve, the beginning of a text, or a few cells."""
    for encoder in subject.encoders:
        column = subject.columns.get(encoder.column)
        if isinstance(column, ArrayColumn):
            values = np.asarray(column.values[int(subject.rows[row])])
            length = len(values) if column.lengths is None else max(1, int(column.lengths[int(subject.rows[row])]))
            if column.kind == "image":
                return image(shrunk(as_pixels(values), SIDE), described)
            if column.kind == "audio":
                return element("span", image(shrunk(upright(values[:length]), 2 * SIDE), described), class_="sound")
            if column.kind == "clip":
                return image(shrunk(as_pixels(values[length // 2]), SIDE), described)
            return curves([values[:length]], described)
        if encoder.kind == "text":
            return element("blockquote", shown_text(subject, row, encoder.column))
    cells = [f"{e.column} = {cell(subject, e.column, row)}" for e in subject.encoders[:MOST_CELLS]]
    return element("span", ", ".join(cells) + (", …" if len(subject.encoders) > MOST_CELLS else ""), class_="cells")


def gallery(parts: Sequence[tuple[Html, Child]], *, pictured: bool) -> Html:
    """Rows side by side where they are pictures, one under the other where they are words."""
    items = [element("li", shown, element("small", words)) for shown, words in parts]
    return element("ul", items, class_="gallery" if pictured else "gallery told")


def answer_words(subject: Subject, row: int) -> str:
    """What the network says of a row."""
    return subject.answer.words(subject.predictions(np.array([row])), subject.labels, subject.rule)


def truth_words(subject: Subject, row: int) -> str:
    """What the data say of a row; empty where they say nothing."""
    if subject.truth is None or not bool(subject.answer.labelled(subject.truth[row : row + 1])[0]):
        return ""
    return subject.answer.truth_words(subject.truth[row], subject.labels)


# --- rows that look alike to the network -----------------------------------------------------------------------------


@torch.no_grad()
def last_features(subject: Subject, rows: Rows) -> Array | None:
    """(n, D) what the output layer reads; None where a network has no single output layer."""
    layer = _output_layer(subject.network)
    if layer is None:
        return None
    found: list[Array] = []

    def keep(_: nn.Module, taken: tuple[Any, ...]) -> None:
        read = taken[0].pooled if isinstance(taken[0], Features) else taken[0]
        found.append(read.flatten(1).numpy())

    hook = layer.register_forward_pre_hook(keep)
    try:
        for part in np.array_split(rows, max(1, len(rows) // 128)):
            subject.answers(subject.batch(part))
    finally:
        hook.remove()
    return np.concatenate(found)


def _output_layer(network: nn.Module) -> nn.Module | None:
    if isinstance(network, Network):
        return network.head
    if isinstance(network, UserModule):
        lines = [part for part in network.module.modules() if isinstance(part, nn.Linear)]
        return lines[-1] if lines else None
    return None


def neighbours(subject: Subject, row: int, most: int = MOST_NEIGHBOURS) -> list[tuple[int, float]]:
    """The rows whose last features point in nearly the same direction, the nearest first, with the cosine."""
    rows = np.setdiff1d(np.arange(subject.count), [row])
    rows = rows[:: -(-len(rows) // MOST_COMPARED)] if len(rows) else rows
    features = last_features(subject, np.concatenate([[row], rows])) if len(rows) else None
    if features is None:
        return []
    units = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    near = units[1:] @ units[0]
    order = np.argsort(-near, kind="stable")[:most]
    return [(int(rows[i]), float(near[i])) for i in order]


def neighbours_figure(subject: Subject, row: int, target: Target) -> Figure | None:
    alike = neighbours(subject, row)
    if not alike:
        return None
    parts: list[tuple[Html, Child]] = []
    agree = 0
    for other, near in alike:
        said, true = answer_words(subject, other), truth_words(subject, other)
        agree += true == target.name
        words = f"{subject.name(other)}: said {said}{f', truth {true}' if true else ''}; likeness {grouped(near, 3)}"
        parts.append((sample(subject, other, ""), words))
    known = subject.truth is not None and subject.answer.one_class
    said_so = f" {agree} of these {len(alike)} are {target.name} by their labels." if known else ""
    return Figure(
        title="What looks alike to it",
        sentence=f"The rows of these data whose last features, what the output layer reads, are most like this row's.{said_so}",
        caution="as the cause of the answer: nothing was looked up here, and rows that look alike to the network may differ in all that "
        "matters to you. They are rows of these data, not necessarily of training.",
        alt="; ".join(f"{subject.name(other)}, likeness {grouped(near, 3)}" for other, near in alike),
        drawing=gallery(parts, pictured=is_pictured(subject)),
    )
