"""No bit of a model file may change without notice; `make flips` does the same at length, with real runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netpick
from netpick.training.checkpoint import Checkpoints
from tests.hostile.samples import Sample, samples
from tools.flips import refuses_checkpoint, refuses_model, unnoticed


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    return samples(tmp_path_factory.mktemp("samples"))


def test_cuts_and_flips_of_a_model_file_are_noticed(good: dict[str, Sample], tmp_path: Path) -> None:
    path = tmp_path / "model.netpick"
    path.write_bytes(good["layers"].content)
    netpick.load(path)
    count, missed = unnoticed(path, 150, lambda: refuses_model(path))
    assert count > 200
    assert missed == []


def test_flips_of_what_surrounds_the_members_are_noticed(good: dict[str, Sample], tmp_path: Path) -> None:
    """Dates, flags and attributes, too, which change nothing that is read."""
    whole, path = good["layers"].content, tmp_path / "model.netpick"
    inside = np.zeros(len(whole), bool)
    for content in good["layers"].members.values():
        begin = whole.index(content)
        inside[begin : begin + len(content)] = True
    around = np.flatnonzero(~inside)
    assert len(around) > 500
    for place in around.tolist():
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        assert refuses_model(path), f"byte {place}"


def test_cuts_and_flips_of_a_checkpoint_are_noticed(tmp_path: Path) -> None:
    import torch

    Checkpoints(tmp_path).save({"x": torch.arange(3_000.0)}, {"step": 3})
    folder = tmp_path / "00000001"
    for path in sorted(folder.iterdir()):
        assert unnoticed(path, 100, lambda: refuses_checkpoint(folder))[1] == []
    assert not refuses_checkpoint(folder)
