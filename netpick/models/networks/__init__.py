"""The table of architectures, by name and the form of data that they read.

An architecture is one file with a class of this contract (base.py), one line here, and the conformance suite runs over it. The
line names file and class, which are imported when they are first used: telling who would compete needs no torch. The
name is that of its family, where it is the family's network for that form. A second one has a name of its own, as `cnn_rnn` has
beside `cnn`: people type it, files and reports show it, and nothing else knows it. Those of a form compete in this order.
The main form is the richest one of a row: clips, images, sounds, texts, series, table columns, in this order; the other inputs
of a mixed row get a trunk of their own (network.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from netpick.columns.forms import RICH
from netpick.models.ids import has_ids
from netpick.models.networks.entries import Architectures, Entry, never
from netpick.types import Inputs

MODELS = Architectures({  # by name and form, the file and the class
    ("mlp", "table"): Entry("tabular_mlp.TabularMlp"),
    ("transformer", "table"): Entry("tabular_transformer.TabularTransformer"),
    ("fm", "table"): Entry("factorisation.FactorisationMachine", suits=has_ids),
    ("mlp", "series"): Entry("flat_mlp.FlatMlp"),
    ("mlp", "grid"): Entry("flat_mlp.FlatMlp"),
    ("cnn", "series"): Entry("series_cnn.SeriesCnn"),
    ("cnn", "grid"): Entry("grid_cnn.GridCnn"),
    ("cnn_pretrained", "grid"): Entry("pretrained_cnn.PretrainedCnn", suits=never),
    ("rnn", "series"): Entry("rnn.SeriesRnn"),
    ("rnn", "grid"): Entry("rnn.GridRnn"),
    ("transformer", "series"): Entry("patch_transformer.PatchTransformer"),
    ("transformer", "grid"): Entry("patch_transformer.PatchTransformer"),
    ("mlp", "tokens"): Entry("text_mlp.TextMlp"),
    ("cnn", "tokens"): Entry("text_cnn.TextCnn"),
    ("rnn", "tokens"): Entry("rnn.TokensRnn"),
    ("transformer", "tokens"): Entry("text_transformer.TextTransformer"),
    ("transformer_pretrained", "tokens"): Entry("pretrained_transformer.PretrainedTransformer", suits=never),
    ("cnn", "clip"): Entry("clip_cnn.ClipCnn"),
    ("cnn_rnn", "clip"): Entry("clip_cnn_rnn.ClipCnnRnn"),
    ("transformer", "clip"): Entry("clip_transformer.ClipTransformer"),
    ("mlp", "spectrogram"): Entry("sound_mlp.SpectrogramMlp"),
    ("cnn", "spectrogram"): Entry("sound_cnn.SpectrogramCnn"),
    ("rnn", "spectrogram"): Entry("sound.SpectrogramRnn"),
    ("cnn_rnn", "spectrogram"): Entry("sound_cnn_rnn.SpectrogramCnnRnn"),
    ("transformer", "spectrogram"): Entry("sound.SpectrogramTransformer"),
    ("layers", "spectrogram"): Entry("sound.SpectrogramLayers", suits=never),
    ("mlp", "window"): Entry("forecast_mlp.ForecastMlp"),
    ("cnn", "window"): Entry("forecast_cnn.ForecastCnn"),
    ("rnn", "window"): Entry("forecast_rnn.ForecastRnn"),
    ("transformer", "window"): Entry("forecast_transformer.ForecastTransformer"),
    ("layers", "window"): Entry("forecast_layers.ForecastLayers", suits=never),
    ("mlp", "stream"): Entry("text_window_mlp.TextWindowMlp"),
    ("cnn", "stream"): Entry("text_causal_cnn.TextCausalCnn"),
    ("rnn", "stream"): Entry("text_rnn.TextStreamRnn"),
    ("transformer", "stream"): Entry("text_decoder.TextDecoder"),
    ("mlp", "chords"): Entry("chord_families.ChordMlp"),
    ("cnn", "chords"): Entry("chord_families.ChordCnn"),
    ("rnn", "chords"): Entry("chord_families.ChordRnn"),
    ("transformer", "chords"): Entry("chord_families.ChordTransformer"),
    ("cnn", "speech"): Entry("speech_cnn.SpeechCnn"),
    ("rnn", "speech"): Entry("speech_rnn.SpeechRnn"),
    ("cnn_rnn", "speech"): Entry("speech_rnn.SpeechCnnRnn"),
    ("transformer", "speech"): Entry("speech_transformer.SpeechTransformer"),
    ("cnn", "pair"): Entry("pair_cnn.PairCnn"),
    ("rnn", "pair"): Entry("pair_rnn.PairRnn"),
    ("transformer", "pair"): Entry("pair_transformer.PairTransformer"),
    ("mlp", "words"): Entry("word_mlp.WordMlp"),
    ("cnn", "words"): Entry("word_cnn.WordCnn"),
    ("rnn", "words"): Entry("word_rnn.WordRnn"),
    ("transformer", "words"): Entry("word_transformer.WordTransformer"),
    ("mlp", "scene"): Entry("scene_mlp.SceneMlp"),
    ("cnn", "scene"): Entry("scene_cnn.SceneCnn"),
    ("transformer", "scene"): Entry("scene_transformer.SceneTransformer"),
    ("mlp", "objects"): Entry("object_mlp.ObjectMlp"),
    ("cnn", "objects"): Entry("object_cnn.ObjectCnn"),
    ("transformer", "objects"): Entry("object_transformer.ObjectTransformer"),
    ("mlp", "record"): Entry("record_mlp.RecordMlpArchitecture"),
    ("transformer", "record"): Entry("record_transformer.RecordTransformerArchitecture"),
    ("vae", "record"): Entry("record_vae.RecordVaeArchitecture"),
    ("layers", "table"): Entry("layers.Layers", suits=never),
    ("layers", "tokens"): Entry("layers.Layers", suits=never),
    ("layers", "series"): Entry("layers.Layers", suits=never),
    ("layers", "grid"): Entry("layers.Layers", suits=never),
    ("imported", "table"): Entry("imported_network.Imported", suits=never),
    ("imported", "tokens"): Entry("imported_network.Imported", suits=never),
    ("imported", "series"): Entry("imported_network.Imported", suits=never),
    ("imported", "grid"): Entry("imported_network.Imported", suits=never),
})  # fmt: skip


NO_SUCH_FAMILY = {("mlp", "pair"): "an mlp reads and writes a fixed number of symbols, and texts have any number"}
"""Why a family does not read a form, where there is more to say than that it does not."""

FIRST = {
    "grid": "cnn",
    "spectrogram": "cnn",
    "clip": "cnn",
    "series": "cnn",
    "stream": "rnn",
    "chords": "rnn",
    "speech": "cnn",
    "pair": "transformer",
    "words": "rnn",
    "scene": "cnn",
    "objects": "cnn",
}
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
    return MODELS.suiting(main_form(inputs), inputs)


def by_promise(families: Sequence[str], form: str) -> list[int]:
    """Places of the families in the order in which time that is too short for all goes to them."""
    return sorted(range(len(families)), key=lambda place: (families[place] != FIRST.get(form), place))
