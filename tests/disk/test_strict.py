"""Reading back: every limit, and that what we write ourselves stays within all of them."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save as save_tensors

from netpick.disk.strict import (
    RefusedError,
    manifest_of,
    open_archive,
    open_folder,
    parse_json,
    read_file,
    write_archive,
)
from netpick.disk.strict.bundle import MANIFEST
from netpick.disk.strict.tensors import header_of, specs_of, tensors_of

MOST = 1 << 24
LIMITS = {"a": 1 << 20, "b.txt": 1 << 20}


@pytest.mark.parametrize(
    ("content", "why"),
    {
        b"": "cannot be read",
        b"{'a': 1}": "cannot be read",
        b'{"a": 1, "a": 2}': "a key stands twice",
        b'{"a": 1, "\\u0061": 2}': "a key stands twice",
        b"[NaN]": "NaN is no JSON",
        b"[-Infinity]": "-Infinity is no JSON",
        b"[1e999]": "1e999 is no number",
        b"[1e400]": "1e400 is no number",
        b"[9223372036854775808]": "is no number",
        b"[" + b"1" * 5_000 + b"]": "is no number",
        b"[" * 33 + b"]" * 33: "nested more than 32 deep",
        b'["' + b"a" * (1 << 18) + b'"]': "a text of more than",
        b'["\\"' + b"a" * (1 << 18) + b'"]': "a text of more than",
        b'["a': "does not end",
        b'["\\"': "does not end",
        b"\xff\xfe[\x00]\x00": "no UTF-8",
        b"[1]" + b" " * MOST: "at most",
        b"[" + b"[]," * 1_000_001 + b"1]": "more values",
    }.items(),
    ids=lambda value: str(value)[:30],
)
def test_json_that_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        parse_json(content, MOST)


def test_json_at_its_limits() -> None:
    assert parse_json(b"[" * 32 + b"]" * 32, MOST) is not None
    assert parse_json(b"[9223372036854775807, 1e308, 0.1]", MOST) == [(1 << 63) - 1, 1e308, 0.1]
    assert parse_json(b'["[[[[{{{\\"[[[["]', MOST) == ['[[[[{{{"[[[[']
    assert parse_json(bytearray('{"ä": "\\\\"}'.encode()), MOST) == {"ä": "\\"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(VALUES, st.booleans())
def test_json_that_is_written_is_read(value: Any, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped)
    try:
        content = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        content = json.dumps(value).encode()
    assert parse_json(content, MOST) == value


def archive(path: Path, contents: dict[str, bytes]) -> Path:
    with path.open("wb") as file:
        write_archive(file, {MANIFEST: manifest_of(1, contents), **contents})
    return path


def test_an_archive_is_read_back_and_opened_by_others(tmp_path: Path) -> None:
    contents = {"a": b"", "b.txt": bytes(range(256))}
    path = archive(tmp_path / "x.zip", contents)
    with open_archive(path, LIMITS, 1) as bundle:
        assert dict(bundle.sizes) == {"a": 0, "b.txt": 256}
        assert {name: bytes(bundle.read(name)) for name in bundle.sizes} == contents
    with zipfile.ZipFile(path) as other:
        assert other.testzip() is None
        assert other.read("b.txt") == contents["b.txt"]


def test_sizes_are_known_and_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"a": b"x" * 100, "b.txt": b""})
    with pytest.raises(RefusedError, match="member a claims 100 bytes"), open_archive(path, {**LIMITS, "a": 99}, 1):
        pass
    with (
        pytest.raises(RefusedError, match="its format is 1, and this version of netpick reads 2"),
        open_archive(path, LIMITS, 2),
    ):
        pass


def test_a_sparse_file_of_a_terabyte_is_refused_at_once(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"a": b"", "b.txt": b""})
    os.truncate(path, 1 << 40)
    with pytest.raises(RefusedError, match="1,099,511,627,776 bytes"), open_archive(path, LIMITS, 1):
        pass


def test_folders_hold_what_was_written_and_nothing_else(tmp_path: Path) -> None:
    contents = {"a": b"1", "b.txt": b"2"}
    for name, content in {**contents, MANIFEST: manifest_of(1, contents)}.items():
        (tmp_path / name).write_bytes(content)
    with open_folder(tmp_path, LIMITS, 1) as bundle:
        assert bytes(bundle.read("a")) == b"1"
    (tmp_path / "more").touch()
    with (
        pytest.raises(RefusedError, match=r"instead of a, b\.txt and manifest\.json"),
        open_folder(tmp_path, LIMITS, 1),
    ):
        pass
    (tmp_path / "more").unlink()
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to(tmp_path / "b.txt")
    with pytest.raises(RefusedError, match="a is a link"), open_folder(tmp_path, LIMITS, 1):
        pass


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    for path, why in {
        tmp_path / "pipe": "no regular file",
        tmp_path / "link": "is a link",
        tmp_path: "no regular file",
        Path("/dev/zero"): "no regular file",
        tmp_path / "none": "No such file",
        tmp_path / "a\0b": "cannot be read",
    }.items():
        with pytest.raises(RefusedError, match=why):
            read_file(path, MOST)


TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(True), "c": torch.zeros(0, 4), "d": torch.tensor([1, -1]),
    "e": torch.ones(3, dtype=torch.bfloat16), "f": torch.zeros((), dtype=torch.uint8), "g": torch.ones(2, 2, dtype=torch.float64),
}  # fmt: skip


def test_tensors_are_read_back_bit_for_bit() -> None:
    content = bytearray(save_tensors(TENSORS))
    header = header_of(content)
    header.require(specs_of(TENSORS))
    found = tensors_of(content, header)
    assert all(
        torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype for name, tensor in TENSORS.items()
    )
    content[:] = bytes(len(content))
    assert torch.equal(found["a"], TENSORS["a"])  # memory of their own


def test_tensors_that_are_not_expected_are_named() -> None:
    header = header_of(bytearray(save_tensors(TENSORS)))
    expected = specs_of(TENSORS)
    with pytest.raises(RefusedError, match="other names than the network"):
        header.require({**expected, "h": expected["a"]})
    with pytest.raises(RefusedError, match=r"tensor a is float32 \(2, 3\), not float64 \(2, 2\)"):
        header.require({**expected, "a": expected["g"]})
    header.require({name: expected[name] for name in "abcde"}, optional={name: expected[name] for name in "fg"})
