"""The table of architectures, by name and the form of data that they read.

An architecture is one file with a class of this contract (base.py), one line here, and the conformance suite runs over it. The
name is that of its family, where it is the family's network for that form. A second one has a name of its own, as `cnn_rnn` has
beside `cnn`: people type it, files and reports show it, and nothing else knows it. Those of a form compete in this order.
The main form is the richest one of a row: clips, images, sounds, texts, series, table columns, in this order; the other inputs
of a mixed row get a trunk of their own (network.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from netpick.columns.forms import RICH
from netpick.models.networks.base import Architecture
from netpick.models.networks.clip_cnn import ClipCnn
from netpick.models.networks.clip_cnn_rnn import ClipCnnRnn
from netpick.models.networks.clip_transformer import ClipTransformer
from netpick.models.networks.factorisation import FactorisationMachine
from netpick.models.networks.flat_mlp import FlatMlp
from netpick.models.networks.forecast_cnn import ForecastCnn
from netpick.models.networks.forecast_layers import ForecastLayers
from netpick.models.networks.forecast_mlp import ForecastMlp
from netpick.models.networks.forecast_rnn import ForecastRnn
from netpick.models.networks.forecast_transformer import ForecastTransformer
from netpick.models.networks.grid_cnn import GridCnn
from netpick.models.networks.layers import Layers
from netpick.models.networks.patch_transformer import PatchTransformer
from netpick.models.networks.rnn import Rnn
from netpick.models.networks.series_cnn import SeriesCnn
from netpick.models.networks.sound import SpectrogramLayers, SpectrogramRnn, SpectrogramTransformer
from netpick.models.networks.sound_cnn import SpectrogramCnn
from netpick.models.networks.sound_cnn_rnn import SpectrogramCnnRnn
from netpick.models.networks.sound_mlp import SpectrogramMlp
from netpick.models.networks.tabular_mlp import TabularMlp
from netpick.models.networks.tabular_transformer import TabularTransformer
from netpick.models.networks.text_causal_cnn import TextCausalCnn
from netpick.models.networks.text_cnn import TextCnn
from netpick.models.networks.text_decoder import TextDecoder
from netpick.models.networks.text_mlp import TextMlp
from netpick.models.networks.text_rnn import TextStreamRnn
from netpick.models.networks.text_transformer import TextTransformer
from netpick.models.networks.text_window_mlp import TextWindowMlp
from netpick.types import Inputs

MODELS: dict[tuple[str, str], Architecture] = {
    ("mlp", "table"): TabularMlp(),
    ("transformer", "table"): TabularTransformer(),
    ("fm", "table"): FactorisationMachine(),
    ("mlp", "series"): FlatMlp(),
    ("mlp", "grid"): FlatMlp(),
    ("cnn", "series"): SeriesCnn(),
    ("cnn", "grid"): GridCnn(),
    ("rnn", "series"): Rnn("series"),
    ("rnn", "grid"): Rnn("grid"),
    ("transformer", "series"): PatchTransformer(),
    ("transformer", "grid"): PatchTransformer(),
    ("mlp", "tokens"): TextMlp(),
    ("cnn", "tokens"): TextCnn(),
    ("rnn", "tokens"): Rnn("tokens"),
    ("transformer", "tokens"): TextTransformer(),
    ("cnn", "clip"): ClipCnn(),
    ("cnn_rnn", "clip"): ClipCnnRnn(),
    ("transformer", "clip"): ClipTransformer(),
    ("mlp", "spectrogram"): SpectrogramMlp(),
    ("cnn", "spectrogram"): SpectrogramCnn(),
    ("rnn", "spectrogram"): SpectrogramRnn(),
    ("cnn_rnn", "spectrogram"): SpectrogramCnnRnn(),
    ("transformer", "spectrogram"): SpectrogramTransformer(),
    ("layers", "spectrogram"): SpectrogramLayers(),
    ("mlp", "window"): ForecastMlp(),
    ("cnn", "window"): ForecastCnn(),
    ("rnn", "window"): ForecastRnn(),
    ("transformer", "window"): ForecastTransformer(),
    ("layers", "window"): ForecastLayers(),
    ("mlp", "stream"): TextWindowMlp(),
    ("cnn", "stream"): TextCausalCnn(),
    ("rnn", "stream"): TextStreamRnn(),
    ("transformer", "stream"): TextDecoder(),
    ("layers", "table"): Layers(),
    ("layers", "tokens"): Layers(),
    ("layers", "series"): Layers(),
    ("layers", "grid"): Layers(),
}


FIRST = {"grid": "cnn", "spectrogram": "cnn", "clip": "cnn", "series": "cnn", "stream": "rnn"}
"""The family of a form that is trained where seconds can judge a single one; of other forms, the first of the contest."""


def main_input(inputs: Inputs) -> str:
    """The name of the input that the family's trunk reads: the richest one, or "table" for vector and codes."""
    for form in RICH:
        for name, spec in inputs.items():
            if spec.form == form:
                return name
    return "table"


def main_form(inputs: Inputs) -> str:
    """The richest form of a row: "clip", "grid", ..., or "table" for vector and codes."""
    name = main_input(inputs)
    return name if name == "table" else inputs[name].form


def families_for(inputs: Inputs) -> tuple[str, ...]:
    """Who competes for these inputs unless others are asked for, in the order of the contest."""
    form = main_form(inputs)
    return tuple(name for (name, read), one in MODELS.items() if read == form and one.suits(inputs))


def by_promise(families: Sequence[str], form: str) -> list[int]:
    """Places of the families in the order in which time that is too short for all goes to them."""
    return sorted(range(len(families)), key=lambda place: (families[place] != FIRST.get(form), place))
