"""How often intervals of a contest in folds hold what models of such folds reach on new rows, averaged over training sets.

Rows are normal, and linear models are fitted to them by least squares: a full one, and one that lacks half of the columns.
`unrest` turns each fitted model by chance, as another seed turns a network. What a model reaches on new rows is then known
without drawing any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from netpick.answers.answered import AnsweredClasses, AnsweredNumbers
from netpick.answers.compare import Contender, Resampler, paired_difference, score
from netpick.answers.metrics import METRICS
from netpick.tasks.folds import FOLDS, make_folds
from netpick.tasks.split import SplitRequest
from netpick.types import Array, Schema, Source

SIZES = (50, 100, 200, 500, 2000)
NOISE = 0.7  # beside the signal, whose deviation is 1
LOW, HIGHEST = 0.93, 0.985  # fold means of steady models vary by chance, which widens intervals a little
FEW, LOWEST = 100, 0.91  # rows at which five folds tell little of how models vary


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of contest: its metric, how many columns the full model reads, and how restless models are."""

    name: str
    task: str  # classify or regress
    metric: str
    columns: int
    unrest: float

    @property
    def sizes(self) -> tuple[int, ...]:
        """Fewer rows than five a column are too few for any of it."""
        return tuple(n for n in SIZES if n >= 5 * self.columns)


KINDS = tuple(
    Kind(name=f"{metric}, {columns} columns, {mood}", task=task, metric=metric, columns=columns, unrest=unrest)
    for task, metric in (("classify", "accuracy"), ("classify", "auc"), ("regress", "r2"), ("regress", "rmse"))
    for columns in (4, 16)
    for mood, unrest in (("steady", 0.0), ("restless", 0.3))
)


@dataclass(frozen=True, kw_only=True)
class Covered:
    """Of `draws` contests, in which share the interval held the truth: of the score, of the difference, and without folds."""

    kind: str
    n: int
    score: float
    difference: float
    plain_score: float
    plain_difference: float
    draws: int

    @property
    def error(self) -> float:
        """Monte Carlo standard error of a share."""
        return math.sqrt(0.95 * 0.05 / self.draws)

    @property
    def keeps(self) -> bool:
        """Whether both shares are between 93 and 97 %, three Monte Carlo errors aside, or within what is said of few rows."""
        low = LOWEST if self.n <= FEW else LOW
        return all(low - 3 * self.error <= share <= HIGHEST + 3 * self.error for share in (self.score, self.difference))


def covered(kind: Kind, n: int, draws: int) -> Covered:
    """Coverage over so many contests."""
    contests = [_contest(kind, n, number) for number in range(draws)]
    reached = np.mean([values for _, values in contests], axis=0)  # averaged over training sets
    if kind.metric == "rmse":
        reached = np.sqrt(reached)
    truth = {"score": reached[0], "difference": (1 if kind.metric != "rmse" else -1) * (reached[0] - reached[1])}
    held: dict[str, list[bool]] = {}
    for ends, _ in contests:
        for name, (low, high) in ends.items():
            held.setdefault(name, []).append(low <= truth[name.removeprefix("plain_")] <= high)
    shares = {name: float(np.mean(found)) for name, found in held.items()}
    return Covered(kind=kind.name, n=n, draws=draws, **shares)


