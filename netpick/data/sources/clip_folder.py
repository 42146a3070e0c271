"""A folder of class folders of clips: video files, or folders of numbered frames; with train / val / test above where given.

clips/left/0001.mp4 is plain. clips/left/0001/frame_01.png could as well be an image in a subfolder of its class, so pictures
are read as frames only where all of this holds (`why_frames`): they lie in folders inside of the class folders, several of
them a class; nearly all of these hold at least four pictures of one size, numbered in a row; and neighbours in that row look
more alike than pictures far apart. It is said in a note, and --frames / --no-frames overrides it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import ClassVar

import numpy as np

from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import Tree, is_junk, media_source
from netpick.data.sources.image_folder import commonest_media, image_source, list_media
from netpick.data.sources.paths import IMAGE_SUFFIXES, PART_WORDS, readable
from netpick.types import Array, Note, Source

LEAST_FRAMES = 4
MOST_PARTS_ASIDE = 0.1  # of the folders that may break the rule, and of the pictures that may lie elsewhere
LOOK_DEPTH = 4  # folders deep, and
LOOK_FOLDERS = 60  # folders in all, and
LOOK_FILES = 40  # files a folder that `recognises` looks at
SIMILAR_FOLDERS = 24  # whose pictures are compared
SIMILAR_SIDE = 24  # pixels a side at which they are compared
SIMILAR_FRAMES, SIMILAR_PICTURES = 12, 150  # of each, and in all
SIMILAR = 0.9  # neighbours differ at most so much of what pictures some places apart do
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
NUMBERED = re.compile(r"(.*?)([0-9]{1,18})(\D*)")


class ClipFolderReader(Reader):
    """clips/left/1.mp4, clips/right/2.mp4, or clips/left/1/0001.png, or clips/train/left/1.mp4."""

    name: ClassVar[str] = "clip_folder"
    description: ClassVar[str] = "a folder of class folders of clips or frames"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and (commonest_media(path) == "clip" or _may_hold_frames(path))

    def read(self, path: Path, options: ReadOptions) -> Source:
        name = readable(path.absolute().name)
        if commonest_media(path) == "clip":
            tree = list_media(path, "clip")
            return media_source(tree, path, name=name, layout=self.name, in_zip=False, use_parts=options.find_test)
        pictures = list_media(path, "image")
        note = _frames_note(pictures, path, options.frames)
        if note.override == "--frames":
            source = image_source(pictures, path, options)
        else:
            tree = _folders_as_rows(pictures)
            source = media_source(tree, path, name=name, layout=self.name, in_zip=False, use_parts=options.find_test)
        return replace(source, notes=[note, *source.notes])


def why_frames(tree: Tree, path: Path) -> tuple[bool, str]:
    """Whether the pictures of a tree of folders are frames of clips, and why or why not in words."""
    clips = _clip_folders(tree.folders)
    pictures = sum(map(len, tree.folders.values()))
    inside = sum(len(tree.folders[key]) for key in clips)
    if not clips or inside < (1 - MOST_PARTS_ASIDE) * pictures:
        return False, "pictures lie in the class folders themselves"
    classes = [label for _, label in clips.values()]
    if len(set(classes)) < 2 or median(classes.count(label) for label in set(classes)) < 2:
        return False, "most classes have a single folder of pictures"
    counts = [len(tree.folders[key]) for key in clips]
    short = sum(count < LEAST_FRAMES for count in counts)
    if short > MOST_PARTS_ASIDE * len(clips):
        return False, f"{short:,} of {len(clips):,} folders hold fewer than {LEAST_FRAMES} pictures"
    unnumbered = sum(not numbered_in_a_row(tree.folders[key]) for key in clips)
    if unnumbered > MOST_PARTS_ASIDE * len(clips):
        return False, f"the pictures of {unnumbered:,} of {len(clips):,} folders are not numbered in a row"
    if not _neighbours_are_alike(tree.folders, list(clips), path):
        return False, "their sizes differ, or neighbours in the row look no more alike than pictures far apart"
    reach = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return True, f"{reach} pictures each, of one size, numbered in a row, neighbours alike"


def numbered_in_a_row(names: list[str]) -> bool:
    """Whether file names differ only in a number that counts up by one step: f_08.png, f_09.png, f_10.png."""
    attempts = [NUMBERED.fullmatch(name.rpartition(".")[0]) for name in names]
    matches = [match for match in attempts if match is not None]
    if len(matches) < len(names) or len({(match[1], match[3]) for match in matches}) > 1:
        return False
    numbers = sorted(int(match[2]) for match in matches)
    return len({after - before for before, after in pairwise(numbers)}) <= 1


def _frames_note(pictures: Tree, path: Path, asked: bool | None) -> Note:
    """What folders of pictures are read as; the override names the other way."""
    is_clips, why = (asked, "as asked") if asked is not None else why_frames(pictures, path)
    if is_clips:
        number = len(_clip_folders(pictures.folders))
        return Note(subject="clips", text=f"Each of {number:,} folders is a clip: {why}.", override="--no-frames")
    return Note(
        subject="images", text=f"The pictures are images of their own, not frames of clips: {why}.", override="--frames"
    )


def _folders_as_rows(pictures: Tree) -> Tree:
    """The tree in which a folder of frames stands where a video file would."""
    rows: dict[str, list[str]] = {}
    left_out = 0
    clips = _clip_folders(pictures.folders)
    for key, names in pictures.folders.items():
        if key in clips:
            parent, _, name = key.rpartition("/")
            rows.setdefault(parent, []).append(name)
        else:
            left_out += len(names)
    return Tree(
        folders={key: sorted(rows[key]) for key in sorted(rows)},
        others=pictures.others + left_out,
        fingerprint=pictures.fingerprint,
        kind="clip",
        unread=pictures.unread,
    )


def _clip_folders(folders: Mapping[str, list[str]]) -> dict[str, tuple[str, str]]:
    """Folders of pictures that lie inside of a class folder, with their part ("" where none is given) and class."""
    keys = [key.split("/") for key in folders if key]
    depth = 0
    while len({key[depth] for key in keys if len(key) > depth}) == 1 and all(len(key) > depth + 2 for key in keys):
        depth += 1
    tops = {key[depth].lower() for key in keys if len(key) > depth}
    has_parts = len(tops & set(PART_WORDS)) > 1
    first = depth + has_parts
    return {
        "/".join(key): (key[depth] if has_parts else "", key[first])
        for key in keys
        if len(key) >= first + 2 and (not has_parts or key[depth].lower() in PART_WORDS)
    }


# --- a quick look, and a look at pixels ------------------------------------------------------------------------------


def _looked_at(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Some folders below a path, nearest first: how deep each lies, and some of its files' names."""
    waiting = [(0, str(path))]
    for _ in range(LOOK_FOLDERS):
        if not waiting:
            return
        depth, folder = waiting.pop(0)
        names: list[str] = []
        inner: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if is_junk(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        inner.append(entry.path)
                    elif len(names) < LOOK_FILES:
                        names.append(entry.name)
        except OSError:
            continue
        if depth < LOOK_DEPTH:  # some of each folder, so that a class with thousands does not hide the others
            waiting += [(depth + 1, one) for one in sorted(inner)[: max(2, LOOK_FOLDERS // (4**depth))]]
        yield depth, names


def _may_hold_frames(path: Path) -> bool:
    """Whether most pictures looked at lie at least two folders deep, several to a folder: clips/left/1/0001.png."""
    deep = shallow = 0
    for depth, names in _looked_at(path):
        pictures = sum(name.lower().endswith(IMAGE_SUFFIXES) for name in names)
        if depth >= 2 and pictures >= LEAST_FRAMES:
            deep += pictures
        else:
            shallow += pictures
    return deep > 0 and shallow <= MOST_PARTS_ASIDE * (deep + shallow)


def _neighbours_are_alike(folders: Mapping[str, list[str]], clips: list[str], path: Path) -> bool:
    """Whether pictures next to each other differ less than pictures some places apart, in folders of one picture size."""
    near: list[float] = []
    far: list[float] = []
    places = np.linspace(0, len(clips) - 1, min(SIMILAR_FOLDERS, len(clips))).round().astype(int).tolist()
    most = max(LEAST_FRAMES, min(SIMILAR_FRAMES, SIMILAR_PICTURES // len(places)))
    for place in places:
        names = sorted(folders[clips[place]], key=_number)
        start = max(0, (len(names) - most) // 2)
        shown = [_small(path / clips[place] / name) for name in names[start : start + most]]
        pictures = [pixels for pixels, _ in shown if pixels is not None]
        if len(pictures) < max(LEAST_FRAMES, len(shown)):  # damaged ones are for the decoder to name
            continue
        if len({size for _, size in shown}) > 1:
            return False
        near += _differences(pictures, 1)
        far += _differences(pictures, len(pictures) // 2)
    return bool(near) and float(np.mean(near)) <= SIMILAR * float(np.mean(far))


def _differences(pictures: list[Array], distance: int) -> list[float]:
    pairs = zip(pictures, pictures[distance:], strict=False)
    return [float(np.abs(one - other).mean()) for one, other in pairs]


def _number(name: str) -> tuple[int, str]:
    match = NUMBERED.fullmatch(name.rpartition(".")[0])
    return (int(match[2]) if match else -1, name)


def _small(file: Path) -> tuple[Array | None, tuple[int, int]]:
    """A picture of a few grey pixels and its size; None where it cannot be read."""
    from PIL import Image

    try:
        with Image.open(file, formats=FORMATS) as image:
            size = image.size
            image.draft("L", (SIMILAR_SIDE, SIMILAR_SIDE))
            small = image.convert("L").resize((SIMILAR_SIDE, SIMILAR_SIDE), Image.Resampling.BOX)
            return np.asarray(small, np.float32), size
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, Image.DecompressionBombError):
        return None, (0, 0)
