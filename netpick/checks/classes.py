"""D003 and D007: classes with too few rows, and classes of very uneven size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netpick.checks.base import Check, CheckContext
from netpick.types import Array, Finding, Rows
from netpick.types.words import quoted

TOO_FEW = 10  # training rows
UNEVEN, VERY_UNEVEN = 0.5, 0.2  # of its even share, for the rarest class


def _counts(context: CheckContext, rows: Rows) -> npt.NDArray[np.int64]:
    """Rows of each class, or of each label that is set (K,)."""
    target: Array = context.target[rows]
    if target.ndim == 2:
        return np.asarray((target > 0).sum(axis=0), dtype=np.int64)
    return np.bincount(target[target >= 0], minlength=_num_classes(context))


def _num_classes(context: CheckContext) -> int:
    if context.target.ndim == 2:
        return int(context.target.shape[1])
    return max(len(context.labels), int(context.target.max(initial=0)) + 1)


def _names(context: CheckContext) -> list[str]:
    known = context.labels or tuple(f.name for f in context.schema.targets)
    count = _num_classes(context)
    return [str(name) for name in known] if len(known) == count else [str(k) for k in range(count)]


class RareClasses(Check):
    """Classes that cannot be learned or cannot be tested."""

    code = "D003"
    title = "Too few rows of a class"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if not (context.one_class or context.any_labels):
            return None
        names, train, test = _names(context), _counts(context, context.train), _counts(context, context.test)
        findings = []
        unseen = [name for name, count in zip(names, train, strict=True) if count == 0]
        if unseen:
            evidence = f"No training row is of {quoted(unseen)}; a network never learns to say it."
            findings.append(_never_right(context) or self._finding(evidence, "Add rows of it, or remove the class."))
        few = {name: int(count) for name, count in zip(names, train, strict=True) if 0 < count < TOO_FEW}
        if few:
            evidence = (
                f"Fewer than {TOO_FEW} training rows are of {quoted(list(few))} (the fewest: {min(few.values())})."
            )
            findings.append(self._finding(evidence, "Add rows, or merge such classes; do not trust their scores."))
        untested = [n for n, a, b in zip(names, train, test, strict=True) if b == 0 and a > 0]
        if untested:
            evidence = f"No test row is of {quoted(untested)}; its scores say nothing."
            findings.append(self._finding(evidence, "Test on rows of every class."))
        return findings

    def _finding(self, evidence: str, advice: str) -> Finding:
        return self.finding(severity="warning", evidence=evidence, advice=advice)


def _never_right(context: CheckContext) -> Finding | None:
    """What is said where test rows are of classes that no row to learn from has; severe when all of them are."""
    if context.target.ndim != 1 or not context.holds_out:
        return None
    counts, tested = _counts(context, context.learned), _counts(context, context.test)
    new = (counts == 0) & (tested > 0)
    wrong, total = int(tested[new].sum()), int(tested.sum())
    if not wrong:
        return None
    names = quoted([name for name, is_new in zip(_names(context), new, strict=True) if is_new])
    return Finding(
        code=RareClasses.code,
        severity="severe" if wrong == total else "warning",
        title=RareClasses.title,
        evidence=(
            f"{'All ' if wrong == total else ''}{wrong:,} of {total:,} test rows ({wrong / total:.1%}) are of {names}, but no row "
            f"to learn from is: every answer to them is wrong, and the accuracy is {1 - wrong / total:.1%} at most."
        ),
        advice="Add rows of these classes to those learned from, or test on rows of classes that are there.",
        clause=f"{wrong / total:.0%} of the test rows are of classes that were never learned from",
        rows=context.test[new[context.target[context.test]] & (context.target[context.test] >= 0)][:20].tolist(),
    )


class UnevenClasses(Check):
    """One class so common that accuracy flatters."""

    code = "D007"
    title = "Classes of uneven size"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if not context.one_class:
            return None
        counts = _counts(context, context.learned)
        present = counts[counts > 0]
        if len(present) < 2:
            return None
        rarest, commonest = int(np.where(counts > 0, counts, counts.max()).argmin()), int(counts.argmax())
        share_of_even = present.min() * len(present) / present.sum()
        if share_of_even >= UNEVEN:
            return []
        names, total = _names(context), present.sum()
        return [
            self.finding(
                severity="warning" if share_of_even < VERY_UNEVEN else "info",
                evidence=(
                    f"'{names[commonest]}' makes up {counts[commonest] / total:.1%} of the rows to learn from, "
                    f"'{names[rarest]}' {counts[rarest] / total:.1%}: always saying '{names[commonest]}' is right that often."
                ),
                advice=(
                    "Look at ROC AUC, average precision or balanced accuracy rather than accuracy; "
                    "--recipe class_weights=balanced makes rare classes count more, --cost fn=10 shifts the threshold."
                ),
            )
        ]
