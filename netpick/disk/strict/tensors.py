"""Tensors in the safetensors format, read by hand so that every claim of the header is looked at before memory is taken.

The format: eight bytes with the header's length, the header as JSON (name -> dtype, shape, place), then the numbers.
`header_of` reads claims; the caller compares them with what must be there; only then `tensors_of` makes tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netpick.disk.strict.documents import parse_json
from netpick.disk.strict.files import RefusedError

if TYPE_CHECKING:
    from torch import Tensor

ITEM_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
              "uint8": 1, "bool": 1}  # fmt: skip
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
          "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}  # fmt: skip
MOST_HEADER = 8 << 20
MOST_TENSORS = 20_000
MOST_DIMENSIONS = 8


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """What a tensor is, without its numbers."""

    dtype: str  # as torch and numpy call it
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        return prod(self.shape) * ITEM_BYTES[self.dtype]

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"[:100]


def specs_of(tensors: Mapping[str, Tensor]) -> dict[str, TensorSpec]:
    """What these tensors are; they may lie on the meta device."""
    return {
        name: TensorSpec(dtype=str(tensor.dtype).removeprefix("torch."), shape=tuple(tensor.shape))
        for name, tensor in tensors.items()
    }


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says that it holds, and where each tensor begins."""

    specs: Mapping[str, TensorSpec]
    starts: Mapping[str, int]

    def require(self, expected: Mapping[str, TensorSpec], *, optional: Mapping[str, TensorSpec] | None = None) -> None:
        """Raises RefusedError when names, shapes or dtypes are others than those expected."""
        allowed = {**expected, **(optional or {})}
        strange = sorted((set(self.specs) - set(allowed)) | (set(expected) - set(self.specs)))
        if strange:
            raise RefusedError(f"its tensors have other names than the network: {str(strange[:4])[:200]}")
        for name, spec in self.specs.items():
            if spec != allowed[name]:
                raise RefusedError(f"tensor {name[:80]} is {spec}, not {allowed[name]}")


def header_of(content: bytearray, size: int | None = None) -> Header:
    """What the bytes claim to hold: places without holes or overlaps, in exactly these bytes. Raises RefusedError.

    size: of all bytes, where `content` is only their beginning.
    """
    length, size = int.from_bytes(content[:8], "little"), len(content) if size is None else size
    if len(content) < 8 or length > min(MOST_HEADER, len(content) - 8):
        raise RefusedError("its tensors have no header of a possible length")
    header = parse_json(content[8 : 8 + length], MOST_HEADER, containers=3 * MOST_TENSORS + 1)
    if not isinstance(header, dict) or len(header) > MOST_TENSORS:
        raise RefusedError("its tensors have a header that is never written")
    places = sorted((_place(name, claim) for name, claim in header.items()), key=lambda place: (place[1], place[2]))
    expected = 0
    for name, begin, end, spec in places:
        if begin != expected or end - begin != spec.num_bytes or begin % ITEM_BYTES[spec.dtype]:
            raise RefusedError(f"tensor {name[:80]} lies where no tensor of its size can lie")
        expected = end
    if expected != size - 8 - length:
        raise RefusedError("its tensors do not fill their file")
    return Header(
        specs={name: spec for name, _, _, spec in places},
        starts={name: 8 + length + begin for name, begin, _, _ in places},
    )


def tensors_of(content: bytearray, header: Header, *, finite: bool = True) -> dict[str, Tensor]:
    """The tensors, in memory of their own. Raises RefusedError for numbers that are not finite, where they must be."""
    import torch

    tensors = {}
    for name, spec in header.specs.items():
        dtype, count = getattr(torch, spec.dtype), prod(spec.shape)
        if count == 0:
            tensors[name] = torch.empty(spec.shape, dtype=dtype)
            continue
        raw = torch.uint8 if dtype == torch.bool else dtype
        tensor = torch.frombuffer(content, dtype=raw, count=count, offset=header.starts[name]).reshape(spec.shape)
        if dtype == torch.bool and int(tensor.max()) > 1:
            raise RefusedError(f"tensor {name[:80]} holds truth values that are neither")
        if finite and dtype.is_floating_point and not bool(torch.isfinite(tensor).all()):
            raise RefusedError(f"tensor {name[:80]} holds numbers that are not finite")
        tensors[name] = tensor.to(dtype, copy=True)
    return tensors


def arrays_of(content: bytearray, header: Header, *, finite: bool = True) -> dict[str, Any]:
    """The same as numpy arrays, in memory of their own, without torch. Raises RefusedError for numbers that are not finite,
    where they must be."""
    arrays = {}
    for name, spec in header.specs.items():
        if spec.dtype == "bfloat16":
            raise RefusedError(f"tensor {name[:80]} is of a type that only networks have")
        dtype, count = np.dtype(spec.dtype), prod(spec.shape)
        raw = np.uint8 if spec.dtype == "bool" else dtype
        array = np.frombuffer(content, dtype=raw, count=count, offset=header.starts[name] if count else 0)
        if spec.dtype == "bool" and array.max(initial=0) > 1:
            raise RefusedError(f"tensor {name[:80]} holds truth values that are neither")
        if finite and dtype.kind == "f" and not np.isfinite(array).all():
            raise RefusedError(f"tensor {name[:80]} holds numbers that are not finite")
        arrays[name] = array.astype(dtype).reshape(spec.shape)
    return arrays


def mapped_arrays(path: Path) -> dict[str, Any]:
    """The arrays of a file, mapped: changes to them stay in memory. Raises RefusedError."""
    try:
        raw = np.memmap(path, np.uint8, "c")
    except (OSError, ValueError) as error:
        raise RefusedError(f"{path.name} cannot be read ({error})") from None
    length = int.from_bytes(raw[:8].tobytes(), "little")
    header = header_of(bytearray(raw[: 8 + min(length, MOST_HEADER)].tobytes()), len(raw))
    return {
        name: raw[header.starts[name] : header.starts[name] + spec.num_bytes].view(spec.dtype).reshape(spec.shape)
        for name, spec in header.specs.items()
    }


def _place(name: str, claim: Any) -> tuple[str, int, int, TensorSpec]:
    if not isinstance(claim, dict) or set(claim) != {"dtype", "shape", "data_offsets"}:
        raise RefusedError(f"tensor {name[:80]} is described as none ever is")
    dtype, shape, offsets = claim["dtype"], claim["shape"], claim["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise RefusedError(f"tensor {name[:80]} has an unknown type of number")
    if not _whole(shape, range(MOST_DIMENSIONS + 1)) or not _whole(offsets, range(2, 3)):
        raise RefusedError(f"tensor {name[:80]} has an impossible shape or place")
    return name, offsets[0], offsets[1], TensorSpec(dtype=DTYPES[dtype], shape=tuple(shape))


def _whole(values: Any, lengths: range) -> bool:
    """Whether it is a list of whole numbers from 0, of one of these lengths."""
    return isinstance(values, list) and len(values) in lengths and all(type(v) is int and v >= 0 for v in values)
