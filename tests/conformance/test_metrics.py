"""Every metric keeps the contract: perfect is best, order does not matter, scikit-learn agrees, influence is the slope."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sklearn import metrics as sk

from netpick.answers import ANSWERS
from netpick.answers.answered import (
    FACTS,
    AnsweredBoxes,
    AnsweredClasses,
    AnsweredHorizon,
    AnsweredLabels,
    AnsweredMasks,
    AnsweredNotes,
    AnsweredNumbers,
    AnsweredSamples,
    AnsweredSymbols,
    AnsweredTags,
    AnsweredTexts,
    AnsweredTranscripts,
    AnsweredTranslations,
    codes_of,
    texts_of,
)
from netpick.answers.metrics import METRICS, Metric, metrics_for
from netpick.answers.metrics.boxes import OVERLAPS
from netpick.answers.metrics.cost import MeanCost
from netpick.answers.spans import parts_of
from netpick.types import Array
from netpick.types.results import Answered
from tests.answers.test_box_metrics import drawn, plain_ap, plain_counts


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Rows of one task, with a perfect answer beside the drawn one."""

    task: str
    truth: Array
    predictions: Answered
    decided: Array | None
    perfect: Answered


def classes(n: int, num_classes: int, seed: int, *, decimals: int = 6, dtype: Any = np.float64) -> Sample:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, num_classes, n)
    truth[:num_classes] = np.arange(num_classes)[:n]
    raw = (generator.gamma(1.0, size=(n, num_classes)) + 0.7 * np.eye(num_classes)[truth]).round(decimals) + 0.01
    probabilities = (raw / raw.sum(axis=1, keepdims=True)).astype(dtype)
    perfect = AnsweredClasses(probabilities=np.eye(num_classes)[truth])
    return Sample(
        task="classify",
        truth=truth,
        predictions=AnsweredClasses(probabilities=probabilities),
        decided=probabilities.argmax(axis=1),
        perfect=perfect,
    )


def labels(n: int, seed: int) -> Sample:
    generator = np.random.default_rng(seed)
    truth = (generator.random((n, 3)) < 0.4).astype(np.int64)
    truth[:2] = [[0, 0, 0], [1, 1, 1]]
    probabilities = np.clip(generator.random((n, 3)).round(2) * 0.6 + 0.3 * truth, 0.01, 0.99)
    return Sample(
        task="multilabel",
        truth=truth,
        predictions=AnsweredLabels(probabilities=probabilities),
        decided=(probabilities >= 0.5).astype(np.int64),
        perfect=AnsweredLabels(probabilities=truth.astype(np.float64)),
    )


def numbers(n: int, num_targets: int, seed: int) -> Sample:
    generator = np.random.default_rng(seed)
    truth = 1000 + 3 * generator.normal(size=(n, num_targets))
    values = truth + generator.normal(size=truth.shape)
    half = 2 * generator.random(size=truth.shape)
    return Sample(
        task="regress",
        truth=truth,
        predictions=AnsweredNumbers(values=values, low=values - half, high=values + half),
        decided=None,
        perfect=AnsweredNumbers(values=truth, low=truth, high=truth),
    )


def windows(n: int, horizon: int, targets: int, seed: int) -> Sample:
    """Forecasts of several steps and targets, with holes in the truth."""
    generator = np.random.default_rng(seed)
    truth = 30 + 5 * generator.normal(size=(n, horizon * targets))
    values = truth + generator.normal(size=truth.shape)
    spread = generator.random(truth.shape) * 2
    scales = {"naive": generator.random((n, targets)) + 1, "deviation": generator.random((n, targets)) + 3}
    quantiles = np.stack([values - spread, values, values + spread], axis=-1)
    scales["seasonal"] = truth + 2 * generator.normal(size=truth.shape)
    holes = truth.copy()
    holes[generator.random(truth.shape) < 0.1] = np.nan
    return Sample(
        task="forecast",
        truth=holes,
        predictions=AnsweredHorizon(values=values, quantiles=quantiles, **scales),
        decided=None,
        perfect=AnsweredHorizon(values=truth, quantiles=np.repeat(truth[..., None], 3, axis=-1), **scales),
    )


