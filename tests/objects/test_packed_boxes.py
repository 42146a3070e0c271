"""Zips of pictures with boxes are read as their folders are; class folders stay classes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from netpick.data.sources import open_source
from tests.labelled_pictures import coco_sample, labelme_sample, picture, things, voc_sample, write, yolo_sample


@pytest.mark.parametrize("sample", [coco_sample, labelme_sample, voc_sample, yolo_sample])
def test_a_zip_is_read_as_its_folder(tmp_path: Path, sample: Callable[[Path, int], Path]) -> None:
    folder = sample(tmp_path, 0)
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    source, plain = open_source(packed), open_source(folder)
    assert source.layout == plain.layout
    assert things(source) == things(plain)
    assert source.origin == packed


def test_class_folders_whose_pictures_have_boxes_stay_classes(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(2):
            picture(tmp_path / "set" / name / f"{number}.png")
            write(tmp_path / "set" / name / f"{number}.txt", "0 0.5 0.5 0.25 0.3\n")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "set")
    for given in (tmp_path / "set", packed):
        source = open_source(given)
        assert source.objects is None
        assert source.target == "label"
