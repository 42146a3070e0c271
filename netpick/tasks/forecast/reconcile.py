"""Forecasts that add up: those of sums and of single series, which no forecaster makes fit each other by itself, are reconciled.

The point forecasts of one origin move to the nearest ones that add up, where a series that is forecast well moves least: by the
covariance of the validation errors (MinT: Wickramasuriya, Athanasopoulos & Hyndman 2019), shrunk (Schaefer & Strimmer 2005), or by their variances alone. Quantiles move along
with the point; they do not add up, since a quantile of a sum is not the sum of quantiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from netpick.answers.answered import AnsweredHorizon
from netpick.tasks.forecast.state import ForecastState
from netpick.tasks.forecast.sums import Structure, structure_of
from netpick.tasks.forecast.windows import Windows
from netpick.types import Array, Rows

MOST_COVARIANCES = 40_000  # numbers that a model file keeps; of more series variances alone
FEWEST_ERRORS = 4  # origins without overlap, below which nothing is said of how errors go together
LEAST_VARIANCE = 1e-9  # of that of the series


@dataclass(frozen=True, kw_only=True)
class _Cross:
    """Rows of one origin, and which of their sums have all their members there."""

    rows: Array  # places of the rows (m,)
    constraints: Array  # (A, m): a sum less its members is 0


def weighed(state: ForecastState, windows: Windows, rows: Rows, said: AnsweredHorizon) -> ForecastState:
    """With the variances and covariances of these errors, by which forecasts of this forecaster are reconciled."""
    if state.hierarchy is None:
        return state
    count, width = len(state.ids), len(state.targets)
    errors = (said.values - windows.truth[rows]).reshape(len(rows), -1, width)
    series = windows.series[rows]
    deviation = np.asarray(state.deviation)
    known = ~np.isnan(errors)
    squares, seen = np.zeros((count, width)), np.zeros((count, width))
    np.add.at(squares, series, np.square(np.where(known, errors, 0.0)).sum(axis=1))
    np.add.at(seen, series, known.sum(axis=1))
    shares = np.divide(squares, seen, out=np.full(squares.shape, np.nan), where=seen > 0) / deviation**2
    usual = [float(np.median(own[~np.isnan(own)])) if not np.isnan(own).all() else 1.0 for own in shares.T]
    variance = np.maximum(np.where(seen > 0, shares, usual), LEAST_VARIANCE) * deviation**2
    hierarchy = replace(state.hierarchy, variance=tuple(tuple(map(float, row)) for row in variance))
    if state.hierarchy.method == "mint" and count * count * width <= MOST_COVARIANCES:
        together = _correlations(errors, series, windows.timeline.positions[rows], count)
        if together is not None:
            spread = np.sqrt(variance)
            matrices = [together[v] * np.outer(spread[:, v], spread[:, v]) for v in range(width)]
            hierarchy = replace(hierarchy, covariance=tuple(tuple(tuple(map(float, r)) for r in m) for m in matrices))
    return replace(state, hierarchy=hierarchy)


def coherent(said: AnsweredHorizon, state: ForecastState, windows: Windows, rows: Rows) -> AnsweredHorizon:
    """Forecasts from these rows whose points add up at each origin; quantiles move along with them."""
    hierarchy = state.hierarchy
    if hierarchy is None:
        return said
    width = len(state.targets)
    points = said.values.reshape(len(rows), -1, width).copy()
    numbers = windows.series[rows]
    weights: dict[bytes, list[Array]] = {}
    for cross in _crosses(windows, rows, len(hierarchy.ids)):
        key = numbers[cross.rows].tobytes() + cross.constraints.tobytes()
        for target in range(width):
            base = points[cross.rows, :, target]  # (m, H)
            if hierarchy.method not in ("bottom-up", "top-down") and len(weights.setdefault(key, [])) <= target:
                weights[key].append(_gain(state, numbers[cross.rows], target, cross.constraints))
            gain = weights[key][target] if key in weights else None
            floor = 0.0 if any(state.nonnegative) and state.nonnegative[target] else -np.inf
            points[cross.rows, :, target] = _reconciled(base, cross.constraints, hierarchy.method, gain, floor)
    moved = points.reshape(len(rows), -1) - said.values
    return replace(
        said,
        values=said.values + moved,
        quantiles=_moved(said.quantiles, moved, state),
        chosen=_moved(said.chosen, moved, state),
    )


def _reconciled(base: Array, constraints: Array, method: str, gain: Array | None, floor: float) -> Array:
    """(m, H) of one origin."""
    adding = (constraints > 0).any(axis=0)  # places of the sums, one a constraint
    members = -constraints[:, ~adding]
    made = base if gain is None else base - gain @ (constraints @ base)
    singles = made[~adding]
    if method == "top-down":
        largest = members.sum(axis=1).argmax()
        total = base[constraints[largest] > 0]
        inside = members[largest] > 0
        parts = np.maximum(singles[inside], 0.0)
        whole = parts.sum(axis=0, keepdims=True)
        even = np.full(parts.shape, 1 / len(parts))
        singles = singles.copy()
        singles[inside] = total * np.divide(parts, whole, out=even, where=whole > 0)
    singles = np.maximum(singles, floor)
    out = made.copy()
    out[~adding] = singles
    for constraint, row in zip(constraints, members, strict=True):
        out[constraint > 0] = row @ singles
    return out


def _gain(state: ForecastState, numbers: Array, target: int, constraints: Array) -> Array:
    """(m, A): how far each forecast of these series moves for what each sum differs from its members. Series that training did not
    know have the variance of their own values."""
    hierarchy = state.hierarchy
    assert hierarchy is not None
    variance = np.asarray(state.deviation)[numbers, target] ** 2
    learned = np.asarray(hierarchy.variance).reshape(-1, len(state.targets))[:, target]
    known = np.flatnonzero(numbers < len(learned))
    variance[known] = learned[numbers[known]]
    across = variance[:, None] * constraints.T
    if hierarchy.covariance:
        matrix = np.diag(variance)
        matrix[np.ix_(known, known)] = np.asarray(hierarchy.covariance[target])[np.ix_(numbers[known], numbers[known])]
        across = matrix @ constraints.T
    return np.asarray(np.linalg.lstsq(constraints @ across, across.T, rcond=None)[0].T)


def _crosses(windows: Windows, rows: Rows, columns: int) -> Iterator[_Cross]:
    """Origins at which something adds up."""
    timeline = windows.timeline
    structure = structure_of(timeline.ids, columns)
    series, positions = timeline.series[rows], timeline.positions[rows]
    order = np.argsort(positions, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(positions[order])) + 1):
        alive = (timeline.first <= positions[places[0]]) & (positions[places[0]] < timeline.first + timeline.lengths)
        found = _cross(structure, series[places], alive)
        if len(found.constraints):
            yield replace(found, rows=places[found.rows])


def _cross(structure: Structure, present: Array, alive: Array) -> _Cross:
    """Of one origin's series: the single ones, and those sums all of whose members that go on are there too."""
    place = np.full(len(alive), -1)
    place[present] = np.arange(len(present))
    here = place[structure.singles] >= 0
    missing = structure.members & (alive[structure.singles] & ~here)
    usable = (place[structure.sums] >= 0) & ~missing.any(axis=1) & (structure.members & here).any(axis=1)
    sums, singles = structure.sums[usable], structure.singles[here]
    chosen = np.concatenate([place[sums], place[singles]])
    members = structure.members[np.ix_(usable, here)].astype(np.float64)
    return _Cross(rows=chosen, constraints=np.hstack([np.eye(len(sums)), -members]))


