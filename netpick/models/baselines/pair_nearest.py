"""A translation memory: the target of the training pair whose source is the most like the new one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.answers.answered import texts_of
from netpick.models.baselines.base import Decision, Fitted, Limit, Problem
from netpick.models.baselines.packed_texts import packed, unpacked
from netpick.models.baselines.pair_copy import OfPairs, source_name, source_texts
from netpick.models.baselines.text_counts import CountsState, count, fit_counts, read_terms
from netpick.types import STRICT, Array, Inputs

MOST_ROWS = 200_000  # pairs that are kept; of more, the first ones
AT_ONCE = 256  # sources that are compared together
COUNTS, TARGETS = "source.", "target."


@strict_dataclass(config=STRICT, kw_only=True)
class NearestState:
    """Where the source stands, and what is counted of it."""

    column: str = Field(max_length=1 << 16)
    counts: CountsState


class NearestSource(OfPairs):
    """TF-IDF of words, or of characters where texts are single words."""

    name = "nearest source"
    definition = "Answers with the target of the training pair whose source has the most words in common with the new one (TF-IDF)."
    State: ClassVar[type] = NearestState
    holds_rows = True

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        rows = np.sort(problem.train)[: MOST_ROWS if decided is None else decided.rows]
        sources = np.array(source_texts(problem, rows), dtype=object)
        state, arrays, counts = fit_counts(source_name(problem), sources, COUNTS, problem.fewest)
        arrays |= packed(texts_of(problem.target[rows]), TARGETS)
        arrays |= {
            "values": counts.data.astype(np.float32),
            "terms": counts.indices.astype(np.int32),
            "starts": counts.indptr.astype(np.int64),
        }
        return Fitted(
            baseline=self.name,
            state=NearestState(column=source_name(problem), counts=state),
            arrays=arrays,
            decision=Decision(rows=len(rows), iterations=1, full=len(rows) == len(problem.train)),
            remark="" if len(rows) == len(problem.train) else f"among the first {len(rows):,} pairs",
        )

    def said(self, fitted: Fitted, sources: Sequence[str]) -> list[str]:
        terms, known, targets = _remembered(fitted)
        texts: list[str] = []
        for start in range(0, len(sources), AT_ONCE):
            some = sources[start : start + AT_ONCE]
            asked = count(fitted.state.counts, terms, fitted.arrays[f"{COUNTS}rarity"], some)
            alike = (asked @ known.T).tocsr()
            best = np.asarray(alike.argmax(axis=1)).ravel()
            texts += [targets[row] for row in best.tolist()]
        return texts

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        super().require(fitted, inputs, num_outputs)
        arrays: dict[str, Array] = dict(fitted.arrays)
        width = len(read_terms(arrays, COUNTS))
        rows = len(unpacked(arrays, TARGETS))
        values, terms, starts = arrays["values"], arrays["terms"], arrays["starts"]
        kinds = values.dtype == np.float32 and terms.dtype == np.int32 and starts.dtype == np.int64
        if not kinds or values.shape != terms.shape or values.ndim != 1 or starts.shape != (rows + 1,) or not rows:
            raise ValueError("counts that are none")
        if starts[0] != 0 or (np.diff(starts) < 0).any() or starts[-1] != len(values):
            raise ValueError("counts that do not end where they say")
        if (len(terms) and not (int(terms.min()) >= 0 and int(terms.max()) < width)) or not np.isfinite(values).all():
            raise ValueError("counts of terms that are not there")


def _remembered(fitted: Fitted) -> tuple[dict[str, int], Any, list[str]]:
    """The terms, the counts of the kept sources, and their targets."""
    if "nearest" not in fitted.cache:
        from scipy import sparse

        terms = read_terms(fitted.arrays, COUNTS)
        parts = (fitted.arrays["values"].astype(np.float64), fitted.arrays["terms"], fitted.arrays["starts"])
        shape = (len(parts[2]) - 1, max(1, len(terms)))
        fitted.cache["nearest"] = (terms, sparse.csr_matrix(parts, shape=shape), unpacked(fitted.arrays, TARGETS))
    found: tuple[dict[str, int], Any, list[str]] = fitted.cache["nearest"]
    return found
