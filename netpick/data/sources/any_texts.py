"""Class folders of texts whose files have other endings than .txt, or none, as those of 20 newsgroups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.paths import MEDIA_SUFFIXES

# Endings of files that are no running text, or that other readers read.
OTHERS = (
    *(suffix for suffixes in MEDIA_SUFFIXES.values() for suffix in suffixes),
    *(".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".arff", ".ts", ".npy", ".npz", ".mat"),
    *(".h5", ".hdf5", ".xlsx", ".xls", ".ods", ".zip", ".gz", ".bz2", ".xz", ".tar", ".tgz", ".7z", ".pkl", ".pickle", ".pt"),
    *(".pdf", ".doc", ".docx", ".py", ".ipynb", ".pyc", ".so", ".dll", ".exe", ".bin", ".safetensors", ".netpick", ".onnx"),
    *(".db", ".sqlite", ".dcm", ".nii", ".edf", ".mid", ".midi", ".svg"),
)  # fmt: skip
LOOK_FOLDERS, LOOK_FILES = 60, 20  # and files of each
FEWEST_FILES, MOSTLY = 4, 0.9  # files that must be looked at, and the share of them that has to be text
OPENED, BYTES = 24, 2_048
CONTROL = bytes(set(range(32)) - {9, 10, 11, 12, 13, 27})


def may_be_text(name: str) -> bool:
    """Whether a file's name says nothing against its being a text."""
    return not is_junk(name) and not name.lower().endswith(OTHERS)


def hold_texts(path: Path) -> bool:
    """Whether at least two folders below a folder hold files that are texts, whatever they are called; looks at a few."""
    files = [*islice(_files(path), LOOK_FOLDERS * LOOK_FILES)]
    named = [file for file in files if may_be_text(os.path.basename(file))]
    folders = {os.path.dirname(file) for file in named} - {str(path)}
    if len(named) < FEWEST_FILES or len(folders) < 2 or len(named) < MOSTLY * len(files):
        return False
    looked = named[:: max(1, len(named) // OPENED)]
    return sum(map(_is_text, looked)) >= MOSTLY * len(looked)


def _files(path: Path) -> Iterator[str]:
    waiting, looked = [str(path)], 0
    while waiting and looked < LOOK_FOLDERS:
        looked += 1
        try:
            with os.scandir(waiting.pop(0)) as entries:
                found = sorted(islice(entries, 50 * LOOK_FILES), key=lambda entry: entry.name)
        except OSError:
            continue
        waiting += [entry.path for entry in found if entry.is_dir(follow_symlinks=False) and not is_junk(entry.name)]
        yield from islice((entry.path for entry in found if entry.is_file(follow_symlinks=False)), LOOK_FILES)


def _is_text(path: str) -> bool:
    """Whether the beginning of a file holds letters and no control characters."""
    try:
        with open(path, "rb") as file:
            head = file.read(BYTES)
    except OSError:
        return False
    return bool(head.strip()) and head.translate(None, CONTROL) == head
