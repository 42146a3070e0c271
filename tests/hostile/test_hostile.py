"""Every hostile model file is refused in a sentence, in a second, in little memory, and nothing is run or opened for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.hostile import baseline_files, containers, contents, text_files
from tests.hostile.containers import PICKLE, Case
from tests.hostile.samples import Sample, samples

SECONDS = 1.0  # of the processor, so that what else the machine does changes nothing
MEMORY, TIMES = 128 << 20, 20  # bytes, and beyond them so many for each byte of the file
MUTATIONS = 30  # of each sample


@dataclass(frozen=True)
class Good:
    """What is damaged."""

    networks: dict[str, Sample]
    baselines: dict[str, Sample]
    texts: dict[str, Sample]


def flaws(samples: Good) -> Iterator[Case]:
    """Files that must be refused."""
    good = samples.networks
    table, text = good["table"], good["text"]
    yield from containers.other_formats(table)
    yield from containers.zips(table)
    yield from containers.manifests(table)
    yield from contents.documents(table)
    yield from contents.records(table)
    yield from contents.architectures(good)
    yield from contents.weights(good["layers"])
    yield from contents.checks(table, text)
    yield from baseline_files.forged(samples.baselines)
    yield from text_files.forged_texts(samples.texts)


def tolerable(samples: Good) -> Iterator[Case]:
    """Files that may be loaded where the change does not matter."""
    for sample in (*samples.networks.values(), *samples.baselines.values(), *samples.texts.values()):
        yield from contents.mutations(sample, MUTATIONS)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the child saw of each file, by the case's name."""
    folder = tmp_path_factory.mktemp("hostile")
    good = Good(samples(folder), baseline_files.baseline_samples(folder), text_files.text_samples(folder))
    names: dict[str, str] = {}
    for kind, cases in (("bad", flaws(good)), ("maybe", tolerable(good))):
        for number, (name, content) in enumerate(cases):
            path = folder / f"{kind}-{number:04d}.netpick"
            path.write_bytes(content)
            names[path.name] = name
    (folder / "control-pickle").write_bytes(PICKLE)
    command = [sys.executable, "-m", "tests.hostile.child", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=170)
    assert done.returncode == 0, done.stderr[-3_000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    return {
        f"{line['file']} {names.get(line['file'], '')}".strip(): {**line, "size": sizes[line["file"]]} for line in lines
    }


def of(seen: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {name: line for name, line in seen.items() if name.startswith(kind)}


def test_every_hostile_file_is_refused_in_a_sentence(seen: dict[str, dict[str, Any]]) -> None:
    bad = of(seen, "bad")
    assert len(bad) >= 250
    assert {name: line["outcome"] for name, line in bad.items() if line["outcome"] != "ModelFileError"} == {}
    assert {name: line["message"] for name, line in bad.items() if len(line["message"]) > 700} == {}
    ends = ("or train it anew.", "take another copy.", "Load it with the version that wrote it.")
    assert {name: line["message"] for name, line in bad.items() if not line["message"].endswith(ends)} == {}


def test_mutated_files_are_refused_or_load_as_they_were(seen: dict[str, dict[str, Any]]) -> None:
    outcomes = [line["outcome"] for line in of(seen, "maybe").values()]
    assert set(outcomes) == {"ModelFileError", "loaded"}
    assert outcomes.count("ModelFileError") > 0.7 * len(outcomes)


def test_nothing_is_run_opened_or_called_while_loading(seen: dict[str, dict[str, Any]]) -> None:
    loaded = {name: line for name, line in seen.items() if not name.startswith("control")}
    assert {name: line["seen"] for name, line in loaded.items() if line["seen"]} == {}


def test_refusing_takes_little_time_and_memory(seen: dict[str, dict[str, Any]]) -> None:
    assert {name: line["seconds"] for name, line in seen.items() if line["seconds"] > SECONDS} == {}
    greedy = {
        n: (line["memory"], line["size"]) for n, line in seen.items() if line["memory"] > MEMORY + TIMES * line["size"]
    }
    assert greedy == {}


def test_the_test_itself_can_fail(seen: dict[str, dict[str, Any]]) -> None:
    good = of(seen, "good")
    assert len(good) == 11
    assert {line["outcome"] for line in good.values()} == {"loaded"}
    (control,) = of(seen, "control").values()
    assert any(event.startswith("os.system") for event in control["seen"])
