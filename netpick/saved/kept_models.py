"""The models that a run keeps beside the recommended one: a file each in RUN/models, and which candidate is in which."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.disk.files import write_whole
from netpick.disk.strict import RefusedError, read_as, read_file
from netpick.errors import RequestError, near_matches
from netpick.types import STRICT

FOLDER, INDEX, WINNER = "models", "models.json", "model.netpick"
MOST_BYTES = 1 << 20
LONGEST = 60  # characters of a file's name
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*\.netpick")


@strict_dataclass(config=STRICT, kw_only=True)
class Index:
    """models.json: the file of each candidate, and which one model.netpick is."""

    recommended: str
    files: dict[str, str]

    def __post_init__(self) -> None:
        if any(SAFE.fullmatch(file) is None for file in self.files.values()):
            raise ValueError("plain names of files")


def file_names(candidates: list[str]) -> dict[str, str]:
    """A file name for each candidate that every system takes, and no two alike."""
    taken: set[str] = set()
    names = {}
    for name in candidates:
        stem = re.sub(r"[^A-Za-z0-9._+=-]+", "-", name).strip("-._+=")[:LONGEST] or "model"
        number, free = 1, stem
        while free.lower() in taken:
            number += 1
            free = f"{stem}-{number}"
        taken.add(free.lower())
        names[name] = f"{free}.netpick"
    return names


def keep_index(folder: Path, recommended: str, files: Mapping[str, str]) -> None:
    """Writes which candidate is in which file."""
    content = json.dumps({"recommended": recommended, "files": dict(files)}, indent=1)
    write_whole(folder / FOLDER / INDEX, content.encode())


def read_index(folder: Path) -> Index | None:
    """The kept models of a run folder; None where it has none. Raises RequestError when the list is damaged."""
    path = folder / FOLDER / INDEX
    if not path.is_file():
        return None
    try:
        return read_as(Index, bytes(read_file(path, MOST_BYTES)), MOST_BYTES)
    except RefusedError as error:
        raise RequestError(
            f"{path} cannot be read ({error}), so it is not known which model is which. Use the recommended one without "
            "--candidate, or train again."
        ) from None


def candidate_path(run: Path, candidate: str, recommended: Callable[[Path], str]) -> Path:
    """The model file of a candidate of a run. `recommended` reads from a model file which candidate it holds.

    Raises RequestError where there is no such candidate, with near matches, or where the run kept the recommended one only.
    """
    folder = run if run.is_dir() else run.parent
    index = read_index(folder)
    if index is not None:
        if candidate in index.files:
            path = folder / FOLDER / index.files[candidate]
            if not path.is_file():
                raise RequestError(
                    f"The model of '{candidate}' is no longer in {folder / FOLDER}: there is no {path.name}. Put the file back, or "
                    "use another candidate."
                )
            return path
        if candidate == index.recommended and (folder / WINNER).is_file():
            return folder / WINNER
        raise RequestError(f"The run in {folder} has no candidate '{candidate}'.{near_matches(candidate, index.files)}")
    if not (folder / WINNER).is_file():
        raise RequestError(f"There is no run in {folder}: it holds no {WINNER}. `netpick fit DATA` makes one.")
    winner = recommended(folder / WINNER)
    if candidate == winner:
        return folder / WINNER
    raise RequestError(
        f"The run in {folder} kept one model only, '{winner}', which it recommends: it was made with --keep best, or by an older "
        f"version. Leave --candidate out, or train again for '{candidate}'."
    )
