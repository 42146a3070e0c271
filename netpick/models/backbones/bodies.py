"""The shapes of backbones, and how the files of their weights name them. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Blocks of one width; the first of them takes the stride."""

    expand: int
    width: int
    blocks: int
    stride: int
    kernel: int = 3


@dataclass(frozen=True, kw_only=True)
class Inverted:
    """The shape of a network of inverted residuals, and how its file names the weights."""

    stages: tuple[Stage, ...]
    epsilon: float  # of its batch norms
    stem: tuple[str, str]  # a convolution and its norm
    head: tuple[str, str]
    block: str  # with the block's number
    parts: Mapping[str, Sequence[tuple[str, str]]]  # of a block, with and without expansion
    first: int  # number of the first block
    beside: tuple[str, ...] = ()  # what the file may hold and the body has no use for: the layer of its own classes
    width: int = 1280  # channels of its last map

    def names(self) -> Iterator[tuple[str, str]]:
        """A convolution and its norm as the file names them, from the first to the last."""
        yield self.stem
        number = self.first
        for stage in self.stages:
            for _ in range(stage.blocks):
                kind = "expanded" if stage.expand > 1 else "plain"
                place = self.block.format(number)
                for convolution, norm in self.parts[kind]:
                    yield f"{place}.{convolution}", f"{place}.{norm}"
                number += 1
        yield self.head


EFFICIENTNET_LITE0 = Inverted(
    stages=(
        Stage(expand=1, width=16, blocks=1, stride=1),
        Stage(expand=6, width=24, blocks=2, stride=2),
        Stage(expand=6, width=40, blocks=2, stride=2, kernel=5),
        Stage(expand=6, width=80, blocks=3, stride=2),
        Stage(expand=6, width=112, blocks=3, stride=1, kernel=5),
        Stage(expand=6, width=192, blocks=4, stride=2, kernel=5),
        Stage(expand=6, width=320, blocks=1, stride=1),
    ),
    epsilon=1e-3,
    stem=("_conv_stem", "_bn0"),
    head=("_conv_head", "_bn1"),
    block="_blocks.{}",
    parts={
        "plain": (("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")),
        "expanded": (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")),
    },
    first=0,
    beside=("_fc.weight", "_fc.bias"),
)

MOBILENET_V2 = Inverted(
    stages=(
        Stage(expand=1, width=16, blocks=1, stride=1),
        Stage(expand=6, width=24, blocks=2, stride=2),
        Stage(expand=6, width=32, blocks=3, stride=2),
        Stage(expand=6, width=64, blocks=4, stride=2),
        Stage(expand=6, width=96, blocks=3, stride=1),
        Stage(expand=6, width=160, blocks=3, stride=2),
        Stage(expand=6, width=320, blocks=1, stride=1),
    ),
    epsilon=1e-5,
    stem=("features.0.0", "features.0.1"),
    head=("features.18.0", "features.18.1"),
    block="features.{}.conv",
    parts={
        "plain": (("0", "1"), ("3", "4")),
        "expanded": (("0", "1"), ("3", "4"), ("6", "7")),
    },
    first=1,
    beside=("classifier.1.weight", "classifier.1.bias"),
)


@dataclass(frozen=True, kw_only=True)
class Residual:
    """The shape of a residual network for small pictures (He et al. 2016, section 4.2): three stages of 16, 32 and 64 channels, shortcuts without weights."""

    blocks: int  # of a stage, of two convolutions each
    widths: tuple[int, ...] = (16, 32, 64)
    epsilon: float = 1e-5
    beside: tuple[str, ...] = ("linear.weight", "linear.bias")
    width: int = 64

    def names(self) -> Iterator[tuple[str, str]]:
        """See Inverted."""
        yield "conv1", "bn1"
        for stage in range(len(self.widths)):
            for block in range(self.blocks):
                for number in (1, 2):
                    place = f"layer{stage + 1}.{block}"
                    yield f"{place}.conv{number}", f"{place}.bn{number}"


RESNET20 = Residual(blocks=3)


@dataclass(frozen=True, kw_only=True)
class Bert:
    """The shape of an encoder of texts (Devlin et al. 2019)."""

    width: int
    layers: int
    heads: int
    hidden: int  # of the feed-forward parts
    places: int  # tokens that it has learned places for
    epsilon: float = 1e-12  # of its norms


MINILM_L6 = Bert(width=384, layers=6, heads=12, hidden=1536, places=512)

Body = Inverted | Residual
