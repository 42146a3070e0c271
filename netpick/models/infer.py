"""From encoded rows to outputs: batches on the device, and a network's answers for any number of rows.

Shared by training, evaluation, model files and serving, so that all of them give the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from netpick.columns.batches import batch_pixels, batch_rows, batches, main_lengths, sizes_in
from netpick.columns.forms import FORMS, stored_as
from netpick.columns.store import Store
from netpick.columns.tiles import tiles_of
from netpick.models.allocator import keep_freed_memory
from netpick.types import Array, Inputs, InputSpec, Rows

if TYPE_CHECKING:
    from netpick.answers import Answer

TYPES = {"float32": torch.float32, "int32": torch.int32, "uint8": torch.uint8}  # as stored_as names them


class Members(NamedTuple):
    """Outputs (B, M, ...) of M members that train side by side, each by its own loss; the answer is the mean of theirs."""

    values: Tensor


Outputs = Tensor | Members  # of a network: (B, ...), or those of its members


def values_of(outputs: Outputs) -> Tensor:
    """(B, ...), or (B, M, ...) of members."""
    return outputs.values if isinstance(outputs, Members) else outputs


def answers_of(answer: Callable[[Tensor], Tensor], outputs: Outputs) -> Tensor:
    """What a task makes of outputs (B, ...); of members, the mean of what it makes of each."""
    return answer(outputs.values).mean(dim=1) if isinstance(outputs, Members) else answer(outputs)


class DeviceData:
    """Encoded rows as tensors, on the device when they fit there; gives batches by row number."""

    def __init__(self, store: Store, inputs: Inputs, device: str, target: Array | None = None) -> None:
        keep_freed_memory()
        self.inputs, self.device = inputs, device
        fits = device == "cpu" or store.num_bytes < 0.5 * torch.cuda.mem_get_info()[0]
        place = device if fits and not store.on_disk else "cpu"
        self.tensors = {name: _tensor(array).to(place) for name, array in store.arrays.items()}
        self.target = None if target is None else _tensor(np.asarray(target)).to(place)
        self.place = place
        self.batch_rows = batch_rows(inputs)
        self.lengths = main_lengths(inputs, store.arrays)
        self.sizes = sizes_in(inputs, store.arrays)

    def batch(self, rows: Tensor) -> dict[str, Tensor]:
        """The inputs of these rows (a tensor of row numbers on `self.place`).

        Padded texts and sounds end with the longest row of the batch, so padding costs next to nothing where rows of like
        length come together.
        """
        batch = {}
        for name, spec in self.inputs.items():
            part = self.tensors[name].index_select(0, rows)
            if FORMS[spec.form].sized and f"{name}.sizes" in self.tensors:
                sizes = self.tensors[f"{name}.sizes"].index_select(0, rows)
                height, width = sizes.amax(dim=0).clamp(min=1).tolist()
                part = part[..., :height, :width]
                batch[f"{name}.sizes"] = sizes.to(self.device, non_blocking=True)
            if spec.padded:
                lengths = self.tensors[f"{name}.lengths"].index_select(0, rows)
                longest = max(1, int(lengths.max())) if FORMS[spec.form].trimmed else spec.shape[0]
                part = part[:, :longest]
                steps = torch.arange(longest, device=self.device)
                batch[f"{name}.mask"] = steps[None, :] < lengths.to(self.device, non_blocking=True)[:, None]
            part = part.to(self.device, non_blocking=True)
            if FORMS[spec.form].indices:
                part = part.long()
            elif FORMS[spec.form].channels_last and part.shape[1] > 1 and not FORMS[spec.form].sized:
                part = part.contiguous(memory_format=torch.channels_last)
            batch[name] = part
            if FORMS[spec.form].goes_on:
                batch[f"{name}.rows"] = rows.to(self.device)
        return batch

    def targets(self, rows: Tensor) -> Tensor:
        assert self.target is not None
        return self.target.index_select(0, rows).to(self.device, non_blocking=True)


def network_type(spec: InputSpec) -> torch.dtype:
    """The type in which a network reads an input: as it lies in a store, but for what is looked up in tables."""
    return torch.int64 if FORMS[spec.form].indices else TYPES[stored_as(spec)]


def per_channel(values: tuple[float, ...], spec: InputSpec, default: float) -> Tensor:
    """A number of each channel or band, of a shape that goes with a batch; `default` where the data told none."""
    axis = FORMS[spec.form].channels
    assert axis is not None
    shape = [1] * (1 + len(spec.shape))
    shape[1 + axis] = -1
    return torch.tensor(values or (default,) * spec.shape[axis]).view(shape)


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


def predict_outputs(network: nn.Module, data: DeviceData, rows: Rows, *, precision: str = "float32") -> Outputs:
    """The network's outputs for these rows, in evaluation mode."""
    parts, order = each_batch(network, data, rows, precision, lambda _, outputs: outputs)
    values = [values_of(part) for part in parts]
    longest = [max(sizes) for sizes in zip(*(part.shape[1:] for part in values), strict=True)]
    whole = torch.cat([part if list(part.shape[1:]) == longest else _filled(part, longest) for part in values])
    if order is not None:
        whole = whole.index_select(0, torch.from_numpy(order).to(whole.device))
    return Members(whole) if isinstance(parts[0], Members) else whole


