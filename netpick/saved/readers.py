"""A text that is read as it goes on: what has been read stays with its reader, so that each further symbol costs one step.

Every engine has a reader; each gives for the same symbols what the network, the baseline or the blend says of all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from netpick.types import Array

if TYPE_CHECKING:
    from netpick.models.baselines import Baseline, Fitted
    from netpick.models.networks.text_network import TextNetwork


class Reader(Protocol):
    """A text from its beginning on."""

    def read(self, symbols: Array) -> Array:
        """Reads on (S,), one symbol at least: probabilities (V,) of what comes behind these and all that were read before."""


class NetworkReader:
    """The text of a network, with the network's state behind it."""

    def __init__(self, network: TextNetwork) -> None:
        self._network, self._state = network, network.start(1)

    def read(self, symbols: Array) -> Array:
        """See Reader."""
        import torch

        with torch.no_grad():
            given = torch.from_numpy(symbols[None]).long().to(self._network.bias.device)
            logs, self._state = self._network.following(given, self._state)
        return logs[0].exp().cpu().numpy()


class BaselineReader:
    """The text of a baseline, which looks things up and keeps the symbols themselves."""

    def __init__(self, baseline: Baseline, fitted: Fitted) -> None:
        self._baseline, self._fitted = baseline, fitted
        self._read: list[Array] = []

    def read(self, symbols: Array) -> Array:
        """See Reader."""
        self._read.append(symbols)
        return self._baseline.following(self._fitted, np.concatenate(self._read)[None])[0]  # type: ignore[no-any-return]


class BlendReader:
    """The text of several models, whose probabilities are averaged."""

    def __init__(self, readers: Sequence[Reader], weights: Sequence[float]) -> None:
        self._readers, self._weights = readers, weights

    def read(self, symbols: Array) -> Array:
        """See Reader."""
        said = [reader.read(symbols) for reader in self._readers]
        return np.asarray(np.sum([weight * one for weight, one in zip(self._weights, said, strict=True)], axis=0))
