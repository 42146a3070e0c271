"""The table of architectures: which family reads which form of data.

An architecture is one file with a class of this contract (base.py), one line here, and the conformance suite runs over it.
The main form is the richest one of a row: images before series before table columns; the other forms of a mixed row get
a trunk of their own (network.py).
"""

from __future__ import annotations

from netpick.models.base import Architecture
from netpick.models.flat_mlp import FlatMlp
from netpick.models.grid_cnn import GridCnn
from netpick.models.layers import Layers
from netpick.models.patch_transformer import PatchTransformer
from netpick.models.rnn import Rnn
from netpick.models.series_cnn import SeriesCnn
from netpick.models.tabular_mlp import TabularMlp
from netpick.models.tabular_transformer import TabularTransformer
from netpick.types import Inputs

FAMILIES = ("mlp", "cnn", "rnn", "transformer")

MODELS: dict[tuple[str, str], Architecture] = {
    ("mlp", "table"): TabularMlp(),
    ("transformer", "table"): TabularTransformer(),
    ("mlp", "series"): FlatMlp("series"),
    ("mlp", "grid"): FlatMlp("grid"),
    ("cnn", "series"): SeriesCnn(),
    ("cnn", "grid"): GridCnn(),
    ("rnn", "series"): Rnn("series"),
    ("rnn", "grid"): Rnn("grid"),
    ("transformer", "series"): PatchTransformer("series"),
    ("transformer", "grid"): PatchTransformer("grid"),
    ("layers", "table"): Layers(),
    ("layers", "series"): Layers(),
    ("layers", "grid"): Layers(),
}


def main_form(inputs: Inputs) -> str:
    """The richest form of a row: "grid", "series", or "table" for vector and codes."""
    return next((form for form in ("grid", "series") if form in inputs), "table")


def families_for(inputs: Inputs) -> tuple[str, ...]:
    """The families that read these inputs, in the order of the contest."""
    form = main_form(inputs)
    return tuple(family for family in FAMILIES if (family, form) in MODELS)