def blocks(n: int, length: int, seed: int) -> Sample:
    """Blocks of symbols of one or two characters, some of them shorter than others."""
    generator = np.random.default_rng(seed)
    symbols = generator.integers(1, 9, (n, length))
    symbols[generator.random(n) < 0.3, length // 2 :] = 0
    known = symbols > 0
    chances = np.where(known, generator.random((n, length)).clip(0.01), 1.0)
    ranks = np.where(known, generator.integers(1, 9, (n, length)), 0).astype(np.float64)
    return Sample(
        task="next",
        truth=np.stack([symbols, np.where(known, generator.integers(1, 3, (n, length)), 0)], axis=1),
        predictions=AnsweredSymbols(chances=chances, ranks=ranks),
        decided=None,
        perfect=AnsweredSymbols(chances=np.ones((n, length)), ranks=known.astype(np.float64)),
    )


def chords(n: int, steps: int, seed: int) -> Sample:
    """Chords of three voices, some of them as before, and what was guessed; some blocks are shorter than others."""
    generator = np.random.default_rng(seed)
    notes = generator.integers(3, 9, (n, steps, 3))
    kinds = np.repeat(generator.integers(1, 3, (n, steps, 1)), 3, axis=2)
    notes[: n // 3, steps // 2 :] = kinds[: n // 3, steps // 2 :] = 0
    known = kinds > 0
    chances = np.where(known, generator.random(notes.shape).clip(0.01), 1.0)
    ranks = np.where(known, generator.integers(1, 4, notes.shape), 0).astype(np.float64)
    guesses = np.where(generator.random(notes.shape) < 0.8, notes, 3 * known).astype(np.float64)
    return Sample(
        task="music",
        truth=np.stack([notes, kinds], axis=1),
        predictions=AnsweredNotes(chances=chances, ranks=ranks, guesses=guesses),
        decided=None,
        perfect=AnsweredNotes(
            chances=np.ones(notes.shape), ranks=known.astype(np.float64), guesses=notes.astype(np.float64)
        ),
    )


def made_up(n: int, classes: int, seed: int) -> Sample:
    """What trees that learned from made-up rows say of classes, or of a number, and what test rows say of those rows."""
    generator = np.random.default_rng(seed)
    if classes:
        target = generator.integers(0, classes, n).astype(np.float64)
        useful = generator.dirichlet(np.ones(classes), n)
        best = np.eye(classes)[target.astype(np.int64)]
    else:
        target = generator.normal(size=n)
        useful, best = (target + generator.normal(size=n))[:, None], target[:, None]
    truth = np.concatenate([target[:, None], np.ones((n, 2))], axis=1)
    good = np.isin(FACTS, ("columns", "pairs", "covered", "density")).astype(np.float64)
    facts = np.where(good, generator.random((n, len(FACTS))), generator.random((n, len(FACTS))) < 0.3)
    perfect = AnsweredSamples(useful=best, facts=np.tile(good, (n, 1)))
    return Sample(
        task="generate",
        truth=truth,
        predictions=AnsweredSamples(useful=useful, facts=facts),
        decided=None,
        perfect=perfect,
    )


def _of_fact(name: str) -> Callable[[Sample, Array], float]:
    return lambda s, w: float(np.average(s.predictions.facts[:, FACTS.index(name)], weights=w))  # type: ignore[attr-defined]


def _as_classes(sample: Sample) -> Sample:
    return replace(
        sample,
        truth=sample.truth[:, 0].astype(np.int64),
        predictions=AnsweredClasses(probabilities=sample.predictions.useful),  # type: ignore[attr-defined]
    )


def said_texts(n: int, seed: int, typed: type[AnsweredTexts]) -> Sample:
    """Sentences of a few words, some of which are replaced, missing or added; one is empty."""
    generator = np.random.default_rng(seed)
    words = ["tea", "the", "milk", "cups"]
    truth = [" ".join(generator.choice(words, generator.integers(1, 6))) for _ in range(n - 1)] + [""]
    said = [" ".join(word for word in (*text.split(), "tea") if generator.random() < 0.8) for text in truth]
    return Sample(
        task="transcribe",
        truth=codes_of(truth),
        predictions=typed(codes=codes_of(said)),
        decided=None,
        perfect=typed(codes=codes_of(truth)),
    )


TAG_NAMES = ("O", "B-a", "I-a", "E-a", "S-a", "B-b", "I-b")


def sentences(n: int, steps: int, seed: int) -> Sample:
    """Tags of sentences of several lengths, in any order, whether a scheme allows it or not."""
    generator = np.random.default_rng(seed)
    known = np.arange(steps) < generator.integers(1, steps + 1, n)[:, None]
    truth = np.where(known, generator.integers(0, len(TAG_NAMES), (n, steps)), -1)
    other = np.where(known, generator.integers(0, len(TAG_NAMES), (n, steps)), -1)
    decided = np.where(
        generator.random((n, 1)) < 0.4, truth, np.where(generator.random((n, steps)) < 0.8, truth, other)
    )
    parts = np.broadcast_to(parts_of(TAG_NAMES, "BIOES"), (n, len(TAG_NAMES), 3))
    certain = np.eye(len(TAG_NAMES) + 1)[:, :-1]
    return Sample(
        task="tag",
        truth=truth,
        predictions=AnsweredTags(probabilities=certain[decided], parts=parts, tags=decided),
        decided=decided,
        perfect=AnsweredTags(probabilities=certain[truth], parts=parts, tags=truth),
    )


def painted(n: int, classes: int, seed: int) -> Sample:
    """Masks of pictures of several sizes, some pixels of no class, most of them right; the last class is rare."""
    generator = np.random.default_rng(seed)
    shares = np.r_[np.full(classes - 1, 1.0), 0.2]
    truth = generator.choice(classes, (n, 7, 9), p=shares / shares.sum()).astype(np.uint8)
    truth[generator.random(truth.shape) < 0.1] = 255
    truth[: n // 3, 5:] = 255
    said = np.where(generator.random(truth.shape) < 0.7, truth, generator.integers(0, classes, truth.shape))
    said = np.where(said == 255, 0, said).astype(np.uint8)
    right = np.where(truth == 255, 0, truth).astype(np.uint8)
    made = [
        AnsweredMasks(classes=mask, sure=np.full_like(mask, 200), shares=np.ones((n, classes)) / classes)
        for mask in (said, right)
    ]
    return Sample(task="segment", truth=truth, predictions=made[0], decided=said, perfect=made[1])


def pictures(n: int, seed: int) -> Sample:
    """Objects of two classes, of which some are found, some are missed and some are said where none is."""
    truth, predictions = drawn(n, seed)
    exact = np.where(truth[..., 5] == 1, truth[..., 4], -1).astype(np.int64)
    perfect = AnsweredBoxes(
        boxes=truth[..., :4].copy(), scores=np.full(exact.shape, 0.9), classes=exact, kept=exact >= 0
    )
    return Sample(task="detect", truth=truth, predictions=predictions, decided=None, perfect=perfect)


SAMPLES = {
    "two classes": classes(60, 2, 1),
    "two classes, tied scores": classes(60, 2, 2, decimals=0),
    "two classes, float32": classes(60, 2, 3, dtype=np.float32),
    "four classes": classes(80, 4, 4),
    "four classes, tied scores": classes(80, 4, 5, decimals=0),
    "labels": labels(60, 6),
    "one number": numbers(50, 1, 7),
    "three numbers": numbers(50, 3, 8),
    "one series": windows(40, 5, 1, 9),
    "three series": windows(40, 4, 3, 10),
    "blocks of a text": blocks(40, 6, 12),
    "chords": chords(40, 6, 14),
    "made-up rows of two classes": made_up(60, 2, 17),
    "made-up rows of three classes": made_up(60, 3, 18),
    "made-up rows of a number": made_up(40, 0, 19),
    "transcripts": said_texts(40, 13, AnsweredTranscripts),
    "translations": said_texts(40, 13, AnsweredTranslations),
    "tags of tokens": sentences(40, 7, 13),
    "masks": painted(30, 4, 15),
    "masks of two classes": painted(30, 2, 16),
    "pictures": pictures(20, 13),
}


COSTS = 5 * np.random.default_rng(11).random((4, 4)) * (1 - np.eye(4))  # of mistakes


def combinations() -> list[Any]:
    return [
        pytest.param(metric, sample, id=f"{metric.name}-{name}")
        for metric in (*METRICS.values(), MeanCost(COSTS))
        for name, sample in SAMPLES.items()
        if isinstance(sample.predictions, metric.reads) and metric.applies(sample.truth, sample.predictions)
    ]


def value(metric: Metric, sample: Sample, weights: Array | None = None) -> float:
    weights = np.ones(len(sample.truth)) if weights is None else weights
    return float(metric.values(sample.truth, sample.predictions, weights[None], sample.decided)[0])


def two_classes(sample: Sample) -> bool:
    return (
        sample.truth.ndim == 1
        and sample.predictions.probabilities is not None
        and sample.predictions.probabilities.shape[1] == 2
    )


def average(sample: Sample) -> str:
    return "binary" if two_classes(sample) else "macro"


def _auc(s: Sample, w: Array) -> float:
    p = s.predictions.probabilities
    assert p is not None
    if two_classes(s):
        return float(sk.roc_auc_score(s.truth, p[:, 1], sample_weight=w))
    if s.truth.ndim == 2:
        return float(sk.roc_auc_score(s.truth, p, sample_weight=w))
    return float(sk.roc_auc_score(s.truth, p.astype(np.float64), multi_class="ovr", sample_weight=w))


def _log_loss(s: Sample, w: Array) -> float:
    p = s.predictions.probabilities
    if s.truth.ndim == 1:
        return float(sk.log_loss(s.truth, p, sample_weight=w))
    return float(np.mean([sk.log_loss(s.truth[:, k], p[:, k], sample_weight=w) for k in range(3)]))  # type: ignore[index]


def _average_precision(s: Sample, w: Array) -> float:
    p = s.predictions.probabilities
    scores = p[:, 1] if two_classes(s) else p  # type: ignore[index]
    return float(sk.average_precision_score(s.truth, scores, sample_weight=w))


def _brier(s: Sample, w: Array) -> float:
    p = s.predictions.probabilities
    if two_classes(s):
        return float(sk.brier_score_loss(s.truth, p[:, 1], sample_weight=w))  # type: ignore[index]
    if s.truth.ndim == 1:  # scikit-learn has it for more than two classes since 1.7
        return float(np.average(((p - np.eye(p.shape[1])[s.truth]) ** 2).sum(axis=1), weights=w))  # type: ignore[operator, union-attr]
    return float(np.mean([sk.brier_score_loss(s.truth[:, k], p[:, k], sample_weight=w) for k in range(3)]))  # type: ignore[index]


def _of_pictures(function: Callable[[Array, AnsweredBoxes], float]) -> Callable[[Sample, Array], float]:
    """Of pictures that come as often as their whole weights say."""

    def reference(s: Sample, w: Array) -> float:
        rows = np.repeat(np.arange(len(w)), w.astype(np.int64))
        return float(function(s.truth[rows], s.predictions.take(rows)))

    return reference


def _by_class(name: str, how: str | None = None) -> Callable[[Sample, Array], float]:
    function = getattr(sk, f"{name}_score")
    return lambda s, w: float(
        function(s.truth, s.decided, average=how or average(s), sample_weight=w, zero_division=0.0)
    )


def _of_values(function: Callable[..., Any]) -> Callable[[Sample, Array], float]:
    return lambda s, w: float(function(s.truth, s.predictions.values, sample_weight=w))


def _calibration_error(s: Sample, w: Array) -> float:
    """Written again, row by row, as scikit-learn has none."""
    p = np.asarray(s.predictions.probabilities, dtype=np.float64)
    gaps = dict.fromkeys(range(15), 0.0)
    total = 0.0
    for row in range(len(p)):
        claims = [(p[row].max(), p[row].argmax() == s.truth[row])]
        if s.truth.ndim == 2:
            claims = [(max(q, 1 - q), (q >= 0.5) == (y == 1)) for q, y in zip(p[row], s.truth[row], strict=True)]
        for claimed, right in claims:
            gaps[next(b for b in range(15) if claimed <= (b + 1) / 15)] += w[row] * (float(right) - claimed)
            total += w[row]
    return sum(abs(gap) for gap in gaps.values()) / total


def _of_windows(
    part: Callable[[float, Array, float, float], tuple[float, float]], bend: Callable[[float], float] = float
) -> Callable[[Sample, Array], float]:
    """Value by value: part(truth, forecast and quantiles, naive, deviation) gives a numerator and a denominator."""

    def reference(s: Sample, w: Array) -> float:
        p = s.predictions
        assert p.values is not None
        assert p.quantiles is not None
        assert p.naive is not None
        assert p.deviation is not None
        targets = p.naive.shape[1]
        sums = np.zeros((targets, 2))
        for row in range(len(s.truth)):
            for cell, true in enumerate(s.truth[row]):
                k = cell % targets
                said = np.concatenate([[p.values[row, cell]], p.quantiles[row, cell]])
                if not np.isnan(true):
                    sums[k] += w[row] * np.array(part(true, said, p.naive[row, k], p.deviation[row, k]))
        return float(np.mean([bend(above / below) for above, below in sums]))

    return reference


def _of_notes(kinds: set[int], *, whole: bool = False, told: bool = False) -> Callable[[Sample, Array], float]:
    """Note by note, or chord by chord: the share that is right among those of these kinds."""

    def reference(s: Sample, w: Array) -> float:
        p, right, count = s.predictions, 0.0, 0.0
        for row, (numbers, of_kind) in enumerate(s.truth.tolist()):
            for step, chord in enumerate(numbers):
                hits = [
                    p.ranks[row, step, voice] == 1 if told else p.guesses[row, step, voice] == note
                    for voice, note in enumerate(chord)
                ]
                if of_kind[step][0] in kinds:
                    right += w[row] * (all(hits) if whole else sum(hits))
                    count += w[row] * (1 if whole else len(hits))
        return right / count

    return reference


def _nats(s: Sample, w: Array) -> float:
    costs = [
        (weight, -math.log(chance))
        for weight, kinds, chances in zip(w, s.truth[:, 1], s.predictions.chances, strict=True)
        for kind, chance in zip(kinds.ravel(), chances.ravel(), strict=True)
        if kind
    ]
    return float(np.average([cost for _, cost in costs], weights=[weight for weight, _ in costs]))


def _owa(s: Sample, w: Array) -> float:
    """As M4's: half the ratio of the sMAPEs and half that of the MASEs, each over all values."""
    assert s.predictions.values is not None
    assert s.predictions.naive is not None
    assert s.predictions.seasonal is not None
    targets, sums = s.predictions.naive.shape[1], np.zeros((2, 2))
    for row in range(len(s.truth)):
        for cell, true in enumerate(s.truth[row]):
            for i, said in enumerate((s.predictions.values, s.predictions.seasonal)):
                if not np.isnan(true):
                    miss = abs(true - said[row, cell])
                    sums[0, i] += w[row] * 2 * miss / (abs(true) + abs(said[row, cell]))
                    sums[1, i] += w[row] * miss / s.predictions.naive[row, cell % targets]
    return float((sums[:, 0] / sums[:, 1]).mean())


def _pinball(true: float, said: Array) -> float:
    return 2 * float(
        np.mean([max(q * (true - v), (q - 1) * (true - v)) for q, v in zip((0.1, 0.5, 0.9), said, strict=True)])
    )


def _mean_of_cells(s: Sample, w: Array, part: Callable[[float, float, float], float]) -> float:
    """Row by row and target by target: part(truth, low, high)."""
    low, high = s.predictions.low, s.predictions.high
    assert low is not None
    assert high is not None
    cells = [
        w[row] * part(s.truth[row, k], low[row, k], high[row, k])
        for row in range(len(s.truth))
        for k in range(s.truth.shape[1])
    ]
    return float(np.sum(cells) / (w.sum() * s.truth.shape[1]))


def _of_symbols(
    above: Callable[[float, float], float], below: Callable[[int], float], bend: Callable[[float], float] = float
) -> Callable[[Sample, Array], float]:
    """Symbol by symbol: above(probability, rank) over below(characters)."""

    def reference(s: Sample, w: Array) -> float:
        sums = [0.0, 0.0]
        for row, (symbols, characters) in enumerate(s.truth):
            for place in np.flatnonzero(symbols):
                sums[0] += w[row] * above(s.predictions.chances[row, place], s.predictions.ranks[row, place])
                sums[1] += w[row] * below(characters[place])
        return bend(sums[0] / sums[1])

    return reference


def _of_texts(units: Callable[[str], Any]) -> Callable[[Sample, Array], float]:
    """The fewest changes, cell by cell of the table of Wagner and Fischer, over the units of the truth."""

    def distance(a: Any, b: Any) -> int:
        row = list(range(len(b) + 1))
        for i, one in enumerate(a, start=1):
            before, row = row, [i]
            for j, other in enumerate(b, start=1):
                row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (one != other)))
        return row[-1]

    def reference(s: Sample, w: Array) -> float:
        pairs = [(units(a), units(b)) for a, b in zip(texts_of(s.truth), s.predictions.texts, strict=True)]
        wrong = sum(weight * distance(a, b) for weight, (a, b) in zip(w, pairs, strict=True))
        return float(wrong / sum(weight * len(a) for weight, (a, _) in zip(w, pairs, strict=True)))

    return reference


def chunks(tags: list[str]) -> set[tuple[int, int, str]]:
    """Entities as conlleval finds them: whether one ends before a tag, and whether one begins with it."""
    found, start = set(), 0
    before, kind = "O", ""
    for place, tag in enumerate([*tags, "O"]):
        letter, own = (tag[0], tag[2:]) if tag != "O" else ("O", "")
        ends = (before in "BI" and letter in "BSO") or before in "ES" or (before != "O" and own != kind)
        if ends:
            found.add((start, place - 1, kind))
        begins = letter in "BS" or (letter in "EI" and before in "ESO") or (letter != "O" and own != kind)
        start = place if begins else start
        before, kind = letter, own
    return found


def _of_entities(ratio: Callable[[float, float, float], float]) -> Callable[[Sample, Array], float]:
    """Sentence by sentence: of right, true and said entities."""

    def reference(s: Sample, w: Array) -> float:
        sums = np.zeros(3)
        assert s.decided is not None
        for row, weight in enumerate(w):
            there, said = ({*chunks([TAG_NAMES[t] for t in tags[row] if t >= 0])} for tags in (s.truth, s.decided))
            sums += weight * np.array([len(there & said), len(there), len(said)])
        return ratio(*sums)

    return reference


def _of_corpus(s: Sample, w: Array, metric: Any) -> float:
    """What sacrebleu says of rows that come as often as their weight."""
    rows = np.repeat(np.arange(len(w)), w.astype(np.int64))
    said, truth = s.predictions.texts, texts_of(s.truth)
    return float(metric.corpus_score([said[i] for i in rows], [[truth[i] for i in rows]]).score)


def _right_tokens(s: Sample, w: Array) -> float:
    known = s.truth >= 0
    return float((w @ (known & (s.truth == s.decided))).sum() / (w @ known).sum())


def _of_pixels(score: Callable[..., Any]) -> Callable[[Sample, Array], float]:
    """Pixel by pixel, each with the weight of its picture, over classes that are anywhere."""

    def reference(s: Sample, w: Array) -> float:
        assert s.decided is not None
        known = s.truth != 255
        weight = np.broadcast_to(w[:, None, None], s.truth.shape)[known]
        return float(score(s.truth[known], s.decided[known], sample_weight=weight))

    return reference


def _foreground(truth: Array, said: Array, sample_weight: Array) -> float:
    background = np.bincount(truth, sample_weight).argmax()
    others = [number for number in np.unique([truth, said]) if number != background]
    return float(sk.f1_score(truth, said, labels=others, average="macro", sample_weight=sample_weight))


REFERENCES: dict[str, Callable[[Sample, Array], float]] = {
    "mean_iou": _of_pixels(partial(sk.jaccard_score, average="macro")),
    "mean_dice": _of_pixels(partial(sk.f1_score, average="macro")),
    "foreground_f1": _of_pixels(_foreground),
    "pixel_accuracy": _of_pixels(sk.accuracy_score),
    "accuracy": lambda s, w: float(sk.accuracy_score(s.truth, s.decided, sample_weight=w)),
    "balanced_accuracy": lambda s, w: float(sk.balanced_accuracy_score(s.truth, s.decided, sample_weight=w)),
    "precision": _by_class("precision"),
    "recall": _by_class("recall"),
    "f1": _by_class("f1"),
    "precision_weighted": _by_class("precision", "weighted"),
    "recall_weighted": _by_class("recall", "weighted"),
    "f1_weighted": _by_class("f1", "weighted"),
    "auc": _auc,
    "useful_auc": lambda s, w: _auc(_as_classes(s), w),
    "useful_r2": lambda s, w: float(sk.r2_score(s.truth[:, 0], s.predictions.useful[:, 0], sample_weight=w)),  # type: ignore[attr-defined]
    "told_apart": _of_fact("told"),
    "alike_columns": _of_fact("columns"),
    "alike_pairs": _of_fact("pairs"),
    "covered": _of_fact("covered"),
    "density": _of_fact("density"),
    "copies": _of_fact("copied"),
    "held_out_copies": _of_fact("held_copied"),
    "near_copies": _of_fact("near_copied"),
    "held_out_near_copies": _of_fact("held_near_copied"),
    "nearer": _of_fact("nearer"),
    "rare": _of_fact("rare"),
    "held_out_rare": _of_fact("held_rare"),
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "brier": _brier,
    "calibration_error": _calibration_error,
    "cost": lambda s, w: float(
        np.sum(w * [COSTS[true][said] for true, said in zip(s.truth, s.decided, strict=True)]) / w.sum()
    ),  # type: ignore[arg-type]
    "r2": _of_values(sk.r2_score),
    "rmse": _of_values(sk.root_mean_squared_error),
    "mae": _of_values(sk.mean_absolute_error),
    "mse": _of_values(sk.mean_squared_error),
    "coverage_90": lambda s, w: _mean_of_cells(s, w, lambda true, low, high: float(low <= true <= high)),
    "width_90": lambda s, w: _mean_of_cells(s, w, lambda true, low, high: high - low),
    "forecast_rmse": _of_windows(lambda true, said, naive, spread: ((true - said[0]) ** 2, 1.0), math.sqrt),
    "forecast_mae": _of_windows(lambda true, said, naive, spread: (abs(true - said[0]), 1.0)),
    "mase": _of_windows(lambda true, said, naive, spread: (abs(true - said[0]) / naive, 1.0)),
    "standardised_mse": _of_windows(lambda true, said, naive, spread: (((true - said[0]) / spread) ** 2, 1.0)),
    "smape": _of_windows(lambda true, said, naive, spread: (2 * abs(true - said[0]) / (abs(true) + abs(said[0])), 1.0)),
    "owa": lambda s, w: _owa(s, w),
    "wql": _of_windows(lambda true, said, naive, spread: (_pinball(true, said[1:]), abs(true))),
    "nats_per_note": _nats,
    "notes_right": _of_notes({1, 2}),
    "chords_right": _of_notes({1, 2}, whole=True),
    "new_notes_right": _of_notes({2}),
    "new_chords_right": _of_notes({2}, whole=True),
    "told_notes_right": _of_notes({1, 2}, told=True),
    "perplexity": _of_symbols(lambda chance, rank: -math.log(chance), lambda characters: 1.0, math.exp),
    "bits_per_character": _of_symbols(lambda chance, rank: -math.log2(chance), float),
    "next_top_1": _of_symbols(lambda chance, rank: float(rank == 1), lambda characters: 1.0),
    "next_top_5": _of_symbols(lambda chance, rank: float(rank <= 5), lambda characters: 1.0),
    "bleu": lambda s, w: _of_corpus(s, w, BLEU(tokenize="13a", smooth_method="exp")),
    "chrf": lambda s, w: _of_corpus(s, w, CHRF()),
    "word_error_rate": _of_texts(str.split),
    "character_error_rate": _of_texts(str),
    "exact_match": lambda s, w: float(
        np.average([a == b for a, b in zip(texts_of(s.truth), s.predictions.texts, strict=True)], weights=w)
    ),
    "ap50": _of_pictures(lambda truth, said: plain_ap(truth, said, (0.5,))),
    "coco_ap": _of_pictures(lambda truth, said: plain_ap(truth, said, OVERLAPS)),
    "box_f1": _of_pictures(lambda truth, said: 2 * plain_counts(truth, said)[0] / sum(plain_counts(truth, said)[1:3])),
    "box_recall": _of_pictures(lambda truth, said: plain_counts(truth, said)[0] / plain_counts(truth, said)[1]),
    "count_error": _of_pictures(lambda truth, said: plain_counts(truth, said)[3] / plain_counts(truth, said)[1]),
    "token_accuracy": _right_tokens,
    "entity_f1": _of_entities(lambda right, true, said: 2 * right / (true + said)),
    "entity_precision": _of_entities(lambda right, true, said: right / said),
    "entity_recall": _of_entities(lambda right, true, said: right / true),
    "coverage_80": _of_windows(lambda true, said, naive, spread: (float(said[1] <= true <= said[3]), 1.0)),
}


@pytest.mark.parametrize(("metric", "sample"), combinations())
def test_it_equals_scikit_learn_plain_and_weighted(metric: Metric, sample: Sample) -> None:
    for weights in (
        np.ones(len(sample.truth)),
        np.random.default_rng(0).integers(1, 4, len(sample.truth)).astype(float),
    ):
        assert value(metric, sample, weights) == pytest.approx(REFERENCES[metric.name](sample, weights), abs=1e-6)


@pytest.mark.parametrize(("metric", "sample"), combinations())
def test_many_weightings_at_once_equal_one_at_a_time(metric: Metric, sample: Sample) -> None:
    weights = np.random.default_rng(1).integers(0, 3, (5, len(sample.truth))).astype(np.float64)
    together = metric.values(sample.truth, sample.predictions, weights, sample.decided)
    assert together.shape == (5,)
    assert together == pytest.approx([value(metric, sample, w) for w in weights], abs=1e-12)


@pytest.mark.parametrize(("metric", "sample"), combinations())
def test_a_weight_of_two_is_a_row_twice(metric: Metric, sample: Sample) -> None:
    times = np.random.default_rng(2).integers(1, 4, len(sample.truth))
    rows = np.repeat(np.arange(len(sample.truth)), times)
    repeated = metric.values(*_rows(sample, rows))
    assert value(metric, sample, times.astype(np.float64)) == pytest.approx(float(repeated[0]), abs=1e-9)


@pytest.mark.parametrize(("metric", "sample"), combinations())
def test_the_order_of_rows_does_not_matter(metric: Metric, sample: Sample) -> None:
    rows = np.random.default_rng(3).permutation(len(sample.truth))
    assert float(metric.values(*_rows(sample, rows))[0]) == pytest.approx(value(metric, sample), abs=1e-9)


@pytest.mark.parametrize(("metric", "sample"), combinations())
def test_perfect_is_best(metric: Metric, sample: Sample) -> None:
    weights = np.ones((1, len(sample.truth)))
    decided = sample.truth if sample.decided is not None else None
    perfect = float(metric.values(sample.truth, sample.perfect, weights, decided)[0])
    sign = 1 if metric.better == "higher" else -1
    assert sign * perfect > sign * value(metric, sample)
    best = metric.lowest if metric.name == "perplexity" else 0.0
    top = 100.0 if metric.highest == 100.0 else 1.0
    assert perfect == pytest.approx(top if metric.better == "higher" else best, abs=1e-6)
    assert metric.lowest <= perfect <= metric.highest


@pytest.mark.parametrize(("metric", "sample"), combinations())
def test_influence_is_the_slope_of_the_value_by_each_weight(metric: Metric, sample: Sample) -> None:
    linear = metric.linear(sample.truth, sample.predictions, sample.decided)
    assert linear is not None
    if metric.name in ("ap50", "coco_ap"):  # recall moves in steps: the jackknife stands for a slope that is none
        assert linear.value == pytest.approx(value(metric, sample), abs=1e-12)
        return
    n, step = len(sample.truth), 1e-5
    nudged = np.ones((2 * n, n))
    nudged[np.arange(n), np.arange(n)] += step
    nudged[n + np.arange(n), np.arange(n)] -= step
    values = metric.values(sample.truth, sample.predictions, nudged, sample.decided)
    assert linear.value == pytest.approx(value(metric, sample), abs=1e-12)
    assert linear.influence == pytest.approx(n * (values[:n] - values[n:]) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_it_says_what_it_is(metric: Metric) -> None:
    assert METRICS[metric.name] is metric
    assert metric.name in REFERENCES, "give the metric a reference to be checked against"
    assert metric.label
    assert metric.definition.endswith(".")
    assert metric.better in ("higher", "lower")
    assert not metric.proportion or metric.share
    answers = [answer for answer in ANSWERS.values() if issubclass(answer.typed, metric.reads)]
    assert answers
    assert all(metric in metrics_for(answer.typed) for answer in answers)


def _rows(sample: Sample, rows: Array) -> tuple[Array, Answered, Array, Array | None]:
    p = sample.predictions
    picked = p.take(rows)
    decided = None if sample.decided is None else sample.decided[rows]
    return sample.truth[rows], picked, np.ones((1, len(rows))), decided
