"""From encoded rows to outputs: batches on the device, and a network's answers for any number of rows.

Shared by training, evaluation, model files and serving, so that all of them give the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netpick.store import Store
from netpick.types import Array, Inputs, Rows

PREDICT_VALUES = 4 << 20  # input values in one batch of predictions; larger batches no longer get faster


class DeviceData:
    """Encoded rows as tensors, on the device when they fit there; gives batches by row number."""

    def __init__(self, store: Store, inputs: Inputs, device: str, target: Array | None = None) -> None:
        self.inputs, self.device = inputs, device
        fits = device == "cpu" or store.num_bytes < 0.5 * torch.cuda.mem_get_info()[0]
        place = device if fits and not store.on_disk else "cpu"
        self.tensors = {name: _tensor(array).to(place) for name, array in store.arrays.items()}
        self.target = None if target is None else torch.from_numpy(np.ascontiguousarray(target)).to(place)
        self.place = place
        first = next(name for name in inputs)
        self.row_values = max(1, int(np.prod(inputs[first].shape)))

    def batch(self, rows: Tensor) -> dict[str, Tensor]:
        """The inputs of these rows (a tensor of row numbers on `self.place`)."""
        made = {}
        for name, tensor in self.tensors.items():
            part = tensor.index_select(0, rows).to(self.device, non_blocking=True)
            if name == "codes":
                part = part.long()
            elif name == "series.lengths":
                steps = torch.arange(self.inputs["series"].shape[0], device=self.device)
                name, part = "series.mask", steps[None, :] < part[:, None]
            elif name == "grid" and part.shape[1] > 1:
                part = part.contiguous(memory_format=torch.channels_last)
            made[name] = part
        return made

    def targets(self, rows: Tensor) -> Tensor:
        assert self.target is not None
        return self.target.index_select(0, rows).to(self.device, non_blocking=True)


def _tensor(array: Array) -> Tensor:
    if not array.flags.writeable:  # a read-only map is only ever read; torch cannot say so
        array = array.view()
        array = np.array(array) if not isinstance(array, np.memmap) else np.asarray(array)
    return torch.from_numpy(array)


def autocast(precision: str, device: str) -> AbstractContextManager[Any]:
    """bf16 where the plan says so."""
    if precision == "bfloat16":
        return torch.autocast(device.split(":")[0], dtype=torch.bfloat16)
    return nullcontext()


def supports_bfloat16(device: str) -> bool:
    """Whether bf16 is faster than float32 there: processors with AVX-512 or AMX bf16 units, GPUs since Ampere."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported())
    if device != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities() if "get_capabilities" in dir(torch.cpu) else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


@torch.no_grad()
def predict_outputs(network: nn.Module, data: DeviceData, rows: Rows, *, precision: str = "float32") -> Tensor:
    """The network's outputs (n, O) or (n, M, O) for these rows, in evaluation mode."""
    network.eval()
    size = int(np.clip(PREDICT_VALUES // data.row_values, 64, 8192))
    parts = []
    for start in range(0, len(rows), size):
        chunk = torch.from_numpy(rows[start : start + size]).to(data.place)
        with autocast(precision, data.device):
            parts.append(network(data.batch(chunk)).float())
    return torch.cat(parts)


def latency_ms(network: nn.Module, data: DeviceData, row: int) -> float:
    """Milliseconds for one row on this machine: the median of a few calls."""
    rows = np.array([row], dtype=np.int64)
    times = []
    for _ in range(7):
        before = time.perf_counter()
        predict_outputs(network, data, rows)
        times.append(time.perf_counter() - before)
    return 1000 * sorted(times)[len(times) // 2]


def weights_of(network: nn.Module) -> Mapping[str, Tensor]:
    """All that a model file holds of a network: contiguous CPU copies of weights and buffers."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items()}
