"""`.ts` files of labelled series, as the UCR and UEA archives write them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.encodings import text_encoding
from netpick.data.sources.paths import short_name
from netpick.errors import DataError
from netpick.types import Array, ArrayColumn, Note, Source, TableColumn

MISSING = ("?", "NaN", "nan")
PLAIN = re.compile(r"[0-9eE+\-., ]+")  # float() would read 1_0 and digits of other scripts, too
LARGEST = 3.4e38
STAMPED = re.compile(r"\([^()]*,([^(),]*)\)")
MOST_BYTES = 2 << 30
MOST_PADDED, MOST_TIMES = (
    20_000_000,
    10,
)  # values after series were brought to one length, and how many times those that are there


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What the @ lines say. `labels` are the classes in their order; `regression`: the label is a number."""

    labels: tuple[str, ...] = ()
    regression: bool = False
    settings: dict[str, str] = field(default_factory=dict)


class TsReader(Reader):
    """Each row: channels divided by colons, values by commas, the class last."""

    name: ClassVar[str] = "ts"
    description: ClassVar[str] = ".ts series"
    endings = (".ts",)

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.name.lower().endswith(self.endings)

    def read(self, path: Path, options: ReadOptions) -> Source:
        lines = _text(path, options.encoding).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        header, first = _read_header(lines, path)
        stamped = header.settings.get("timestamps", "false").lower() == "true"
        if stamped:
            lines = [
                *lines[:first],
                *(_without_stamps(line, path, number) for number, line in enumerate(lines[first:], first + 1)),
            ]
        cases, labels = _read_cases(lines, first, header, path)
        values, lengths = _stack(cases, path)
        source = _source(path, header, values, lengths, labels)
        if stamped:
            text = "The time stamps beside the values are left out: each value counts as one step."
            return replace(source, notes=[*source.notes, Note(subject="time stamps", text=text)])
        return source


def _without_stamps(line: str, path: Path, number: int) -> str:
    """(2020-01-01 00:00:00,1.5),(2020-01-01 01:00:00,1.7):up as 1.5,1.7:up."""
    text = line.strip()
    if not text or text.startswith(("#", "%")):
        return line
    plain = STAMPED.sub(lambda match: match[1], text)
    if "(" in plain or ")" in plain or plain == text:
        raise DataError(
            f"{path}, line {number}: found {text[:40]!r}, but values as (TIME,VALUE) were expected, since @timeStamps is true. Correct the "
            "line."
        )
    return plain


def _text(path: Path, given: str | None) -> str:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise DataError(
            f"{path} has {size / 1e9:,.1f} GB, but at most {MOST_BYTES >> 30} GB of text are read. Split it, or convert it to .npz."
        )
    with path.open("rb") as file:
        data = file.read()
    encoding = text_encoding(data, given)
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        where = f"byte {error.start:,}" if isinstance(error, UnicodeDecodeError) else "it"
        raise DataError(
            f"{path}: {where} is not {encoding} text, but a .ts file is text. Pass --encoding latin-1, or give the file its right "
            "ending."
        ) from None
    zero = text.find("\0")
    if zero >= 0:
        raise DataError(
            f"{path}, line {text.count(chr(10), 0, zero) + 1}: found a zero byte, as binary data have, but a .ts file is text. Check "
            "how it was written or copied."
        )
    return text


def _read_header(lines: list[str], path: Path) -> tuple[_Header, int]:
    settings: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.lower() == "@data":
            return _checked_header(settings, path), number
        if text.startswith("@"):
            key, _, value = text[1:].partition(" ")
            settings[key.lower()] = value.strip()
        elif text and not text.startswith(("#", "%")):
            raise DataError(
                f"{path}, line {number}: found {text[:40]!r} before @data, but only lines with @ or # may come there. "
                "Check that the file is a .ts file of the UCR / UEA archives."
            )
    raise DataError(f"{path} has no @data line, and rows were expected behind one. Check that the file is whole.")


def _checked_header(settings: dict[str, str], path: Path) -> _Header:
    if settings.get("targetlabel", "false").lower().startswith("true"):
        return _Header(regression=True, settings=settings)
    words = settings.get("classlabel", "").split()
    if not words or words[0].lower() != "true" or len(words) < 2:
        said = f"@classLabel {settings['classlabel']}" if "classlabel" in settings else "no @classLabel line"
        raise DataError(
            f"{path} says no classes ({said}), but a line such as '@classLabel true cat dog' was expected, and the class at the "
            "end of each row. Add them, or use a file that has labels."
        )
    return _Header(labels=tuple(words[1:]), settings=settings)


