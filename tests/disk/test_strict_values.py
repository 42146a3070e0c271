"""Frozen values come back from JSON and arrays as they were, and nothing comes back that was never written."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

from netpick.disk.strict import RefusedError
from netpick.disk.strict.values import from_parts, to_parts


@dataclass(frozen=True, kw_only=True)
class Circle:
    kind: Literal["circle"] = "circle"
    radius: float


@dataclass(frozen=True, kw_only=True)
class Path:
    kind: Literal["path"] = "path"
    points: npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Picture:
    name: str | None
    shapes: Sequence[Circle | Path]
    size: tuple[int, int]
    rows: Mapping[int, str] = field(default_factory=dict)
    mask: npt.NDArray[Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def picture() -> Picture:
    return Picture(
        name="a",
        shapes=(Circle(radius=math.inf), Path(points=np.array([[1.5, math.nan]], np.float32))),
        size=(2, 3),
        rows={7: "seven"},
        mask=np.array([True, False]),
        settings={"depth": [1, None, "x"]},
    )


def test_a_value_comes_back_as_it_was() -> None:
    plain, arrays = to_parts(picture())
    again = from_parts(Picture, json.loads(json.dumps(plain, allow_nan=False)), arrays)
    assert again.shapes[0] == Circle(radius=math.inf)
    assert isinstance(again.shapes[1], Path)
    np.testing.assert_array_equal(again.shapes[1].points, picture().shapes[1].points)  # type: ignore[union-attr]
    assert (again.name, again.size, again.rows, again.settings) == (
        "a",
        (2, 3),
        {7: "seven"},
        {"depth": [1, None, "x"]},
    )
    assert again.mask is not None
    assert again.mask.tolist() == [True, False]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plain: plain.update(name=3), "top.name is not of the type"),
        (lambda plain: plain.update(other=3), "top is not of the type"),
        (lambda plain: plain.pop("size"), "top has no size"),
        (lambda plain: plain.update(size=[1, 2, 3]), "top.size"),
        (lambda plain: plain["shapes"][0].update(kind="Popen"), "top.shapes.0 is none of what may stand there"),
        (lambda plain: plain["shapes"][0].update(radius="1e400"), "top.shapes.0.radius"),
        (lambda plain: plain["shapes"][1].update(points={"array": 9}), "top.shapes.1.points is no array of this file"),
        (lambda plain: plain.update(rows={"-1": "x"}), "top.rows"),
        (lambda plain: plain.update(shapes="<script>"), "top.shapes"),
    ],
)
def test_nothing_else_comes_back(change: Callable[[dict[str, Any]], object], words: str) -> None:
    plain, arrays = to_parts(picture())
    change(plain)
    with pytest.raises(RefusedError, match=words):
        from_parts(Picture, plain, arrays)


def test_what_is_no_data_is_not_written() -> None:
    with pytest.raises(TypeError, match="is no data"):
        to_parts({"call": print})
