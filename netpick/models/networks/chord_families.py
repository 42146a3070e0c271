"""The four families on pieces of music: the trunks of texts, each step a chord, in sizes that suit some hundred pieces."""

from __future__ import annotations

from netpick.models.networks.text_causal_cnn import TextCausalCnn, TextConvolutionSettings
from netpick.models.networks.text_decoder import TextDecoder, TextDecoderSettings
from netpick.models.networks.text_rnn import StreamRnnSettings, TextStreamRnn
from netpick.models.networks.text_window_mlp import TextWindowMlp, TextWindowSettings
from netpick.types import Inputs
from netpick.types.recipe import Recipe

SMALL = 200  # blocks to learn from


class ChordMlp(TextWindowMlp):
    """The last bar at once."""

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TextWindowSettings:
        hidden = 128 if num_rows < SMALL else 512
        return TextWindowSettings(window=16, layers=2, hidden=hidden, embedding=64, dropout=0.2)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return chord_recipe(2e-3, num_rows)


class ChordCnn(TextCausalCnn):
    """Gated convolutions over four bars."""

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TextConvolutionSettings:
        width = 64 if num_rows < SMALL else 128
        return TextConvolutionSettings(layers=5, kernel=3, width=width, embedding=128, dropout=0.2)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return chord_recipe(2e-3, num_rows)


class ChordRnn(TextStreamRnn):
    """An LSTM over chords."""

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> StreamRnnSettings:
        hidden = 64 if num_rows < SMALL else 256
        return StreamRnnSettings(layers=2, hidden=hidden, embedding=128, dropout=0.2)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return chord_recipe(4e-3, num_rows, rows=8)


class ChordTransformer(TextDecoder):
    """Attention to the chords before."""

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TextDecoderSettings:
        width = 64 if num_rows < SMALL else 128
        return TextDecoderSettings(layers=3, width=width, heads=4, dropout=0.2)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return chord_recipe(1e-2, num_rows, optimizer="muon")


def chord_recipe(learning_rate: float, num_rows: int, *, optimizer: str = "adamw", rows: int = 16) -> Recipe:
    """How all networks of pieces are trained: windows in any order, each time in another key."""
    return Recipe(
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule="onecycle",
        warmup=0.1,
        batch_size=max(1, min(rows, num_rows // 8)),
        average=0.99,
    )