def _correlations(errors: Array, series: Array, positions: Array, count: int) -> Array | None:
    """(V, S, S) of errors (n, H, V), shrunk; None where too few origins have all series."""
    origins, at = np.unique(positions, return_inverse=True)
    width, horizon = errors.shape[2], errors.shape[1]
    table = np.full((len(origins), horizon, count, width), np.nan)
    table[at, :, series] = errors
    whole = table.reshape(-1, count, width)
    whole = whole[~np.isnan(whole).any(axis=(1, 2))]
    if len(whole) < FEWEST_ERRORS * horizon:
        return None
    return np.stack([_shrunk(whole[:, :, target], len(whole) / horizon) for target in range(width)])


def _shrunk(errors: Array, independent: float) -> Array:
    """(S, S) correlations of errors (N, S), of which so many are independent, drawn towards none."""
    scaled = errors / np.maximum(np.sqrt((errors**2).mean(axis=0)), 1e-300)
    found = scaled.T @ scaled / len(scaled)
    spread = ((scaled**2).T @ (scaled**2)) / len(scaled) - found**2
    apart = ~np.eye(len(found), dtype=bool)
    strength = (found[apart] ** 2).sum()
    shrink = 1.0 if strength <= 0 else min(1.0, max(0.0, spread[apart].sum() / independent / strength))
    return np.where(apart, (1 - shrink) * found, 1.0)


def _moved(quantiles: Array | None, moved: Array, state: ForecastState) -> Array | None:
    if quantiles is None:
        return None
    made = np.asarray(quantiles + moved[..., None])
    if not any(state.nonnegative):
        return made
    floor = np.where(np.tile(state.nonnegative, moved.shape[1] // len(state.targets)), 0.0, -np.inf)
    return np.asarray(np.maximum(made, floor[None, :, None]))
