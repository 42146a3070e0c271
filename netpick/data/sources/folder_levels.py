"""Which folders of a tree are parts (train, test) and which hold the classes: by their names, and by what lies in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from netpick.data.sources.paths import PART_WORDS, WORD
from netpick.types import TEST, TRAIN, VALIDATION

# Words that stand beside "train" or "test" in the name of a folder and say nothing else: seg_train, test_images, training_set.
FILLERS = {
    *("set", "sets", "data", "dataset", "split", "part", "folder", "folders", "files", "raw", "all", "seg", "samples"),
    *("image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "sound", "sounds", "audio", "audios"),
    *("clip", "clips", "video", "videos", "frames", "class", "classes"),
}
UNLABELLED = {
    *("unlabeled", "unlabelled", "unsup", "unsupervised", "nolabel", "nolabels"),
    *("pred", "predict", "prediction", "predictions", "submission"),
}
# Folders of which each holds all classes: fold_1, session2, subject03, 2021.
COLLECTIONS = {
    *(
        "fold",
        "session",
        "batch",
        "camera",
        "cam",
        "day",
        "run",
        "round",
        "week",
        "year",
        "set",
        "part",
        "volume",
        "vol",
    ),
    *(
        "patient",
        "subject",
        "person",
        "user",
        "speaker",
        "site",
        "group",
        "device",
        "recording",
        "disk",
        "disc",
        "scene",
    ),
}
WITHOUT_LABEL = "its name says that they have no label; rename it to read it as a class"
NUMBERED_WORD = re.compile(r"([a-z]+?)(?:[ _-]*\d+|[ _-][a-z])")
YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True, kw_only=True)
class Level:
    """What the components of one folder's path mean."""

    label: str
    part: int | None = None
    collection: str = ""  # the folder above the class that holds all of them, such as subject03


@dataclass(frozen=True, kw_only=True)
class Levels:
    """By folder, what its path means; and the folders left out, by the reason in words."""

    folders: Mapping[str, Level]
    parts: Mapping[str, int]  # folders that give the split
    left_out: Mapping[str, str]
    collection: str = ""  # the word that folders above the classes share ("subject")
    repeated: tuple[str, ...] = ()  # folders inside of the classes that come again in each of them


def part_of(name: str) -> int | None:
    """The part that a folder is called after, with nothing else in its name: train, training_set, seg_test, test1."""
    words = [_without_set(word) for word in _words(name)]
    parts = {PART_WORDS[word] for word in words if word in PART_WORDS}
    return parts.pop() if len(parts) == 1 and all(w in PART_WORDS or w in FILLERS for w in words) else None


def part_folders(tops: set[str]) -> dict[str, int]:
    """The folders named train, val, test ..., or alike but for such a word: at least two different parts, one for training."""
    parts = {top: part for top in sorted(tops) if (part := part_of(top)) is not None}
    if not parts and len({WORD.sub("*", top.lower()) for top in tops}) == 1:  # news-bydate-train, news-bydate-test
        named = {top: WORD.findall(top.lower()) for top in sorted(tops)}
        parts = {top: PART_WORDS[words[0]] for top, words in named.items() if len(words) == 1}
    return parts if TRAIN in parts.values() and len(set(parts.values())) > 1 else {}


def says_unlabelled(name: str) -> bool:
    """Whether a name says that what is in it has no label, and nothing else: unsup, unlabeled, images_to_predict."""
    words = set(_words(name))
    return bool(words & UNLABELLED) and words <= UNLABELLED | FILLERS | {"to"}


def without_label(learned: Iterable[str], tested: Iterable[str]) -> set[str]:
    """Classes of the training part that are none: called so, in no other part, and beside at least two classes."""
    labels = set(learned)
    called = {label for label in labels if says_unlabelled(label)} - set(tested)
    return called if len(labels - called) > 1 else set()


def find_levels(paths: Mapping[str, Sequence[str]]) -> Levels:
    """paths: of every folder with files, its components without those that wrap all of them; at least one each."""
    parts = part_folders({components[0] for components in paths.values()})
    if parts:
        return _inside_parts(paths, parts)
    aside = _parts_aside(paths)
    kept = {key: components for key, components in paths.items() if components[0] not in aside}
    level = _class_level(list(kept.values()))
    folders = {key: _level(components, level) for key, components in kept.items()}
    left_out, given_parts = {}, {}
    for key, components in paths.items():
        if components[0] not in aside:
            continue
        part, top = aside[components[0]], components[0]
        if part is None or len(components) < 2:
            what = "begins with _, as those of noise and templates do" if top.startswith("_") else "says a part"
            rest = "" if top.startswith("_") else ", and they lie in no class folder"
            left_out[key] = f"its name {what}{rest}; rename it to read it as a class"
            continue
        given_parts[top] = part
        folders[key] = Level(label=components[1], part=part)
    if given_parts:
        folders = {key: Level(label=f.label, part=TRAIN if f.part is None else f.part) for key, f in folders.items()}
        return Levels(folders=folders, parts=given_parts, left_out=left_out)
    return Levels(
        folders=folders,
        parts={},
        left_out=left_out,
        collection=_collection(list(kept.values())) if level else "",
        repeated=_repeated_inside([components[level:] for components in kept.values()]),
    )


