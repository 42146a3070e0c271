"""Every entry of the table offers sizes for a budget, whatever its form, and builds the smallest of them."""

from __future__ import annotations

import pytest
import torch

from netpick.models.networks import MODELS
from netpick.models.networks.base import Size
from netpick.types import Inputs
from tests.conformance.test_chord_networks import INPUTS as CHORDS
from tests.conformance.test_forecasters import INPUTS as WINDOWS
from tests.conformance.test_models import INPUTS as ROWS
from tests.conformance.test_object_networks import INPUTS as OBJECTS
from tests.conformance.test_pair_networks import INPUTS as PAIRS
from tests.conformance.test_record_networks import INPUTS as RECORDS
from tests.conformance.test_scene_networks import INPUTS as SCENES
from tests.conformance.test_speech_networks import INPUTS as SPEECH
from tests.conformance.test_text_networks import INPUTS as STREAMS

SAMPLES: dict[str, Inputs] = {
    **{form: list(choices.values())[-1] for form, choices in ROWS.items()},
    "chords": CHORDS,
    "objects": OBJECTS,
    "pair": PAIRS,
    "record": RECORDS,
    "scene": SCENES,
    "speech": SPEECH,
    "stream": STREAMS,
    "window": list(WINDOWS.values())[-1],
}


@pytest.mark.parametrize(("family", "form"), [key for key in MODELS if key[0] not in ("layers", "imported")])
def test_it_offers_sizes_for_any_budget(family: str, form: str) -> None:
    architecture, inputs = MODELS[family, form], SAMPLES[form]
    for rows in (60, 5_000, 200_000):
        preset = architecture.presets(inputs, rows, 3)
        for seconds in (2.0, 60.0, 3_600.0):
            sizes = architecture.sizes(inputs, rows, 3, seconds)
            assert sizes
            assert all(isinstance(size, Size) and type(size.settings) is type(preset) for size in sizes)
            assert all(size.passes > 0 for size in sizes)
    given = {form: inputs["scene"]} if form == "objects" else inputs  # as a network hands it to the trunk
    with torch.device("meta"):
        architecture.build(given, architecture.sizes(inputs, 60, 3, 2.0)[-1].settings)
