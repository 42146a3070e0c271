"""The whole job on pictures with masks: a contest, its report, the kept models, masks of new pictures as files, the exported graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import netpick
from netpick.errors import RequestError
from netpick.report.html import to_html
from netpick.report.results_file import read_results
from netpick.saved.export import export_model
from netpick.saved.mask_files import masks_of, write_masks
from netpick.saved.parts import peek_record
from netpick.saved.use import load
from netpick.serve.models import served_model
from netpick.serve.options import Limits

N = 22


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright discs on dark ground, pictures of two sizes."""
    folder = tmp_path_factory.mktemp("masks") / "discs"
    generator = np.random.default_rng(0)
    for row in range(N):
        height, width = (24, 32) if row % 2 else (32, 32)
        down, across = np.mgrid[:height, :width]
        y, x = generator.integers(6, height - 6), generator.integers(6, width - 6)
        inside = (down - y) ** 2 + (across - x) ** 2 < 30
        name = f"{generator.integers(10**6)}d{row}.png"
        noisy = np.where(inside, 170, 90) + generator.normal(0, 30, (height, width))
        for place, values in (("images", noisy.clip(0, 255)), ("masks", inside * 255)):
            (folder / place).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(folder / place / name)
    out = folder.parent / "run"
    models = "cnn[width=4,levels=2,blocks=1],mlp[width=8,layers=1,window=3,scales=2]"
    netpick.fit(str(folder), models=models, steps=25, out=str(out), seed=0)
    return out


def pixels(file: Path) -> Any:
    with Image.open(file) as image:
        return np.asarray(image)


def pictures_of(run: Path) -> Path:
    return run.parent / "discs" / "images"


def test_everyone_is_scored_by_picture_and_kept(run: Path) -> None:
    results = read_results(run)
    assert results.target.task == "segment"
    assert results.primary_metric == "mean_iou"
    names = {entry.name for entry in results.entries}
    assert {"majority class", "frequent place", "grey threshold", "pixel trees"} < names
    assert all(entry.test["mean_iou"].n == len(results.split.test) for entry in results.entries)
    page = to_html(results)
    assert "Pictures with masks" in page
    assert page.count("true mask") >= 3
    for name in names:
        load(run, candidate=name)


def test_masks_of_new_pictures_are_files_of_the_pictures_size(run: Path, tmp_path: Path) -> None:
    model = load(run, candidate="pixel trees")
    source = model.read(str(pictures_of(run)))
    table = write_masks(model, source, tmp_path / "out")
    assert len(table) == N
    files = sorted(pictures_of(run).glob("*.png"))
    for file in files:
        with Image.open(tmp_path / "out" / file.name) as found:
            assert found.mode == "P"
            assert np.asarray(found).shape == pixels(file).shape
        assert set(np.unique(pixels(tmp_path / "out" / file.name)).tolist()) <= {0, 255}  # as in training
    legend = pl.read_csv(tmp_path / "out" / "legend.csv")
    assert legend["value"].to_list() == [0, 255]
    masks = run.parent / "discs" / "masks"
    right = [(pixels(tmp_path / "out" / file.name) == pixels(masks / file.name)).mean() for file in files]
    assert np.mean(right) > 0.95


def test_whole_folders_are_scored_and_only_pictures_answered(run: Path) -> None:
    model = load(run, candidate="pixel trees")
    scores = model.score(str(run.parent / "discs"))
    assert scores["mean_iou"].n == N
    assert scores["mean_iou"].value > 0.85
    assert len(model.predict(str(run.parent / "discs"))) == N


def test_a_picture_alone_is_answered_as_among_others_and_larger_ones_as_well(run: Path, tmp_path: Path) -> None:
    model = load(run, candidate="cnn[width=4,levels=2,blocks=1]")
    files = sorted(pictures_of(run).glob("*.png"))[:3]
    together = list(masks_of(model, model.read([str(file) for file in files])))
    for file, mask in zip(files, together, strict=True):
        (alone,) = masks_of(model, model.read(str(file)))
        assert np.array_equal(alone.classes, mask.classes)
    large = tmp_path / "large.png"
    Image.fromarray(np.tile(pixels(files[0]), (4, 5))).save(large)
    (mask,) = masks_of(model, model.read(str(large)))
    assert mask.classes.shape == pixels(large).shape


def test_what_is_not_done_yet_is_said(run: Path) -> None:
    with pytest.raises(RequestError, match="such models are not exported yet"):
        export_model(network_file(run))
    with pytest.raises(RequestError, match="answers masks, which are not served yet"):
        served_model("discs", run, load(run), Limits())


def network_file(run: Path) -> Path:
    """The model file of a network of the run."""
    return next(path for path in sorted((run / "models").glob("*.netpick")) if peek_record(path).is_network)


def test_what_is_asked_of_other_models_is_refused_in_words(run: Path, tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": np.arange(40.0), "y": ["a", "b"] * 20})
    netpick.fit(frame, target="y", models="mlp", steps=2, out=str(tmp_path / "table"))
    other = load(tmp_path / "table")
    with pytest.raises(RequestError, match=r"answers no masks \(classify\)"):
        write_masks(other, other.read(frame), tmp_path / "none")
