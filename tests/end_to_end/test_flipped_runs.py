"""A bit that was turned over in any file of an interrupted run: the run ends as it would have, or is refused by the file's name.
`make flips` does the same 2,000 times."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from netpick.api.continuing import run_resume
from tools.flip_runs import REFUSED, SAME, Interruption, interruption, outcome_of


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Interruption:
    return interruption(tmp_path_factory.mktemp("stopped"))


def test_a_turned_bit_in_a_file_of_each_kind_changes_nothing_or_is_refused(
    stopped: Interruption, tmp_path: Path
) -> None:
    assert {"request.json", "plan.json", "baselines.jsonl", "events.jsonl"} <= set(stopped.files)
    assert any("ended" in name for name in stopped.files)
    assert any("steps" in name for name in stopped.files)
    newest = {Path(name).name: name for name in stopped.files}  # the last of each: of the second network's checkpoints
    flips = [flip for flip in stopped.flips(len(stopped.files), seed=1) if flip[0] in newest.values()]
    outcomes = dict(stopped.outcomes(flips, tmp_path / "work"))
    assert outcomes.keys() == set(flips)
    assert {flip: what for flip, what in outcomes.items() if what not in (SAME, REFUSED)} == {}


def test_a_folder_of_second_names_goes_on_and_leaves_the_first_one_as_it_was(
    stopped: Interruption, tmp_path: Path
) -> None:
    """What `cp -al` makes."""
    copy = tmp_path / "copy"
    shutil.copytree(stopped.folder, copy, copy_function=lambda source, target: Path(target).hardlink_to(source))
    before = {name: (stopped.folder / name).read_bytes() for name in stopped.files}
    run_resume(copy)
    assert outcome_of(copy) == stopped.outcome
    assert {name: (stopped.folder / name).read_bytes() for name in stopped.files} == before
