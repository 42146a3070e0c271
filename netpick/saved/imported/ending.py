"""How a model ends: what its outputs mean, and which of its layers is the output layer that netpick puts there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netpick.disk.strict import RefusedError
from netpick.errors import RequestError
from netpick.models.imported.graph import Node, Placed
from netpick.saved.imported.config import Place

PROBABILITIES = ("softmax", "sigmoid")
CLASSES, LABELS, NUMBERS = "classify", "multilabel", "regress"


@dataclass(frozen=True)
class Ending:
    """What is left of the layers before the output layer, and that layer."""

    nodes: tuple[Node, ...]
    kept: tuple[int, ...]  # their numbers among all, from 1
    dense: int | None  # the number of the dense layer; None: the values themselves are the outputs
    activation: str  # behind it
    units: int


def ending_of(nodes: Sequence[Node], output: int, layers: Sequence[Placed]) -> Ending:
    """Raises RefusedError where the answer is not one vector for a row."""
    shape = layers[output - 1].shape
    if len(shape) != 1:
        raise RefusedError(
            f"its output '{nodes[output - 1].name[:80]}' is of shape {shape} for a row, and models that give one vector are read: "
            "put a layer behind it that answers for the whole row"
        )
    last, activation = output, "linear"
    while _only_activates(nodes[last - 1]) and activation == "linear":
        activation = _activation(nodes[last - 1])
        last = nodes[last - 1].inputs[0]
        if last == 0:
            break
    if last and nodes[last - 1].kind == "Dense" and layers[last - 1].shape == shape:
        own = str(nodes[last - 1].options.get("activation", "linear"))
        if own == "linear" or (activation == "linear" and own in PROBABILITIES):
            activation = activation if own == "linear" else own
            kept = _needed(nodes, nodes[last - 1].inputs[0])
            return Ending(_renumbered(nodes, kept), kept, last, activation, shape[0])
    if activation not in ("linear", *PROBABILITIES):
        last, activation = output, "linear"
    kept = _needed(nodes, last)
    return Ending(_renumbered(nodes, kept), kept, None, activation, shape[0])


def _only_activates(node: Node) -> bool:
    return node.kind in ("Activation", "Softmax", "Dropout", "Identity") and len(node.inputs) == 1


def _activation(node: Node) -> str:
    if node.kind == "Softmax":
        return "softmax"
    return str(node.options.get("activation", "linear"))


def _needed(nodes: Sequence[Node], output: int) -> tuple[int, ...]:
    """Numbers of the nodes that one needs, itself last."""
    needed, waiting = set[int](), [output]
    while waiting:
        number = waiting.pop()
        if number == 0 or number in needed:
            continue
        needed.add(number)
        node = nodes[number - 1]
        waiting += [*node.inputs, *([] if node.mask is None else [node.mask])]
    return tuple(sorted(needed))


def _renumbered(nodes: Sequence[Node], kept: Sequence[int]) -> tuple[Node, ...]:
    new = {0: 0, **{old: number for number, old in enumerate(kept, 1)}}
    return tuple(
        Node(
            name=nodes[old - 1].name,
            kind=nodes[old - 1].kind,
            inputs=tuple(new[one] for one in nodes[old - 1].inputs),
            mask=None if (mask := nodes[old - 1].mask) is None else new[mask],
            options=nodes[old - 1].options,
        )
        for old in kept
    )


def task_of(ending: Ending, loss: Mapping[str, Any], asked: str | None, labels: Sequence[str]) -> tuple[str, str]:
    """The task's name, and why. Raises RequestError where the outputs cannot be what was asked for."""
    name, units, activation = str(loss.get("name", "")), ending.units, ending.activation
    if activation == "softmax" and units > 1:
        found, why = CLASSES, f"its {units} outputs end in softmax"
    elif activation == "sigmoid" and units == 1:
        found, why = CLASSES, "its one output ends in sigmoid: the probability of the second of two classes"
    elif activation == "sigmoid":
        found, why = LABELS, f"its {units} outputs end in sigmoid, each for itself"
    elif activation == "linear" and loss.get("from_logits") and "crossentropy" in name:
        many = "binary" in name and units > 1
        found, why = (LABELS if many else CLASSES), f"it was compiled with the loss {name} from logits"
    elif activation == "linear" and units > 1 and labels and asked is None:
        found, why = CLASSES, f"--labels names classes; its {units} outputs are taken as logits, before softmax"
    else:
        found, why = NUMBERS, "its outputs are numbers"
    if asked is None or asked == found:
        return found, why
    if asked == CLASSES and activation == "linear":
        return CLASSES, "--task says so; its outputs are taken as logits"
    if asked == LABELS and activation == "linear" and units > 1:
        return LABELS, "--task says so; its outputs are taken as logits, each for itself"
    raise RequestError(
        f"--task {asked} does not fit this model: {why}, so its task is {found}. Leave --task out, or choose among classify, multilabel and "
        "regress what its outputs are."
    )


def place_of(places: Sequence[Place], kept: Sequence[int]) -> list[Place]:
    """Where the arrays of the layers that are kept lie."""
    return [places[number - 1] for number in kept]
