"""Large pictures are read in tiles: every pixel is kept once, and what is said of it is what is said of the whole picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netpick.answers import MASKS
from netpick.columns.batches import batches
from netpick.columns.store import Store
from netpick.columns.tiles import MOST_PIXELS, SIDE, STEP, tiles_of
from netpick.models.infer import DeviceData, predict_answers
from netpick.models.networks import MODELS
from netpick.models.networks.network import build_network
from netpick.types import InputSpec

INPUTS = {"scene": InputSpec(form="scene", shape=(1, 64, 64), mean=(0.5,), std=(0.25,), ahead=(1, 64))}
SMALL = {
    "mlp": {"width": 4, "layers": 1, "window": 3},
    "cnn": {"width": 2, "levels": 5, "patch": 2},
    "transformer": {"width": 8, "layers": 4, "heads": 2, "fine": 2},
}


@pytest.mark.parametrize("size", [(1, 1), (2048, 2048), (2049, 2048), (4000, 4000), (96, 45_000), (30_000, 5_001)])
def test_tiles_keep_every_pixel_once(size: tuple[int, int]) -> None:
    kept = np.zeros(size, np.uint8)
    for tile in tiles_of(*size):
        kept[tile.kept_rows, tile.kept_columns] += 1
        assert tile.rows.stop <= size[0]
        assert tile.columns.stop <= size[1]
        assert tile.rows.start % STEP == tile.columns.start % STEP == 0
        inside = np.empty((tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start), bool)[tile.inside]
        assert inside.shape == kept[tile.kept_rows, tile.kept_columns].shape
        assert max(tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start) <= SIDE + 2 * STEP
    assert (kept == 1).all()


@pytest.mark.parametrize("family", list(SMALL))
def test_a_large_picture_is_answered_as_a_whole_one(family: str) -> None:
    torch.manual_seed(0)
    settings = MODELS[family, "scene"].Settings(**SMALL[family])
    network = build_network(family, settings, INPUTS, 2, "map").eval()
    height, width = 64, MOST_PIXELS // 64 + 100
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (1, 1, height, width), np.uint8)
    store = Store(arrays={"scene": picture, "scene.sizes": np.array([[height, width]], np.int32)})
    tiled = predict_answers(network, DeviceData(store, INPUTS, "cpu"), np.arange(1), MASKS)
    with torch.no_grad():
        whole = MASKS.answer(network({"scene": torch.from_numpy(picture)})).numpy()  # type: ignore[operator]
    np.testing.assert_allclose(tiled, whole, atol=2e-5)


def test_pictures_of_one_batch_have_so_many_pixels_at_most() -> None:
    sizes = np.array([[100, 100]] * 5 + [[10, 10]] * 5)
    chunks = [rows.tolist() for rows, _ in batches(np.arange(10), None, 4, sizes, 20_000)]
    assert chunks == [[5, 6, 7, 8], [9], [0, 1], [2, 3], [4]]
