"""Bytes of files to text: nothing is replaced, and which encodings were detected is said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from netpick.data.sources.encodings import detect_encoding
from netpick.errors import DataError
from netpick.types import Note

MOST_TEXT = 64 << 20  # bytes of one text
GUESSED_ONE_BY_ONE = 100  # files; of more, the commonest guess is tried first, since guessing takes time


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Why a file is no text, in words that fit behind "cannot be read: "."""

    reason: str


def read_bytes(path: Path, most: int = MOST_TEXT) -> bytes | Unreadable:
    try:
        size = path.stat().st_size
        if size > most:
            return Unreadable(reason=f"{size / 1e6:,.0f} MB are more than the {most / 1e6:,.0f} MB of one text")
        return path.read_bytes()
    except OSError as error:
        return Unreadable(reason=error.strerror or "the system refuses it")


class TextDecoder:
    """Bytes to text, file by file; nothing is replaced, and which encodings were found is said."""

    def __init__(self, given: str | None) -> None:
        self.given = given
        self.found: Counter[str] = Counter()
        self.example: dict[str, str] = {}

    def text(self, data: bytes, path: Path) -> str | Unreadable:
        encoding = self._encoding(data, path)
        if isinstance(encoding, Unreadable):
            return encoding
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            return Unreadable(reason=f"byte {error.start:,} (0x{data[error.start]:02x}) is not {encoding}")
        if "\0" in text:
            return Unreadable(reason=f"character {text.index(chr(0)):,} is zero, so it is binary data rather than text")
        self.found[encoding] += 1
        self.example.setdefault(encoding, path.name)
        return text

    def _encoding(self, data: bytes, path: Path) -> str | Unreadable:
        if self.given is None and self.found.total() - self.found["utf-8"] >= GUESSED_ONE_BY_ONE:
            usual = next(name for name, _ in self.found.most_common() if name != "utf-8")
            for likely in ("utf-8", usual):
                if b"\0" not in data and _decodes(data, likely):
                    return likely
        try:
            return detect_encoding(data, whole=True, given=self.given, path=path)[0]
        except DataError:
            zero = data.find(b"\0")
            return Unreadable(
                reason=f"byte {zero:,} is zero, so it is binary data rather than text"
                if zero >= 0
                else "it looks like binary data rather than text"
            )

    def note(self) -> Note:
        if self.given is not None:
            return Note(subject="encoding", text=f"The encoding is {self.given}, as given.", override="--encoding")
        if set(self.found) <= {"utf-8"}:
            return Note(subject="encoding", text="The encoding is UTF-8.", override="--encoding")
        counts = ", ".join(
            f"{count:,} file{'s' if count > 1 else ''} in {name}"
            + ("" if name == "utf-8" else f" ({self.example[name]})")
            for name, count in self.found.most_common()
        )
        text = f"The encodings differ from UTF-8, as guessed from each file's letters or said by its mark: {counts}."
        return Note(subject="encoding", text=text, override="--encoding")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
