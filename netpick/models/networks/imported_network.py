"""A network that was described and trained elsewhere, layer by layer (models/imported), under netpick's output layer.

Its last dense layer is that output layer, so that what comes before it can be trained on for other classes. Rows are handed to it as its
makers did: channels last, numbers on their own scale, texts padded to the length that it was trained on.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.disk.strict import RefusedError
from netpick.errors import RequestError
from netpick.models.imported.graph import GraphNetwork, Node
from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.stems import SeriesStem
from netpick.types import STRICT, Inputs, InputSpec
from netpick.types.recipe import FINE_TUNED, Recipe


@dataclass(config=STRICT, kw_only=True)
class ImportedSettings:
    """The layers, and how rows are handed to the first of them."""

    nodes: tuple[Node, ...] = ()
    shape: tuple[int, ...] = ()  # of a row as the first layer reads it
    factor: float = Field(default=1.0, gt=0)  # of numbers of a table, which are stored as parts of it
    mean: tuple[float, ...] = ()  # of the channels of a picture in 0..1, which it takes off them
    std: tuple[float, ...] = ()
    zeros: Literal["behind", "before"] = "behind"  # where texts are filled up
    origin: str = Field(default="", max_length=300)  # where the weights come from, for people


class Opening(nn.Module):
    """A batch of one form as the rows (B, *shape) that the first layer reads."""

    def __init__(self, spec: InputSpec, settings: ImportedSettings) -> None:
        super().__init__()
        self.form, self.shape = spec.form, settings.shape
        self.factor, self.before = settings.factor, settings.zeros == "before"
        self.pictures = Pictures(spec, settings) if self.form == "grid" else None
        self.steps = SeriesStem(spec) if self.form == "series" else None
        if self.pictures is None and prod(spec.shape) != prod(settings.shape):
            raise RequestError(
                f"The first layer of the imported network reads rows of shape {settings.shape}, but those of the data are of shape {spec.shape}."
            )

    def forward(self, batch: Batch) -> Tensor:
        if self.pictures is not None:
            return self.pictures(batch["grid"])  # type: ignore[no-any-return]
        if self.steps is not None:
            return self.steps(batch)[0].reshape(-1, *self.shape)  # type: ignore[no-any-return]
        if self.form == "tokens":
            return self._filled(batch["tokens"], batch["tokens.mask"])
        return batch["vector"].float().reshape(-1, *self.shape) * self.factor

    def _filled(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """(B, t) to the whole length, zeros behind or before."""
        tokens = functional.pad(tokens * mask, (0, self.shape[0] - tokens.shape[1]))
        if not self.before:
            return tokens
        missing = self.shape[0] - mask.sum(dim=1, keepdim=True)
        places = torch.arange(self.shape[0], device=tokens.device) - missing
        return tokens.gather(1, places.clamp(min=0)) * (places >= 0)


class Pictures(nn.Module):
    """Pictures (B, C, H, W), uint8 or in 0..1, in the size, the channels and the scale of those that the network was trained on."""

    factor: Tensor
    offset: Tensor

    def __init__(self, spec: InputSpec, settings: ImportedSettings) -> None:
        super().__init__()
        height, width, channels = settings.shape if len(settings.shape) == 3 else (*settings.shape, 1)
        self.shape, self.channels, self.own = settings.shape, channels, spec.shape[0]
        self.size = None if spec.shape[1:] == (height, width) else (height, width)
        if self.own != channels and 1 not in (self.own, channels):
            raise RequestError(
                f"The imported network reads pictures of {channels} channels, but those of the data have {self.own}."
            )
        if len(settings.mean) != channels or len(settings.std) != channels or min(settings.std) <= 0:
            raise RequestError("The imported network reads no pictures.")
        std = torch.tensor(settings.std).view(-1, 1, 1)
        self.register_buffer("factor", 1 / std, persistent=False)
        self.register_buffer("offset", -torch.tensor(settings.mean).view(-1, 1, 1) / std, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        factor = self.factor if images.is_floating_point() else self.factor / 255
        images = images.float()
        if self.size is not None:
            images = functional.interpolate(images, self.size, mode="bilinear", align_corners=False, antialias=True)
        if self.own != self.channels:
            images = (
                images.mean(dim=1, keepdim=True) if self.channels == 1 else images.expand(-1, self.channels, -1, -1)
            )
        return torch.addcmul(self.offset, images, factor).permute(0, 2, 3, 1).reshape(-1, *self.shape)


class ImportedTrunk(Trunk):
    """All but the output layer."""

    def __init__(self, inputs: Inputs, settings: ImportedSettings) -> None:
        super().__init__()
        if not settings.shape:
            raise RequestError(
                "imported needs the network that it is to begin with. Type --models 'cnn,imported[weights=FILE.netpick]', with a file that "
                "`netpick import` wrote."
            )
        (spec,) = inputs.values() if len(inputs) == 1 else (None,)
        if spec is None or spec.form == "codes":
            raise RequestError("An imported network reads inputs of one form, and these data have several.")
        self.opening = Opening(spec, settings)
        self.body = GraphNetwork(settings.nodes, settings.shape) if settings.nodes else None
        shape = settings.shape if self.body is None else self.body.shape
        if len(shape) != 1:
            raise RefusedError(f"it ends with rows of shape {shape}, and an answer for a row needs one vector")
        self.width = shape[0]

    def forward(self, batch: Batch) -> Features:
        rows = self.opening(batch)
        return Features(rows if self.body is None else self.body(rows).float())


class Imported(Architecture):
    """A network from elsewhere."""

    Settings = ImportedSettings
    fewest_passes = 1.0

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ImportedSettings:
        """None: the layers come with `imported[weights=FILE]`."""
        return ImportedSettings()

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """AdamW; the output layer alone for a third of the time, then all at a tenth of the rate (Howard & Ruder 2018)."""
        return replace(FINE_TUNED, held=0.3, body_rate=0.1)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return ImportedTrunk(inputs, settings)

    def origin(self, settings: Any) -> str:
        return (
            f"starts from {settings.origin}; whether it has learned from these test rows is not known"
            if settings.origin
            else ""
        )

    def begin(self, trunk: nn.Module, settings: Any, weights: Path | None) -> None:
        """Those of a file that `netpick import` wrote. Raises RequestError where they do not fit."""
        from netpick.models.networks.imported_file import imported_weights

        assert isinstance(trunk, ImportedTrunk)
        if weights is None or trunk.body is None:
            return
        tensors = imported_weights(weights)
        if {n: t.shape for n, t in tensors.items()} != {n: t.shape for n, t in trunk.body.state_dict().items()}:
            raise RequestError(f"The weights of {weights} are not those of its layers. Import it again.")
        trunk.body.load_state_dict(dict(tensors))
