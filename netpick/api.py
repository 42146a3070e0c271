"""What users call from Python. The main job is put together in prepare.py and contest.py, and reads like the design's line.

source -> schema -> decode -> checks -> split -> encode -> plan -> train -> compare -> evaluate -> report -> artifact
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netpick.contest import DEFAULT_BUDGET, Contest
from netpick.errors import RequestError
from netpick.prepare import FitOptions, Prepared, prepare, silent
from netpick.types import OnEvent, RunResults

if TYPE_CHECKING:
    import os

    import polars as pl

    from netpick.use import Model


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run: what it found, where it lies, and the recommended model."""

    folder: Path
    results: RunResults
    seconds: float

    @property
    def verdict(self) -> str:
        """The verdict in one sentence or two."""
        return self.results.verdict.sentence

    @property
    def scores(self) -> pl.DataFrame:
        """Test scores, a row a candidate, metric and value, with n and the 95 % interval."""
        import polars as pl

        rows = [
            {
                "candidate": c.name,
                "family": c.family,
                "metric": m,
                "value": s.value,
                "low": s.low,
                "high": s.high,
                "n": s.n,
            }
            for c in (*self.results.candidates, *self.results.baselines)
            for m, s in c.test.items()
        ]
        return pl.DataFrame(rows)

    @property
    def model(self) -> Model:
        """The recommended model, loaded from its file."""
        from netpick.use import load

        return load(self.folder / "model.netpick")

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Writes the report page to another place."""
        target = Path(path)
        shutil.copyfile(self.folder / "report.html", target)
        return target


def run_fit(data: object, options: FitOptions, on_event: OnEvent = silent) -> Run:
    """The main job. Raises a NetpickError before anything is written, or TrainingError when no network could be trained."""
    started = options.started if options.started is not None else time.perf_counter()
    if options.out is not None and options.out.exists():
        raise RequestError(
            f"{options.out} exists already, and a run never overwrites one. Pass another --out, or remove it."
        )
    budget = options.budget if options.budget is not None else (None if options.steps is not None else DEFAULT_BUDGET)
    prepared = prepare(data, options, on_event)
    contest = Contest(prepared=prepared, options=options, started=started, budget=budget, listener=on_event)
    results = contest.run()
    assert contest.folder is not None
    return Run(folder=contest.folder, results=results, seconds=time.perf_counter() - started)


def fit(
    data: object,
    target: str | Sequence[str] | None = None,
    *,
    budget: str | float | None = None,
    steps: int | None = None,
    models: str | Sequence[Any] | None = None,
    layers: str | Sequence[str] | None = None,
    task: str | None = None,
    split: str | None = None,
    test: object | None = None,
    seed: int = 0,
    device: str = "auto",
    out: str | os.PathLike[str] | None = None,
    accept: Sequence[str] = (),
    cost: Mapping[str, float] | None = None,
    recipe: str | None = None,
    drop: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    on_event: OnEvent = silent,
) -> Run:
    """Trains the network families that fit the data, next to plain baselines, and says which one to use.

    data: a path, a polars or pandas frame, an arrow table, or a tuple of arrays (X, y).
    budget: seconds, or text such as "90s" or "2m" (default 60s); steps: a fixed number of steps instead.
    models: "mlp,cnn[width=32]", or a list that may also hold torch.nn.Module instances.
    Raises NetpickError (a ValueError) with what was found, what was expected and what to do.
    """
    named = [models] if isinstance(models, str) else [m for m in models or () if isinstance(m, str)]
    modules = [] if isinstance(models, str) else [m for m in models or () if not isinstance(m, str)]
    options = FitOptions(
        target=(target,) if isinstance(target, str) else tuple(target or ()),
        task=task,
        models=",".join(named) or None,
        modules=modules,
        layers=(layers,) if isinstance(layers, str) else tuple(layers or ()),
        budget=None if budget is None else parse_duration(budget),
        steps=steps,
        split=split,
        test=test,
        seed=seed,
        device=device,
        out=None if out is None else Path(out),
        accept=tuple(accept),
        cost=dict(cost or {}),
        recipe=recipe,
        drop=tuple(drop),
        kinds=tuple((kinds or {}).items()),
        command="netpick.fit(...)",
    )
    return run_fit(data, options, on_event)


def look(data: object, target: str | Sequence[str] | None = None, **options: Any) -> Prepared:
    """Reads, understands, splits and checks the data, and trains nothing."""
    wanted = (target,) if isinstance(target, str) else tuple(target or ())
    return prepare(data, FitOptions(target=wanted, **options))


def parse_duration(text: str | float) -> float:
    """Seconds from 90, "90", "90s", "2m", "1.5h". Raises RequestError for anything else."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "ms": 0.001, "min": 60.0, "sec": 1.0}
    if not isinstance(text, str):
        seconds = float(text)
    else:
        digits = text.strip().lower().rstrip("abcdefghijklmnopqrstuvwxyz ")
        unit = text.strip().lower()[len(digits) :].strip() or "s"
        try:
            seconds = float(digits) * units[unit]
        except (ValueError, KeyError):
            raise RequestError(
                f"A budget of '{text}' cannot be read. Pass seconds or minutes, such as 60s, 2m or 1h."
            ) from None
    if not 0 < seconds < 1e7:
        raise RequestError(f"A budget of '{text}' is not possible. Pass seconds or minutes, such as 60s, 2m or 1h.")
    return seconds
