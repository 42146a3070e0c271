"""Of a forecast: whole stretches of the test part that were there before, number for number."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import CheckContext, row_name
from netpick.types import Array, Finding, Rows

STEPS = 12  # equal one after the other, at least
FEWEST_VALUES = 6  # different ones in them: zeros at night and round numbers repeat themselves
FEWEST_RISES = 3  # different steps from one number to the next
NATURAL = 0.25  # of what is repeated in the test part, repeated before it too: then the series are such
OWN = np.int64(0x5851F42D4C957F2D)  # tells the stretches of different series apart
WARN, STOP = 0.02, 0.2  # shares of the test steps
ROUNDING = 6  # significant digits


def repeated_stretches(context: CheckContext, code: str, title: str) -> list[Finding] | None:
    """Test steps that stand in a stretch that equals an earlier one; None without an order."""
    if context.order is None or context.target.shape[1] == 0 or len(context.test) < STEPS:
        return None
    order = context.order
    series = context.series[order] if context.series is not None else np.zeros(len(order), np.int64)
    target = context.target[order]
    is_test = np.isin(order, context.test)
    is_past = _past(is_test, series)
    marked = np.zeros(len(order), dtype=bool)
    again = np.zeros(len(order), dtype=bool)  # the same of steps before the test part: what the series do by nature
    partner: tuple[int, int] | None = None
    for column in target.T:
        keys, usable = _keys(column, series)
        starts = _repeated(keys, usable, is_test, ~is_test)
        marked |= _stretches(starts, len(order))
        own = keys ^ (series.astype(np.int64) * OWN)
        again |= _stretches(_repeated(own, usable, is_past, ~is_test & ~is_past), len(order))
        if len(starts) and partner is None:
            old = usable & ~is_test & ~_reaches(is_test)
            before = np.flatnonzero(old & (keys == keys[starts[0]]))
            partner = (int(starts[0]), int(before[0]))
    share = float((marked & is_test).sum() / max(1, is_test.sum()))
    by_nature = float((again & is_past).sum() / max(1, is_past.sum()))
    if partner is None or share < WARN or by_nature >= NATURAL * share:
        return []
    judged = int(is_past.sum()) >= 2 * STEPS
    rows: Rows = order[np.flatnonzero(marked & is_test)]
    return [
        Finding(
            code=code,
            severity="severe" if share >= STOP and judged else "warning",
            title=title,
            evidence=(
                f"{len(rows):,} of {int(is_test.sum()):,} test steps ({share:.1%}) stand in stretches of {STEPS} or more that equal "
                f"stretches that are learned from, as at {row_name(context, int(order[partner[0]]))} and "
                f"{row_name(context, int(order[partner[1]]))}."
            ),
            clause=f"{share:.0%} of the test steps are copies of steps that were learned from",
            advice="Measured numbers do not repeat themselves: remove what was filled in by copying, or test on other steps.",
            columns=tuple(f.name for f in context.schema.targets),
            rows=tuple(rows[:20].tolist()),
        )
    ]


def _past(is_test: Array, series: Array) -> Array:
    """As many steps of each series before its test part as that has."""
    past = np.zeros(len(is_test), dtype=bool)
    starts = np.flatnonzero(np.diff(series, prepend=series[:1] - 1))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(series)], strict=True):
        tested = np.flatnonzero(is_test[start:end])
        if len(tested):
            first = start + int(tested[0])
            past[max(start, first - len(tested)) : first] = True
    return past & ~is_test


def _repeated(keys: Array, usable: Array, new: Array, old: Array) -> Array:
    """Where stretches of the `new` steps begin that equal one of the `old` steps."""
    known = usable & old & ~_reaches(new)
    return np.flatnonzero(np.isin(keys, keys[known]) & usable & new)


def _stretches(starts: Array, steps: int) -> Array:
    """The steps (n,) of the stretches that begin at these places."""
    marked = np.zeros(steps, dtype=bool)
    for step in range(STEPS):
        inside = starts + step
        marked[inside[inside < steps]] = True
    return marked


def _reaches(is_test: Array) -> Array:
    """Steps whose stretch would reach into the test part."""
    reaching = np.zeros(len(is_test), dtype=bool)
    for step in range(1, STEPS):
        reaching[:-step] |= is_test[step:]
    return reaching


def _keys(column: Array, series: Array) -> tuple[Array, Array]:
    """A number for the stretch that begins at each step, equal for equal stretches, and which stretches count."""
    n = len(column)
    size = np.nanmax(np.abs(column)) if (~np.isnan(column)).any() else 0
    digits = ROUNDING - int(np.ceil(np.log10(size))) if size > 0 else 0
    words = np.ascontiguousarray(np.round(column, digits) + 0.0).view(np.uint64)
    keys = np.zeros(n, np.uint64)
    usable = np.zeros(n, dtype=bool)
    if n < STEPS:
        return keys.view(np.int64), usable
    generator = np.random.default_rng(0)
    for step in range(STEPS):
        factor = generator.integers(0, 2**64 - 1, dtype=np.uint64) | np.uint64(1)
        mixed = (words ^ (words >> np.uint64(29))) * factor
        keys[: n - STEPS + 1] += (mixed ^ (mixed >> np.uint64(32)))[step : n - STEPS + 1 + step]
    windows = np.lib.stride_tricks.sliding_window_view(column, STEPS)
    ordered = np.sort(windows, axis=1)
    different = (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) + 1
    rises = np.sort(np.round(np.diff(windows, axis=1), digits), axis=1)
    rising = (rises[:, 1:] != rises[:, :-1]).sum(
        axis=1
    ) + 1  # a counter rises by the same each step, wherever it stands
    whole = ~np.isnan(windows).any(axis=1) & (series[: n - STEPS + 1] == series[STEPS - 1 :])
    usable[: n - STEPS + 1] = whole & (different >= FEWEST_VALUES) & (rising >= FEWEST_RISES)
    return keys.view(np.int64), usable
