"""Word by word: each word becomes the one that it goes with most surely in training pairs (IBM's model 1, Brown et al. 1993), in the order of the source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netpick.answers.answered import texts_of
from netpick.models.baselines.base import Decision, Fitted, Limit, Problem
from netpick.models.baselines.packed_texts import packed, unpacked
from netpick.models.baselines.pair_copy import OfPairs, PairState, source_name, source_texts
from netpick.models.baselines.text_counts import TOKENS_OR_LETTERS
from netpick.types import Array, Inputs

ROUNDS = 5
LONGEST = 60  # words of a side
MOST_LINKS = 8_000_000  # pairs of words that stand in a pair of texts together
SOURCE, TARGET = "source.", "target."
CLOSING = re.compile(r" ([.,;:!?%)\]\u00bb])")
OPENING = re.compile(r"([(\[\u00ab]) ")


@dataclass(frozen=True, kw_only=True)
class Links:
    """Words that stand in a pair of texts together: (n,) of each."""

    source: Array
    target: Array
    place: Array  # of the target's word among all


class WordByWord(OfPairs):
    """Learned by expectation and maximisation; what was never seen stays as it is."""

    name = "word by word"
    definition = "Replaces each word by the one that it goes with most surely in the training pairs (IBM model 1), in the order of the source."
    State: ClassVar[type] = PairState

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        rows = np.sort(problem.train)[: len(problem.train) if decided is None else decided.rows]
        sides = [
            [tokens(text)[:LONGEST] for text in texts]
            for texts in (source_texts(problem, rows), texts_of(problem.target[rows]))
        ]
        links = np.cumsum([len(s) * len(t) for s, t in zip(*sides, strict=True)])
        used = max(1, int((links <= MOST_LINKS).sum())) if decided is None else len(rows)
        first = [[word.lower() for word in words] for words in sides[0][:used]]
        vocabulary = [_vocabulary(first), _vocabulary(sides[1][:used])]
        best = _best(_links((first, sides[1][:used]), vocabulary), [len(words) for words in vocabulary])
        return Fitted(
            baseline=self.name,
            state=PairState(column=source_name(problem)),
            arrays={**packed(vocabulary[0], SOURCE), **packed(vocabulary[1], TARGET), "best": best},
            decision=Decision(rows=used, iterations=ROUNDS, full=used == len(problem.train)),
            remark="" if used == len(problem.train) else f"from the first {used:,} pairs",
        )

    def said(self, fitted: Fitted, sources: Sequence[str]) -> list[str]:
        if "words" not in fitted.cache:
            target = unpacked(fitted.arrays, TARGET)
            best = fitted.arrays["best"].tolist()
            pairs = zip(unpacked(fitted.arrays, SOURCE), best, strict=True)
            fitted.cache["words"] = {word: target[number] for word, number in pairs}
        words: dict[str, str] = fitted.cache["words"]
        return [put_together([words.get(word.lower(), word) for word in tokens(source)]) for source in sources]

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        super().require(fitted, inputs, num_outputs)
        sizes = [len(unpacked(fitted.arrays, side)) for side in (SOURCE, TARGET)]
        best = fitted.arrays["best"]
        if best.dtype != np.int64 or best.shape != (sizes[0],):
            raise ValueError("words for words that are not there")
        if len(best) and not (int(best.min()) >= 0 and int(best.max()) < sizes[1]):
            raise ValueError("words that are not there")


def tokens(text: str) -> list[str]:
    """Words and single marks; of scripts that part no words, letters."""
    return TOKENS_OR_LETTERS.findall(text)


def put_together(words: Sequence[str]) -> str:
    """Words with blanks between them, and marks where they belong."""
    return OPENING.sub(r"\1", CLOSING.sub(r"\1", " ".join(words)))


def _vocabulary(texts: Sequence[Sequence[str]]) -> list[str]:
    counts = Counter(word for words in texts for word in words)
    return sorted(counts, key=lambda word: (-counts[word], word))


def _links(texts: tuple[Sequence[Sequence[str]], ...], vocabulary: Sequence[Sequence[str]]) -> Links:
    numbers = [{word: number for number, word in enumerate(words)} for words in vocabulary]
    source, target, place, count = list[Array](), list[Array](), list[Array](), 0
    for first, second in zip(*texts, strict=True):
        one = np.array([numbers[0][word] for word in first], dtype=np.int64)
        two = np.array([numbers[1][word] for word in second], dtype=np.int64)
        source.append(np.repeat(one, len(two)))
        target.append(np.tile(two, len(one)))
        place.append(np.tile(count + np.arange(len(two)), len(one)))
        count += len(two)
    source, target, place = ([np.zeros(0, dtype=np.int64), *part] for part in (source, target, place))
    return Links(source=np.concatenate(source), target=np.concatenate(target), place=np.concatenate(place))


def _best(links: Links, sizes: Sequence[int]) -> Array:
    """(S,) the likeliest word of the target for each of the source."""
    keys, link = np.unique(links.source * sizes[1] + links.target, return_inverse=True)
    of_source, of_target = keys // max(1, sizes[1]), keys % max(1, sizes[1])
    chances = np.ones(len(keys))
    for _ in range(ROUNDS):
        shares = chances[link]
        shares = shares / np.bincount(links.place, shares)[links.place]
        counts = np.bincount(link, shares, minlength=len(keys))
        chances = counts / np.bincount(of_source, counts, minlength=sizes[0])[of_source]
    order = np.lexsort((of_target, -chances, of_source))
    first = np.unique(of_source[order], return_index=True)[1]
    best = np.zeros(sizes[0], dtype=np.int64)
    best[of_source[order][first]] = of_target[order][first]
    return best
