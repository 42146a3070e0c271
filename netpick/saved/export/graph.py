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

from netpick.answers import Answer
from netpick.columns.forms import FORMS
from netpick.models.infer import answers_of
from netpick.saved.engines import ANSWERS
from netpick.saved.export.twins import exportable
from netpick.types import Inputs


class ExportedModel(nn.Module):
    """Arrays in the order of `names` to (answers, predictions...).

    whole: names of inputs that the network reads only at their full length; shorter rows are filled up inside.
    """

    def __init__(
        self, network: nn.Module, inputs: Inputs, answer: Answer[Any], decoding: nn.Module, whole: bool
    ) -> None:
        super().__init__()
        self.inputs, self.names = inputs, input_names(inputs)
        self.network, self.decoding = exportable(network), decoding
        self.answer, self.whole = answer, whole
        self.outputs = (ANSWERS, *decoding.names)  # type: ignore[misc]

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        inputs = dict(zip(self.names, arrays, strict=True))
        answers = answers_of(self.answer.in_graph, self.network(self._batch(inputs)))
        return (answers, *self.decoding(answers))

    def _batch(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the network reads, as batches in training were made."""
        batch: dict[str, Tensor] = {}
        for name, spec in self.inputs.items():
            values = given[name]
            if FORMS[spec.form].pictures:
                values = resized(values, spec.shape[-2], spec.shape[-1])
            if spec.padded:
                if self.whole:
                    missing = spec.shape[0] - values.shape[1]
                    values = functional.pad(values, (*(0, 0) * (values.ndim - 2), 0, missing))
                steps = torch.arange(values.shape[1])
                batch[f"{name}.mask"] = steps[None, :] < given[f"{name}.lengths"][:, None]
            batch[name] = values.long() if FORMS[spec.form].indices else values
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
    scaled = functional.interpolate(flat.float(), (height, width), mode="bilinear", antialias=True, align_corners=False)
    scaled = scaled.round().clamp(0, 255).to(torch.uint8)
    return scaled.reshape(*pictures.shape[:-2], height, width) if pictures.ndim > 4 else scaled
