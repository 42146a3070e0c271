"""The process that runs a case measures what it should: tried with bad behaviour of our own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from corpus.drive import TESTS

PROGRAM = """
import json, sys, time
from pathlib import Path
import corpus.run as run
from corpus.case import Case, nothing
from corpus.judge import wrong
case = Case(name="csv: planted", make=nothing, code=(2,), words=("x",))

def hang(): time.sleep(60)
def eat(): return len(bytearray(800_000_000)) and 2
def leave():
    Path("half.partial").write_text("x")
    return 2
def crash():
    import os, signal
    os.kill(os.getpid(), signal.SIGSEGV)
def trace(): raise ValueError("x")

for name, behaviour in {"hang": hang, "eat": eat, "leave": leave, "crash": crash, "trace": trace}.items():
    run.WALL_SECONDS = 2.0 if name == "hang" else 60.0  # a busy machine takes its time to find the memory
    run._use = lambda *_: behaviour()
    outcome = run.run_case(case, "fit", Path(sys.argv[1]) / name)
    print(json.dumps([name, " ".join(wrong(case, outcome))]))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the judge says of each, by one process that forks for each."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path_factory.mktemp("cases"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=TESTS)
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("hang", "hung"),
        ("eat", "MB of memory"),
        ("leave", "left work/half.partial behind"),
        ("crash", "ended by signal 11"),
        ("trace", "traceback"),
    ],
)
def test_what_a_child_does_is_seen(behaviour: str, words: str, seen: dict[str, str]) -> None:
    assert words in seen[behaviour], seen[behaviour]
