"""The contract of a port: how a client gives the cells of one column, how they are encoded, and what is said of unusual ones.

`read` checks the cells of one request, `join` puts those of several requests together, `encode` makes what the column's kind
would make of them (a test holds the two together), without the cost of a polars expression a column.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from netpick.columns.encode import Encoder
from netpick.columns.kinds import KINDS
from netpick.serve.options import Limits
from netpick.types import Array, Column


@dataclass(frozen=True, kw_only=True)
class PaddedCells:
    """Cells that are arrays of one shape, padded, with the valid steps of each where lengths differ.

    remarks: what was noticed while reading, as (row, sentence). unpacked: pixels of the pictures that they were made of.
    """

    values: Array
    lengths: Array | None = None
    remarks: tuple[tuple[int, str], ...] = ()
    unpacked: int = 0

    def __len__(self) -> int:
        return len(self.values)


Cells = list[Any] | Array | PaddedCells  # checked cells of one column, of one request
Joined = Any  # cells of several requests, as the port likes them: an array, a list, a polars series, a PaddedCells


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """How a column is called in the Open Inference Protocol; -1 is any length."""

    datatype: str
    shape: tuple[int, ...]


class PortGroup:
    """The columns of one kind, encoded one by one; kinds that are quicker together have a group of their own."""

    def __init__(self, ports: Sequence[Port]) -> None:
        self.ports = ports

    def encode(self, joined: Mapping[str, Joined]) -> Sequence[Array]:
        """What `Kind.encode` gives for the cells of each port, given by name, in the ports' order."""
        return [port.encode(joined[port.name]) for port in self.ports]

    def unlike(self, joined: Mapping[str, Joined]) -> Iterator[tuple[int, str]]:
        """Rows whose cells are unlike anything in the training data, and why, in a sentence."""
        for port in self.ports:
            yield from port.unlike(joined[port.name])


class Port(ABC):
    """One column, from the client's side."""

    group: ClassVar[type[PortGroup]] = PortGroup
    is_heavy: ClassVar[bool] = False  # whether few bytes may take long to read, such as a packed sound

    def __init__(self, encoder: Encoder, limits: Limits) -> None:
        self.encoder, self.limits = encoder, limits
        self.name, self.kind, self.state = encoder.column, encoder.kind, encoder.state

    # --- what it is --------------------------------------------------------------------------------------------------

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON schema of a cell."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What a form needs to know beyond the schema: ranges, categories, sizes."""

    @abstractmethod
    def tensor(self) -> Tensor:
        """The tensor that gives this column in the Open Inference Protocol."""

    def example(self) -> Any:
        """A cell like those of training, as JSON; None where none can be made."""
        return None

    def remade(self, value: Array) -> Any:
        """The cell, as JSON, of what a network read of it; None where its kind alone says that (serve/examples.py)."""
        return None

    # --- reading -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def read(self, cells: Sequence[Any]) -> Cells:
        """Checks the JSON cells of one request. Raises Fault, with the row."""

    @abstractmethod
    def from_tensor(self, values: Array) -> Cells:
        """Checks a tensor (N, ...) of the datatype's numpy kind; BYTES come as objects of bytes. Raises Fault."""

    def read_file(self, data: bytes, most_pixels: int) -> Cells | None:
        """One row from the bytes of a file; None for kinds that are not given as files. Raises Fault.

        most_pixels: what is left of those that one request may unpack.
        """
        return None

    def is_light(self, data: bytes) -> bool:
        """Whether a file takes so little to read that it need not be done by itself. What is not sure is no."""
        return False

    # --- answering ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def join(self, parts: Sequence[Cells]) -> Joined:
        """The cells of several requests, one below the other."""

    @abstractmethod
    def of_column(self, column: Column) -> Joined:
        """The same from a column of a table that was read."""

    @abstractmethod
    def column(self, joined: Joined) -> Column:
        """Joined cells as the column that the kind encodes."""

    def encode(self, joined: Joined) -> Array:
        """What `Kind.encode` gives for them, with `Kind.lengths` in `lengths`."""
        return KINDS[self.kind].encode(self.column(joined), self.state)

    def lengths(self, joined: Joined, encoded: Array) -> Array | None:
        """Valid steps of padded forms."""
        return KINDS[self.kind].lengths(self.column(joined), self.state, encoded)

    def unlike(self, joined: Joined) -> Iterator[tuple[int, str]]:
        """Rows whose cells are unlike anything in the training data, and why, in a sentence."""
        return iter(())


def flat_list(parts: Sequence[Cells]) -> list[Any]:
    """Lists of cells as one."""
    if len(parts) == 1:
        return parts[0]  # type: ignore[return-value]
    return [cell for part in parts for cell in part]  # type: ignore[union-attr]


def joined_cells(parts: Sequence[Cells]) -> PaddedCells:
    """Padded cells one below the other, padded to the longest."""
    parts_read = [part for part in parts if isinstance(part, PaddedCells)]
    if len(parts_read) == 1:
        return parts_read[0]
    longest = max(one.values.shape[1] for one in parts_read)
    uneven = any(one.values.shape[1] != longest for one in parts_read)
    known = any(one.lengths is not None for one in parts_read)
    values = np.concatenate([_padded(one.values, longest) if uneven else one.values for one in parts_read])
    if not known:
        return PaddedCells(values=values)
    lengths = [
        np.full(len(one), one.values.shape[1], np.int32) if one.lengths is None else one.lengths for one in parts_read
    ]
    return PaddedCells(values=values, lengths=np.concatenate(lengths).astype(np.int32))


def _padded(values: Array, longest: int) -> Array:
    missing = longest - values.shape[1]
    return np.pad(values, ((0, 0), (0, missing), *((0, 0),) * (values.ndim - 2))) if missing else values
