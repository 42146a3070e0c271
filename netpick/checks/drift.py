"""D025: test rows that are distributed unlike those that are learned from."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import Check, CheckContext, looked_at, some_of
from netpick.checks.features import time_of
from netpick.checks.random_trees import share_of_ones
from netpick.checks.statistics import CHANCE, counts_chance, ks_chance, ks_distance, order_share, stability_index
from netpick.columns.kinds.cells import as_numbers, as_text
from netpick.types import Array, ArrayColumn, Field, Finding, Rows, Severity, TableColumn

FEWEST_ROWS = 30
MOST_ROWS = 10_000  # of each side
SHIFTED, FAR = 0.15, 0.3  # distance between the distributions of a number, for a remark and for a warning
UNSTABLE, FAR_UNSTABLE = 0.1, 0.25  # stability index of categories and classes; the usual limits
MISSING_MORE = 0.1  # difference of the shares of missing cells
MOST_CATEGORIES = 50
STEPS_TOGETHER = 50  # steps of a forecast count as one observation: neighbours in time repeat each other
FAR_IN_TIME = 0.5  # a forecast's distance that is worth a word: levels always move a little
SHOWN = 5
JOINT, JOINT_FAR = 0.7, 0.8  # AUC of telling the sides apart by all columns together
JOINT_ROWS = 1_500


class Drift(Check):
    """Compares every column, and all of them together, between the two sides."""

    code = "D025"
    title = "Test rows differ from those learned from"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if not context.holds_out or min(len(context.learned), len(context.test)) < FEWEST_ROWS:
            return None
        skipped = _times(context)
        fields = [f for f in context.schema.fields if f.role in ("feature", "target") and f.name not in skipped]
        found: list[
            tuple[float, str, str, bool]
        ] = []  # how far (1: a warning), column, words, whether it is the target
        sides = _side(context.learned), _side(context.test)
        for field in fields:
            said = _of_field(context, field, sides, len(fields))
            found += [(far, field.name, words, field.role == "target") for far, words in said]
        found.sort(reverse=True)
        findings = []
        for is_target in (False, True):
            part = [one for one in found if one[3] == is_target]
            if part:
                findings.append(self._finding(context, part, is_target))
        if not found and not context.windowed and len(fields) > 1 and not skipped:
            findings += self._together(context)
        return findings

    def _finding(self, context: CheckContext, found: list[tuple[float, str, str, bool]], is_target: bool) -> Finding:
        severity: Severity = "warning" if found[0][0] >= 1 else "info"
        shown = "; ".join(words for _, _, words, _ in found[:SHOWN])
        more = f"; and {len(found) - SHOWN:,} more columns" if len(found) > SHOWN else ""
        sampled = looked_at(min(MOST_ROWS, len(context.learned)), len(context.learned), "rows to learn from")
        target = "The target is another" if is_target else None
        return self.finding(
            severity=severity,
            evidence=f"{f'{target}: ' if target else ''}{shown}{more}{sampled}.",
            advice=(
                "The score is for rows like the test rows, the network learned from others: expect it to change again with new "
                "rows, and train on rows that are like those to come."
            ),
            columns=tuple(dict.fromkeys(name for _, name, _, _ in found)),
        )

    def _together(self, context: CheckContext) -> list[Finding]:
        """Columns that are alike one by one may still differ in how they go together."""
        told = _told_apart(context)
        if told is None or told[0] < JOINT:
            return []
        area, rows = told
        return [
            self.finding(
                severity="warning" if area >= JOINT_FAR else "info",
                evidence=(
                    f"Trees tell the two sides apart by all columns together, with an AUC of {area:.2f} on held-out rows (0.5 would "
                    f"be chance; {rows:,} rows of both sides), though no column differs much alone."
                ),
                advice=(
                    "Columns go together differently in the test rows: look whether they come from another source or were made in "
                    "another way."
                ),
            )
        ]


def _times(context: CheckContext) -> set[str]:
    """Columns that tell the time: where the split goes by it, of course they differ."""
    found = time_of(context)
    names = set(found[0].split(",")) if found is not None else set()
    return names | {f.name for f in context.schema.fields if f.kind == "datetime"}


def _of_field(context: CheckContext, field: Field, sides: tuple[Rows, Rows], columns: int) -> list[tuple[float, str]]:
    column = context.source.columns.get(field.name)
    if isinstance(column, ArrayColumn):
        return _media(column, field.name, *sides)
    if not isinstance(column, TableColumn):
        return []
    cells, known = column.values.gather(np.concatenate(sides)), len(sides[0])
    if field.kind == "number":
        numbers = as_numbers(cells).fill_null(float("nan")).to_numpy()
        a, b = numbers[:known], numbers[known:]
        gone = _missing(field.name, np.isnan(a), np.isnan(b), columns)
        moved = _numbers(f"'{field.name}'", a[~np.isnan(a)], b[~np.isnan(b)], (columns, context.windowed))
        return [*gone, *moved]
    if field.kind in ("category", "boolean"):
        words = as_text(cells).to_list()
        return _categories(f"'{field.name}'", words[:known], words[known:], columns)
    if field.kind == "text":
        count = as_text(cells).fill_null("").str.count_matches(r"\w+").to_numpy().astype(np.float64)
        return _numbers(f"the number of words in '{field.name}'", count[:known], count[known:], (columns, False))
    return []


def _side(rows: Rows) -> Rows:
    return rows if len(rows) <= MOST_ROWS else np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False)


def _numbers(name: str, a: Array, b: Array, how: tuple[int, bool]) -> list[tuple[float, str]]:
    columns, in_time = how
    if min(len(a), len(b)) < FEWEST_ROWS:
        return []
    distance = ks_distance(a, b)
    together = STEPS_TOGETHER if in_time else 1
    chance = ks_chance(distance, len(a) / together, len(b) / together)
    least, far = (FAR_IN_TIME, 2 * FAR_IN_TIME) if in_time else (SHIFTED, FAR)
    if distance < least or chance > CHANCE / max(1, columns):
        return []
    words = f"{name} is {np.median(b):.4g} in the middle of the test rows, {np.median(a):.4g} before (distance {distance:.2f})"
    return [(distance / far, words)]


def _categories(name: str, a: list[str | None], b: list[str | None], columns: int) -> list[tuple[float, str]]:
    values, codes = np.unique([str(v) for v in (*a, *b)], return_inverse=True)
    if len(values) > max(MOST_CATEGORIES, 0.1 * len(b)):
        return []
    counts_a = np.bincount(codes[: len(a)], minlength=len(values))
    counts_b = np.bincount(codes[len(a) :], minlength=len(values))
    if len(values) > MOST_CATEGORIES:
        top = np.argsort(-(counts_a + counts_b))[:MOST_CATEGORIES]
        rest = np.setdiff1d(np.arange(len(values)), top)
        values = np.append(values[top], "others")
        counts_a = np.append(counts_a[top], counts_a[rest].sum())
        counts_b = np.append(counts_b[top], counts_b[rest].sum())
    index = stability_index(counts_a, counts_b)
    if index < UNSTABLE or counts_chance(counts_a, counts_b) > CHANCE / max(1, columns):
        return []
    share_a, share_b = counts_a / counts_a.sum(), counts_b / counts_b.sum()
    most = int(np.abs(share_a - share_b).argmax())
    words = f"{name} is {str(values[most])!r} in {share_b[most]:.1%} of the test rows, {share_a[most]:.1%} before (index {index:.2f})"
    return [(index / FAR_UNSTABLE, words)]


def _missing(name: str, a: Array, b: Array, columns: int) -> list[tuple[float, str]]:
    difference = abs(float(a.mean()) - float(b.mean()))
    counts = [np.array([side.sum(), (~side).sum()]) for side in (a, b)]
    if difference < MISSING_MORE or counts_chance(counts[0], counts[1]) > CHANCE / max(1, columns):
        return []
    return [(difference / 0.25, f"'{name}' is missing in {b.mean():.1%} of the test rows, {a.mean():.1%} before")]


def _media(column: ArrayColumn, name: str, learned: Rows, test: Rows) -> list[tuple[float, str]]:
    """A few plain measures of each picture, sound, series or clip."""
    most = max(200, min(2_000, 60_000_000 // max(1, int(np.prod(column.values.shape[1:])))))
    sides = [measures(column, some_of(rows, most)) for rows in (learned, test)]
    found = []
    for word in sides[0]:
        told = _numbers(f"the {word} of '{name}'", sides[0][word], sides[1][word], (len(sides[0]), False))
        found += told
    sampled = looked_at(min(most, len(learned)), len(learned), "rows to learn from")
    return [(far, words + sampled) for far, words in sorted(found, reverse=True)[:1]]  # they all say the same


def measures(column: ArrayColumn, rows: Rows) -> dict[str, Array]:
    """What can be measured of every row (n,), by name."""
    values = np.asarray(column.values[rows], np.float32)
    found: dict[str, Array] = {}
    if column.lengths is not None:
        found["length"] = column.lengths[rows].astype(np.float64)
    axes = tuple(range(1, values.ndim))
    if column.kind == "series":
        values = np.nan_to_num(values)
        for channel in range(min(values.shape[2], 8)):
            found[f"level of channel {channel + 1}"] = values[..., channel].mean(axis=1)
            found[f"swing of channel {channel + 1}"] = values[..., channel].std(axis=1)
        return found
    found["loudness" if column.kind == "audio" else "brightness"] = values.mean(axis=axes)
    found["contrast"] = values.std(axis=axes)
    found["sharpness"] = np.abs(np.diff(values, axis=-1)).mean(axis=axes) / (found["contrast"] + 1)
    if column.kind in ("image", "clip") and values.shape[-3] == 3:
        channels = values.mean(axis=tuple(a for a in axes if a != values.ndim - 3))
        found["share of red"] = channels[:, 0] / (channels.sum(axis=1) + 1)
        found["share of blue"] = channels[:, 2] / (channels.sum(axis=1) + 1)
    return found


def _told_apart(context: CheckContext) -> tuple[float, int] | None:
    """How well trees tell the sides apart on rows that they did not see (AUC), and on how many rows."""
    sample = context.sample
    kinds = {f.name: f.kind for f in context.schema.features}
    blocks = [block for name, block in sample.blocks.items() if kinds[name] in ("number", "category", "boolean")]
    if not blocks:
        return None
    values = np.concatenate(blocks, axis=1)[:, :200]
    size = min(len(sample.learned), len(sample.test), JOINT_ROWS)
    if size < 100:
        return None
    generator = np.random.default_rng(0)
    a = generator.permutation(len(sample.learned))[:size]
    b = len(sample.learned) + generator.permutation(len(sample.test))[:size]
    half = size // 2
    fitted, asked = np.concatenate([a[:half], b[:half]]), np.concatenate([a[half:], b[half:]])
    labels = np.repeat([0, 1], half)
    score = share_of_ones(values[fitted], labels, values[asked])
    return order_share(score[size - half :], score[: size - half]), 2 * size
