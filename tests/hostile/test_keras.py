"""Every hostile file of Keras is refused in a sentence and in a second; nothing is run, opened or written for it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.hostile import keras_files

SECONDS = 1.0
MUTATIONS = 60


@pytest.fixture(scope="module")
def cases() -> dict[str, keras_files.Case]:
    made = [*keras_files.zips(), *keras_files.descriptions(), *keras_files.arrays()]
    return {f"bad-{number:03d}.keras": case for number, case in enumerate(made)}


@pytest.fixture(scope="module")
def seen(cases: dict[str, keras_files.Case], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("keras")
    (folder / "in").mkdir()
    for name, (_, content, _) in cases.items():
        (folder / "in" / name).write_bytes(content)
    for number, (_, content) in enumerate(keras_files.mutations(MUTATIONS)):
        (folder / "in" / f"maybe-{number:03d}.keras").write_bytes(content)
    (folder / "in" / "good.keras").write_bytes(keras_files.keras())
    command = [sys.executable, "-m", "tests.hostile.keras_child", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=170)
    assert done.returncode == 0, done.stderr[-3_000:]
    return {line["file"]: line for line in map(json.loads, done.stdout.splitlines())}


def test_each_is_refused_by_what_is_wrong_with_it(
    cases: dict[str, keras_files.Case], seen: dict[str, dict[str, Any]]
) -> None:
    assert len(cases) >= 60
    wrong = {
        f"{name}: {title}": (seen[name]["outcome"], seen[name]["message"])
        for name, (title, _, words) in cases.items()
        if seen[name]["outcome"] != "RequestError" or words not in seen[name]["message"]
    }
    assert wrong == {}
    assert {m for line in seen.values() if len(m := line["message"]) > 900} == set()


def test_changed_bytes_are_refused_or_do_not_matter(seen: dict[str, dict[str, Any]]) -> None:
    outcomes = [line["outcome"] for name, line in seen.items() if name.startswith("maybe")]
    assert set(outcomes) == {"RequestError", "imported"}


def test_nothing_is_run_opened_or_written(seen: dict[str, dict[str, Any]]) -> None:
    refused = {name: line for name, line in seen.items() if line["outcome"] != "imported"}
    assert {name: line["seen"] for name, line in refused.items() if line["seen"]} == {}
    assert [name for name, line in refused.items() if line["written"]] == []


def test_each_takes_less_than_a_second(seen: dict[str, dict[str, Any]]) -> None:
    assert {name: line["seconds"] for name, line in seen.items() if line["seconds"] > SECONDS} == {}


def test_the_test_itself_can_fail(seen: dict[str, dict[str, Any]]) -> None:
    assert seen["good.keras"]["outcome"] == "imported"
    assert seen["good.keras"]["written"]
    assert seen["good.keras"]["seen"] != []  # a file is written, which the hook hears
