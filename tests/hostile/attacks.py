"""Requests that mean harm: each with the input in it, for the tests of a served model and for `bench/attack.py`."""

from __future__ import annotations

import io
import json
import socket
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from PIL import Image

from netpick.serve.options import Limits

JSON, CSV, PNG = "application/json", "text/csv", "image/png"
TABLE, DIGITS = "table", "digits"  # models that a server of the tests has


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One request, and the statuses with which it may be answered."""

    path: str
    body: Callable[[], bytes]
    content_type: str = JSON
    accept: str = JSON
    refused: tuple[int, ...] = (400, 413, 415, 422)
    headers: Mapping[str, str] = field(default_factory=dict)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, colour: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, colour, 0, 0, 0))


def large_png(width: int, height: int, *headers: bytes, channels: int = 1) -> bytes:
    """Zeros, which take a thousandth of their size. Of four channels, the last says how opaque a pixel is."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(channels * width + 1)) for _ in range(height)) + packer.flush()
    begun = b"".join(headers) or header(width, height, 6 if channels == 4 else 0)
    return b"\x89PNG\r\n\x1a\n" + begun + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def two_headers() -> bytes:
    """The first says 100 x 100, the last 5,600 x 5,600."""
    return large_png(5_600, 5_600, header(100, 100), header(5_600, 5_600))


def many_scans(scans: int = 5_000, side: int = 1_000) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (side, side), 90).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * scans + data[-2:]


def form(files: Sequence[bytes], name: str = "files") -> bytes:
    parts = [
        f'--line\r\nContent-Disposition: form-data; name="{name}"; filename="{i}.png"\r\n\r\n'.encode() + data + b"\r\n"
        for i, data in enumerate(files)
    ]
    return b"".join([*parts, b"--line--\r\n"])


