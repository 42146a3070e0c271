"""The layers of a network, as a batch goes through them: what each is called, what it gives, and how many weights it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from netpick.types.results import Layer

ROWS = 7  # of the batch that shows shapes: a number that few sizes are multiples of
TRUNKS = "trunks."  # before the names of what reads the inputs
NOTHING = (nn.Identity, nn.ModuleList, nn.ModuleDict)  # modules that do nothing to a batch


@dataclass
class _Seen:
    """What the hooks of a forward pass saw."""

    rows: int
    order: list[nn.Module] = field(default_factory=list)
    shapes: dict[nn.Module, str] = field(default_factory=dict)

    def entered(self, module: nn.Module, _: Any) -> None:
        if module not in self.shapes:
            self.order.append(module)
            self.shapes[module] = ""

    def left(self, module: nn.Module, _: Any, outputs: Any) -> None:
        first = outputs[0] if isinstance(outputs, tuple) and outputs else outputs
        if isinstance(first, Tensor) and not self.shapes[module]:
            sizes = [str(size) for size in first.shape]
            if sizes and first.shape[0] % self.rows == 0:
                times = first.shape[0] // self.rows
                sizes[0] = "N" if times == 1 else f"{times}N"
            self.shapes[module] = f"({', '.join(sizes)})"


@torch.no_grad()
def layers_of(network: nn.Module, batch: Mapping[str, Tensor], rows: int) -> tuple[Layer, ...]:
    """Every layer once, in the order of the forward pass of a batch of so many rows; then weights that no layer of it holds.

    Layers are modules with weights of their own, and those without parts. Shapes have N for the rows, 8N for eight times as many. Weights that several layers
    share are counted with the first.
    """
    names = {module: name.removeprefix(TRUNKS) for name, module in network.named_modules()}
    shown = [module for module in names if _is_layer(module)]
    seen = _Seen(rows=rows)
    hooks = [module.register_forward_pre_hook(seen.entered) for module in shown]
    hooks += [module.register_forward_hook(seen.left) for module in shown]
    training = network.training
    network.eval()
    try:
        network(dict(batch))
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    counted: set[int] = set()
    layers = []
    for module in [*seen.order, *(module for module in shown if module not in seen.shapes)]:
        weights = [p for p in module.parameters(recurse=False) if id(p) not in counted]
        counted.update(id(p) for p in weights)
        called = module in seen.shapes
        if called or weights:
            kind = type(module).__name__
            shape = seen.shapes.get(module, "")
            layers.append(
                Layer(name=names[module] or "network", kind=kind, shape=shape, weights=sum(p.numel() for p in weights))
            )
    return tuple(layers)


def _is_layer(module: nn.Module) -> bool:
    own = next(module.parameters(recurse=False), None) is not None
    leaf = next(module.children(), None) is None and not isinstance(module, NOTHING)
    return own or leaf
