"""What the networks of all backbones have in common: convolutions with their norms, and taking weights from a file by name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from netpick.models.backbones.bodies import Body

NORM = ("weight", "bias", "running_mean", "running_var")


class ConvNorm(nn.Sequential):
    """A convolution without bias, batch norm, and the cut at 6 where asked for."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        epsilon: float,
        kernel: int = 1,
        stride: int = 1,
        each: bool = False,
        cut: bool = True,
    ) -> None:
        """each: every channel is filtered for itself."""
        groups = inputs if each else 1
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=epsilon, momentum=0.01),
        ]
        super().__init__(*layers, *([nn.ReLU6()] if cut else []))


class BodyNetwork(nn.Module):
    """Pictures (B, 3, H, W), normalised, to maps (B, body.width, h, w)."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.body = body

    def pairs(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Each convolution and its norm, from the first to the last."""
        made = [module for module in self.modules() if isinstance(module, ConvNorm)]
        return [(one[0], one[1]) for one in made]  # type: ignore[misc]

    @torch.no_grad()
    def take(self, weights: Mapping[str, Tensor]) -> None:
        """The weights of the file that this body describes. Raises ValueError at the first that is missing, of another shape, or too many."""
        left = dict(weights)
        for (convolution, norm), (name, normed) in zip(self.pairs(), self.body.names(), strict=True):
            _copy(convolution.weight, left, f"{name}.weight")
            for part in NORM:
                _copy(getattr(norm, part), left, f"{normed}.{part}")
            left.pop(f"{normed}.num_batches_tracked", None)
        too_many = sorted(set(left) - set(self.body.beside))
        if too_many:
            raise ValueError(f"it holds '{too_many[0][:60]}', which such a network does not have")


def _copy(into: Tensor, weights: dict[str, Tensor], name: str) -> None:
    tensor = weights.pop(name, None)
    if tensor is None:
        raise ValueError(f"it holds no '{name}'")
    if tensor.shape != into.shape:
        raise ValueError(f"'{name}' is {tuple(tensor.shape)}, but {tuple(into.shape)} was expected")
    into.copy_(tensor)
