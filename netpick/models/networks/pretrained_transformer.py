"""A transformer for texts that starts from what others have learned: an encoder (models/backbones/) under a new output layer.

While the first part of the steps the encoder is held as it is and only the output layer learns; then all learns, the encoder at a small
part of the rate, and each layer of it slower than the one above (Howard & Ruder 2018; Kumar et al. 2022 on why the output layer comes first).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from netpick.columns.own_encoding import OwnEncoding
from netpick.errors import RequestError
from netpick.models.backbones import TEXTS
from netpick.models.backbones.bodies import Bert
from netpick.models.backbones.folder import read_encoder
from netpick.models.backbones.found import vocabulary_of, weights_of
from netpick.models.backbones.pieces import pieces_of
from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.bert import BertBody
from netpick.models.networks.blocks import Dropout, masked_mean
from netpick.types import STRICT, Inputs
from netpick.types.recipe import FINE_TUNED, Recipe

AROUND = 2  # tokens of the encoder's own around each text
LONGEST = 256  # tokens that are read of a text
SHORTER = (128, 64)  # of smaller sizes


@dataclass(config=STRICT, kw_only=True)
class PretrainedTransformerSettings:
    """Which encoder, and how much of a text it reads."""

    pretrained: Literal["minilm_l6", "folder"] = "minilm_l6"  # folder: of the user's own, of the shape that follows
    width: int = Field(default=0, ge=0, le=8192)
    layers: int = Field(default=0, ge=0, le=200)
    heads: int = Field(default=0, ge=0, le=1024)
    hidden: int = Field(default=0, ge=0, le=1 << 16)
    places: int = Field(default=0, ge=0, le=1 << 16)
    tokens: int = Field(default=0, ge=0, le=4096)  # that are read of a text, from its beginning; 0: all
    dropout: float = Field(default=0.1, ge=0, lt=1)  # of the pooled features

    @property
    def shape(self) -> Bert:
        """Of the encoder."""
        if self.pretrained != "folder":
            return TEXTS[self.pretrained].body
        return Bert(width=self.width, layers=self.layers, heads=self.heads, hidden=self.hidden, places=self.places)

    def __post_init__(self) -> None:
        extents = (self.width, self.layers, self.heads, self.hidden, self.places)
        if (self.pretrained == "folder") != all(extents) or (any(extents) and not all(extents)):
            raise ValueError("the shape of the encoder where it is of a folder, and there alone")
        if self.heads and self.width % self.heads:
            raise ValueError("a width that its heads divide")
        if self.places and self.places <= AROUND:
            raise ValueError(f"more than {AROUND} places")


class PretrainedTransformerTrunk(Trunk):
    """The encoder's steps without its own, and their mean."""

    def __init__(self, inputs: Inputs, settings: PretrainedTransformerSettings) -> None:
        super().__init__()
        shape = settings.shape
        self.tokens = min(settings.tokens or shape.places, shape.places - AROUND)
        self.width = self.step_width = shape.width
        self.body = BertBody(inputs["tokens"], shape)
        self.dropout = Dropout(settings.dropout)

    def forward(self, batch: Batch) -> Features:
        tokens, mask = batch["tokens"][:, : self.tokens], batch["tokens.mask"][:, : self.tokens]
        steps, seen = self.body({"tokens": tokens, "tokens.mask": mask})
        return Features(self.dropout(masked_mean(steps, seen)), steps=steps[:, 1:-1], mask=mask)


class PretrainedTransformer(Architecture):
    """An encoder of texts, trained on."""

    Settings = PretrainedTransformerSettings
    fewest_passes = 1.0

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> PretrainedTransformerSettings:
        """All that is encoded of a text."""
        return PretrainedTransformerSettings()

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """The beginnings of texts where the time is short."""
        smaller = [
            Size(
                settings=PretrainedTransformerSettings(tokens=tokens),
                passes=self.fewest_passes,
                remark=f"reads the first {tokens} tokens of a text, to fit the budget",
            )
            for tokens in SHORTER
            if tokens < inputs["tokens"].shape[0]
        ]
        return [Size(settings=PretrainedTransformerSettings(), passes=2.0), *smaller]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """AdamW; the output layer alone for the first part, then four passes at most, since more are learned by heart."""
        return replace(FINE_TUNED, warmup=0.1, held=0.15, body_rate=0.03, layer_rate=0.9)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return PretrainedTransformerTrunk(inputs, settings)

    def encoding(self, settings: Mapping[str, Any], weights: Path | None) -> OwnEncoding:
        """The pieces of words that the encoder knows."""
        if weights is not None:
            folder = read_encoder(weights)
            name, pieces, places = weights.name, pieces_of(folder.vocabulary), folder.shape.places
        else:
            name = str(settings.get("pretrained", PretrainedTransformerSettings().pretrained))
            pieces, places = pieces_of(vocabulary_of(name)), TEXTS[name].body.places
        return OwnEncoding(kind="text", name=name, pieces=pieces, longest=min(LONGEST, places - AROUND))

    def origin(self, settings: Any) -> str:
        """The encoder's paper, data and licence."""
        reads = "reads texts by the pieces of words that it was trained on"
        if settings.pretrained == "folder":
            return f"starts from the encoder of the folder that was given, with its licence; {reads}"
        backbone = TEXTS[settings.pretrained]
        return f"starts from {backbone.source}, learned from {backbone.learned_from}; licence of the weights: {backbone.licence}; {reads}"

    def begin(self, trunk: nn.Module, settings: Any, weights: Path | None) -> None:
        """Puts the encoder's weights in. Raises RequestError where this machine does not have them, or they do not fit."""
        assert isinstance(trunk, PretrainedTransformerTrunk)
        folder = None if weights is None else read_encoder(weights)
        tensors = weights_of(settings.pretrained, None if folder is None else folder.weights)
        vocabulary = vocabulary_of(settings.pretrained) if folder is None else folder.vocabulary
        try:
            trunk.body.take(tensors, vocabulary)
        except ValueError as error:
            raise RequestError(
                f"The weights of {weights or settings.pretrained} do not fit its network: {error}. Save them anew, or take another one: "
                "`netpick backbones` lists what this machine has."
            ) from None
