"""Networks built within a ceiling: settings of a few bytes could otherwise ask for any amount of memory or time.

A ceiling looks at every call of torch before it is made, at how large its result will be. So a network that would be larger
than the weights that its file holds for it is never there, and neither is a tensor between its input and its answers. One
that is to be trained may be as large as the machine's memory allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import zip_longest
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from netpick.disk.strict import RefusedError
from netpick.disk.strict.tensors import TensorSpec
from netpick.models.infer import network_type
from netpick.types import Inputs

SPARE_VALUES = 16 << 20  # that a network may make beyond its weights: places of tokens, copies while it is built
CALLS_A_TENSOR = 60  # of torch, while a network is built: no architecture takes more than 14
SPARE_CALLS = 2_000
MOST_ANSWER_VALUES = 512 << 20  # of one tensor between a network's input and its answers, for a few rows
MOST_ANSWER_CALLS = 200_000
SMALL_VALUES, SMALL_CALLS = 512 << 20, 100_000  # a network within them is built at once, without being measured first
MOST_CALLS = 500_000  # of torch, to build a network: those of tens of thousands of layers
LARGEST_TENSOR = 1 << 60  # values; torch counts bytes in 63 bits
DRAWS = ("aten.normal_", "aten.uniform_")


class _Ceiling(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Stops whatever runs under it before it makes a tensor of more than `largest` values, or more than `total` in all, or
    calls torch more often than `calls`. Draws no random numbers unless told to: what comes from a file brings its own."""

    def __init__(self, *, calls: int, largest: int, total: int, draws: bool = False) -> None:
        """draws: random numbers are drawn all the same."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls, self.largest, self.total, self.draws = calls, largest, total, draws
        self.refused = 0  # values of the tensor that was not made

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import its compiler, which takes a second, to keep it away from here

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = str(function.overloadpacket)
        self.calls -= 1
        values = _values(name, function, args)
        self.total -= values
        if self.calls < 0 or self.total < 0 or values > self.largest:
            self.refused = values
            raise RefusedError(
                "its network would be larger than the weights that it holds, or its answers take too much"
            )
        if self.draws:
            return function(*args, **(kwargs or {}))
        if name in DRAWS:
            return args[0].zero_()
        if name == "aten.randn":
            return torch.zeros(args[0], device=(kwargs or {}).get("device"))
        return function(*args, **(kwargs or {}))


def _values(name: str, function: Any, args: tuple[Any, ...]) -> int:
    """How many values the result of a call will have, at most."""
    shapes = [tensor.shape for tensor in _tensors(args)]
    if not shapes and args and isinstance(args[0], (list, tuple)):
        return int(prod(args[0]))
    if not shapes:
        ranges = name in ("aten.arange", "aten.linspace")
        return int(max(abs(float(value)) for value in args if isinstance(value, (int, float)))) if ranges else 1
    if torch.Tag.pointwise in function.tags:  # each extent is that of one of them
        extents = zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1)
        return prod(int(max(extent)) for extent in extents)
    if name == "aten.repeat":
        return int(prod(shapes[0]) * prod(args[1]))
    if name in ("aten.new_empty", "aten.new_zeros", "aten.new_ones", "aten.new_full"):
        return int(prod(args[1]))
    return sum(map(prod, shapes)) if name == "aten.cat" else max(map(prod, shapes))


def _tensors(args: Any) -> Iterator[Tensor]:
    for value in args:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


class _Recurrent(TorchFunctionMode):
    """Recurrent layers in one step: on the meta device torch would walk through every step of a series."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(function, "__name__", "")
        if name in ("lstm", "gru", "rnn_tanh", "rnn_relu") and len(args) == 9:
            steps, hidden, _, _, _, _, _, both, _ = args
            state = hidden[0] if name == "lstm" else hidden
            out = steps.new_empty((*steps.shape[:2], state.shape[-1] * (2 if both else 1)))
            return (out, state, state) if name == "lstm" else (out, state)
        return function(*args, **(kwargs or {}))


def build_within(build: Callable[[], nn.Module], *, weights: Mapping[str, TensorSpec]) -> nn.Module:
    """The network, without its numbers. `weights` are those that a file has for it.

    Raises RefusedError when it would be larger than they are.
    """
    most = sum(prod(spec.shape) for spec in weights.values()) + SPARE_VALUES
    ceiling = _Ceiling(calls=CALLS_A_TENSOR * len(weights) + SPARE_CALLS, largest=most, total=4 * most)
    with torch.random.fork_rng(devices=[]), ceiling:
        return build()


class TooLargeError(Exception):
    """A network that the machine's memory cannot hold. `weights`: how many it has; `at_least`: or more."""

    def __init__(self, weights: int, at_least: bool) -> None:
        super().__init__()
        self.weights, self.at_least = weights, at_least


def build_fitting(build: Callable[[], nn.Module], *, most: int) -> nn.Module:
    """The network with its numbers, drawn from torch's current generator.

    Raises TooLargeError, before the memory is taken, when it has more than `most` weights or takes too many calls to build.
    A network of usual size is built at once; a larger one is first built without numbers and measured.
    """
    drawn = torch.get_rng_state()
    ceiling = _Ceiling(calls=SMALL_CALLS, largest=most, total=min(SMALL_VALUES, 16 * most), draws=True)
    try:
        with suppress(RefusedError), ceiling:
            return build()
        torch.set_rng_state(drawn)
        ceiling = _Ceiling(calls=MOST_CALLS, largest=LARGEST_TENSOR, total=LARGEST_TENSOR << 10)
        with torch.device("meta"), ceiling:
            weights = sum(weight.numel() for weight in build().parameters())
    except RefusedError:
        raise TooLargeError(ceiling.refused, at_least=True) from None
    except (RuntimeError, TypeError, OverflowError, MemoryError) as error:
        if isinstance(error, (RuntimeError, TypeError)) and "overflow" not in str(error).lower():
            raise
        raise TooLargeError(LARGEST_TENSOR, at_least=True) from None  # an extent that torch cannot even count
    if weights > most:
        raise TooLargeError(weights, at_least=False)
    return build()


def rehearse(build: Callable[[], nn.Module], inputs: Inputs, rows: int, widest: int) -> None:
    """Raises RefusedError when one of the tensors between so many rows and their answers would be too large.

    build: the network, asked for on the meta device, where tensors have shapes and no numbers. widest: the extents of its
    weights, added up. Where no tensor can be too large, as with most networks, nothing is run: torch takes a second to get
    ready for it.
    """
    values = rows * sum(prod(spec.shape) * max([1, *spec.ahead[:1]]) for spec in inputs.values())
    longest = max((max(spec.shape[:-1], default=1) for spec in inputs.values()), default=1)  # attention: steps x steps
    if values * max(widest, longest) <= MOST_ANSWER_VALUES:
        return
    batch: dict[str, Tensor] = {}
    ceiling = _Ceiling(calls=MOST_ANSWER_CALLS, largest=MOST_ANSWER_VALUES, total=64 * MOST_ANSWER_VALUES)
    with torch.no_grad(), torch.device("meta"):
        for name, spec in inputs.items():
            batch[name] = torch.empty((rows, *spec.shape), dtype=network_type(spec))
            if spec.padded:
                batch[f"{name}.mask"] = torch.empty((rows, spec.shape[0]), dtype=torch.bool)
        with ceiling, _Recurrent():
            build().eval()(batch)
