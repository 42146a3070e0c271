"""The module that becomes a graph: encoded rows in, as they lie in a store; answers and predictions out.

Inside: resizing of pictures, normalising, masks from lengths, the network, the task's answer (probabilities, or the mean of
its members) and the decoding into classes or units. Outside stays what ONNX has no words for: dictionaries of tokens and
categories, dates, empirical distributions of numbers, decoding of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.export.twins import exportable
from netpick.tasks import TASKS
from netpick.tasks.forecast import ANSWERS, LARGEST_EXPONENT, ForecastState
from netpick.tasks.regress import RegressState
from netpick.types import Inputs

PICTURES = ("grid", "clip")  # forms whose height and width a graph brings to those of training


class ExportedModel(nn.Module):
    """Arrays in the order of `names` to (answers, predictions...).

    whole: names of inputs that the network reads only at their full length; shorter rows are filled up inside.
    """

    def __init__(self, network: nn.Module, inputs: Inputs, task: str, decoding: nn.Module, whole: bool) -> None:
        super().__init__()
        self.inputs, self.names = inputs, input_names(inputs)
        self.network, self.decoding = exportable(network), decoding
        self.task, self.whole = TASKS[task], whole

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.names, arrays, strict=True))
        answers = self.task.answer(self.network(self._batch(given)))
        return (answers, *self.decoding(answers))

    def _batch(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the network reads, as batches in training were made."""
        batch: dict[str, Tensor] = {}
        for name, spec in self.inputs.items():
            values = given[name]
            if spec.form in PICTURES:
                values = resized(values, spec.shape[-2], spec.shape[-1])
            if spec.padded:
                if self.whole:
                    missing = spec.shape[0] - values.shape[1]
                    values = functional.pad(values, (*(0, 0) * (values.ndim - 2), 0, missing))
                steps = torch.arange(values.shape[1])
                batch[f"{name}.mask"] = steps[None, :] < given[f"{name}.lengths"][:, None]
            batch[name] = values.long() if spec.form in ("codes", "tokens") else values
        return batch


def input_names(inputs: Inputs) -> list[str]:
    """The graph's inputs: as in a store, the lengths of a padded input behind it."""
    return [key for name, spec in inputs.items() for key in ((name, f"{name}.lengths") if spec.padded else (name,))]


def resized(pictures: Tensor, height: int, width: int) -> Tensor:
    """Pictures (..., C, h, w) uint8 of any size as (..., C, height, width), the whole picture squeezed, as training did.

    Bilinear with antialiasing, as Pillow's; a grey level may differ by one or two where sizes differ. Pictures of that size
    pass unchanged.
    """
    flat = pictures.flatten(0, -4) if pictures.ndim > 4 else pictures
    made = functional.interpolate(flat.float(), (height, width), mode="bilinear", antialias=True, align_corners=False)
    made = made.round().clamp(0, 255).to(torch.uint8)
    return made.reshape(*pictures.shape[:-2], height, width) if pictures.ndim > 4 else made


# --- answers in the words and units of the target ----------------------------------------------------------------------


class ClassNumber(nn.Module):
    """prediction (B,): the number of the likeliest class, or of the second of two from the threshold on."""

    names = ("prediction",)

    def __init__(self, threshold: float | None, labels: int) -> None:
        super().__init__()
        self.threshold = threshold if labels == 2 else None

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        if self.threshold is not None:
            return ((answers[:, 1].double() >= self.threshold).long(),)
        return (answers.argmax(dim=1),)


class LabelFlags(nn.Module):
    """prediction (B, L): 1 for each label whose probability reaches the threshold."""

    names = ("prediction",)

    def __init__(self, threshold: float | None) -> None:
        super().__init__()
        self.threshold = 0.5 if threshold is None else threshold

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        return ((answers.double() >= self.threshold).long(),)


class Quantities(nn.Module):
    """prediction (B, T) in the targets' units."""

    names = ("prediction",)
    mean: Tensor
    std: Tensor

    def __init__(self, state: RegressState) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(state.mean, dtype=torch.float64))
        self.register_buffer("std", torch.tensor(state.std, dtype=torch.float64))

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        return (answers.double() * self.std + self.mean,)


class Futures(nn.Module):
    """prediction (B, H, V) and quantiles (B, H, V, 3) of 10, 50 and 90 % in the targets' units, of series that training
    knew; NaN for others, whose scale is that of their own history."""

    names = ("prediction", "quantiles")
    location: Tensor
    scale: Tensor
    stretch: Tensor
    log: Tensor

    def __init__(self, state: ForecastState) -> None:
        super().__init__()
        self.shape = (-1, state.horizon, len(state.targets), ANSWERS)
        self.some_log = any(state.log)
        self.register_buffer("log", torch.tensor(state.log))
        self.register_buffer("location", torch.tensor(state.location, dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(state.scale, dtype=torch.float64))
        stretch = torch.tensor(state.stretch or 1.0, dtype=torch.float64)
        self.register_buffer("stretch", stretch.unsqueeze(-1) if stretch.ndim else stretch)

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        series = answers[:, -1].round().long()
        known = series < len(self.location)
        row = torch.where(known, series, 0)
        location, scale = self.location[row], self.scale[row]  # (B, V)
        steps = answers[:, :-1].reshape(self.shape).double()
        middle = steps[..., 2:3]
        quantiles = middle + self.stretch * (steps[..., 1:] - middle)
        low, high = quantiles[..., 0], quantiles[..., 2]
        least, most = torch.minimum(low, high), torch.maximum(low, high)
        centre = torch.minimum(torch.maximum(quantiles[..., 1], least), most)  # the middle one of three
        least, most = torch.minimum(least, quantiles[..., 1]), torch.maximum(most, quantiles[..., 1])
        parts = [self._unscaled(part, location, scale) for part in (steps[..., 0], least, centre, most)]
        parts = [torch.where(known[:, None, None], part, float("nan")) for part in parts]
        return parts[0], torch.stack(parts[1:], dim=-1)

    def _unscaled(self, values: Tensor, location: Tensor, scale: Tensor) -> Tensor:
        values = values * scale[:, None, :] + location[:, None, :]
        if not self.some_log:
            return values
        return torch.where(self.log, values.clamp(max=LARGEST_EXPONENT).exp(), values)


def decoding_of(task: str, state: Any, threshold: float | None) -> nn.Module:
    """What turns answers into predictions, for each task."""
    made: dict[str, Any] = {
        "classify": lambda: ClassNumber(threshold, len(state.labels)),
        "multilabel": lambda: LabelFlags(threshold),
        "regress": lambda: Quantities(state),
        "forecast": lambda: Futures(state),
    }
    module: nn.Module = made[task]()
    return module
