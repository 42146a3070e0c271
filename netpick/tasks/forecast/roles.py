"""What each column of a forecast is for: target, covariate (known ahead or not, static), time, series, or left out with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from netpick.columns.kinds import KINDS, Claim
from netpick.columns.kinds.cells import examples_of
from netpick.errors import DataError
from netpick.tasks.examples.base import ExampleRequest
from netpick.tasks.forecast.recognise import known_ahead, series_target, static_columns
from netpick.tasks.forecast.timeline import Timeline, table_columns
from netpick.tasks.forecast.windows import MOST_CATEGORIES
from netpick.types import Array, Field, Source

COVARIATE_KINDS = ("number", "category", "boolean")


@dataclass(frozen=True, kw_only=True)
class Roles:
    """What each column is for."""

    targets: tuple[str, ...]
    covariates: tuple[str, ...]
    known: tuple[str, ...]
    static: tuple[str, ...]  # covariates with one value a series
    kinds: Mapping[str, str]  # of targets and covariates
    claims: Mapping[str, Claim]
    left_out: Mapping[str, str]  # reason by column


def roles_of(source: Source, timeline: Timeline, request: ExampleRequest) -> Roles:
    table = table_columns(source.columns)
    taken = {*timeline.time_columns, *timeline.id_columns}
    forced = dict(request.kinds)
    kinds: dict[str, str] = {}
    claims: dict[str, Claim] = {}
    left_out: dict[str, str] = {}
    for name in source.columns:
        if name in taken:
            continue
        if name not in table:
            left_out[name] = "images, sounds or series are no covariates of a forecast"
            continue
        kind, claim = _claim(source.columns[name], forced.get(name))
        reason = None if name in request.target else _useless(table[name], kind, claim)
        if reason:
            left_out[name] = reason
        elif kind is not None and claim is not None:
            kinds[name], claims[name] = kind, claim
    static = static_columns(source, timeline)
    targets = request.target or _default_targets(kinds, (*request.known, *static))
    for name in targets:
        if name in taken or kinds.get(name) != "number":
            what = "tells the time or the series" if name in taken else f"is {kinds.get(name, 'text')}, not a number"
            raise DataError(
                f"Column '{name}' cannot be forecast: it {what}. Choose a column of numbers with --target, or say that it is "
                f"one with --kind {name}=number."
            )
    if not targets:
        raise DataError(
            f"{source.name} has no column of numbers to forecast beside {', '.join(sorted(taken)) or 'its rows'}, but one is needed. Name one "
            "with --target COLUMN, or say what one is with --kind COLUMN=number."
        )
    known = tuple(name for name in request.known or known_ahead(source, timeline, targets) if name in kinds)
    others = tuple(name for name in kinds if name not in targets and name not in known)
    static = tuple(name for name in others if name in static)
    return Roles(
        targets=targets, covariates=others, known=known, static=static, kinds=kinds, claims=claims, left_out=left_out
    )


def _default_targets(kinds: Mapping[str, str], others: Sequence[str]) -> tuple[str, ...]:
    """The column whose name says that it is forecast, or else all numbers that change in time."""
    numbers = [name for name, kind in kinds.items() if kind == "number" and name not in others]
    named = series_target(numbers)
    return (named,) if named else tuple(numbers)


def _claim(column: object, forced: str | None) -> tuple[str | None, Claim | None]:
    claims = {name: KINDS[name].claim(column) for name in COVARIATE_KINDS if forced in (None, name)}  # type: ignore[arg-type]
    made = {name: claim for name, claim in claims.items() if claim is not None}
    if not made:
        return (forced, Claim(strength=1.0, reason="said by --kind")) if forced in COVARIATE_KINDS else (None, None)
    best = max(made, key=lambda name: made[name].strength)
    return best, made[best]


def _useless(series: pl.Series, kind: str | None, claim: Claim | None) -> str | None:
    filled = series.drop_nulls()
    if len(filled) == 0:
        return "every cell is missing"
    distinct = filled.n_unique()
    if distinct == 1:
        return f"constant: every cell is {str(filled[0])[:40]!r}"
    if kind is None or claim is None:
        return f"text with {distinct:,} different values"
    if kind == "category" and distinct > MOST_CATEGORIES:
        return f"{distinct:,} categories, more than the {MOST_CATEGORIES} that a covariate may have"
    if kind == "number" and series.dtype.is_integer() and distinct == len(series):
        steps = series.diff().drop_nulls()
        if len(steps) and steps.min() == steps.max() and steps.min() in (1, -1):
            return "identifier: it numbers the rows"
    return None


def fields_of(source: Source, roles: Roles, timeline: Timeline, request: ExampleRequest) -> list[Field]:
    fields = []
    table = table_columns(source.columns)
    for name in source.columns:
        series = table.get(name)
        role, kind, reason = "left_out", None, roles.left_out.get(name, "left out by --drop")
        if name in timeline.time_columns:
            role, kind, reason = "time", "datetime", f"tells the time: {timeline.step.words}"
        elif name in timeline.id_columns:
            role, reason = "group", f"tells {len(timeline.ids):,} series apart"
        elif name in roles.targets:
            role, kind, reason = "target", "number", "forecast from its own past"
        elif name in roles.known:
            role, kind, reason = "feature", roles.kinds[name], _known_words(name, request)
        elif name in roles.static:
            role, kind, reason = "feature", roles.kinds[name], "static: one value a series"
        elif name in roles.covariates:
            role, kind, reason = "feature", roles.kinds[name], "covariate, known up to the origin"
        claim = roles.claims.get(name)
        fields.append(
            Field(
                name=name,
                kind=kind,
                role=role,  # type: ignore[arg-type]
                reason=reason,
                num_missing=0 if series is None else claim.num_missing if claim else series.null_count(),
                num_distinct=0 if series is None else series.n_unique(),
                examples=() if series is None else examples_of(series),
                stray=tuple(claim.stray) if claim else (),
            )
        )
    return fields


def _known_words(name: str, request: ExampleRequest) -> str:
    said = "--known" if name in request.known else "it is filled behind the last known target"
    return f"covariate, known for the horizon ({said})"


def refuse_constant(timeline: Timeline, targets: Sequence[str], values: Array) -> None:
    for i, name in enumerate(targets):
        known = values[:, i][~np.isnan(values[:, i])]
        if len(known) == 0 or known.min() == known.max():
            what = f"always {known[0]:g}" if len(known) else "missing everywhere"
            raise DataError(
                f"Column '{name}' is {what}, so that there is nothing to forecast. Leave it out with --drop {name}, or choose "
                "another --target."
            )
