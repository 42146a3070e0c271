"""What is wrong with an outcome: the promises that hold for every input, however broken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.case import MEGABYTES, SECONDS, TRAINING_SECONDS, Case, Way

RUN = "work/run"  # where a finished run may lie
HALF = (".partial", ".tmp")
LONGEST = 1_200  # characters of a message: one short paragraph
# A remedy is a sentence that tells what to do. The list is closed, so that "Something went wrong." is no remedy.
VERBS = (
    *(
        "Add",
        "Ask",
        "Bring",
        "Call",
        "Change",
        "Check",
        "Choose",
        "Close",
        "Convert",
        "Copy",
        "Correct",
        "Crop",
        "Cut",
        "Download",
    ),
    *(
        "Drop",
        "Export",
        "Fill",
        "Flatten",
        "Free",
        "Get",
        "Give",
        "Hand",
        "Join",
        "Keep",
        "Leave",
        "Make",
        "Merge",
        "Move",
    ),
    *(
        "Name",
        "Pack",
        "Pass",
        "Put",
        "Remove",
        "Rename",
        "Rescale",
        "Reshape",
        "Resize",
        "Retrain",
        "Save",
        "Set",
        "Shorten",
    ),
    *("Split", "Train", "Try", "Type", "Unpack", "Use", "Write"),
)
LOWER = "|".join(verb.lower() for verb in VERBS)
REMEDY = re.compile(
    rf"(?:^|[.:;?!)`'\"] )(?:{'|'.join(VERBS)})\b|[,:;] (?:{LOWER})\b|To go on all the same, pass --accept|Did you mean [^?]+\?|Known: \S"
)
EXPECTED = re.compile(
    r"There is no|is no number|do not match|[Ee]xpect|\bmust\b|\bneeds?\b|\bbut\b|\bonly\b|at most|at least|promise|outside|Known:|cannot|without"
)
LEAKED = re.compile(
    r"Traceback|panicked|<class |<built-in|object at 0x|\b\w+(?:Error|Exception)\b|pyo3|\.rs:\d|site-packages|\bNoneType\b"
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one way of using one input gave."""

    case: str
    way: Way
    code: int  # negative: ended by that signal
    said: str  # standard error
    shown: str  # standard output
    seconds: float  # of processor time
    wall_seconds: float
    megabytes: float  # at most, beyond what it started with
    left: Sequence[str]  # files that were not there before, or changed
    timed_out: bool = False


def message_of(said: str) -> str:
    """The error behind the progress."""
    return said.rpartition("netpick: ")[2].strip() if "netpick: " in said else said.strip()


def wrong(case: Case, outcome: Outcome) -> list[str]:
    """Every promise that the outcome breaks, in words."""
    found: list[str] = []
    trains = outcome.way in ("fit", "api") and 0 in case.code
    if outcome.timed_out:
        found.append(f"hung: ended after {outcome.wall_seconds:.0f} s")
    elif outcome.seconds > (TRAINING_SECONDS if trains else SECONDS):
        found.append(f"took {outcome.seconds:.1f} s of processor time")
    if outcome.megabytes > MEGABYTES:
        found.append(f"took {outcome.megabytes:,.0f} MB of memory")
    if "Traceback (most recent call last)" in outcome.said + outcome.shown:
        found.append("showed a traceback")
    if warned := re.search(r"\b[A-Z]\w+Warning: .*|thread '.*' panicked.*|\x1b\[31m", outcome.said + outcome.shown):
        found.append(f"showed {warned[0]!r}")
    if outcome.code < 0 and not outcome.timed_out:
        found.append(f"was ended by signal {-outcome.code}")
    right = {*case.code, *((0,) if outcome.way == "look" and 3 in case.code else ())}
    if outcome.code not in right:
        found.append(f"gave exit code {outcome.code} where {' or '.join(map(str, sorted(right)))} is right")
    run_is_there = outcome.code == 0 and outcome.way in ("fit", "api")
    for name in outcome.left[:200]:
        if not (run_is_there and name.startswith(RUN)) or name.endswith(HALF):
            found.append(f"left {name} behind")
    if outcome.code > 0:
        found += wrong_words(message_of(outcome.said), case.words, finding=outcome.code == 3)
    return found[:12]


def wrong_words(message: str, words: Sequence[str], *, finding: bool = False) -> list[str]:
    """What is wrong with a message: it names the culprit, what was expected and a remedy, in one short paragraph."""
    found = [f"does not name {word!r}" for word in words if word not in message]
    if not message:
        return ["said nothing"]
    if not REMEDY.search(message):
        found.append("tells no remedy")
    if not finding and not EXPECTED.search(message):
        found.append("does not say what was expected")
    if leaked := LEAKED.search(message):
        found.append(f"speaks of inner things: {leaked[0]!r}")
    if "\n" in message:
        found.append("is more than one paragraph")
    if len(message) > LONGEST:
        found.append(f"has {len(message):,} characters")
    if not message.endswith((".", "`", "?", ")")):
        found.append("does not end like a sentence")
    if any(ord(letter) < 32 for letter in message.replace("\n", "")):
        found.append("holds control characters")
    return found
