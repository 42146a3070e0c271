"""`netpick backbones`: what this machine has of the networks that others have trained."""

from __future__ import annotations

from collections.abc import Iterator

from netpick.models.backbones import BACKBONES
from netpick.models.backbones.found import here, how_to_install

WORDS = {"grid": "PICTURES", "tokens": "TEXTS"}  # what stands for the data


def backbone_lines() -> Iterator[str]:
    """A paragraph for each."""
    for name, backbone in BACKBONES.items():
        path = here(name)
        yield f"{name}: {'here' if path else 'not on this machine'}"
        yield f"  what     {backbone.source}, {backbone.megabytes} MB, learned from {backbone.learned_from}"
        package = f" (package {backbone.distribution})" if backbone.distribution else ""
        yield f"  licence  {backbone.licence}{package}"
        yield f"  file     {path}" if path else f"  get it   {how_to_install(name)}"
        if path:
            data = WORDS[backbone.form]
            yield f"  use it   netpick fit {data} --models {backbone.family},{backbone.family}[pretrained={name}]"
    yield ""
    yield "Files are hashed and read as numbers only; their packages are never imported, and nothing is fetched."
