"""The forms that data take at a network's entrance, one record each: all that is to be known of a form is asked here.

Every kind of column encodes to a form, every architecture reads some. A form more is a record here, a kind that encodes to
it and an architecture that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from netpick.types import Array, Form, Inputs, InputSpec

Stored = Literal["float32", "int32", "uint8"]


@dataclass(frozen=True, kw_only=True)
class FormRecord:
    """One form. `axes`: dimensions of a row."""

    name: Form
    axes: int
    stored: Stored  # type of the numbers in a store, a model file and a graph
    graph_words: str  # what a graph reads, for people; {0}, {1}, ... are the extents of a row
    columns_words: str = ""  # of all its columns together, where they stand side by side in one input
    trimmed: bool = False  # rows have lengths of their own, and a batch ends with its longest
    cell_cost: int = 1  # numbers that stand for a cell in a network; larger batches would leave the processor's cache
    channels_last: bool = False  # networks read it with the channels of a pixel side by side, which is faster
    pictures: bool = False  # the last two axes are height and width, and a graph takes any
    channels: int | None = None  # the axis of a row along which the data have means and deviations, in 0..1
    texts: bool = False  # baselines read its raw cells
    goes_on: bool = (
        False  # a row goes on where the one before it ends, and a network may carry its state from one to the next
    )
    together: bool = False  # a row is steps, each of several symbols that are said one after another
    two_sided: bool = False  # a source and a target behind it, each as long as it is, in a row of a fixed length
    sized: bool = False  # rows are pictures with sizes of their own, at the top left of the largest one
    fewest_together: int = 64  # rows of a batch of predictions, at least
    summarised: bool = False  # baselines read it as a smaller picture or curve, and statistics of it

    @property
    def joined(self) -> bool:
        """Whether columns stand side by side in one input."""
        return bool(self.columns_words)

    @property
    def indices(self) -> bool:
        """Whether its numbers say which entry of a table, and how much they are means nothing."""
        return self.stored == "int32"


FORMS: Mapping[Form, FormRecord] = {record.name: record for record in (  # the richest first: it is a row's main input
    FormRecord(name="window", axes=2, stored="float32",
               graph_words="steps of the series' own scale, (rows, {0}, ...)"),
    FormRecord(name="stream", axes=1, stored="int32", goes_on=True, cell_cost=1024,
               graph_words="numbers of symbols, int32 (rows, {0}): what goes before a block, then the block; 0 is none"),
    FormRecord(name="chords", axes=2, stored="int32", together=True, cell_cost=64,
               graph_words="numbers of notes, int32 (rows, {0}, {1}): chords before a block, then the block, a column a voice; 0 is none"),
    FormRecord(name="record", axes=1, stored="int32", cell_cost=32,
               graph_words="all cells of a row as codes, int32 (rows, {0}); 0 is missing"),
    FormRecord(name="pair", axes=1, stored="int32", texts=True, two_sided=True, cell_cost=512,
               graph_words="numbers of symbols, int32 (rows, {0}): a source, then a target; 0 is none"),
    FormRecord(name="words", axes=2, stored="int32", trimmed=True, cell_cost=16,
               graph_words="words of sentences, int32 (rows, up to {0}, {1}): facts about each as numbers, then letters; 0 is padding"),
    FormRecord(name="clip", axes=4, stored="uint8", pictures=True, channels=1, summarised=True,
               graph_words="clips, uint8 (rows, {0}, {1}, height, width); brought to {2} x {3} inside"),
    FormRecord(name="scene", axes=3, stored="uint8", channels_last=True, channels=0, sized=True, fewest_together=1, cell_cost=16,
               graph_words="pictures of any size, uint8 (rows, {0}, height, width)"),
    FormRecord(name="objects", axes=3, stored="uint8", channels_last=True, channels=0, sized=True, fewest_together=1, cell_cost=16,
               graph_words="pictures of any size, uint8 (rows, {0}, height, width)"),
    FormRecord(name="grid", axes=3, stored="uint8", channels_last=True, pictures=True, channels=0, summarised=True,
               graph_words="pictures, uint8 (rows, {0}, height, width); brought to {1} x {2} inside"),
    FormRecord(name="speech", axes=2, stored="uint8", trimmed=True, channels=1,
               graph_words="log-mel frames, uint8 (rows, up to {0} frames, {1})"),
    FormRecord(name="spectrogram", axes=2, stored="uint8", trimmed=True, channels=1, summarised=True,
               graph_words="log-mel frames, uint8 (rows, up to {0} frames, {1})"),
    FormRecord(name="tokens", axes=1, stored="int32", trimmed=True, texts=True, cell_cost=256,
               graph_words="numbers of tokens, int32 (rows, up to {0}); 0 is padding"),
    FormRecord(name="series", axes=2, stored="float32", summarised=True,
               graph_words="standardised series, float32 (rows, up to {0} steps, {1})"),
    FormRecord(name="vector", axes=1, stored="float32", columns_words="number columns",
               graph_words="numbers and dates as encoded, float32 (rows, {0})"),
    FormRecord(name="codes", axes=1, stored="int32", columns_words="category columns",
               graph_words="categories as whole numbers, int32 (rows, {0}); 0 is missing or unknown"),
)}  # fmt: skip

JOINED: tuple[Form, ...] = tuple(name for name, record in FORMS.items() if record.joined)
RICH: tuple[Form, ...] = tuple(name for name in FORMS if name not in JOINED)  # a column is an input of its own
LENGTHS: Stored = "int32"  # of the lengths of a padded input


def is_number(spec: InputSpec) -> bool:
    """Whether an input goes with a richer one and is one whole number a row: the series that a window is of."""
    return len(spec.shape) < FORMS[spec.form].axes


def stored_as(spec: InputSpec) -> Stored:
    """The numpy type in which rows of an input lie in a store."""
    return "int32" if is_number(spec) else FORMS[spec.form].stored


def graph_words(spec: InputSpec) -> str:
    """What a graph reads of an input, in words."""
    if is_number(spec):
        return "the number of the series, int32 (rows, 1)"
    return FORMS[spec.form].graph_words.format(*spec.shape)


def cell_values(spec: InputSpec) -> int:
    """Numbers that a row of an input takes at a network's entrance; each target of a window is a row of its own there."""
    return int(np.prod([*spec.shape, *spec.ahead[:1]])) * FORMS[spec.form].cell_cost


PROVED_SIDE = 64  # pixels of a side of pictures that a model file is proved with


def proved_inputs(inputs: Inputs) -> Inputs:
    """The inputs as a model file is proved with: pictures of any size are cut at their top left, so that the file stays small."""
    return {
        name: replace(spec, shape=(spec.shape[0], *(min(side, PROVED_SIDE) for side in spec.shape[1:])))
        if FORMS[spec.form].sized
        else spec
        for name, spec in inputs.items()
    }


def proved_rows(inputs: Inputs, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Encoded rows as `proved_inputs` says; what tells the sizes of whole pictures is left out."""
    sized = {name for name, spec in inputs.items() if FORMS[spec.form].sized}
    kept = {name: array for name, array in arrays.items() if name.removesuffix(".sizes") not in sized or name in sized}
    return {
        name: np.ascontiguousarray(array[..., :PROVED_SIDE, :PROVED_SIDE]) if name in sized else array
        for name, array in kept.items()
    }
