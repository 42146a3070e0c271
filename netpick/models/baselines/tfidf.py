"""Baselines for texts: counts of words, or of short runs of characters, and a linear model of them.

They read the raw columns, not what the networks' tokenizer makes of them. On short texts little beats them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.columns.forms import JOINED
from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem, text_columns, text_names
from netpick.models.baselines.features import FeatureState, fit_features, make_features, require_features
from netpick.models.baselines.fitting import describe, quietly_on_one_thread, sample_rows
from netpick.models.baselines.growing import Sizes, Stop, Work, grow
from netpick.models.baselines.linear_model import BIAS, WEIGHTS, LinearWork, linear_answer, require_linear
from netpick.models.baselines.outputs import Outputs, from_scores, outputs_of, targets_of
from netpick.models.baselines.text_counts import WHAT, CountsState, count, fit_counts, read_terms
from netpick.types import STRICT, Array, Inputs, Rows

PENALTY = 0.1  # 1 / C: TF-IDF vectors are short, so the usual 1 holds the weights back too much
SMOOTHING = 0.1  # of naive Bayes
TRIED_SHARE = 10  # a tenth of the rows tells which naive Bayes is the better one
SIZES = Sizes(start=2_000, measured=10, enough=100, most=1_000)
ONCE = Sizes(start=4_000)
USUAL = 500  # characters of a text; of longer ones fewer are begun with, since their words cost the time
FEWEST = 200  # rows to begin with
TRIED = 20  # texts that tell how long answering takes


@strict_dataclass(config=STRICT, kw_only=True)
class TextState:
    """Columns of texts, perhaps numbers and categories of the same rows, and what the weights are for."""

    texts: tuple[CountsState, ...]
    features: FeatureState | None
    outputs: Outputs

    def __post_init__(self) -> None:
        if not self.texts:
            raise ValueError("a column of texts")


class TextFeatures:
    """Counts of texts (n, F), and the features of a table beside them; learned from the rows `used`, whose features are `train`."""

    def __init__(self, problem: Problem, used: Rows, *, with_table: bool) -> None:
        from scipy import sparse

        rows_given = replace(problem, arrays={}).given(used, texts=True)
        self.arrays: dict[str, Array] = {}
        states, blocks = [], []
        for i, (name, texts) in enumerate(rows_given.texts.items()):
            state, learned, counts = fit_counts(name, texts, f"text.{i}.", problem.fewest)
            self.arrays |= learned
            states.append(state)
            blocks.append(counts)
        self.texts = tuple(states)
        self.table: FeatureState | None = None
        inputs = _table_inputs(problem.inputs)
        if with_table and inputs:
            parts = {name: problem.arrays[name] for name in inputs}
            of_table = replace(problem, inputs=inputs, arrays=parts)
            self.table, learned, table = fit_features(of_table, used, "linear", with_numbers=True)
            self.arrays |= learned
            blocks.append(sparse.csr_matrix(table.astype(np.float64)))
        self.train = sparse.hstack(blocks).tocsr()


class TextBaseline(Baseline):
    """Counts of words or characters, then weights for each."""

    State = TextState
    reads_texts = True

    def applies(self, problem: Problem) -> bool:
        return bool(text_columns(problem.inputs, problem.columns))

    def numbers(self, fitted: Fitted) -> tuple[str, ...]:
        state: TextState = fitted.state
        return () if state.features is None else state.features.numbers

    def answer(self, fitted: Fitted, given: Given) -> Array:
        from scipy import sparse

        state: TextState = fitted.state
        blocks = []
        for i, counts in enumerate(state.texts):
            terms = _terms(fitted, i)
            blocks.append(count(counts, terms, fitted.arrays[f"text.{i}.rarity"], given.texts[counts.column]))
        if state.features is not None:
            inputs = _table_inputs(given.inputs)
            table = make_features(state.features, fitted.arrays, replace(given, inputs=inputs))
            blocks.append(sparse.csr_matrix(table.astype(np.float64)))
        return linear_answer(fitted.arrays, state.outputs, sparse.hstack(blocks).tocsr())

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state: TextState = fitted.state
        names = set(text_names(inputs))
        if state.outputs.num != num_outputs or any(counts.column not in names for counts in state.texts):
            raise ValueError("the state is not that of counts of these texts")
        width = sum(len(_terms(fitted, i)) for i in range(len(state.texts)))
        if state.features is not None:
            if state.features.purpose != "linear":
                raise ValueError("the state is not that of a linear model")
            require_features(state.features, fitted.arrays, _table_inputs(inputs))
            width += state.features.width
        require_linear(fitted.arrays, state.outputs, width)

    def _fitted(
        self, features: TextFeatures, outputs: Outputs, weights: Mapping[str, Array], decided: Decision
    ) -> Fitted:
        return Fitted(
            baseline=self.name,
            state=TextState(texts=features.texts, features=features.table, outputs=outputs),
            arrays={**features.arrays, **weights},
            decision=decided,
            remark=WHAT[features.texts[0].analyzer],
        )

    @abstractmethod
    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted: ...


def _sizes(problem: Problem, sizes: Sizes) -> Sizes:
    """To begin with, as many rows as hold the words of so many texts of usual length."""
    some = np.sort(problem.train)[:: max(1, len(problem.train) // TRIED)]
    texts = replace(problem, arrays={}).given(some, texts=True).texts
    long = sum(float(np.mean([len(text) for text in cells])) for cells in texts.values()) / USUAL
    return replace(sizes, start=max(FEWEST, int(sizes.start / max(1.0, long))))


def _answer_seconds(problem: Problem, counted: TextFeatures, clock: Callable[[], float]) -> float:
    """What counting the words of all rows that are asked for takes, tried on some."""
    some = np.sort(problem.train)[:: max(1, len(problem.train) // TRIED)]
    texts = replace(problem, arrays={}).given(some, texts=True).texts
    terms = [read_terms(counted.arrays, f"text.{i}.") for i in range(len(counted.texts))]
    started = clock()
    for i, state in enumerate(counted.texts):
        count(state, terms[i], counted.arrays[f"text.{i}.rarity"], texts[state.column])
    return (clock() - started) * problem.asked / len(some)


class _LinearWork(LinearWork):
    answers_grow = False  # counting words takes as long with any weights

    def __init__(self, problem: Problem, limit: int) -> None:
        self.problem = problem
        used = sample_rows(problem, limit)
        self.counted = TextFeatures(problem, used, with_table=True)
        outputs = outputs_of(problem, used)
        penalty = 1.0 if problem.answer.quantities else PENALTY
        super().__init__(self.counted.train, targets_of(problem, used, outputs), outputs, penalty)

    def answer_seconds(self, clock: Callable[[], float]) -> float:
        """See Work."""
        return _answer_seconds(self.problem, self.counted, clock)


class TfIdfLinear(TextBaseline):
    """Logistic regression for classes and labels, ridge regression for numbers."""

    name = "tf-idf + linear"
    definition = "Logistic regression (ridge regression for numbers) on TF-IDF counts of words or characters."
    reads_numbers = True

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        total = len(problem.train)
        with quietly_on_one_thread():
            work, decision = grow(
                total, _sizes(problem, SIZES), limit, lambda rows: _LinearWork(problem, rows), decided
            )
        fitted = self._fitted(work.counted, work.outputs, work.arrays, decision)
        effort = describe(decision, total, work.finished, SIZES.enough)
        return replace(fitted, remark=", ".join(filter(None, (effort, fitted.remark))))


class _BayesWork(Work):
    answers_grow = False

    def __init__(self, problem: Problem, limit: int) -> None:
        self.problem = problem
        self.used = sample_rows(problem, limit)
        self.counted = TextFeatures(problem, self.used, with_table=False)
        self.outputs = outputs_of(problem, self.used)
        target = problem.target[self.used]
        self.targets = np.eye(problem.num_classes)[target] if problem.answer.one_class else target
        if problem.answer.one_class:
            self.targets = self.targets[:, np.asarray(self.outputs.classes)]

    def run(self, stop: Stop) -> None:
        """Both kinds on nine tenths of the rows, then the better one on all."""
        held_out = np.arange(len(self.used)) % TRIED_SHARE == TRIED_SHARE - 1
        self.complement = False
        if held_out.any() and self.outputs.one_class and len(self.outputs.classes) > 1:
            right = [self._tried(held_out, complement) for complement in (False, True)]
            self.complement = right[1] > right[0]
        self.arrays = self._weights(np.arange(len(self.used)), self.complement)
        self.iterations, self.finished = 1, True

    def answer_seconds(self, clock: Callable[[], float]) -> float:
        """See Work."""
        return _answer_seconds(self.problem, self.counted, clock)

    def _tried(self, held_out: Array, complement: bool) -> float:
        arrays = self._weights(np.flatnonzero(~held_out), complement)
        scores = self.counted.train[np.flatnonzero(held_out)] @ arrays[WEIGHTS] + arrays[BIAS]
        stated = from_scores(np.asarray(scores, dtype=np.float64), self.outputs)[:, np.asarray(self.outputs.classes)]
        return float((stated.argmax(axis=1) == self.targets[held_out].argmax(axis=1)).mean())

    def _weights(self, rows: Array, complement: bool) -> dict[str, Array]:
        """Scores as sums of weights: logarithms of how often a term comes in texts of a class, or does not in others."""
        features, targets = self.counted.train[rows], self.targets[rows]
        inside = np.asarray(features.T @ targets).T + SMOOTHING  # (classes, F)
        outside = np.asarray(features.sum(axis=0)) + 2 * SMOOTHING - inside
        here, there = (np.log(part / part.sum(axis=1, keepdims=True)) for part in (inside, outside))
        shares = np.maximum(targets.mean(axis=0), 1e-12)
        if self.outputs.any_labels:
            weights, bias = here - there, np.log(shares) - np.log(np.maximum(1 - shares, 1e-12))
        elif complement:
            weights, bias = -there, np.zeros(len(here))
        else:
            weights, bias = here, np.log(shares)
        if self.outputs.one_class and self.outputs.num_scores == 1:
            weights, bias = (
                (weights[-1:], bias[-1:]) if len(here) == 1 else (weights[1:] - weights[:1], bias[1:] - bias[:1])
            )
        return {WEIGHTS: np.ascontiguousarray(weights.T, dtype=np.float32), BIAS: np.asarray(bias, dtype=np.float64)}


class TfIdfBayes(TextBaseline):
    """Naive Bayes, which takes every word for independent of the others (McCallum & Nigam 1998), or its complement, which
    minds classes of different sizes (Rennie et al. 2003): whichever is right more often on a tenth of the training rows."""

    name = "tf-idf + naive bayes"
    definition = "Multinomial or complement naive Bayes on TF-IDF counts of words or characters."

    def applies(self, problem: Problem) -> bool:
        return not problem.answer.quantities and super().applies(problem)

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        total = len(problem.train)
        with quietly_on_one_thread():
            work, decision = grow(total, _sizes(problem, ONCE), limit, lambda rows: _BayesWork(problem, rows), decided)
        fitted = self._fitted(work.counted, work.outputs, work.arrays, decision)
        effort = describe(decision, total, work.finished)
        kind = "complement naive Bayes" if work.complement else ""
        return replace(fitted, remark=", ".join(filter(None, (effort, fitted.remark, kind))))


def _terms(fitted: Fitted, number: int) -> dict[str, int]:
    """The terms of a column, read once."""
    key = f"text.{number}."
    if key not in fitted.cache:
        fitted.cache[key] = read_terms(fitted.arrays, key)
    found: dict[str, int] = fitted.cache[key]
    return found


def _table_inputs(inputs: Inputs) -> Inputs:
    return {name: spec for name, spec in inputs.items() if name in JOINED}
