"""Hostile and broken inputs end in one paragraph and leave nothing behind; `make corpus` runs every case in every way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from corpus.case import MEGABYTES, Case
from corpus.cases import ALL, CASES
from corpus.drive import jobs_of, run_jobs
from corpus.judge import Outcome, wrong

LEAST = 300  # cases
EVERY = 80  # the suite runs one case in so many
GOOD = "data.csv, line 33: found 4 cells where the header has 3. Every row needs the same number. Correct the line."


def test_there_are_enough_cases_over_every_reader() -> None:
    assert len(ALL) >= LEAST
    wanted = {
        "csv",
        "parquet",
        "arrow",
        "json lines",
        "npz",
        "idx",
        "ts",
        "images",
        "zip",
        "texts",
        "lines",
        "story",
        "spoken",
        "tagged",
        "pairs",
        "chords",
        "masks",
        "boxes",
        "weights",
        "paths",
    }
    wanted |= {"sounds", "clips", "forecast", "python", "predict"}
    assert wanted <= {case.reader for case in ALL}
    for reader in wanted:
        assert any(case.reader == reader and "control" in case.name and 0 in case.code for case in ALL), reader


def test_whoever_accepts_an_input_says_why() -> None:
    assert [case.name for case in ALL if 0 in case.code and not case.why] == []


def test_corpus(tmp_path: Path) -> None:
    chosen = [case for case in ALL if case.model is None][::EVERY]
    jobs = [job for case in chosen for job in jobs_of([case], ("look", "api") if case.frame else ("look",))]
    broken = [
        f"{case.name} ({outcome.way}): {'; '.join(wrongs)}\n{outcome.said[-1500:]}"
        for case, outcome, wrongs in run_jobs(jobs, tmp_path)
        if wrongs
    ]
    assert not broken, "\n\n".join(broken)


# --- the judge, and the process with limits, find what they should -----------------------------------------------------


def outcome(**changes: object) -> Outcome:
    plain = Outcome(
        case="x",
        way="fit",
        code=2,
        said=f"netpick: {GOOD}\n",
        shown="",
        seconds=0.2,
        wall_seconds=0.3,
        megabytes=9,
        left=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


CASE = Case(name="csv: x", make=lambda folder: folder, code=(2,), words=("line 33",))
PLANTED = {
    "a traceback": outcome(said="Traceback (most recent call last):\n  File\nnetpick: This is a bug.", code=1),
    "another exit code": outcome(code=0),
    "a crash": outcome(code=-11, said=""),
    "slowness": outcome(seconds=5.5),
    "a hang": outcome(timed_out=True, code=-9),
    "memory": outcome(megabytes=MEGABYTES + 1),
    "a file left behind": outcome(left=["work/run/plan.json"]),
    "a file beside the input": outcome(left=["data/data.csv.lock"]),
    "silence": outcome(said=""),
    "no culprit": outcome(said="netpick: Rows differ, but must not. Correct the line."),
    "no remedy": outcome(said="netpick: data.csv, line 33: found 4 cells, but 3 were expected."),
    "no expectation": outcome(said="netpick: data.csv, line 33: 4 cells. Correct the line."),
    "inner things": outcome(said="netpick: line 33: ValueError, but 3 cells were expected. Correct the line."),
    "two paragraphs": outcome(said=f"netpick: {GOOD}\nCorrect the line."),
    "endless words": outcome(said=f"netpick: {GOOD * 20}"),
    "an escape sequence": outcome(said="netpick: line 33: '\x1b[2J' was found, but 3 were expected. Correct the line."),
    "a warning of Python": outcome(said=f"x.py:3: RuntimeWarning: overflow\nnetpick: {GOOD}"),
}  # fmt: skip


@pytest.mark.parametrize("what", PLANTED)
def test_the_judge_finds(what: str) -> None:
    assert wrong(CASE, outcome()) == []
    assert wrong(CASE, PLANTED[what]) != []


def test_a_run_half_written_is_found_and_a_whole_one_is_not() -> None:
    accepted = replace(CASE, code=(0,), words=())
    assert wrong(accepted, outcome(code=0, left=["work/run/model.netpick"])) == []
    assert wrong(accepted, outcome(code=0, left=["work/run/.model.netpick.partial"])) != []
    assert wrong(accepted, outcome(code=0, left=["tmp/netpick-x/pixels"])) != []


def test_cases_have_names_of_their_own() -> None:
    assert len(CASES) == len(ALL)