def text_among_numbers(size: int) -> bytes:
    """As many numbers as bytes, and one text that long: numpy would store each value as long as the text."""
    data: list[object] = [0] * (size // 3)
    data[-1] = "x" * (size // 3)
    return json.dumps({"inputs": [{"name": "age", "datatype": "FP64", "shape": [len(data)], "data": data}]}).encode()


def text_among_pixels() -> bytes:
    line: list[object] = [0] * 5_000
    line[0] = "x" * 30_000
    return json.dumps({"rows": [{"image": [line] * 8}]}).encode()


def wide_csv(columns: int) -> bytes:
    """As many bytes as are read, of the model's columns and so many others."""
    head = b",".join([b"age,job,hours,member,since", *(b"c%d" % i for i in range(columns))])
    row = b"30,pilot,20.5,y,2023-05-05," + b",".join([b"7"] * columns)
    return b"\n".join([head, *[row] * ((19 << 20) // len(row)), b""])


FORM = "multipart/form-data; boundary=line"
MEGABYTES_17 = 17 << 20
MOST_LISTS, MOST_VALUES = Limits().containers, Limits().items

ATTACKS: dict[str, Attack] = {
    "a text among numbers": Attack(path="/v2/models/table/infer", body=lambda: text_among_numbers(128_000)),
    "a text among pixels": Attack(path="/models/digits/predict", body=text_among_pixels),
    "a CSV of short lines": Attack(path="/predict", content_type=CSV, accept=CSV, body=lambda: b"age\n" + b"a\n" * (9 << 20)),
    "a CSV of 19,000 columns": Attack(path="/predict", content_type=CSV, accept=CSV, body=lambda: wide_csv(19_000)),
    "a CSV of 9 million cells": Attack(path="/predict", content_type=CSV, accept=CSV, body=lambda: wide_csv(900)),
    "JSON of objects": Attack(path="/predict", body=lambda: b'{"rows":[' + b",".join([b"{}"] * (6 << 20)) + b"]}"),
    "JSON of lists": Attack(path="/predict", body=lambda: b'{"rows":[{"age":[' + b",".join([b"[]"] * (5 << 20)) + b"]}]}"),
    "as many lists as are read": Attack(
        path="/predict", body=lambda: b'{"rows":[{"age":[' + b",".join([b"[]"] * (MOST_LISTS - 9)) + b"]}]}"
    ),
    "as many objects as are read": Attack(
        path="/predict", body=lambda: b'{"rows":[' + b",".join(b'{"a%d":1}' % i for i in range(MOST_LISTS - 9)) + b"]}"
    ),
    "as many numbers as are read": Attack(
        path="/predict", body=lambda: b'{"rows":[{"age":[' + b",".join([b"7"] * (MOST_VALUES - 9)) + b"]}]}"
    ),
    "a name of 17 MB": Attack(path="/predict", body=lambda: b'{"rows":[{"' + b"x" * MEGABYTES_17 + b'":1}]}'),
    "a tensor's name of 17 MB": Attack(
        path="/v2/models/table/infer",
        body=lambda: b'{"inputs":[{"name":"' + b"x" * MEGABYTES_17 + b'","datatype":"FP64","shape":[1],"data":[1]}]}',
    ),
    "a number of a million digits": Attack(path="/predict", body=lambda: b'{"rows":[{"age":' + b"9" * 1_000_000 + b"}]}"),
    "a part's header of 17 MB": Attack(
        path="/models/digits/predict",
        content_type=FORM,
        body=lambda: b"--line\r\nContent-Disposition: form-data; name=\"" + b"x" * MEGABYTES_17 + b'"\r\n\r\n1\r\n--line--\r\n',
    ),
    "a PNG with two headers": Attack(path="/models/digits/predict", content_type=PNG, body=two_headers),
    "a JPEG of 5,000 scans": Attack(path="/models/digits/predict", content_type="image/jpeg", body=many_scans),
    "a picture of as many pixels as are read": Attack(
        path="/models/digits/predict", content_type=PNG, body=lambda: large_png(5_000, 5_000, channels=4), refused=(200,)
    ),
    "300 large PNGs": Attack(
        path="/models/digits/predict", content_type=FORM, body=lambda: form([large_png(5_000, 5_000)] * 180)
    ),
}  # fmt: skip


# --- what is no request that HTTP libraries would send --------------------------------------------------------------------


def endless_headers(most: int) -> Iterator[bytes]:
    yield b"GET /schema HTTP/1.1\r\nHost: localhost\r\n"
    yield from (b"X-%d: %b\r\n" % (i, b"a" * 4_000) for i in range(most // 4_010))


def endless_header(most: int) -> Iterator[bytes]:
    yield b"GET /schema HTTP/1.1\r\nHost: localhost\r\nX-A: "
    yield from (b"a" * 65_536 for _ in range(most // 65_536))


def endless_address(most: int) -> Iterator[bytes]:
    yield b"GET /"
    yield from (b"a" * 65_536 for _ in range(most // 65_536))


def endless_trailers(most: int) -> Iterator[bytes]:
    yield b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    yield from (b"X-%d: %b\r\n" % (i, b"a" * 4_000) for i in range(most // 4_010))


def endless_pipeline(most: int) -> Iterator[bytes]:
    """Requests without end, whose answers nobody takes."""
    one = b"GET /schema HTTP/1.1\r\nHost: localhost\r\n\r\n"
    yield from (one * 1_500 for _ in range(most // (1_500 * len(one))))


STREAMS: dict[str, tuple[Callable[[int], Iterator[bytes]], bytes]] = {
    "headers without end": (endless_headers, b" 431 "),
    "one header without end": (endless_header, b" 431 "),
    "an address without end": (endless_address, b" 414 "),
    "trailers without end": (endless_trailers, b" 431 "),
    "requests in line without end": (endless_pipeline, b" 429 "),
}


def stream(port: int, pieces: Iterator[bytes]) -> tuple[int, bytes]:
    """Sends until the server wants no more: how many bytes it took, and what it said at the end."""
    sent, heard = 0, b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.settimeout(10)
        with suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
                sent += len(piece)
        with suppress(OSError):
            while piece := connection.recv(1 << 16):
                heard = (heard + piece)[-200_000:]
    return sent, heard
