"""Zips of tables: unpacked into a folder of their own for as long as they are read, within limits; never trusted."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.image_zip import HIGHEST_RATIO, RATIO_COUNTS_FROM, require_harmless
from netpick.data.sources.media_names import MediaFiles
from netpick.data.sources.parquet_arrow import first_bytes
from netpick.data.sources.paths import MEDIA_SUFFIXES, bare
from netpick.errors import DataError

LARGEST_TABLES = 8 << 30  # bytes unpacked, of all tables of a zip together
MOST_TABLES = 200_000  # texts may be as many
BESIDE_MEDIA, MOST_BESIDE_MEDIA = (".csv", ".tsv", ".tab"), 20
ALSO = (".txt", ".data", ".test", ".names")  # endings of tables in zips


def tables_in(path: Path, endings: tuple[str, ...]) -> list[str]:
    """The members of a zip that are tables by their endings, those of data files; [] for what is no zip, or a spreadsheet."""
    if not path.is_file() or first_bytes(path, 4) != b"PK\3\4" or not path.name.lower().endswith(".zip"):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            names = [member.filename for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError):
        return []  # the reader of zips says what is wrong
    found = [name for name in names if bare(name.lower()).endswith((*endings, *ALSO)) and not is_hidden(name)]
    if any(name.lower().endswith(MEDIA_SUFFIXES["image"]) for name in names):
        found = [name for name in found if bare(name.lower()).endswith(BESIDE_MEDIA)]  # texts are boxes or remarks
        return found if len(found) <= MOST_BESIDE_MEDIA else []
    return found


def is_hidden(name: str) -> bool:
    """Whether a folder of its path, or the file itself, is one that people do not see; .. is left for the check of harm."""
    return any(is_junk(part) for part in name.split("/") if part not in ("..", "."))


def media_in(path: Path) -> list[MediaFiles]:
    """The pictures in a zip."""
    with zipfile.ZipFile(path) as archive:
        names = [member.filename for member in archive.infolist()]
    pictures = [n for n in names if n.lower().endswith(MEDIA_SUFFIXES["image"]) and not is_hidden(n)]
    return [MediaFiles(root=path, paths=frozenset(pictures), kind="image", in_zip=True)] if pictures else []


@contextmanager
def unpacked(path: Path, names: list[str]) -> Iterator[Path]:
    """A folder that holds these members, gone afterwards. Raises DataError for members that are not harmless."""
    with tempfile.TemporaryDirectory(prefix="netpick-zip-") as folder:
        unpack_into(path, names, Path(folder), most_bytes=LARGEST_TABLES, most_members=MOST_TABLES)
        yield Path(folder)


def unpack_into(path: Path, names: list[str], folder: Path, *, most_bytes: int, most_members: int) -> None:
    """Unpacks members of a zip within limits. Raises DataError for members that are not harmless."""
    if len(names) > most_members:
        raise DataError(
            f"{path} holds {len(names):,} files, and at most {most_members:,} are looked at. Unpack it, and name the one to read."
        )
    left = most_bytes
    with zipfile.ZipFile(path) as archive:
        for name in names:
            member = archive.getinfo(name)
            require_harmless(member, path)
            left -= member.file_size
            too_dense = member.file_size > RATIO_COUNTS_FROM and member.file_size > HIGHEST_RATIO * max(
                1, member.compress_size
            )
            if left < 0 or too_dense:
                raise DataError(
                    f"{path}: its member {name!r} says it unpacks from {member.compress_size:,} to {member.file_size:,} bytes, but "
                    f"files of at most {most_bytes >> 30} GB in all, packed no more than {HIGHEST_RATIO} times, were expected. "
                    "Unpack it yourself, and name what is in it."
                )
            target = Path(folder, *name.split("/"))
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
            except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
                raise DataError(
                    f"{path}: its member {name!r} cannot be unpacked ({error}), and a whole zip was expected. Copy or download it "
                    "again."
                ) from None