def predict_answers(
    network: nn.Module,
    data: DeviceData,
    rows: Rows,
    answer: Answer[Any],
    *,
    precision: str = "float32",
    in_graph: bool = False,
) -> Array:
    """What the answer makes of the network's outputs for these rows, batch by batch: only that is kept of them. Large pictures are
    read in tiles where each pixel has an answer.

    in_graph: only what stands in an exported graph, too.
    """
    make = answer.in_graph if in_graph else answer.answer

    def made(_: Rows, outputs: Outputs) -> Array:
        return answers_of(make, outputs).cpu().numpy()

    parts, order = each_batch(network, data, rows, precision, made, in_tiles=answer.each_pixel)
    whole = answer.joined(parts)
    return whole if order is None else whole[order]


M = TypeVar("M")


@torch.no_grad()
def each_batch(
    network: nn.Module,
    data: DeviceData,
    rows: Rows,
    precision: str,
    make: Callable[[Rows, Outputs], M],
    *,
    in_tiles: bool = False,
) -> tuple[list[M], Rows | None]:
    """What is made of each batch's rows and outputs, and where each row stands among all; None where that is its own place.

    in_tiles: large pictures are read in tiles; `make` gives an array (B, ..., h, w) of each.
    """
    network.eval()
    parts: list[M] = []
    places: list[Rows] = []

    def answered(chunk: Rows, batch: Mapping[str, Tensor]) -> M:
        with autocast(precision, data.device):
            outputs = network(batch)
            values = values_of(outputs).float()
        return make(chunk, Members(values) if isinstance(outputs, Members) else values)

    for chunk, where in batches(rows, data.lengths, data.batch_rows, data.sizes, batch_pixels(data.inputs)):
        batch = data.batch(torch.from_numpy(chunk).to(data.place))
        laid = _laid_out(batch, data.inputs, partial(answered, chunk)) if in_tiles else None
        parts.append(answered(chunk, batch) if laid is None else laid)  # type: ignore[arg-type]
        places.append(where)
    as_asked = data.lengths is None and data.sizes is None
    return parts, None if as_asked else np.argsort(np.concatenate(places), kind="stable")


def _laid_out(
    batch: Mapping[str, Tensor], inputs: Inputs, answered: Callable[[Mapping[str, Tensor]], Any]
) -> Array | None:
    """What is answered for the tiles of large pictures (B, C, H, W), side by side (B, ..., H, W); None where they are not large."""
    name = next((name for name, spec in inputs.items() if FORMS[spec.form].sized), None)
    if name is None:
        return None
    height, width = batch[name].shape[-2:]
    whole: Array | None = None
    for tile in tiles_of(height, width):
        if tile.rows == slice(0, height) and tile.columns == slice(0, width):
            return None
        said = answered({**batch, name: batch[name][..., tile.rows, tile.columns]})
        if whole is None:
            whole = np.empty((*said.shape[:-2], height, width), said.dtype)
        whole[..., tile.kept_rows, tile.kept_columns] = said[(..., *tile.inside)]
    return whole


def _filled(part: Tensor, longest: Sequence[int]) -> Tensor:
    """With zeros behind steps that are fewer than those of other batches."""
    whole = part.new_zeros((len(part), *longest))
    whole[tuple(slice(size) for size in part.shape)] = part
    return whole


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