def _read_cases(lines: list[str], first: int, header: _Header, path: Path) -> tuple[list[list[Array]], list[str]]:
    known = set(header.labels)
    cases: list[list[Array]] = []
    labels: list[str] = []
    for number, line in enumerate(lines[first:], start=first + 1):
        text = line.strip()
        if not text or text.startswith(("#", "%")):
            continue
        *channels, label = text.split(":")
        label = label.strip()
        if not channels:
            raise DataError(
                f"{path}, line {number}: found no colon, but channels divided by colons and the class at the end were expected. "
                "Correct the line."
            )
        if known and label not in known:
            raise DataError(
                f"{path}, line {number}: found the class {label[:40]!r}, but @classLabel lists {', '.join(header.labels[:12])}. "
                "Correct the row or that line."
            )
        if cases and len(channels) != len(cases[0]):
            raise DataError(
                f"{path}, line {number}: found {len(channels)} channels, but the rows before have {len(cases[0])}. "
                "Correct the line."
            )
        cases.append([_values(channel, path, number) for channel in channels])
        labels.append(label)
    if not cases:
        raise DataError(f"{path} has no rows behind @data, and rows were expected. Check that the file is whole.")
    return cases, labels


def _values(channel: str, path: Path, line: int) -> Array:
    cells = channel.split(",")
    if PLAIN.fullmatch(channel):
        try:
            with np.errstate(over="ignore"):
                values = np.array(cells, np.float32)
            if not np.isinf(values).any():
                return values
        except ValueError:
            pass
    values = np.empty(len(cells), np.float32)
    for position, cell in enumerate(cells):
        text = cell.strip()
        number = np.nan if text in MISSING else _number(text)
        if number is None:
            raise DataError(
                f"{path}, line {line}: value {position + 1} is {text[:40]!r}, but numbers below 3e38, divided by commas (or ? where "
                "missing), were expected. Correct the line."
            )
        values[position] = number
    return values


def _number(text: str) -> float | None:
    """What float32 can hold, written in plain digits; None for all else."""
    if not PLAIN.fullmatch(text) or "," in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < LARGEST else None


def _stack(cases: list[list[Array]], path: Path) -> tuple[Array, np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """(N, T, C), zero behind each series' end; a channel shorter than its fellows is missing (NaN) at the end."""
    lengths = np.array([max(len(channel) for channel in case) for case in cases], np.int32)
    there = sum(len(channel) for case in cases for channel in case)
    wanted = len(cases) * int(lengths.max()) * len(cases[0])
    if wanted > MOST_PADDED and wanted > MOST_TIMES * there:
        raise DataError(
            f"{path}: row {int(lengths.argmax()) + 1} has {int(lengths.max()):,} steps and the middle one of all rows "
            f"{int(np.median(lengths)):,}, but all are brought to one length. Cut the long ones, or remove them."
        )
    values = np.zeros((len(cases), int(lengths.max()), len(cases[0])), np.float32)
    for row, case in enumerate(cases):
        for column, channel in enumerate(case):
            values[row, : len(channel), column] = channel
            values[row, len(channel) : lengths[row], column] = np.nan
    return values, lengths


def _source(path: Path, header: _Header, values: Array, lengths: Array, labels: list[str]) -> Source:
    equal = bool((lengths == lengths[0]).all())
    rows, steps, channels = values.shape
    reach = f"{steps}" if equal else f"{lengths.min()} to {steps}"
    text = f"{rows:,} series of {reach} steps and {channels} channel{'s' if channels != 1 else ''}."
    target = "target" if header.regression else "label"
    cells = pl.Series(target, labels, dtype=pl.String)
    if header.regression:
        numbers = cells.cast(pl.Float64, strict=False)
        if (numbers.is_null() & ~cells.is_in(MISSING)).any():
            row = int((numbers.is_null() & ~cells.is_in(MISSING)).arg_true()[0])
            raise DataError(
                f"{path}, row {row + 1}: the target is {cells[row]!r}, but @targetLabel true promises numbers. Correct the row."
            )
        cells = numbers
    return Source(
        name=short_name(path),
        origin=str(path),
        layout="ts",
        columns={
            "series": ArrayColumn(name="series", values=values, kind="series", lengths=None if equal else lengths),
            target: TableColumn(name=target, values=cells),
        },
        num_rows=rows,
        fingerprint=fingerprint.of_file(path),
        target=target,
        notes=[Note(subject="series", text=text)],
    )
