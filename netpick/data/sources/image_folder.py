"""A folder of class folders of images, with train / val / test folders above them where given."""

from __future__ import annotations

import os
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import ClassVar

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import Tree, is_junk, is_media, media_source
from netpick.data.sources.name_pattern import named_source, parse_pattern, suggested_pattern
from netpick.data.sources.paths import MEDIA_SUFFIXES, readable
from netpick.data.sources.unread_media import unread_ending
from netpick.errors import DataError
from netpick.types import Media, Source

LOOK_DEPTH = 4  # folders deep that are looked into for a first file
LOOK_FOLDERS, LOOK_FILES = 20, 200  # at most, to tell what a folder holds
ALL_SUFFIXES = tuple(suffix for suffixes in MEDIA_SUFFIXES.values() for suffix in suffixes)


class ImageFolderReader(Reader):
    """photos/cat/1.jpg, photos/dog/2.jpg, or photos/train/cat/1.jpg; photos/cat_1.jpg with --label-from."""

    name: ClassVar[str] = "image_folder"
    description: ClassVar[str] = "a folder of class folders of images"

    def recognises(self, path: Path) -> bool:
        return path.is_dir()

    def read(self, path: Path, options: ReadOptions) -> Source:
        return image_source(list_media(path, "image"), path, options)


def image_source(tree: Tree, path: Path, options: ReadOptions) -> Source:
    """The Source of a listed folder of pictures."""
    layout = ImageFolderReader.name
    if options.label_from is not None:
        pattern = parse_pattern(options.label_from)
        return named_source(tree, path, pattern, layout=layout, use_parts=options.find_test)
    name = readable(path.absolute().name)
    try:
        return media_source(tree, path, name=name, layout=layout, in_zip=False, use_parts=options.find_test)
    except DataError as error:
        suggested = suggested_pattern(tree.folders[""]) if set(tree.folders) == {""} else None
        if suggested is None:
            raise
        message = f'{error} Where the names say the class, pass how: --label-from "{suggested}".'
        raise DataError(message) from None


def list_media(root: Path, kind: Media) -> Tree:
    """All files of a kind below a folder. Raises DataError for a link that leaves the folder and for folders that may not be read."""
    folders: dict[str, list[str]] = {}
    entries: list[str] = []
    unread: dict[str, Counter[str]] = {}
    others = 0
    waiting = [""]
    while waiting:
        relative = waiting.pop()
        prefix = f"{relative}/" if relative else ""
        found: list[str] = []
        for entry in _scan(root, relative):
            name = entry.name
            if is_junk(name):
                continue
            if entry.is_symlink():
                _require_inside(entry, root)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(prefix + name)
            elif is_media(name, kind) and is_there(entry):
                found.append(name)
            else:
                others += 1
                if ending := unread_ending(name):
                    unread.setdefault(relative, Counter())[ending] += 1
        if found:
            found.sort()
            folders[relative] = found
            entries += [
                f"{prefix}{name} {size}" for name, size in zip(found, _sizes(root / relative, found), strict=True)
            ]
    entries.sort()
    listing = fingerprint.of_listing(entries)
    return Tree(folders=dict(sorted(folders.items())), others=others, fingerprint=listing, kind=kind, unread=unread)


def is_there(entry: os.DirEntry[str]) -> bool:
    """Whether it is a plain file, or a link to one; no pipe, no link to nothing or to itself."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _sizes(folder: Path, names: list[str]) -> list[int]:
    if os.stat not in os.supports_dir_fd:
        return [os.stat(folder / name).st_size for name in names]
    handle = os.open(folder, os.O_RDONLY)  # looking names up from an open folder halves the time of full paths
    try:
        return [os.stat(name, dir_fd=handle).st_size for name in names]
    finally:
        os.close(handle)


def commonest_media(path: Path) -> Media | None:
    """The kind of which a folder holds most files, by the endings of the first few hundred; never raises."""
    counts: Counter[Media] = Counter()
    waiting, looked = [str(path)], 0
    while waiting and looked < LOOK_FOLDERS and counts.total() < LOOK_FILES:
        looked += 1
        try:
            with os.scandir(waiting.pop(0)) as entries:
                for entry in islice(entries, LOOK_FILES):
                    if is_junk(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    counts.update(kind for kind in MEDIA_SUFFIXES if is_media(entry.name, kind))
        except OSError:
            continue
    return counts.most_common(1)[0][0] if counts else None


def holds_class_folders(path: Path) -> bool:
    """Whether at least two folders in it hold media somewhere; looks at one file of each, so it is quick."""
    tops = [entry.path for entry in _scan(path, "") if not is_junk(entry.name) and entry.is_dir(follow_symlinks=False)]
    if len(tops) == 1:
        return holds_class_folders(Path(tops[0]))
    return sum(holds_media(top, LOOK_DEPTH) for top in tops[:50]) >= 2


def holds_media(folder: str, depth: int) -> bool:
    inner: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.lower().endswith(ALL_SUFFIXES) and not is_junk(entry.name):
                    return True
                if entry.is_dir(follow_symlinks=False) and not is_junk(entry.name):
                    inner.append(entry.path)
    except PermissionError:
        return False
    return depth > 0 and any(holds_media(path, depth - 1) for path in inner)


def _scan(root: Path, relative: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / relative) as entries:
            return list(entries)
    except PermissionError:
        raise DataError(
            f"The folder {root / relative} may not be read by this user, but its files were expected. "
            "Change its permissions (chmod u+rx), or copy it."
        ) from None


def _require_inside(entry: os.DirEntry[str], root: Path) -> None:
    target = Path(os.path.realpath(entry.path))
    if not target.is_relative_to(root.resolve()):
        raise DataError(
            f"{entry.path} is a link to {target}, outside of {root}, but only files inside are read. "
            "Copy the file there, or name the folder that holds the real files."
        )
