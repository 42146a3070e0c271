"""The variational autoencoder that makes up rows (Kingma & Welling 2014; of tables: TVAE, Xu et al. 2019): all columns at once, from some
numbers that follow a normal distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.blocks import linear
from netpick.models.networks.record_network import (
    ColumnEmbedding,
    RecordArchitecture,
    RecordNetwork,
    drawn_codes,
    record_recipe,
)
from netpick.types import STRICT, Array, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class RecordVaeSettings:
    """Settings of `vae` on rows that are made up."""

    embedding: int = Field(default=16, ge=1, le=1024)
    hidden: int = Field(default=256, ge=1, le=8192)
    latent: int = Field(default=32, ge=1, le=1024)
    penalty: float = Field(default=0.5, ge=0)  # of the divergence from the normal distribution


class RecordVae(RecordNetwork):
    """Rows to a few numbers and back."""

    def __init__(self, inputs: Inputs, settings: RecordVaeSettings) -> None:
        super().__init__(inputs)
        self.latent, self.penalty, hidden = settings.latent, settings.penalty, settings.hidden
        self.embedding = ColumnEmbedding(self.sizes, settings.embedding)
        self.encoder = nn.Sequential(
            linear(len(self.sizes) * settings.embedding, hidden, "gelu"), nn.GELU(), linear(hidden, hidden, "gelu"), nn.GELU(),
            linear(hidden, 2 * settings.latent),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            linear(settings.latent, hidden, "gelu"), nn.GELU(), linear(hidden, hidden, "gelu"), nn.GELU(), linear(hidden, sum(self.sizes)),
        )  # fmt: skip

    def losses(self, codes: Tensor) -> Tensor:
        """The bound on -log p; in evaluation at the middle of what a row is held for, which is the same every time."""
        middle, log_variance = self.encoder(self.embedding(codes, self.starts).flatten(1)).float().chunk(2, dim=1)
        log_variance = log_variance.clamp(-10, 10)
        latent = middle
        if self.training:
            latent = middle + (log_variance / 2).exp() * torch.randn_like(middle)
        logits = self.decoder(latent).float().split(self.sizes, dim=1)
        surprise = torch.stack(
            [nn.functional.cross_entropy(one, codes[:, k], reduction="none") for k, one in enumerate(logits)], dim=1
        ).sum(dim=1)
        apart = (middle.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
        bound: Tensor = surprise + self.penalty * apart
        return bound

    def drawn(self, count: int, random: np.random.Generator) -> Array:
        latent = torch.from_numpy(random.standard_normal((count, self.latent)).astype(np.float32)).to(
            self.starts.device
        )
        logits = self.decoder(latent).float().split(self.sizes, dim=1)
        return np.stack([drawn_codes(one, random, missing=self.missing[k]) for k, one in enumerate(logits)], axis=1)


class RecordVaeArchitecture(RecordArchitecture):
    """See the module."""

    Settings = RecordVaeSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> RecordVaeSettings:
        return RecordVaeSettings(hidden=128 if num_rows < 2_000 else 256, latent=16 if num_rows < 2_000 else 32)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return record_recipe(1e-3, num_rows)

    def build(self, inputs: Inputs, settings: Any) -> Any:
        return RecordVae(inputs, settings)
