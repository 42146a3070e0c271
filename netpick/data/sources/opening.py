"""From what the user named to one Source: picks the reader, finds partner files, appends the test rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from netpick.data.formats.reading import FormatOptions, with_formats
from netpick.data.formats.spelling import merged
from netpick.data.sources import fingerprint
from netpick.data.sources.arrays import is_arrays, read_arrays
from netpick.data.sources.base import Cells, Reader, ReadOptions
from netpick.data.sources.chord_folder import holds_chords
from netpick.data.sources.delimited import DelimitedReader
from netpick.data.sources.encodings import SIGNATURES
from netpick.data.sources.folder_tables import names_media, table_of_media
from netpick.data.sources.frames import FRAME, is_frame, read_frame
from netpick.data.sources.image_folder import commonest_media, holds_class_folders
from netpick.data.sources.join import columns_differ, join_parts, stack
from netpick.data.sources.mask_folder import MaskFolderReader, holds_masks
from netpick.data.sources.media_names import MediaFiles, with_media
from netpick.data.sources.npy_files import inputs_in
from netpick.data.sources.object_layouts import holds_objects
from netpick.data.sources.packed_media import media_members, unpacked_media
from netpick.data.sources.packed_tables import media_in, tables_in, unpacked
from netpick.data.sources.parallel_lines import parallel_files
from netpick.data.sources.parquet_arrow import first_bytes, is_dataset
from netpick.data.sources.part_column import with_part_column
from netpick.data.sources.paths import (
    PART_NAMES,
    data_file_in,
    existing,
    existing_file,
    family_name,
    find_parts,
    pieces_in,
    readable,
    short_name,
)
from netpick.data.sources.picture_cells import with_pictures
from netpick.data.sources.records import as_frame
from netpick.data.sources.running_text import RunningTextReader, may_go_on
from netpick.data.sources.transcript_files import layout_of
from netpick.data.sources.whats_this import refuse_by_ending, refuse_by_name
from netpick.errors import DataError, NetpickError, RequestError
from netpick.types import TEST, TRAIN, FileColumn, Media, Note, Source

Readers = Mapping[str, Reader]
NO_TEST = "none"


def open_with(
    readers: Readers, data: object, *, options: ReadOptions, test: object | None, target: str | None
) -> Source:
    """open_source, over a given table of readers."""
    source = _open_parts(readers, data, options=options, test=test, target=target)
    told = (*options.words, *options.numbers, *options.times, *(target or "").split(","), source.music or "")
    source = with_pictures(source, others=told)
    cells = _cells_of(readers, source.layout)
    if not options.find_formats or cells == "values":
        return merged(source, options.merge)
    source = with_part_column(
        source, inputs=(*options.words, *options.numbers, *(target or "").split(",")), together=not options.find_test
    )
    said = FormatOptions(
        formats=options.formats,
        not_missing=options.not_missing,
        words=(*options.words, *_words_of(source)),
        times=options.times,
        numbers=options.numbers,
        all_text=cells == "text",
    )
    return merged(with_formats(source, said), options.merge)


def _words_of(source: Source) -> tuple[str, ...]:
    """Columns that are words, whatever they look like: tokens, and their tags."""
    if source.tokens is None:
        return ()
    return (source.tokens,) if source.target is None else tuple(source.columns)


def _cells_of(readers: Readers, layout: str) -> Cells:
    if layout in readers:
        return readers[layout].cells
    return "mixed" if layout == FRAME else "values"


def _endings(readers: Readers, *, tables: bool = False) -> tuple[str, ...]:
    """Of names of data files, or of tables alone."""
    kinds = [reader for reader in readers.values() if not tables or reader.cells != "values"]
    return tuple(ending for reader in kinds for ending in reader.endings)


def _open_parts(
    readers: Readers, data: object, *, options: ReadOptions, test: object | None, target: str | None
) -> Source:
    if isinstance(test, str) and test == NO_TEST:
        options, test = replace(options, find_test=False), None
    if test is None:
        return _open(readers, data, options, find_partners=options.find_test)
    source = _open(readers, data, options, find_partners=False)
    if source.given_split is not None and (source.given_split == TEST).any():
        raise RequestError(
            f"{source.origin} has test rows of its own, and --test names others, but one of them was expected. "
            "Leave --test out, or name the training part alone."
        )
    tested = _open(readers, test, replace(options, find_test=False), find_partners=False)
    joined = join_parts({TRAIN: source, TEST: tested}, target=target)
    note = Note(
        subject="split",
        text=f"The {tested.num_rows:,} test rows come from {tested.origin}, as given.",
        override="--test",
    )
    return replace(joined, notes=[*joined.notes, note])


def open_files(files: Sequence[Path], *, column: str, kind: Media = "image") -> Source:
    """The Source of media files that are rows without labels; each is named as it was given."""
    if not files:
        raise RequestError("No files were named, but at least one was expected. Name files or a folder.")
    for file in files:
        existing_file(file)
    absolute = [os.path.abspath(file.expanduser()) for file in files]
    root = Path(os.path.commonpath([os.path.dirname(file) for file in absolute]))
    paths = [Path(file).relative_to(root).as_posix() for file in absolute]
    names = [readable(str(file)) for file in files]
    return Source(
        name=short_name(files[0]) if len(files) == 1 else root.name,
        origin=names[0] if len(names) == 1 else f"{len(names):,} files",
        layout="files",
        columns={column: FileColumn(name=column, root=root, paths=paths, kind=kind)},
        num_rows=len(files),
        fingerprint=fingerprint.of_listing(f"{path} {os.path.getsize(root / path)}" for path in paths),
        row_names=names,
    )


def _open(readers: Readers, data: object, options: ReadOptions, *, find_partners: bool) -> Source:
    if isinstance(data, str | Path):
        return _open_path(readers, data, options, find_partners=find_partners)
    if is_frame(data):
        return read_frame(data, options)
    if is_arrays(data):
        return read_arrays(data, options)
    if (frame := as_frame(data)) is not None:
        return read_frame(frame, options)
    shape = getattr(data, "shape", None)
    what = (
        "None"
        if data is None
        else f"a value of type {type(data).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")
    )
    raise RequestError(
        f"Got {what}, but a path, a DataFrame (polars, pandas), a pyarrow Table, records, or arrays (X, y) were expected. "
        "Pass (X, y) when it is one array without labels."
    )


def _open_path(readers: Readers, given: str | Path, options: ReadOptions, *, find_partners: bool) -> Source:
    path = existing(given)
    notes: list[Note] = []
    if members := media_members(path):
        folder = unpacked_media(path, members)
        return _open_unpacked(readers, path, (folder, folder), options)
    if members := tables_in(path, _endings(readers)):
        media = media_in(path)
        if not media or options.label_from is None:
            source = _open_packed(readers, path, members, media, options)
            if source is not None:
                return replace(source, origin=readable(str(given)), name=short_name(path))
    if (
        path.is_dir()
        and options.label_from is None
        and not is_dataset(path)
        and not holds_chords(path)
        and (pieces := pieces_in(path, _endings(readers, tables=True)))
    ):
        return replace(_open_pieces(readers, pieces, options), origin=readable(str(given)), name=short_name(path))
    if path.is_dir() and options.label_from is None and options.masks is None:  # else the names of files say the label
        path, notes = _table_of(path, _endings(readers))
    reader = (
        readers[RunningTextReader.name] if options.running and may_go_on(path) else _reader_for(readers, path, options)
    )
    parts = find_parts(path) if find_partners and not reader.reads_beside else {TRAIN: path}
    parts = {part: file for part, file in parts.items() if file == path.absolute() or _is_partner(reader, file)}
    source = _read(reader, path, options) if len(parts) < 2 else _read_parts(reader, path, parts, options)
    return replace(source, origin=readable(str(given)), notes=[*notes, *source.notes])


def _open_pieces(readers: Readers, pieces: Sequence[Path], options: ReadOptions) -> Source:
    sources = [_read(_reader_for(readers, piece, options), piece, options) for piece in pieces]
    joined = stack(sources)
    return replace(
        joined, notes=[*joined.notes, Note(subject="files", text=f"{len(pieces):,} parts are read as one table.")]
    )


def _table_of(folder: Path, endings: tuple[str, ...]) -> tuple[Path, list[Note]]:
    """The table in a folder that is meant by it, or the folder itself; and what to say of it."""
    if is_dataset(folder) or parallel_files(folder) or holds_chords(folder):
        return folder, []
    kind = commonest_media(folder)
    if kind == "image" and holds_masks(folder):
        return folder, []
    if kind == "audio" and layout_of(folder) is not None:
        return folder, []
    if kind == "image" and holds_objects(folder):
        return folder, []
    classes = holds_class_folders(folder)
    found = table_of_media(folder, kind)
    if found is not None:
        table, instead = found
        name = readable(table.relative_to(folder).as_posix())
        if instead or not classes:
            text = f"{name} names the files of the folder, and is read."
            return table, [Note(subject="files", text=text)]
        text = f"The folders are read as classes. {name} names the same files; to read it, name it."
        return folder, [Note(subject="files", text=text, override=str(table))]
    if not classes and (inputs := inputs_in(folder)) is not None:
        return inputs, []
    member = None if classes else data_file_in(folder, endings)
    if member is None:
        return folder, []
    chosen, others = member
    text = f"The folder's data file {readable(chosen.name)} is read."
    if others:
        text += f" Not read: {', '.join(map(readable, others[:4]))}{', ...' if len(others) > 4 else ''}."
    return chosen, [Note(subject="files", text=text)]


def _open_packed(
    readers: Readers, path: Path, members: list[str], media: Sequence[MediaFiles], options: ReadOptions
) -> Source | None:
    """The tables of a zip; None where it holds pictures and no table names them."""
    with unpacked(path, members) as folder:
        found = _tables_that_name(folder, members, media) if media else folder
        if found is None:
            return None
        beside = not media and options.find_test
        source = _open_unpacked(readers, path, (folder, found), replace(options, find_test=beside))
        return with_media(source, media) if media else source


def _open_unpacked(readers: Readers, path: Path, unpacked_to: tuple[Path, Path], options: ReadOptions) -> Source:
    """What was unpacked from a zip into a folder; that folder is named nowhere."""
    folder, found = unpacked_to
    try:
        source = _open_path(readers, found, options, find_partners=options.find_test)
    except NetpickError as error:
        said = str(error).replace(f"{folder}{os.sep}", f"{path}: ").replace(str(folder), str(path))
        if "Name the one to read" in said:
            said = f"{said.partition('Name the one to read')[0]}Unpack it, and name the one to read."
        raise (RequestError if isinstance(error, RequestError) else DataError)(said) from None
    notes = [
        replace(n, text=n.text.replace(f"{folder}{os.sep}", "").replace(str(folder), str(path))) for n in source.notes
    ]
    return replace(source, notes=notes, origin=readable(str(path)), name=short_name(path))


def _tables_that_name(folder: Path, members: list[str], media: Sequence[MediaFiles]) -> Path | None:
    """The table that names the pictures of the zip that it was unpacked from."""
    naming = [folder / name for name in members if any(names_media(folder / name, place) for place in media)]
    learned = [table for table in naming if "train" in table.name.lower()] or naming
    return max(learned, key=lambda table: table.stat().st_size) if learned else None


def _read(reader: Reader, path: Path, options: ReadOptions) -> Source:
    """What a reader makes of a path. Raises DataError where a file is another one afterwards: its rows would be of two states."""
    before = _state_of(path)
    source = reader.read(path, options)
    if _state_of(path) != before:
        raise DataError(
            f"{path} changed while it was read, so its rows may be of two states. Run it again once nothing writes to it."
        )
    return source


def _state_of(path: Path) -> tuple[int, ...] | None:
    """Of a file; folders are listed, and their files read later."""
    if not path.is_file():
        return None
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _is_partner(reader: Reader, path: Path) -> bool:
    # Any folder may be called test/; only one with class folders is a partner.
    return reader.recognises(path) and (path.is_file() or holds_class_folders(path))


def _read_parts(reader: Reader, path: Path, parts: Mapping[int, Path], options: ReadOptions) -> Source:
    own = _read(reader, path, options)
    if own.given_split is not None:  # the file says its split itself
        return own
    sources = {part: own if file == path.absolute() else _read(reader, file, options) for part, file in parts.items()}
    notes = []
    for part, source in list(sources.items()):
        if columns_differ(own, source):
            lacking = [name for name in own.columns if name not in source.columns]
            why = f"it lacks {', '.join(map(repr, lacking[:3]))}" if lacking else "it has further columns"
            text = f"{parts[part].name} lies beside it, but is not used: {why}."
            notes.append(Note(subject="split", text=text, override="--test"))
            del sources[part]
    if TRAIN not in sources or len(sources) == 1:
        return replace(own, notes=[*own.notes, *notes])
    joined = join_parts(sources)
    told = ", ".join(f"{PART_NAMES[part]} {parts[part].name} ({source.num_rows:,})" for part, source in sources.items())
    note = Note(subject="split", text=f"The split is given by the files' names: {told}.", override="--test none")
    return replace(joined, name=family_name(parts[TRAIN]), notes=[*joined.notes, note, *notes])


def _reader_for(readers: Readers, path: Path, options: ReadOptions) -> Reader:
    refuse_by_name(path)
    if options.masks is not None and path.is_dir():
        return readers[MaskFolderReader.name]
    has_cells = options.separator is not None and path.is_file()  # who names a separator has a table
    for reader in readers.values():
        if reader.recognises(path) and not (has_cells and reader.name == RunningTextReader.name):
            return reader
    refuse_by_ending(path)
    if has_cells:
        return readers[DelimitedReader.name]
    head = first_bytes(path, 16)
    what = next((f" (it looks like {what})" for signature, what in SIGNATURES if head.startswith(signature)), "")
    known = "; ".join(reader.description for reader in readers.values())
    raise DataError(
        f"{path} is in no format that can be read{what}, but one of these was expected: {known}. Convert it to one of them, "
        "or give it the right ending."
    )
