"""Graphs of networks of objects: boxes and scores of every place for pictures of any size, suppressed behind the graph as torch does it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from netpick.answers import PLAIN
from netpick.answers.boxes import BOXES
from netpick.saved.engines import OnnxEngine
from netpick.saved.export.convert import to_graph
from netpick.saved.export.graph import ExportedModel
from netpick.saved.export.proof import LARGEST_DIFFERENCE
from netpick.saved.generated import MOST_SIDE, SIZES, generated_rows, with_sizes
from netpick.tasks.detect.state import DetectState
from tests.conformance.test_object_networks import INPUTS, SMALL, built

STATE = DetectState(labels=("a", "b", "c"))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def outputs(rows: int, places: int) -> torch.Tensor:
    """As of a network, of many boxes that lie over each other."""
    random = torch.Generator().manual_seed(rows)
    corner = torch.rand((rows, places, 2), generator=random) * 60
    size = 5 + torch.rand((rows, places, 2), generator=random) * 30
    logits = torch.randn((rows, places, 3), generator=random) * 2 - 1
    return torch.cat([logits, corner, corner + size, torch.zeros(rows, places, 3)], dim=2)


@pytest.mark.parametrize("places", [1, 42, 400])
def test_what_stands_in_a_graph_and_behind_it_is_the_answer(places: int) -> None:
    made = outputs(5, places)
    behind = BOXES.after_graph(BOXES.in_graph(made).numpy())
    np.testing.assert_array_equal(behind, BOXES.answer(made).numpy())
    boxes, scores = BOXES.graph(PLAIN, STATE)(BOXES.in_graph(made))
    assert boxes.shape == (5, places, 4)
    assert scores.shape == (5, places, 3)
    assert [name for name, _ in BOXES.graph_words(3)] == ["boxes", "scores", "answers"]


def test_generated_pictures_have_ten_sizes() -> None:
    arrays = with_sizes(INPUTS, generated_rows(INPUTS, 40))
    assert arrays["scene"].shape == (40, 3, 64, MOST_SIDE)
    assert len({tuple(size) for size in arrays["scene.sizes"].tolist()}) == SIZES


@pytest.mark.slow
@pytest.mark.parametrize("family", SMALL)
def test_graphs_answer_pictures_of_any_size(family: str) -> None:
    network = built(family).eval()
    graph = to_graph(ExportedModel(network, INPUTS, BOXES, BOXES.graph(PLAIN, STATE), False))
    engine = OnnxEngine(graph, INPUTS, threads=1, after=BOXES.after_graph)
    for height, width in (
        (1, 1),
        (17, 33),
        (96, 40),
        (64, 96),
        (33, 31),
        (32, 97),
        (240, 320),
        (95, 5),
        (128, 128),
        (7, 64),
    ):
        pictures = np.random.default_rng(height).integers(0, 256, (3, 3, height, width)).astype(np.uint8)
        with torch.no_grad():
            made = network({"scene": torch.from_numpy(pictures)})
        for rows in (1, 3):
            answers = engine.in_graph({"scene": pictures[:rows]})
            wanted = BOXES.in_graph(made[:rows]).numpy()
            assert np.abs(answers - wanted).max() <= LARGEST_DIFFERENCE * max(1.0, np.abs(wanted).max())
            np.testing.assert_allclose(engine.outputs({"scene": pictures[:rows]}), BOXES.answer(made[:rows]), atol=1e-3)
