"""A run's record, read back so that the run can be made again: `netpick fit DATA --plan RUN/plan.json`.

plan.json of a finished run holds everything: what was asked for, of which data, with which versions, the plan, and all that a clock
decided. Of an unfinished one, the rest lies beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from netpick.contest.prepare import FitOptions
from netpick.disk.strict import RefusedError, from_parsed
from netpick.errors import RequestError
from netpick.models.baseline_fits import read_decisions as baseline_decisions
from netpick.models.baselines import Decision
from netpick.training.course import Segment
from netpick.training.keeping import REQUEST, read_decisions, read_json, read_latencies, read_request_file, versions
from netpick.training.plan import Plan


@dataclass(frozen=True, kw_only=True)
class KeptRequest:
    """What plan.json of a finished run says of its request."""

    options: dict[str, Any]
    fingerprint: str
    versions: dict[str, str]


OF_THE_CALL = (
    "plan",
    "out",
    "command",
    "started",
    "modules",
    "accept",
    "memory_limit",
    "workers",
)  # options that a replay may bring


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A plan and what was decided along it."""

    path: Path
    plan: Plan
    options: FitOptions
    fingerprint: str
    versions: Mapping[str, str]
    decisions: Mapping[str, Sequence[Segment]]
    baselines: Mapping[str, Decision]  # by round and baseline
    latencies: Mapping[str, float]  # by round and candidate or baseline

    def refuse_others(self, fingerprint: str) -> None:
        """Raises RequestError when data or versions are others than the plan's."""
        changed = [
            f"{name} was {self.versions.get(name)} and is {now}"
            for name, now in versions().items()
            if self.versions.get(name) != now
        ]
        if self.fingerprint != fingerprint:
            changed.insert(0, f"its data had the fingerprint {self.fingerprint[:12]}, these have {fingerprint[:12]}")
        if changed:
            raise RequestError(
                f"{self.path} is the plan of other data or another version: {'; '.join(changed)}. Pass the data and versions that it "
                "was made with, or leave out --plan."
            )


def read_replay(path: Path) -> Replay:
    """The record of a run, from its plan.json. Raises RequestError where there is none, or it is damaged."""
    if path.is_dir():
        path = path / "plan.json"
    if not path.is_file():
        raise RequestError(f"There is no plan {path}. `netpick fit` writes one: RUN/plan.json.")
    data = read_json(path)
    beside = path.parent / REQUEST
    if "request" in data:
        try:
            request = from_parsed(KeptRequest, dict(data["request"]))
            decisions = from_parsed(dict[str, tuple[Segment, ...]], data.get("decisions", {}))
            baselines = from_parsed(dict[str, Decision], data.get("baselines", {}))
            latencies = from_parsed(dict[str, float], data.get("latencies", {}))
        except (RefusedError, TypeError, ValueError) as error:
            raise RequestError(f"{path} is damaged ({error}). Take the plan.json of another run.") from None
        options, fingerprint, made_with = request.options, request.fingerprint, request.versions
    elif beside.is_file():
        kept = read_request_file(beside)
        options, fingerprint, made_with = kept.options, kept.fingerprint, kept.versions
        decisions = {name: tuple(segments) for name, segments in read_decisions(path.parent).items()}
        baselines, latencies = baseline_decisions(path.parent), read_latencies(path.parent)
    else:
        raise RequestError(
            f"{path} does not say what was asked for: it was written by an older version, or its run was not finished. Pass the plan.json of "
            "a finished run."
        )
    return Replay(
        path=path,
        plan=Plan.from_json(data),
        options=FitOptions.from_json(options),
        fingerprint=fingerprint,
        versions=made_with,
        decisions=decisions,
        baselines=baselines,
        latencies=latencies,
    )


def replayed_options(replay: Replay, given: FitOptions) -> FitOptions:
    """The options of the plan's run, with what belongs to this call. Raises RequestError where others were given too."""
    untouched = FitOptions()
    others = [
        f.name
        for f in fields(FitOptions)
        if f.name not in OF_THE_CALL and getattr(given, f.name) not in (getattr(untouched, f.name), None)
    ]
    others = [name for name in others if getattr(given, name) != getattr(replay.options, name)]
    if others:
        raise RequestError(
            f"A plan brings its own options, but --{others[0].replace('_', '-')} was given too and is another. Leave it out, or leave out "
            "--plan."
        )
    own = {name: getattr(given, name) for name in OF_THE_CALL if name != "accept"}
    return replace(replay.options, accept=(*replay.options.accept, *given.accept), **own)
