"""The first baseline of pairs of texts: the source itself, which is a good answer where spelling is mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.answers.answered import codes_of
from netpick.columns.forms import FORMS
from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem, text_names
from netpick.types import STRICT, Array, Inputs, Rows


@strict_dataclass(config=STRICT, kw_only=True)
class PairState:
    """Where the source stands."""

    column: str = Field(max_length=1 << 16)


class OfPairs(Baseline):
    """Reads the source as it is, and answers code points (n, L)."""

    State: ClassVar[type] = PairState
    reads_texts = texts = True

    def applies(self, problem: Problem) -> bool:
        return any(FORMS[spec.form].two_sided for spec in problem.inputs.values())

    def answer(self, fitted: Fitted, given: Given) -> Array:
        sources = [str(text).strip() for text in given.texts[fitted.state.column]]
        return codes_of(self.said(fitted, sources)).astype(np.float64)

    def said(self, fitted: Fitted, sources: Sequence[str]) -> list[str]:
        """The answers."""
        raise NotImplementedError

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        if fitted.state.column not in text_names(inputs):
            raise ValueError("the state names a column that is no text")


class Copy(OfPairs):
    """The source as it is."""

    name = "copy"
    definition = "Answers with the source itself."
    costs_time = False

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        return Fitted(
            baseline=self.name,
            state=PairState(column=source_name(problem)),
            arrays={},
            decision=Decision(rows=len(problem.train), iterations=1, full=True),
        )

    def said(self, fitted: Fitted, sources: Sequence[str]) -> list[str]:
        return list(sources)

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        super().require(fitted, inputs, num_outputs)
        if fitted.arrays:
            raise ValueError("arrays that this baseline does not have")


def source_name(problem: Problem) -> str:
    """The column of the source."""
    return text_names(problem.inputs)[0]


def source_texts(problem: Problem, rows: Rows) -> list[str]:
    """Sources of these rows."""
    return [str(text).strip() for text in problem.given(rows, texts=True).texts[source_name(problem)]]
