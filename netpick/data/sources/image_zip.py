"""Class folders of images inside a zip, read in place; its listing is not trusted."""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from pathlib import Path
from typing import ClassVar

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import Tree, is_junk, is_media, media_source
from netpick.data.sources.parquet_arrow import first_bytes
from netpick.data.sources.paths import short_name
from netpick.data.sources.unread_media import unread_ending
from netpick.errors import DataError
from netpick.types import Source

LARGEST_MEMBER = 512 * 1024 * 1024  # bytes unpacked
HIGHEST_RATIO = 200  # unpacked to packed; images hardly shrink, and a blank one is small
RATIO_COUNTS_FROM = 32 * 1024 * 1024  # bytes unpacked: below, a high ratio is harmless


class ImageZipReader(Reader):
    """The layout of an image folder, zipped."""

    name: ClassVar[str] = "image_zip"
    description: ClassVar[str] = "a zip of such a folder"

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.name.lower().endswith(".zip") and first_bytes(path, 2) == b"PK"

    def read(self, path: Path, options: ReadOptions) -> Source:
        tree = list_zip(path)
        return media_source(
            tree, path, name=short_name(path), layout=self.name, in_zip=True, use_parts=options.find_test
        )


def list_zip(path: Path) -> Tree:
    """The images of a zip. Raises DataError for a damaged zip and for members that leave it, are links, or would explode."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as a zip ({error}), and a whole zip was expected. Copy or download it again."
        ) from None
    folders: dict[str, list[str]] = {}
    entries: list[str] = []
    unread: dict[str, Counter[str]] = {}
    others = 0
    for member in members:
        if member.is_dir():
            continue
        name = member.filename
        require_harmless(member, path)
        components = name.split("/")
        if any(is_junk(component) for component in components):
            continue
        if not is_media(name, "image"):
            others += 1
            if ending := unread_ending(name):
                unread.setdefault("/".join(components[:-1]), Counter())[ending] += 1
            continue
        _require_small(member, path)
        folders.setdefault("/".join(components[:-1]), []).append(components[-1])
        entries.append(f"{name} {member.file_size} {member.CRC:08x}")
    for names in folders.values():
        names.sort()
    entries.sort()
    listing = fingerprint.of_listing(entries)
    return Tree(folders=dict(sorted(folders.items())), others=others, fingerprint=listing, unread=unread)


def require_harmless(member: zipfile.ZipInfo, path: Path) -> None:
    name = member.filename
    mode = member.external_attr >> 16
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or (len(name) > 1 and name[1] == ":"):
        what = "leaves the zip"
    elif stat.S_ISLNK(mode):
        what = "is a link"
    elif member.flag_bits & 1:
        what = "is encrypted"
    else:
        return
    raise DataError(
        f"{path}: its member {name!r} {what}, but plain files below one folder were expected. Pack the zip anew without it."
    )


def _require_small(member: zipfile.ZipInfo, path: Path) -> None:
    size, packed = member.file_size, max(1, member.compress_size)
    if size > LARGEST_MEMBER or (size > RATIO_COUNTS_FROM and size > HIGHEST_RATIO * packed):
        raise DataError(
            f"{path}: its member {member.filename!r} says it unpacks from {packed:,} to {size:,} bytes, but an image of at most "
            f"{LARGEST_MEMBER // 2**20} MB, packed no more than {HIGHEST_RATIO} times, was expected. Pack the zip without it."
        )
