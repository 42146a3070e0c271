"""What examples a table has: rows unless windows are meant, and nothing of windows where they are not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import polars as pl
import pytest

from netpick.data.sources import open_source
from netpick.errors import RequestError
from netpick.tasks import TASKS
from netpick.tasks.examples import EXAMPLES, ExampleRequest, choose_examples, examples_of
from netpick.tasks.forecast import timeline


def called(run: Callable[[], object]) -> set[str]:
    """Functions of timeline.py that are called."""
    names = set()

    def note(frame: FrameType, event: str, arg: Any) -> None:
        if event == "call" and frame.f_code.co_filename == timeline.__file__:
            names.add(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return names


def table(**columns: Any) -> pl.DataFrame:
    generator = np.random.default_rng(0)
    return pl.DataFrame({**columns, "a": generator.normal(size=60), "b": generator.normal(size=60)})


def test_a_table_without_times_builds_no_timeline() -> None:
    source = open_source(table(place=["here", "there", "away"] * 20))

    def run() -> None:
        examples, same = choose_examples(source, ExampleRequest(steps=1))
        assert (examples.name, same) == ("rows", source)
        examples.prepare(source, ExampleRequest(steps=1, target=("b",)))

    assert "find_time" in called(run)
    assert "make_timeline" not in called(run)


def test_every_task_has_examples_of_the_table() -> None:
    assert {examples_of(task) for task in TASKS.values()} == set(EXAMPLES.values())


@pytest.mark.parametrize("option", [{"folds": 3}, {"test": "more.csv"}])
def test_a_table_on_its_side_takes_no_options_of_rows(option: dict[str, Any]) -> None:
    months = {f"{2000 + n // 12}-{n % 12 + 1:02}": [float(n), n * 2.0] for n in range(48)}
    source = open_source(pl.DataFrame({"shop": ["a", "b"], **months}))
    assert choose_examples(source, ExampleRequest())[0].name == "windows"
    with pytest.raises(RequestError, match=f"--{next(iter(option))} .*was given, but a forecast is tested on the end"):
        choose_examples(source, ExampleRequest(**option))
