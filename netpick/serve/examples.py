"""Example rows for forms and documentation: the few training rows that every model file keeps to prove itself, decoded again.

They are real rows, and whoever has the model file has them. Sounds and clips cannot be made again from what a network reads.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from netpick.columns.encode import Encoder
from netpick.columns.kinds.token_readers import spelled
from netpick.saved.folder import CHECK, MODEL
from netpick.serve.served import ServedModel
from netpick.types import Array

NORMAL_END = 3.0  # of a standard normal; beyond it a quantile is not to be read back


@cache
def example_rows(served: ServedModel) -> list[dict[str, Any]]:
    """Rows as JSON objects; empty where a column cannot be made again."""
    if not served.ports:
        return []
    arrays = _check_arrays(served.path)
    rows: list[dict[str, Any]] = [{} for _ in range(len(next(iter(arrays.values()), ())))] or [{}]
    for port, (name, place) in zip(served.ports, served.places, strict=True):
        encoder = port.encoder
        for number, row in enumerate(rows):
            part = arrays.get(name)
            cell = None
            if part is not None:
                value = part[number] if place is None else part[number, place]
                length = arrays.get(f"{name}.lengths")
                cell = port.remade(value)
                if cell is None:
                    cell = _cell(encoder, value, None if length is None else int(length[number]))
            row[encoder.column] = port.example() if cell is None and part is None else cell
    unmade = [e.column for e in served.encoders if e.kind in ("audio", "clip", "image", "series", "text", "sentence")]
    return [row for row in rows if all(row[name] is not None for name in unmade)]


def _check_arrays(path: Path) -> Mapping[str, Array]:
    """The encoded rows that prove the model. It was loaded, so they are what they should be."""
    try:
        if path.is_dir():
            inner = path / MODEL / CHECK
            content = (inner if inner.is_file() else path / CHECK).read_bytes()
        else:
            with zipfile.ZipFile(path) as archive:
                content = archive.read(CHECK)
        arrays = load_arrays(content)
    except (OSError, KeyError, zipfile.BadZipFile, SafetensorError):
        return {}
    return {name.removeprefix("input."): array for name, array in arrays.items() if name.startswith("input.")}


def _cell(encoder: Encoder, value: Array, length: int | None) -> Any:
    state = encoder.state
    match encoder.kind:
        case "number":
            return _number(state, value)
        case "category":
            code = int(value[0])
            return state.values[code - 1] if 0 < code <= len(state.values) else None
        case "boolean":
            return {1: state.no, 2: state.yes}.get(int(value[0]))
        case "datetime":
            moment = datetime(1970, 1, 1) + timedelta(days=round(float(value[0]) * state.std + state.mean))
            text_format = state.format.replace("%.f", "")
            return moment.strftime(text_format) if text_format else moment.isoformat(sep=" ")
        case "series":
            curve = value[:length].astype(np.float64) * np.asarray(state.std) + np.asarray(state.mean)
            steps = [[float(f"{number:.4g}") for number in step] for step in curve.tolist()]
            return [step[0] for step in steps] if curve.shape[1] == 1 else steps
        case "image":
            return _picture(value)
        case "text":
            return _text(state.vocabulary, value[:length])
        case "sentence":
            return _sentence(state.known, value[:length])
    return None


def _number(state: Any, value: Array) -> float | int | None:
    if len(value) > 1 and value[1] > 0.5:
        return None
    scaled = float(value[0])
    if state.scaling == "standard":
        number = scaled * state.std + state.mean
    else:
        from scipy.special import ndtr

        share = float(ndtr(np.clip(scaled, -NORMAL_END, NORMAL_END)))
        quantiles = np.asarray(state.quantiles)
        number = float(quantiles[round(share * (len(quantiles) - 1))])
    tidy = float(f"{number:.6g}")
    return int(tidy) if tidy == int(tidy) else tidy


def _picture(pixels: Array) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[0] if len(pixels) < 3 else pixels[:3].transpose(1, 2, 0)).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _sentence(known: Any, numbers: Array) -> str | None:
    """Words that come twice as they are written, others in lower case."""
    written, lower = known[:2]
    words = [
        written[one - 2] if one > 1 else lower[other - 2] if other > 1 else "…"
        for one, other in numbers[:, :2].tolist()
    ]
    return " ".join(words) or None


def _text(vocabulary: Any, numbers: Array) -> str | None:
    """What a network read of a text: unknown words are gone, and so are capitals and spacing."""
    if not len(numbers) or (numbers == 1).all():
        return None
    tokens = [vocabulary.tokens[n - 2] if n > 1 else "…" for n in numbers.tolist()]
    return spelled(tokens, vocabulary.reading)
