"""Folders and zips of images: classes, given parts, spellings, links, and what is left out."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netpick.data.sources import ReadOptions, open_source
from netpick.errors import DataError
from netpick.types import TEST, TRAIN, VALIDATION, FileColumn, Source, TableColumn


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".gif", ".bmp"):
            Image.new("L", (5, 4), 7).save(path)
        else:
            path.write_text("text")
    return root


def zipped(root: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*")):
            archive.write(file, file.relative_to(root).as_posix())
    return path


def rows(source: Source) -> dict[str, str]:
    files, labels = source.columns["image"], source.columns["label"]
    assert isinstance(files, FileColumn)
    assert isinstance(labels, TableColumn)
    return dict(zip(files.paths, labels.values.to_list(), strict=True))


def texts(source: Source) -> str:
    return " ".join(note.text for note in source.notes)


@pytest.mark.parametrize("packed", [False, True])
def test_class_folders(tmp_path: Path, packed: bool) -> None:
    names = (
        "cat/2.PNG",
        "cat/1.jpg",
        "dog/deep/er/3.jpeg",
        "dog/notes.txt",
        "cat/.hidden.png",
        "cat/Thumbs.db",
        "readme.md",
    )
    root = make(tmp_path / "pets", *names)
    source = open_source(zipped(root, tmp_path / "pets.zip") if packed else root)
    assert rows(source) == {"cat/1.jpg": "cat", "cat/2.PNG": "cat", "dog/deep/er/3.jpeg": "dog"}
    assert source.target == "label"
    assert source.given_split is None
    assert "2 other files are left out" in texts(source)
    assert source.name == "pets"
    assert source.row_names == ["cat/1.jpg", "cat/2.PNG", "dog/deep/er/3.jpeg"]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("train", "val", "test"), [("train", "val", "test"), ("Training", "DEV", "Testing")])
def test_given_parts(tmp_path: Path, packed: bool, train: str, val: str, test: str) -> None:
    root = make(tmp_path / "pets", f"{test}/cat/1.png", f"{train}/cat/2.png", f"{train}/dog/3.png", f"{val}/dog/4.png")
    make(root, "extra/5.png", f"{test}/6.png")
    path = zipped(root, tmp_path / "p.zip") if packed else root
    source = open_source(path)
    assert source.given_split is not None
    assert source.given_split.tolist() == [TRAIN, TRAIN, VALIDATION, TEST]
    assert list(rows(source).values()) == ["cat", "dog", "dog", "cat"]
    assert f"1 images in {test}/ are left out: they lie in no class folder" in texts(source)
    assert "1 images in extra/ are left out" in texts(source)
    pooled = open_source(path, options=ReadOptions(find_test=False))
    assert pooled.given_split is None
    assert pooled.num_rows == 4


def test_train_folder_finds_its_sibling(tmp_path: Path) -> None:
    root = make(tmp_path / "pets", *(f"{part}/{name}/1.png" for part in ("train", "test") for name in ("cat", "dog")))
    source = open_source(root / "train")
    assert source.name == "pets"
    assert source.given_split is not None
    assert source.given_split.tolist() == [TRAIN, TRAIN, TEST, TEST]


def test_folder_called_test_without_classes_is_no_partner(tmp_path: Path) -> None:
    make(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/notes.txt")
    assert open_source(tmp_path / "train").given_split is None


def test_a_class_may_be_called_test(tmp_path: Path) -> None:
    root = make(tmp_path / "x", "test/1.png", "control/2.png")
    assert set(rows(open_source(root)).values()) == {"test", "control"}


def test_pictures_and_their_masks_are_no_classes(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", "images/1.png", "images/2.png", "masks/1.png", "masks/2.png")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    for given in (folder, packed):
        assert open_source(given).masks == ("mask",)
    assert not open_source(make(tmp_path / "b", "cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")).masks


def test_wrapping_folders_mean_nothing(tmp_path: Path) -> None:
    root = make(tmp_path / "x", "archive/pets/cat/1.png", "archive/pets/dog/2.png")
    assert rows(open_source(root)) == {"archive/pets/cat/1.png": "cat", "archive/pets/dog/2.png": "dog"}


def test_spellings_of_one_class(tmp_path: Path) -> None:
    root = make(tmp_path / "x", "train/Cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/DOG/4.png")
    source = open_source(root)
    assert list(rows(source).values()) == ["Cat", "dog", "dog", "Cat"]
    assert "test/cat differs from the training class 'Cat' only in upper and lower case" in texts(source)
    alone = open_source(make(tmp_path / "y", "Cat/1.png", "cat/2.png"))
    assert set(rows(alone).values()) == {"Cat", "cat"}
    assert "Classes 'Cat' and 'cat' differ only in upper and lower case." in texts(alone)


def test_links(tmp_path: Path) -> None:
    root = make(tmp_path / "x", "cat/1.png", "dog/2.png")
    (root / "dog" / "3.png").symlink_to(root / "cat" / "1.png")
    assert len(rows(open_source(root))) == 3
    make(tmp_path, "secret/4.png")
    (root / "dog" / "5.png").symlink_to(tmp_path / "secret" / "4.png")
    with pytest.raises(DataError, match="is a link to"):
        open_source(root)


def test_link_to_a_folder_outside(tmp_path: Path) -> None:
    root = make(tmp_path / "x", "cat/1.png", "dog/2.png")
    make(tmp_path, "secret/4.png")
    (root / "bird").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match="is a link to"):
        open_source(root)


def test_fingerprint_knows_names_and_sizes(tmp_path: Path) -> None:
    root = make(tmp_path / "x", "cat/1.png", "dog/2.png")
    first = open_source(root).fingerprint
    shutil.copytree(root, tmp_path / "copy")
    assert open_source(tmp_path / "copy").fingerprint == first
    (root / "cat" / "1.png").rename(root / "cat" / "one.png")
    assert open_source(root).fingerprint != first


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png", "C:evil.png"])
def test_zip_members_that_leave_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/1.png", b"x")
        archive.writestr(name, b"x")
    with pytest.raises(DataError, match="leaves the zip"):
        open_source(path)


def test_zip_with_a_link(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    member = zipfile.ZipInfo("cat/1.png")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"):
        open_source(path)


def test_zip_that_would_explode(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.png", bytes(40 * 1024 * 1024))
    with pytest.raises(DataError, match="unpacks from"):
        open_source(path)


def test_real_folder(shared_data: Path) -> None:
    source = open_source(shared_data / "cats_dogs")
    labels = source.columns["label"]
    assert isinstance(labels, TableColumn)
    assert np.unique(labels.values.to_numpy(), return_counts=True)[1].tolist() == [700, 699]
