"""What was said beside the truth, word by word: the texts with most errors, some of the middle, those without, and which words are taken
for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from netpick.answers.answered import AnsweredTexts, texts_of
from netpick.answers.metrics.texts import Aligned, aligned
from netpick.report.components import Charts, Column, table
from netpick.report.markup import Child, Html, element, join
from netpick.report.measures import Whole, answer_of
from netpick.report.parts.generated import generated_words
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import grouped, percent, row_name

EACH = 4  # texts of each kind
MOST_WORDS = 60  # of a text that is shown
CONFUSIONS = 12


def texts_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html | None:
    """The texts, and the commonest errors; nothing of a private run."""
    del charts
    if results.private or not isinstance(entry.test_predictions, AnsweredTexts) or not len(results.test_truth):
        return None
    truth, said = texts_of(results.test_truth), entry.test_predictions.texts
    generated = generated_words(truth, said) if answer_of(results).stepwise else None
    return element("div", _shown(results, truth, said), generated, _confusions(truth, said))


def text_rows(results: RunResults, entry: CandidateResult) -> Whole:
    """Places among the test rows of the texts that are shown."""
    if not isinstance(entry.test_predictions, AnsweredTexts):
        return np.empty(0, dtype=np.int64)
    return _places(texts_of(results.test_truth), entry.test_predictions.texts)


def wrong_words(pieces: Sequence[Aligned]) -> int:
    """How many words have to be changed."""
    return sum(max(len(p.truth.split()), len(p.said.split())) for p in pieces if p.change != "same")


def _shown(results: RunResults, truth: Sequence[str], said: Sequence[str]) -> Html:
    head = [
        Column(title="Row"),
        Column(title="Truth", kind="wide"),
        Column(title="Said", kind="wide"),
        Column(title="Wrong words", number=True),
    ]
    sources = {row: shown.text for row, shown in results.source.rows.items()} if answer_of(results).stepwise else {}
    if sources:
        head.insert(1, Column(title="Source", kind="wide"))
    rows: list[list[Child]] = []
    for place in _places(truth, said).tolist():
        pieces = aligned(truth[place], said[place])
        words = len(truth[place].split())
        rows.append(
            [
                row_name(results, int(results.split.test[place])),
                *([sources.get(int(results.split.test[place]), "")] if sources else []),
                _marked(pieces, "truth"),
                _marked(pieces, "said"),
                f"{grouped(wrong_words(pieces))} of {grouped(words)}",
            ]
        )
    note = (
        "Test rows: those with the largest share of wrong words, some from the middle, and those with the smallest. Words of the truth that are "
        "missing or replaced are struck through; words that were said in their place, or added, are underlined."
    )
    return element(
        "div", element("h3", "What was said"), element("p", note), table("What was said", head, rows, style="quiet")
    )


def _places(truth: Sequence[str], said: Sequence[str]) -> Whole:
    """The worst, those in the middle and the best, by their share of wrong words."""
    shares = np.array(
        [wrong_words(aligned(a, b)) / max(1, len(a.split())) for a, b in zip(truth, said, strict=True)],
        dtype=np.float64,
    )
    order = np.argsort(-shares, kind="stable")
    middle = max(0, (len(order) - EACH) // 2)
    shown = dict.fromkeys([*order[:EACH].tolist(), *order[middle : middle + EACH].tolist(), *order[-EACH:].tolist()])
    return np.array(list(shown), dtype=np.int64)


def _marked(pieces: Sequence[Aligned], side: str) -> Html:
    """One side of an alignment, with what differs marked."""
    made: list[Child] = []
    left = MOST_WORDS
    for piece in pieces:
        text = piece.truth if side == "truth" else piece.said
        words = text.split()[: max(0, left)]
        left -= len(words)
        if not words:
            continue
        shown = " ".join(words)
        name = "span" if piece.change == "same" else "del" if side == "truth" else "ins"
        made.append(element(name, shown))
    if left <= 0:
        made.append("...")
    return element("span", join(made, " ")) if made else element("em", "nothing")


def _confusions(truth: Sequence[str], said: Sequence[str]) -> Html | None:
    """Which words are taken for which, missing or added, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    for true, other in zip(truth, said, strict=True):
        for piece in aligned(true, other):
            if piece.change != "same":
                counts.update(_pairs(piece))
    if not counts:
        return None
    of_words = Counter(word for text in truth for word in text.split())
    rows: list[list[Child]] = []
    for (word, other), number in counts.most_common(CONFUSIONS):
        of = percent(number / of_words[word]) if word and of_words[word] else ""
        rows.append([word or element("em", "nothing"), other or element("em", "nothing"), grouped(number), of])
    head = [
        Column(title="Word"),
        Column(title="Said for it"),
        Column(title="Times", number=True),
        Column(title="Of this word", number=True),
    ]
    return element(
        "div", element("h3", "The commonest errors"), table("The commonest errors", head, rows, style="quiet")
    )


def _pairs(piece: Aligned) -> list[tuple[str, str]]:
    """Each word of a stretch with the one said for it; "" for none."""
    true, said = piece.truth.split(), piece.said.split()
    length = max(len(true), len(said))
    return list(zip(true + [""] * (length - len(true)), said + [""] * (length - len(said)), strict=True))
