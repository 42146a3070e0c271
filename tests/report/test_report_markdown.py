"""The model's card."""

from __future__ import annotations

import pytest
from report_samples import HOSTILE, SAMPLES, images

from netpick.report import to_markdown
from netpick.report.parts.use import python, run_folder, shell


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_short_and_starts_with_the_verdict(name: str) -> None:
    run = SAMPLES[name]()
    card = to_markdown(run)
    assert card.startswith("# ")
    assert card.count("\n## ") >= 3
    assert len(card) < 8_000


def test_it_says_what_how_good_and_how_to_use() -> None:
    card = to_markdown(images(500, 100)).replace("\u00a0", " ")
    for part in (
        "## How good it is",
        "## Limits",
        "netpick predict runs/mnist/model.netpick NEW_DATA",
        "121,930 parameters",
        "| Accuracy |",
    ):
        assert part in card


def test_names_from_data_do_not_become_markup() -> None:
    card = to_markdown(SAMPLES["hostile"]())
    assert "<img" not in card
    assert HOSTILE not in card
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4}


def test_the_commands_name_the_run_folder() -> None:
    run = images(100, 10)
    assert run_folder(run) == "runs/mnist"
    assert "'runs/mnist/model.netpick'" in python(run)
    assert run_folder(SAMPLES["hostile"]()) == "RUN"  # a command whose quotes do not match
    assert shell(SAMPLES["binary"]()).startswith("netpick predict RUN/model.netpick NEW_DATA")
