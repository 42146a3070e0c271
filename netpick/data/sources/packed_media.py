"""Zips of sounds or clips, and of pictures with masks or label files: unpacked once for as long as the program runs, since they are read by name."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from netpick.data.sources.class_folders import MASKS
from netpick.data.sources.packed_tables import is_hidden, unpack_into
from netpick.data.sources.parquet_arrow import first_bytes
from netpick.data.sources.paths import MEDIA_SUFFIXES, short_name

FEWEST = 2
LARGEST_MEDIA = 64 << 30  # bytes unpacked, of all members together
MOST_MEMBERS = 2_000_000
BESIDE = (".txt", ".xml", ".json")  # label files of single pictures
COCO = re.compile(r"(coco|instances|annotations).*\.json$")

_unpacked: dict[tuple[str, int, int], Path] = {}  # removed when the program ends


def media_members(path: Path) -> list[str]:
    """The members of a zip that holds sounds or clips and no pictures, or pictures with masks or files of boxes; [] for every other path."""
    if not path.is_file() or first_bytes(path, 4) != b"PK\3\4" or not path.name.lower().endswith(".zip"):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            names = [member.filename for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError):
        return []  # the reader of zips says what is wrong
    names = [name for name in names if not is_hidden(name)]
    pictures = {_stem(name) for name in names if name.lower().endswith(MEDIA_SUFFIXES["image"])}
    if pictures:
        return names if _may_be_labelled(names, pictures) else []
    played = sum(name.lower().endswith((*MEDIA_SUFFIXES["audio"], *MEDIA_SUFFIXES["clip"])) for name in names)
    return names if played >= FEWEST else []


def _may_be_labelled(names: list[str], pictures: set[str]) -> bool:
    """Whether there are folders of masks, or label files that are called as pictures are, or as COCO's files; what they hold is seen when they
    are unpacked."""
    if any(part in MASKS for name in names for part in name.lower().split("/")[:-1]):
        return True
    beside = sum(name.lower().endswith(BESIDE) and _stem(name) in pictures for name in names)
    return beside >= FEWEST or any(COCO.search(name.lower().rpartition("/")[2]) for name in names)


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]


def unpacked_media(path: Path, members: list[str]) -> Path:
    """The folder of these members. Raises DataError for members that are not harmless."""
    status = path.stat()
    key = (str(path.absolute()), status.st_size, status.st_mtime_ns)
    if key not in _unpacked:
        folder = tempfile.mkdtemp(prefix="netpick-zip-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        inner = Path(folder, short_name(path))
        inner.mkdir()
        unpack_into(path, members, inner, most_bytes=LARGEST_MEDIA, most_members=MOST_MEMBERS)
        _unpacked[key] = inner
    return _unpacked[key]
