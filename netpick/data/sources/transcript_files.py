"""Where transcripts of recordings lie: the layouts of LibriSpeech, LJSpeech and Common Voice, and NAME.txt beside NAME.wav.

A layout finds its transcripts below a folder; which sounds they belong to is found by the reader.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from netpick.data.sources.paths import AUDIO_SUFFIXES, PART_WORDS, WORD, readable
from netpick.data.sources.plain_text import whole_text
from netpick.data.sources.text_bytes import TextDecoder, Unreadable, read_bytes
from netpick.errors import DataError
from netpick.types import TEST, TRAIN

MOST_FOLDERS, LOOKED_AT = 200, 20  # folders that are searched for a layout, and sounds whose texts are looked for
MOST_TEXT = 1 << 20  # bytes of one transcript
FIELDS = 3  # of a line of metadata.csv: name, as written, as spoken
SOUND, SENTENCE, SPEAKER = (
    ("path", "file", "filename"),
    ("sentence", "transcript", "text"),
    ("client_id", "speaker_id", "speaker"),
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A transcript, and what its layout says of it."""

    sound: str  # path of the file below the folder, without its ending
    text: str
    speaker: str | None = None
    part: int | None = None


Find = Callable[[Path], Sequence[Written]]


def layout_of(folder: Path) -> tuple[str, Find] | None:
    """The layout of a folder of sounds with transcripts, by its names alone; None where there is none. Never raises."""
    try:
        names = {entry.name for entry in os.scandir(folder)}
    except OSError:
        return None
    if "metadata.csv" in names and "wavs" in names:
        return "metadata.csv beside wavs/, as LJSpeech has it", _metadata
    if "clips" in names and any(name.endswith(".tsv") for name in names):
        return "TSV files beside clips/, as Common Voice has them", _tables
    looked, beside = 0, 0
    for files in _files(folder):
        known = set(files)
        if any(name.endswith(".trans.txt") for name in files):
            return "*.trans.txt beside the sounds, as LibriSpeech has them", _trans_files
        for name in files:
            stem, ending = os.path.splitext(name)
            if ending.lower() in AUDIO_SUFFIXES and looked < LOOKED_AT:
                looked, beside = looked + 1, beside + (f"{stem}.txt" in known)
    return ("a text file beside each sound", _texts_beside) if 2 * beside > looked else None


def _files(folder: Path) -> Iterator[list[str]]:
    """The names in the first folders below one, without those that links lead to."""
    for number, (_, folders, files) in enumerate(os.walk(folder)):
        if number >= MOST_FOLDERS:
            return
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield files


def _metadata(folder: Path) -> list[Written]:
    """Lines NAME|as written|as spoken; the last field is the transcript."""
    path = folder / "metadata.csv"
    found = []
    for number, line in enumerate(whole_text(path, None).split("\n"), start=1):
        if not line.strip():
            continue
        fields = line.split("|")
        if not 2 <= len(fields) <= FIELDS:
            raise DataError(
                f"{path}, line {number} has {len(fields)} fields between bars, but NAME|text or NAME|text|text as it is spoken was expected. Correct the "
                "line."
            )
        found.append(Written(sound=f"wavs/{_bare(fields[0].strip())}", text=fields[-1].strip()))
    return found


def _tables(folder: Path) -> list[Written]:
    """train.tsv, dev.tsv and test.tsv where they are; else validated.tsv; else the only table."""
    tables = {path.stem.lower(): path for path in sorted(folder.glob("*.tsv"))}
    parts = {name: PART_WORDS[name] for name in tables if name in PART_WORDS}
    if TRAIN in parts.values() and TEST in parts.values():
        return [line for name, part in parts.items() for line in _table(tables[name], part)]
    chosen = tables.get("validated") or next(iter(tables.values()))
    return _table(chosen, None)


def _table(path: Path, part: int | None) -> list[Written]:
    rows = csv.reader(whole_text(path, None).split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = [name.strip().lower() for name in next(rows, [])]
    sound, sentence = _column(header, SOUND), _column(header, SENTENCE)
    if sound is None or sentence is None:
        raise DataError(
            f"{path} has the columns {', '.join(map(repr, header[:8]))}, but one of file names (path) and one of what is said (sentence) were "
            "expected. Rename the columns."
        )
    speaker = _column(header, SPEAKER)
    found = []
    for row in rows:
        if len(row) > max(sound, sentence):
            who = row[speaker].strip() if speaker is not None and len(row) > speaker else None
            found.append(
                Written(sound=f"clips/{_bare(row[sound].strip())}", text=row[sentence].strip(), speaker=who, part=part)
            )
    return found


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _trans_files(folder: Path) -> list[Written]:
    """Lines SPEAKER-CHAPTER-NUMBER WORDS; folders such as train-clean-100 and test-clean are parts."""
    found = []
    for path in sorted(folder.rglob("*.trans.txt")):
        where = path.parent.relative_to(folder).as_posix()
        part = _part_of(where)
        for line in whole_text(path, None).split("\n"):
            name, _, text = line.strip().partition(" ")
            if name:
                sound = name if where == "." else f"{where}/{name}"
                found.append(Written(sound=sound, text=text.strip(), speaker=name.partition("-")[0], part=part))
    return found


def _part_of(where: str) -> int | None:
    """The part that a folder on the way says."""
    words = [word for name in where.lower().split("/") for word in WORD.findall(name)]
    return PART_WORDS[words[0]] if words else None


def _texts_beside(folder: Path) -> list[Written]:
    """NAME.txt beside NAME.wav, whole; folders that are no parts say who speaks, as most corpora are laid out."""
    decoder, found = TextDecoder(None), []
    for path in sorted(folder.rglob("*.txt")):
        if path.name.startswith(".") or not path.resolve().is_relative_to(folder.resolve()):
            continue
        data = read_bytes(path, MOST_TEXT)
        text = data if isinstance(data, Unreadable) else decoder.text(data, path)
        if isinstance(text, Unreadable):
            raise DataError(
                f"{readable(str(path))} cannot be read as a transcript: {text.reason}, but plain text was expected. Write it again, or remove it."
            )
        relative = path.relative_to(folder)
        said = " ".join(text.removeprefix("\ufeff").split())
        where, part = relative.parent.name, _part_of(relative.parent.as_posix())
        speaker = None if not where or _part_of(where) is not None else where
        found.append(Written(sound=relative.with_suffix("").as_posix(), text=said, speaker=speaker, part=part))
    return found


def _bare(name: str) -> str:
    """A name without the ending of a sound."""
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in AUDIO_SUFFIXES else name
