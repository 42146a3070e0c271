"""D024: rows whose label disagrees with all rows that are like them."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import LISTED, Check, CheckContext, looked_at, rows_named
from netpick.columns.kinds.cells import as_text, ends_of
from netpick.types import Array, Finding, Rows, Severity, TableColumn

NEIGHBOURS = 10
UNANIMOUS = 9  # of them, all of one other class
FEWEST_ROWS = 100
# Of a class's rows, so many must have mostly their own class around them: classes that overlap, as those of titanic (0.59) and
# adult (0.46) do, have odd rows and no wrong labels.
OWN_GROUND = 0.65
MOSTLY = 7  # neighbours
FEWEST = 2  # rows
MANY = 0.02  # of the rows looked at; photographs and scans have that many odd ones
FAR_OFF = 10.0  # median deviations of a number from what its neighbours say; 1 in 10^10 of normal errors
TOLD = 0.5  # of the variance, that neighbours must tell, before a deviation from them means something
PIECE = 500
FOLDS = 4  # of texts
MOST_CHARACTERS = 10_000_000  # of texts whose words are asked; of longer ones the two ends
TEXTS_RIGHT, TEXTS_TOLD = 0.85, 0.5  # of all texts, and of what guessing leaves: a weaker model's mistakes are its own


class LabelsToLookAt(Check):
    """Asks each row's nearest neighbours, none of which is the row itself or a copy of it."""

    code = "D024"
    title = "Labels to look at"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if not (context.one_class or context.of_numbers) or (context.target.ndim == 2 and context.target.shape[1] > 1):
            return None
        if len(context.learned) < FEWEST_ROWS:
            return None
        sample = context.sample
        values = sample.values[: len(sample.learned)]
        target = context.target[sample.learned]
        target = target[:, 0] if target.ndim == 2 else target
        known = target >= 0 if context.one_class else ~np.isnan(target)
        rows, values, target = sample.learned[known], values[known], target[known]
        if len(rows) < FEWEST_ROWS:
            return None
        if context.one_class and _only_texts(context):
            return self._texts(context, rows, target)
        if values.shape[1] == 0:
            return None
        near = _neighbours(values, None if context.row_groups is None else context.row_groups[rows])
        if context.of_numbers:
            return self._numbers(context, rows, target, near)
        return self._classes(context, rows, target, near)

    def _classes(self, context: CheckContext, rows: Rows, target: Array, near: Array) -> list[Finding]:
        around = target[near]
        count = int(target.max()) + 1
        votes = np.stack([(around == k).sum(axis=1) for k in range(count)], axis=1)
        voted = votes.argmax(axis=1)
        own = votes[np.arange(len(rows)), target]
        ground = np.array([(own[target == k] >= MOSTLY).mean() if (target == k).any() else 0 for k in range(count)])
        separate = ground >= OWN_GROUND
        odd = (voted != target) & (votes.max(axis=1) >= UNANIMOUS) & separate[target] & separate[voted]
        if odd.sum() < FEWEST:
            return []
        suspects = rows[odd]
        shown = _examples(context, suspects, target[odd], voted[odd], "its like")
        share = len(suspects) / len(rows)
        sampled = looked_at(len(rows), len(context.learned))
        evidence = (
            f"{len(suspects):,} of {len(rows):,} rows ({share:.2%}) have a label that hardly any of the {NEIGHBOURS} rows most "
            f"like them shares, while these agree on another: {shown}{sampled}."
        )
        return [self._finding(evidence, "warning" if share >= MANY else "info", suspects)]

    def _texts(self, context: CheckContext, rows: Rows, target: Array) -> list[Finding]:
        """Of texts, words tell more than neighbours do: a linear model, fitted without the row, has to be sure."""
        said, sure = _linear_answers(context, rows, target)
        count = int(target.max()) + 1
        right = said == target
        counts = np.bincount(target, minlength=count)
        told_share = 1 - float((~right).sum()) / max(1, len(rows) - int(counts.max()))
        if right.mean() < TEXTS_RIGHT or told_share < TEXTS_TOLD:
            return []
        # As sure as it is of the middle one of the rows that it gets right.
        level = np.array(
            [np.median(sure[right & (said == k)]) if (right & (said == k)).any() else np.inf for k in range(count)]
        )
        odd = ~right & (sure >= level[said])
        if odd.sum() < FEWEST:
            return []
        suspects = rows[odd]
        shown = _examples(context, suspects, target[odd], said[odd], "its words say")
        share = len(suspects) / len(rows)
        evidence = (
            f"{len(suspects):,} of {len(rows):,} texts ({share:.2%}) have a label against which their words speak clearly, by a linear "
            f"model that was fitted without them: {shown}{looked_at(len(rows), len(context.learned))}."
        )
        return [self._finding(evidence, "warning" if share >= MANY else "info", suspects)]

    def _numbers(self, context: CheckContext, rows: Rows, target: Array, near: Array) -> list[Finding]:
        expected = np.median(target[near], axis=1)
        error = target - expected
        spread = float(np.median(np.abs(error)))
        total = float(np.median(np.abs(target - np.median(target))))
        if spread <= 0 or total <= 0 or 1 - (spread / total) ** 2 < TOLD:
            return []
        # Where errors grow with the value, as prices' do, their share of it counts.
        relative = np.abs(error) / (np.abs(expected) + total)
        limit = FAR_OFF * float(np.median(relative))
        odd = (np.abs(error) > FAR_OFF * spread) & (relative > limit)
        if odd.sum() < FEWEST or odd.mean() > 0.1:
            return []
        order = np.argsort(-np.abs(error[odd]))
        suspects = rows[odd][order]
        shown = "; ".join(
            f"{rows_named(context, np.array([row]))} has {a:.4g}, its like about {b:.4g}"
            for row, a, b in zip(suspects[:3].tolist(), target[odd][order][:3], expected[odd][order][:3], strict=True)
        )
        sampled = looked_at(len(rows), len(context.learned))
        evidence = (
            f"{len(suspects):,} of {len(rows):,} rows have a target more than {FAR_OFF:.0f} usual errors away from that of the "
            f"rows most like them: {shown}{'; …' if len(suspects) > 3 else ''}{sampled}."
        )
        return [self._finding(evidence, "info", suspects)]

    def _finding(self, evidence: str, severity: Severity, rows: Rows) -> Finding:
        return self.finding(
            severity=severity,
            evidence=evidence,
            advice="Look at these rows: wrong labels mislead in training and make good answers count as mistakes in testing.",
            rows=tuple(rows[:LISTED].tolist()),
        )


