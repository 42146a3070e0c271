"""Yardsticks for texts: counts of words, or of short runs of characters, weighted by how rare they are (TF-IDF).

They read the raw columns, not what the networks' tokenizer makes of them. On short texts little beats them.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.baselines.base import Baseline, FittedBaseline, Problem
from netpick.baselines.features import FeatureMaker
from netpick.baselines.fitting import as_predictions, fit_each, quietly_on_one_thread, sample_rows
from netpick.types import Array, Rows, TableColumn

WORD_RUNS = (1, 2)  # words in a row
CHARACTER_RUNS = (1, 3)
MOST_FEATURES = 100_000
MOST_CHARACTERS = 20_000  # of a text
FEWEST_ROWS = 500
SPACED = r"\S\s+\S"
ONE_WORD_SHARE = 0.5  # of the texts; where more have a single word, characters are counted
STRENGTH = 10.0  # C of logistic regression: TF-IDF vectors are short, so the usual 1 holds the weights back too much
ITERATIONS = 100
SMOOTHING = 0.1  # of naive Bayes
COUNTING = 7e-7  # seconds per character, measured on one core
FITTING = 3e-7  # seconds per character and output
TABLE = ("vector", "codes")


class TextBaseline(Baseline):
    """Counts of words or characters, then a linear model."""

    def applies(self, problem: Problem) -> bool:
        return bool(_text_columns(problem))

    def predict(self, problem: Problem, rows: Rows, seconds: float) -> FittedBaseline:
        started = time.perf_counter()
        with quietly_on_one_thread():
            used = sample_rows(problem, max(FEWEST_ROWS, int(seconds / _cost_of_row(problem))))
            features = _Features(problem, used, with_table=self.reads_table)
            outputs = fit_each(problem, used, features.train, lambda: self.model(problem.task))(features(rows))
        remarks = [f"counts of {features.what}"]
        if len(used) < len(problem.train):
            remarks.append(f"on {len(used):,} of {len(problem.train):,} training rows")
        return FittedBaseline(
            predictions=as_predictions(problem, outputs),
            seconds=time.perf_counter() - started,
            remark=", ".join(remarks),
            bytes=8 * (features.train.shape[1] + 1) * problem.num_classes,
        )

    reads_table: ClassVar[bool]  # whether numbers and categories of the same rows count too

    @abstractmethod
    def model(self, task: str) -> Any:
        """A fresh model of scikit-learn for sparse features."""


class TfIdfLinear(TextBaseline):
    """Logistic regression for classes and labels, ridge regression for numbers."""

    name = "tf-idf + linear"
    definition = "Logistic regression (ridge regression for numbers) on TF-IDF counts of words or characters."
    reads_table = True

    def model(self, task: str) -> Any:
        from sklearn.linear_model import LogisticRegression, Ridge

        return Ridge(solver="sparse_cg") if task == "regress" else LogisticRegression(C=STRENGTH, max_iter=ITERATIONS)


class TfIdfBayes(TextBaseline):
    """Naive Bayes, which takes every word for independent of the others (McCallum & Nigam 1998)."""

    name = "tf-idf + naive bayes"
    definition = "Multinomial naive Bayes on TF-IDF counts of words or characters."
    reads_table = False

    def applies(self, problem: Problem) -> bool:
        return problem.task != "regress" and super().applies(problem)

    def model(self, task: str) -> Any:
        from sklearn.naive_bayes import MultinomialNB

        return MultinomialNB(alpha=SMOOTHING)


class _Features:
    """Rows of a problem to a sparse matrix (n, F); counts are learned from the rows `used`, whose features are `train`."""

    def __init__(self, problem: Problem, used: Rows, *, with_table: bool) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.columns = _text_columns(problem)
        self.table: FeatureMaker | None = None
        parts = {name: problem.arrays[name] for name in TABLE if name in problem.arrays}
        if with_table and parts:
            inputs = {name: problem.inputs[name] for name in parts}
            self.table = FeatureMaker(replace(problem, inputs=inputs, arrays=parts), used, "linear")
        self.vectorizers = []
        blocks, by_characters = [], False
        for column in self.columns:
            texts = _cells(column, used)
            by_characters = _by_characters(texts)
            vectorizer = TfidfVectorizer(
                analyzer="char" if by_characters else "word",
                ngram_range=CHARACTER_RUNS if by_characters else WORD_RUNS,
                token_pattern=r"(?u)\w+|[^\w\s]",
                lowercase=not by_characters,
                sublinear_tf=True,
                min_df=2 if len(used) > FEWEST_ROWS else 1,
                max_features=MOST_FEATURES,
                dtype=np.float64,
            )
            blocks.append(_fitted(vectorizer, texts))
            self.vectorizers.append(vectorizer)
        runs = CHARACTER_RUNS if by_characters else WORD_RUNS
        self.what = f"up to {runs[1]} {'characters' if by_characters else 'words'} in a row"
        self.train = self._joined(blocks, None if self.table is None else self.table.train_features)

    def __call__(self, rows: Rows) -> Any:
        blocks = [v.transform(_cells(column, rows)) for v, column in zip(self.vectorizers, self.columns, strict=True)]
        return self._joined(blocks, None if self.table is None else self.table(rows))

    def _joined(self, blocks: list[Any], table: Array | None) -> Any:
        from scipy import sparse

        parts: list[Any] = [*blocks, *([] if table is None else [sparse.csr_matrix(table.astype(np.float64))])]
        return sparse.hstack(parts).tocsr()


def _fitted(vectorizer: Any, texts: list[str]) -> Any:
    """Counts of the training texts; where nothing comes twice, of what comes once, and of a blank where nothing comes."""
    try:
        return vectorizer.fit_transform(texts)
    except ValueError:
        vectorizer.set_params(min_df=1, token_pattern=r"(?s).+", ngram_range=(1, 1))
        return vectorizer.fit_transform([text or "-" for text in texts])


def _text_columns(problem: Problem) -> list[TableColumn]:
    names = [name for spec in problem.inputs.values() if spec.form == "tokens" for name in spec.names]
    columns = [problem.columns[name] for name in names if name in problem.columns]
    return [column for column in columns if isinstance(column, TableColumn)]


def _cells(column: TableColumn, rows: Rows) -> list[str]:
    texts = column.values.gather(pl.Series(rows)).cast(pl.String)
    return texts.fill_null("").str.head(MOST_CHARACTERS).to_list()  # type: ignore[no-any-return]


def _by_characters(texts: list[str]) -> bool:
    spaced = pl.Series(texts, dtype=pl.String).str.contains(SPACED).mean()
    return float(spaced or 0.0) < ONE_WORD_SHARE  # type: ignore[arg-type]


def _cost_of_row(problem: Problem) -> float:
    """Seconds of counting and fitting per training row."""
    some = np.sort(problem.train)[:: max(1, len(problem.train) // 500)]
    characters = sum(sum(map(len, _cells(column, some))) for column in _text_columns(problem)) / len(some)
    outputs = 1 if problem.task == "classify" and problem.num_classes == 2 else problem.num_classes
    return (characters + 10) * (COUNTING + FITTING * outputs)
