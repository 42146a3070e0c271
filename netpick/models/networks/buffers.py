"""Memory that a layer's buffers are cut from, again and again: to get 100 MB from the operating system takes as long as computing with them."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

BLOCK_BYTES = 1 << 24  # of memory that buffers are cut from
MOST_SPARE = 64  # blocks that wait for the next training step; more go back to the operating system
ALIGNED = 64  # bytes: a line of the cache


class Memory:
    """Blocks of memory that a layer cuts its buffers from, again and again."""

    def __init__(self) -> None:
        self.spare: list[Tensor] = []

    def __deepcopy__(self, memo: Any) -> Memory:
        return Memory()


class Lease:
    """Buffers of one pass; their blocks go back to the memory when nothing refers to the pass any more."""

    def __init__(self, memory: Memory, like: Tensor) -> None:
        self.memory, self.like = memory, like
        self.blocks: list[Tensor] = []
        self.place, self.used = -1, 0

    def take(self, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """A buffer that holds anything."""
        dtype = dtype or self.like.dtype
        if self.like.device.type != "cpu":
            return self.like.new_empty(shape, dtype=dtype)
        size = prod(shape) * dtype.itemsize
        if self.place < 0 or self.used + size > len(self.blocks[self.place]):
            self.place, self.used = self.place + 1, 0
            if self.place == len(self.blocks):
                self.blocks.append(self._block(size))
            elif len(self.blocks[self.place]) < size:
                self.blocks[self.place] = self._block(size)
        buffer = self.blocks[self.place][self.used : self.used + size].view(dtype).view(shape)
        self.used += -(-size // ALIGNED) * ALIGNED
        return buffer

    def restart(self) -> None:
        """All buffers so far may be overwritten."""
        self.place, self.used = -1, 0

    def _block(self, size: int) -> Tensor:
        spare = self.memory.spare
        if spare and len(spare[-1]) >= size:
            return spare.pop()
        return torch.empty(max(size, BLOCK_BYTES), dtype=torch.uint8)

    def __del__(self) -> None:
        self.memory.spare.extend(self.blocks[: max(0, MOST_SPARE - len(self.memory.spare))])