def _inside_parts(paths: Mapping[str, Sequence[str]], parts: Mapping[str, int]) -> Levels:
    left_out: dict[str, str] = {}
    inner: dict[str, dict[str, Sequence[str]]] = {}
    for key, components in paths.items():
        if components[0] not in parts:
            left_out[key] = "it is none of the given parts"
        elif len(components) < 2:
            left_out[key] = "they lie in no class folder"
        else:
            inner.setdefault(components[0], {})[key] = components[1:]
    learned = [c for top, found in inner.items() if parts[top] == TRAIN for c in found.values()]
    level = _class_level(learned)
    known = {components[level] for components in learned if len(components) > level}
    tested = {name for top, found in inner.items() if parts[top] != TRAIN for c in found.values() for name in c}
    aside = without_label(known, tested)
    folders: dict[str, Level] = {}
    for top, found in inner.items():
        own = level if parts[top] == TRAIN else _level_like(list(found.values()), known)
        for key, components in found.items():
            if len(components) > own and components[own] in aside:
                left_out[key] = WITHOUT_LABEL
            elif len(components) > own:
                folders[key] = Level(label=components[own], part=parts[top])
            else:
                left_out[key] = "they lie in no class folder"
    return Levels(folders=folders, parts=parts, left_out=left_out)


def _parts_aside(paths: Mapping[str, Sequence[str]]) -> dict[str, int | None]:
    """Folders called test (or validation, or to_predict) beside at least two classes, that hold no class of their own."""
    tops = {components[0] for components in paths.values()}
    named: dict[str, int | None] = {top: part for top in tops if (part := part_of(top)) in (TEST, VALIDATION)}
    named |= {top: None for top in tops if says_unlabelled(top)}
    named |= {top: None for top in tops if top.startswith("_")}
    classes = tops - set(named)
    if len(classes) < 2:
        return {}
    lowered = {name.lower() for name in classes}
    aside = {}
    for top, part in named.items():
        inside = [components[1] for components in paths.values() if components[0] == top and len(components) > 1]
        if not inside or {name.lower() for name in inside} & lowered:
            aside[top] = part
    return aside


def _class_level(paths: Sequence[Sequence[str]]) -> int:
    """How many folders stand above the classes: those that wrap all of them, and collections that each hold all classes."""
    level = 0
    while paths:
        below = [components[level:] for components in paths]
        if any(len(components) < 2 for components in below):
            break
        if len({components[0] for components in below}) > 1 and not _are_collections(below):
            break
        level += 1
    return level


def _level_like(paths: Sequence[Sequence[str]], known: set[str]) -> int:
    """The level of a test part whose folders are called as the classes are."""
    lowered = {name.lower() for name in known}
    deepest = max(map(len, paths))
    shared = [len({c[level].lower() for c in paths if len(c) > level} & lowered) for level in range(deepest)]
    return shared.index(max(shared)) if max(shared) else _class_level(paths)


def _are_collections(paths: Sequence[Sequence[str]]) -> bool:
    """Whether folders such as session1 and session2 hold the same folders, which then are the classes."""
    inside: dict[str, set[str]] = {}
    for components in paths:
        inside.setdefault(components[0], set()).add(components[1])
    if not shared_word(inside):
        return False
    names = set().union(*inside.values())
    mean = sum(map(len, inside.values())) / len(inside)
    return len(names) > 1 and mean >= 0.5 * len(names) and not all(name.isdigit() for name in names)


def shared_word(tops: Sequence[str] | Mapping[str, object]) -> str:
    """The word that numbered folders share; "year" for 2021 and 2022; empty where they are called otherwise."""
    if all(YEAR.fullmatch(top) for top in tops):
        return "year"
    numbered = [NUMBERED_WORD.fullmatch(top.lower()) for top in tops]
    words = {match[1] for match in numbered if match is not None}
    return words.pop() if None not in numbered and len(words) == 1 and words <= COLLECTIONS else ""


def _collection(paths: Sequence[Sequence[str]]) -> str:
    """The word of the folders right above the classes."""
    level = _class_level(paths)
    return shared_word({components[level - 1]: None for components in paths}) if level else ""


def _level(components: Sequence[str], level: int) -> Level:
    above = components[level - 1] if level else ""
    return Level(label=components[level], collection=above)


def _repeated_inside(paths: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Folders with a name that lie in every class: kinds of another sort, such as the persons who were recorded."""
    inside: dict[str, set[str]] = {}
    for components in paths:
        inside.setdefault(components[0], set()).update(components[1:2])
    if len(inside) < 2 or not all(inside.values()):
        return ()
    names = set.intersection(*inside.values())
    return tuple(sorted(name for name in names if not name.isdigit())) if len(names) > 1 else ()


def _words(name: str) -> list[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    return [word for word in re.split(r"[^a-z]+", spaced) if word]


def _without_set(word: str) -> str:
    return word.removesuffix("set") if word.removesuffix("set") in PART_WORDS else word
