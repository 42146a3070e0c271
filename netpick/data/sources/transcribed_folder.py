"""A folder of recordings and their transcripts: each sound with what is said in it, and who speaks where that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.image_folder import commonest_media, list_media
from netpick.data.sources.name_pattern import named_source, parse_pattern
from netpick.data.sources.paths import PART_NAMES, readable
from netpick.data.sources.transcript_files import Written, layout_of
from netpick.errors import DataError
from netpick.types import TEST, TRAIN, UNASSIGNED, Array, Column, FileColumn, Note, Source, TableColumn

NAMED = 3  # files that a note names
FEWEST_SPEAKERS = 3  # that rows can be kept together by
TEXT = "transcript"


class TranscribedFolderReader(Reader):
    """LJSpeech, Common Voice, LibriSpeech, or NAME.txt beside NAME.wav."""

    name: ClassVar[str] = "transcribed_folder"
    description: ClassVar[str] = "sounds with transcripts (LJSpeech, Common Voice, LibriSpeech)"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and commonest_media(path) == "audio" and layout_of(path) is not None

    def read(self, path: Path, options: ReadOptions) -> Source:
        tree = list_media(path, "audio")
        if options.label_from is not None:
            pattern = parse_pattern(options.label_from)
            return named_source(tree, path, pattern, layout="sound_folder", use_parts=options.find_test)
        found = layout_of(path)
        assert found is not None
        how, find = found
        files = [f"{folder}/{name}" if folder else name for folder, names in tree.folders.items() for name in names]
        written = find(path)
        by_stem = {file.rpartition(".")[0]: file for file in reversed(files)}
        pairs = [(by_stem[one.sound], one) for one in written if one.sound in by_stem and one.text]
        if not pairs:
            raise DataError(
                f"{path} holds {len(files):,} sounds and {len(written):,} transcripts ({how}), but none of these belongs to one of those: the "
                f"first transcript is for {written[0].sound if written else 'nothing'}, the first sound is {files[0] if files else 'none'}. "
                "Check the names."
            )
        notes = [
            Note(subject="transcripts", text=f"{len(pairs):,} transcripts were found ({how})."),
            *_left_out(files, written, by_stem, {file for file, _ in pairs}),
        ]
        content = fingerprint.of_listing([tree.fingerprint, *(f"{file} {one.text}" for file, one in pairs)])
        return _source(path, pairs, content, notes, use_parts=options.find_test)


def _left_out(
    files: Sequence[str], written: Sequence[Written], by_stem: Mapping[str, str], used: set[str]
) -> list[Note]:
    """Sounds without a transcript, transcripts without a sound, and those that are empty, by name."""
    alone = [file for file in files if file not in used and file not in {by_stem.get(one.sound) for one in written}]
    lost = [one.sound for one in written if one.sound not in by_stem]
    empty = [by_stem[one.sound] for one in written if one.sound in by_stem and not one.text]
    told = ((alone, "sound has no transcript", "sounds have no transcript"), (lost, "transcript has no sound", "transcripts have no sound"),
            (empty, "sound has an empty transcript", "sounds have an empty transcript"))  # fmt: skip
    return [
        Note(
            subject="transcripts",
            text=f"{len(names):,} {one if len(names) == 1 else many} and {'is' if len(names) == 1 else 'are'} left out: "
            f"{', '.join(map(readable, names[:NAMED]))}{', ...' if len(names) > NAMED else ''}.",
        )
        for names, one, many in told
        if names
    ]


def _source(
    path: Path, pairs: Sequence[tuple[str, Written]], content: str, notes: list[Note], *, use_parts: bool
) -> Source:
    files = [file for file, _ in pairs]
    columns: dict[str, Column] = {"sound": FileColumn(name="sound", root=path, paths=files, kind="audio")}
    speakers = [one.speaker or "" for _, one in pairs]
    if len(set(speakers)) >= FEWEST_SPEAKERS:
        text = f"{len(set(speakers)):,} speakers, by the names of folders, of files or of a column."
        notes = [*notes, Note(subject="speakers", text=text, override="--split random")]
        columns["speaker"] = TableColumn(name="speaker", values=pl.Series("speaker", speakers, dtype=pl.String))
    columns[TEXT] = TableColumn(name=TEXT, values=pl.Series(TEXT, [one.text for _, one in pairs], dtype=pl.String))
    given = _given(pairs) if use_parts else None
    if given is not None:
        counts = ", ".join(
            f"{name} {int((given == part).sum()):,}" for part, name in PART_NAMES.items() if (given == part).any()
        )
        notes = [*notes, Note(subject="split", text=f"The parts are given: {counts}.", override="--test none")]
    return Source(
        name=readable(path.absolute().name),
        origin=str(path),
        layout=TranscribedFolderReader.name,
        columns=columns,
        num_rows=len(files),
        fingerprint=content,
        target=TEXT,
        spoken=TEXT,
        given_split=given,
        groups=("speaker",) if "speaker" in columns else (),
        notes=notes,
        row_names=[readable(file) for file in files],
    )


def _given(pairs: Sequence[tuple[str, Written]]) -> Array | None:
    """The parts that the layout gives: one to learn from and one to test on, at least."""
    parts = np.array([UNASSIGNED if one.part is None else one.part for _, one in pairs], np.int8)
    return parts if (parts == TRAIN).any() and (parts == TEST).any() else None
