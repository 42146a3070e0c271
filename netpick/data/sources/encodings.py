"""Which bytes are text, and in which encoding: the first look at a delimited file."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zlib
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from netpick.data.sources.legacy import likeliest_encodings
from netpick.errors import DataError, RequestError
from netpick.types import Note

# UTF-32 before UTF-16: its little-endian mark starts with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Only encodings that tables are really written in: the whole list makes short samples look Baltic or Japanese.
WESTERN = "cp1252"
CANDIDATES = [WESTERN, "cp1250", "cp1251", "shift_jis", "gb18030", "big5", "euc_kr", "euc_jp"]
SIGNATURES = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x93NUMPY", "a numpy array"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
)
NO_TEXT = (
    "idna",
    "punycode",
    "undefined",
    "unicode-escape",
    "raw-unicode-escape",
    "unicode_escape",
    "raw_unicode_escape",
)
BARS_LOOKED_AT = 200  # lines
GZIP_MAGIC, BZIP2_MAGIC, XZ_MAGIC = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
Packed = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
UNPACKING_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError)


def open_plain(path: Path) -> BinaryIO | Packed:
    """The file's bytes, decompressed when it is gzip, bzip2 or xz (by its first bytes, not by its name)."""
    with path.open("rb") as file:
        first = file.read(len(XZ_MAGIC))
    if first.startswith(GZIP_MAGIC):
        return gzip.open(path, "rb")
    if first.startswith(BZIP2_MAGIC) and first[3:4].isdigit():
        return bz2.open(path, "rb")
    return lzma.open(path, "rb") if first == XZ_MAGIC else path.open("rb")


def detect_encoding(head: bytes, *, whole: bool, given: str | None, path: Path) -> tuple[str, Note]:
    """The encoding's Python name and what to say about it. Raises DataError for a file that is not text."""
    if given is not None:
        name = _known(given)
        if name in ("utf-16-le", "utf-16-be", "utf-8") and (marked := _marked(head)):
            name = marked
        if name in ("utf-16", "utf-32") and _marked(head) is None:  # as Python reads them when there is no mark
            name = f"{name}-le"
        return name, Note(subject="encoding", text=f"The encoding is {given}, as given.", override="--encoding")
    if marked := _marked(head):
        return marked, _note(marked, "by its byte order mark")
    if guessed := _utf16_without_mark(head):
        return guessed, _note(guessed, "every second byte is zero")
    _require_text(head.rstrip(b"\0\x1a") if whole else head, path)
    if _is_utf8(head, whole):
        return "utf-8", Note(subject="encoding", text="The encoding is UTF-8.", override="--encoding")
    guess = guess_legacy(head)
    return guess, _note(guess, "guessed from its letters: it is not UTF-8")


def text_encoding(data: bytes, given: str | None) -> str:
    """The encoding that was given, or that a mark says, else UTF-8. Raises RequestError for one that is not known."""
    if given is not None and (name := _known(given)) not in ("utf-16", "utf-32", "utf-8"):
        return name
    return _marked(data) or (_utf16_without_mark(data) if given is None else None) or (given or "utf-8")


def nearly_utf8(sample: bytes) -> bool:
    """Whether text is UTF-8 but for a few bytes: sequences that are valid by chance hardly occur in other encodings."""
    if sample.isascii() or _marked(sample) is not None or describe_binary(sample) is not None:
        return False
    text = sample[:-3].decode("utf-8", "surrogateescape")  # its end may cut a letter
    bad = sum("\udc80" <= letter <= "\udcff" for letter in text if letter > "\x7f")
    good = sum(not "\udc80" <= letter <= "\udcff" for letter in text if letter > "\x7f")
    return 0 < bad <= good


def mended(text: str) -> str:
    """Text that was decoded with surrogateescape, its stray bytes as cp1252 has them."""
    return text.translate(STRAY_BYTES)


STRAY_BYTES = {
    0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)
}  # as surrogateescape keeps them


EURO = re.compile(rb"\d ?\xa4|\xa4 ?\d")  # a sign of currencies in no currency, beside a price


def guess_legacy(sample: bytes) -> str:
    """The likeliest encoding of text that is not UTF-8; latin-1, which decodes anything, when none fits."""
    # Bytes around the first non-ASCII ones tell more than a head that may be plain ASCII.
    first = next((position for position, byte in enumerate(sample) if byte > 127), 0)
    sample = sample[max(0, first - 2000) : first + 60_000]
    likeliest = [name for name in likeliest_encodings(sample) if not _eats_bars(sample, name)]
    if likeliest == [WESTERN] and EURO.search(sample):
        return "iso8859-15"
    if len(likeliest) == 1:
        return likeliest[0]
    from charset_normalizer import from_bytes

    candidates = likeliest or [name for name in CANDIDATES if not _eats_bars(sample, name)]
    matches = list(from_bytes(sample, cp_isolation=candidates))
    # Short West European texts fit the Central European table just as well: on a tie the commoner one wins.
    best = min(matches, key=lambda match: (match.chaos, -match.coherence, match.encoding != WESTERN), default=None)
    if best is None and likeliest:
        return likeliest[0]
    if best is None or WESTERN in best.could_be_from_charset:
        return WESTERN if _decodes(sample, WESTERN) else "latin-1"
    return best.encoding.replace("_", "-")


def _eats_bars(sample: bytes, encoding: str) -> bool:
    """Whether bars between cells would be halves of letters: £| is one letter in Chinese and Japanese encodings.

    Other separators are never the second byte of a letter, and letters with a bar in them do not stand in every line.
    """
    lines = [line for line in sample.split(b"\n")[:BARS_LOOKED_AT] if line.strip()]
    counts = Counter(line.count(b"|") for line in lines)
    bars, times = counts.most_common(1)[0] if counts else (0, 0)
    if bars == 0 or times < 0.9 * len(lines):
        return False
    return sample.decode(encoding, "ignore").count("|") < sample.count(b"|")


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def describe_binary(head: bytes) -> str | None:
    """What the first bytes say a binary file is, or None for text."""
    for signature, what in SIGNATURES:
        if head.startswith(signature):
            return what
    return "binary data" if b"\0" in head else None


def _known(given: str) -> str:
    try:
        name = codecs.lookup(given).name
        b"a".decode(name, "replace")  # some are ciphers or packers rather than encodings of text
    except (LookupError, ValueError):
        name = ""
    if not name or name in NO_TEXT:
        raise RequestError(
            f"There is no encoding {given!r} of texts, but one such as utf-8, utf-16, latin-1, cp1252 or shift_jis was "
            "expected. Leave --encoding out to have it detected."
        )
    return "latin-1" if name == "iso8859-1" else name


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in MARKS if head.startswith(mark)), None)


def _utf16_without_mark(head: bytes) -> str | None:
    sample = head[:4000]
    if len(sample) < 8:
        return None
    odd, even = sample[1::2].count(0), sample[0::2].count(0)
    if odd > 0.4 * len(sample) and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * len(sample) and odd == 0 else None


def _require_text(head: bytes, path: Path) -> None:
    what = describe_binary(head)
    if what is None:
        return
    raise DataError(
        f"{path} looks like {what}, but a table of text was expected. Convert it to CSV or Parquet, or give the file its "
        "right ending."
    )


def _is_utf8(head: bytes, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _note(encoding: str, why: str) -> Note:
    spoken = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with a byte order mark"}.get(encoding, encoding)
    return Note(subject="encoding", text=f"The encoding is {spoken} ({why}).", override="--encoding")
