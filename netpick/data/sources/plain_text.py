"""Files of text that are read as a whole: their first lines, and all of them, in whatever encoding and packing."""

from __future__ import annotations

from pathlib import Path

from netpick.data.sources.blocks import read_whole
from netpick.data.sources.encodings import UNPACKING_ERRORS, describe_binary, open_plain, text_encoding
from netpick.errors import DataError

HEAD = 64 << 10  # bytes
MOST_BYTES = 2 << 30


def first_lines(path: Path) -> list[str]:
    """The first lines of a file of text, the last one cut off where the file goes on; [] for other files. Never raises."""
    try:
        with open_plain(path) as file:
            head = file.read(HEAD)
    except UNPACKING_ERRORS:
        return []
    encoding = text_encoding(head, None)
    if describe_binary(head) and not encoding.startswith(("utf-16", "utf-32")):
        return []
    lines = head.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if len(head) < HEAD else lines[:-1]


def whole_text(path: Path, given: str | None) -> str:
    """All of a file of text, with plain ends of lines. Raises DataError for what is too large or no text."""
    data = read_whole(path, MOST_BYTES)
    encoding = text_encoding(data, given)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if given is not None:
            raise DataError(
                f"{path}: byte {error.start:,} is not {encoding} text, which was expected. Leave --encoding out to have it detected, or "
                "pass another."
            ) from None
        text = data.decode("cp1252", "replace")
    zero = text.find("\0")
    if zero >= 0:
        raise DataError(
            f"{path}, line {text.count(chr(10), 0, zero) + 1}: found a zero byte, as binary data have, but text was expected. Check "
            "how it was written or copied."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")
