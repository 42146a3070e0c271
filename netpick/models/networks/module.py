"""A user's own torch module as a network.

It gets the main input as one float tensor: images normalised (B, C, H, W), series (B, T, C) and sounds as log-mel frames
(B, T, F) with padding at 0, tables (B, F) with categories one-hot behind the numbers; it returns outputs (B, O), logits for
classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netpick.errors import RequestError
from netpick.models.infer import network_type
from netpick.models.networks import main_form
from netpick.models.networks.base import Batch
from netpick.models.networks.layers import GridOpening, TableOpening
from netpick.models.networks.sound_stem import FramesOpening
from netpick.models.networks.stems import SeriesStem
from netpick.types import Inputs


class UserModule(nn.Module):
    """The module behind an opening that makes one tensor of a batch. No output layer is added.

    Raises RequestError when it cannot read that tensor, or returns another shape than (B, num_outputs).
    """

    def __init__(self, module: nn.Module, inputs: Inputs, num_outputs: int) -> None:
        super().__init__()
        form = main_form(inputs)
        if form == "grid":
            self.opening: nn.Module = GridOpening(inputs["grid"])
        elif form == "spectrogram":
            self.opening = FramesOpening(inputs["spectrogram"])
        else:
            self.opening = SeriesStem(inputs["series"]) if form == "series" else TableOpening(inputs, 0)
        self.module = module
        self._try(inputs, num_outputs)

    def forward(self, batch: Batch) -> Tensor:
        return self.module(self.opening(batch)[0])  # type: ignore[no-any-return]

    @torch.no_grad()
    def _try(self, inputs: Inputs, num_outputs: int) -> None:
        """Runs three blank rows through it, in evaluation mode so that no running statistics change."""
        batch = _blank(inputs, 3)
        name, training = type(self.module).__name__, self.module.training
        shape = tuple(self.opening(batch)[0].shape)
        self.module.eval()
        try:
            out = self(batch)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise RequestError(
                f"Your module {name} got a float tensor of shape {_words(shape)} and failed: {str(error).splitlines()[0]} "
                f"It must read that shape and return {num_outputs} outputs per row. Change its first layer."
            ) from error
        finally:
            self.module.train(training)
        if not isinstance(out, Tensor) or tuple(out.shape) != (3, num_outputs):
            got = f"shape {_words(tuple(out.shape))}" if isinstance(out, Tensor) else f"a {type(out).__name__}"
            raise RequestError(
                f"Your module {name} returned {got} for input {_words(shape)}, but {num_outputs} outputs per row are needed, "
                f"shape (B, {num_outputs}): one logit per class, or one value per target. End it with "
                f"nn.Linear(..., {num_outputs})."
            )


def _words(shape: tuple[int, ...]) -> str:
    return f"({', '.join(['B', *map(str, shape[1:])])})"


def _blank(inputs: Inputs, rows: int) -> dict[str, Tensor]:
    batch: dict[str, Tensor] = {}
    for name, spec in inputs.items():
        batch[name] = torch.zeros((rows, *spec.shape), dtype=network_type(spec))
        if spec.padded:
            batch[f"{name}.mask"] = torch.ones((rows, spec.shape[0]), dtype=torch.bool)
    return batch
