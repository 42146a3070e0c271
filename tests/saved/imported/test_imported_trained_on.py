"""An imported network competes: it begins with the weights of its file, under a new output layer, and comes out as any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import netpick
from netpick.api.importing import import_model
from netpick.errors import RequestError
from tests.keras_files import written


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    return import_model(written(folder, "nested.keras")).path


def test_it_is_trained_on_for_other_classes_and_other_sizes(imported: Path, tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)
    kinds = np.repeat(["dark", "light"], 30)
    pictures = (drawn.integers(0, 100, (60, 20, 24, 3)) + 150 * (kinds == "light")[:, None, None, None]).astype(
        np.uint8
    )
    run = netpick.fit((pictures, kinds), models=f"imported[weights={imported}]", steps=12, out=tmp_path / "run", seed=0)
    name = f"imported[weights={imported.name}]"
    model = run.models[name]
    assert model.labels == ("dark", "light")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "starts from nested.keras, made by Keras" in page
    assert "whether it has learned from these test rows is not known" in page
    began = netpick.load(imported).loaded.network.state_dict()
    came = model.loaded.network.state_dict()
    kernel = next(key for key in began if key.endswith("conv.weight"))
    assert 0 < float((came[kernel] - began[kernel]).abs().max()) < 0.1  # it began there, and has moved
    mean = next(key for key in began if key.endswith("moving_mean"))
    assert torch.equal(came[mean], began[mean])


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ("imported", "imported needs the network that it is to begin with"),
        ("imported[weights=nowhere.netpick]", "There is no model file nowhere.netpick"),
        ("imported[weights=README.md]", "README.md is no model file of netpick. Type first: netpick import README.md"),
    ],
)
def test_without_such_a_file_it_says_what_to_type(models: str, words: str, tmp_path: Path) -> None:
    pictures, kinds = np.arange(20 * 64, dtype=np.uint8).reshape(20, 8, 8), np.repeat(["a", "b"], 10)
    with pytest.raises(RequestError, match=words.replace(".", r"\.")):
        netpick.fit((pictures, kinds), models=models, steps=1, out=tmp_path / "run")


def test_rows_that_do_not_fit_are_refused(imported: Path, tmp_path: Path) -> None:
    table, kinds = np.random.default_rng(0).normal(size=(40, 3)), np.repeat(["a", "b"], 20)
    with pytest.raises(
        RequestError, match=r"reads rows of shape \(16, 16, 3\), but those of the data are of shape \(3,\)"
    ):
        netpick.fit((table, kinds), models=f"imported[weights={imported}]", steps=1, out=tmp_path / "run")
