"""D022: time that runs backwards across the split, or stands still."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import Check, CheckContext
from netpick.checks.features import times_of
from netpick.checks.statistics import neighbours_alike, order_share
from netpick.types import Array, Finding, TableColumn

BACKWARDS = 0.95  # of the pairs of a learned and a test row have the learned one later
FORWARDS = 0.05
PROOF, TOLD = 6.0, 0.1  # standard errors, and how much more alike rows of one time are
FEWEST_ROWS = 50
MOST_GROUPS = 40  # of more, the earliest ones are not drawn by chance
DRAWS, LIKELY = 1_000, 0.01


class TimeRunsBackwards(Check):
    """Compares the times of learned rows and test rows."""

    code = "D022"
    title = "Test rows are not later than those learned from"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        dated_columns = times_of(context) if not context.windowed and context.holds_out else []
        findings_of_each = [
            said for name, times in dated_columns if (said := self._of_times(context, name, times)) is not None
        ]
        if not findings_of_each:
            return None
        every = sorted(
            (finding for findings in findings_of_each for finding in findings), key=lambda f: f.severity != "severe"
        )
        return every[:1]  # dates of one row mostly go together

    def _of_times(self, context: CheckContext, name: str, times: Array) -> list[Finding] | None:
        learned, test = times[context.learned], times[context.test]
        learned, test = learned[~np.isnan(learned)], test[~np.isnan(test)]
        if min(len(learned), len(test)) < 10:
            return None
        later = order_share(learned, test)
        if later <= FORWARDS:
            return []
        if later >= BACKWARDS and not _by_the_draw_of_groups(context, times):
            evidence = (
                f"In {later:.1%} of all pairs of a row that is learned from and a test row, the one that is learned from is the "
                f"later one by '{name}' ({len(learned):,} and {len(test):,} rows): the past is predicted from the future."
            )
            return [self._finding(name, evidence, severe=True)]
        if later < BACKWARDS and not _time_tells(context, times):
            return []
        evidence = (
            f"{later:.0%} of all pairs of a row that is learned from and a test row have the learned one later by '{name}' "
            f"({len(learned):,} and {len(test):,} rows), "
            + (
                "which a draw of so few groups may bring about."
                if later >= BACKWARDS
                else "and rows of about the same time have like targets: rows before and after a test row tell what it is."
            )
        )
        return [self._finding(name, evidence, severe=False)]

    def _finding(self, name: str, evidence: str, *, severe: bool) -> Finding:
        return self.finding(
            severity="severe" if severe else "warning",
            evidence=evidence,
            advice=f"If the network is to predict what comes, test on the newest rows: --split time:{name}.",
            clause=f"rows that were learned from are later than the test rows by '{name}'",
            columns=tuple(name.split(",")),
        )


def _by_the_draw_of_groups(context: CheckContext, times: Array) -> bool:
    """Whether more than one in a hundred draws of as many groups for the test part would put the past there as well."""
    groups = next((f for f in context.schema.fields if f.role == "group"), None)
    column = context.source.columns[groups.name] if groups is not None else None
    if not isinstance(column, TableColumn):
        return False
    codes = column.values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    rows = np.concatenate([context.learned, context.test])
    rows = rows[~np.isnan(times[rows])]
    names, at, sizes = np.unique(codes[rows], return_inverse=True, return_counts=True)
    tested = np.isin(names, codes[context.test])
    if len(names) > MOST_GROUPS or np.isin(codes[context.learned], names[tested]).any():
        return False  # many groups, or groups on both sides: then rows were drawn
    middles = np.array([np.median(times[rows][at == k]) for k in range(len(names))])
    above = (middles[:, None] > middles[None, :]) + 0.5 * (middles[:, None] == middles[None, :])
    pairs, weights = above * sizes[:, None] * sizes[None, :], sizes[:, None] * sizes[None, :]
    chance = np.random.default_rng(0)
    backwards = 0
    for _ in range(DRAWS):
        test = chance.permutation(tested)
        backwards += pairs[~test][:, test].sum() >= BACKWARDS * weights[~test][:, test].sum()
    return bool(backwards > LIKELY * DRAWS)


def _time_tells(context: CheckContext, times: Array) -> bool:
    """Whether rows next to each other in time have more alike targets than others."""
    target = context.target if context.target.ndim == 2 else context.target[:, None]
    rows = context.learned
    rows = rows[~np.isnan(times[rows])]
    if len(rows) < FEWEST_ROWS:
        return False
    rows = rows[np.argsort(times[rows], kind="stable")]
    for k in range(target.shape[1]):
        column = target[rows, k]
        known = column >= 0 if column.dtype.kind in "iu" else ~np.isnan(column)
        alike = neighbours_alike(column[known])
        if alike.z >= PROOF and alike.effect >= TOLD:
            return True
    return False