def _examples(context: CheckContext, rows: Rows, given: Array, said: Array, witness: str) -> str:
    """The first three rows, each with the class that it was given and the one that the witness says."""
    names = [str(name) for name in context.labels]
    shown = "; ".join(
        f"{rows_named(context, np.array([row]))} is labelled '{names[a] if names else a}', {witness} '{names[b] if names else b}'"
        for row, a, b in zip(rows[:3].tolist(), given[:3].tolist(), said[:3].tolist(), strict=True)
    )
    return f"{shown}; …" if len(rows) > 3 else shown


def _only_texts(context: CheckContext) -> bool:
    return all(f.kind == "text" for f in context.schema.features)


def _linear_answers(context: CheckContext, rows: Rows, target: Array) -> tuple[Array, Array]:
    """For each text the class that a linear model says which was fitted on the other folds, and how sure it is."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import RidgeClassifier

    texts = None
    for field in context.schema.features:
        column = context.source.columns[field.name]
        assert isinstance(column, TableColumn)
        cells = as_text(column.values.gather(rows)).fill_null("")
        texts = cells if texts is None else texts + " " + cells
    assert texts is not None
    texts = ends_of(texts, MOST_CHARACTERS)
    try:
        values = TfidfVectorizer(sublinear_tf=True, min_df=2, token_pattern=r"\S+", dtype=np.float32).fit_transform(
            texts.str.replace_all(r"([^\w\s])", " $1 ").to_list()
        )
    except ValueError:  # no word comes twice: strings of symbols, which say nothing to a model of words
        return np.full(len(rows), -1), np.zeros(len(rows))
    # Identical texts go into one fold: the row itself is no witness.
    groups = np.arange(len(rows)) if context.row_groups is None else context.row_groups[rows]
    fold = np.unique(groups, return_inverse=True)[1] % FOLDS
    said, sure = np.zeros(len(rows), np.int64), np.zeros(len(rows))
    for number in range(FOLDS):
        inside, outside = fold == number, fold != number
        if not inside.any() or len(np.unique(target[outside])) < 2:
            continue
        model = RidgeClassifier(alpha=1.0, solver="sparse_cg", tol=1e-2).fit(values[outside], target[outside])
        scores = model.decision_function(values[inside])
        scores = np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores
        ordered = np.sort(scores, axis=1)
        said[inside] = model.classes_[scores.argmax(axis=1)]
        sure[inside] = ordered[:, -1] - ordered[:, -2]
    return said, sure


def _neighbours(values: Array, groups: Array | None) -> Array:
    """(n, NEIGHBOURS) places of the nearest other rows; identical rows are no witnesses."""
    square = np.square(values).sum(axis=1)
    nearest = []
    for start in range(0, len(values), PIECE):
        part = values[start : start + PIECE]
        distance = square - 2 * part @ values.T
        distance[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        if groups is not None:
            distance[groups[start : start + PIECE, None] == groups[None, :]] = np.inf
        nearest.append(np.argpartition(distance, NEIGHBOURS, axis=1)[:, :NEIGHBOURS])
    return np.concatenate(nearest)