def _contest(kind: Kind, n: int, number: int) -> tuple[dict[str, tuple[float, float]], Array]:
    """Ends of the intervals of one contest, and what its two kinds of models reach on new rows, averaged over the folds."""
    generator = np.random.default_rng([n, number, kind.columns])
    weights = np.full(kind.columns, 1 / math.sqrt(kind.columns))
    x = generator.normal(size=(n, kind.columns))
    hidden = x @ weights + NOISE * generator.normal(size=n)
    truth = (hidden > 0).astype(np.int64) if kind.task == "classify" else hidden[:, None]
    classes = truth if kind.task == "classify" else None
    request = SplitRequest(labelled=np.ones(n, dtype=bool), classes=classes, groups=None, rule="random", seed=number)
    fold, said, reached = np.zeros(n, dtype=np.int64), np.zeros((2, n)), np.zeros((2, FOLDS))
    for k, part in enumerate(make_folds(_source(n), Schema(fields=(), task=kind.task), request, FOLDS).parts):
        learned = np.concatenate([part.train, part.validation])
        fold[part.test] = k
        for i, used in enumerate((kind.columns, kind.columns // 2)):
            wanted = 2.0 * truth[learned] - 1 if kind.task == "classify" else hidden[learned]
            fitted = np.zeros(kind.columns)
            fitted[:used] = np.linalg.lstsq(x[learned][:, :used], wanted, rcond=None)[0]
            turn = generator.normal(size=used) * np.linalg.norm(fitted) / math.sqrt(used)
            fitted[:used] += kind.unrest * turn
            said[i, part.test] = x[part.test] @ fitted
            reached[i, k] = _reached(kind, fitted, weights)
    contenders = [_contender(kind, name, scores, fold) for name, scores in zip("ab", said, strict=True)]
    metric, ends = METRICS[kind.metric], {}
    for prefix, folds in (("", fold), ("plain_", None)):
        resampler = Resampler(n, number, None, folds)
        a = contenders[0]
        found = score(metric, truth, a.predictions, a.decided, resampler)
        pair = paired_difference(metric, truth, contenders[0], contenders[1], resampler)
        ends[f"{prefix}score"], ends[f"{prefix}difference"] = (found.low, found.high), (pair.low, pair.high)
    return ends, reached.mean(axis=1)


def _contender(kind: Kind, name: str, scores: Array, fold: Array) -> Contender:
    if kind.task == "regress":
        return Contender(name=name, predictions=AnsweredNumbers(values=scores[:, None], folds=fold), decided=None)
    positive = 1 / (1 + np.exp(-3 * scores))
    predictions = AnsweredClasses(probabilities=np.column_stack([1 - positive, positive]), folds=fold)
    return Contender(name=name, predictions=predictions, decided=(scores > 0).astype(np.int64))


def _reached(kind: Kind, fitted: Array, weights: Array) -> float:
    """What the model reaches on new rows; of RMSE the square, which is averaged over models."""
    if kind.task == "regress":
        missed = float(((fitted - weights) ** 2).sum()) + NOISE**2
        return missed if kind.metric == "rmse" else 1 - missed / (1 + NOISE**2)
    correlation = float(fitted @ weights) / (np.linalg.norm(fitted) * math.sqrt(1 + NOISE**2) + 1e-12)
    if kind.metric == "accuracy":
        return 1 - math.acos(max(-1.0, min(1.0, correlation))) / math.pi
    return float(np.interp(correlation, *_auc_of_correlation()))


@cache
def _auc_of_correlation() -> tuple[Array, Array]:
    """ROC AUC of a normal score by its correlation with the normal value whose sign is the class."""
    generator = np.random.default_rng(0)
    other = generator.normal(size=(2, 20_000))
    half = np.abs(other[0])
    correlations = np.linspace(-1, 1, 81)
    values = []
    for r in correlations.tolist():
        rest = math.sqrt(max(0.0, 1 - r * r))
        yes, no = r * half[:10_000] + rest * other[1][:10_000], -r * half[10_000:] + rest * other[1][10_000:]
        values.append(float(np.searchsorted(np.sort(no), yes).mean() / len(no)))
    return correlations, np.array(values)


def _source(n: int) -> Source:
    return Source(name="rows", origin="rows", layout="arrays", columns={}, num_rows=n, fingerprint="0")


def table(draws: int) -> Iterator[Covered]:
    """Every kind at every size."""
    for kind in KINDS:
        for n in kind.sizes:
            yield covered(kind, n, min(draws, max(200, 200_000 // n)))
