"""Tags in detail: what each type of entity, or each tag, is worth; what is taken for what; and sentences that went wrong."""

from __future__ import annotations

from collections import Counter

import numpy as np

from netpick.answers.answered import AnsweredTags
from netpick.answers.metrics.entities import type_counts
from netpick.answers.spans import are_entities, spans_of, types_of
from netpick.report.components import Charts, Column, fold, table
from netpick.report.markup import Child, Html, element
from netpick.report.measures import decided_tags, worst_tagged
from netpick.types import Array
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import grouped, percent, row_name

MOST_TAGS, MOST_CONFUSIONS, MOST_SENTENCES = 40, 12, 12
UNKNOWN = "a tag that training never had"


def tagger_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html | None:
    """Of the test rows; nothing without predictions."""
    del charts
    said = entry.test_predictions
    if not isinstance(said, AnsweredTags) or not len(said):
        return None
    truth, tags, labels = results.test_truth, decided_tags(results, entry), tuple(results.target.labels)
    return element(
        "div",
        _by_type(truth, tags, labels, said.parts[0]) if are_entities(labels) else None,
        _by_tag(truth, tags, labels),
        _confusions(truth, tags, labels),
        None if results.private else _sentences(results, entry, truth, tags),
    )


def _by_type(truth: Array, tags: Array, labels: tuple[str, ...], parts: Array) -> Html:
    types, steps = types_of(labels), max(truth.shape[1], tags.shape[1])
    counts = type_counts(spans_of(truth, parts), spans_of(tags, parts), steps, len(types))
    words = "An entity is right where its first token, its last token and its type are."
    return element(
        "div",
        element("h3", "By type of entity"),
        element("p", words),
        _scores("Entities by type", "Type", types, counts),
    )


def _by_tag(truth: Array, tags: Array, labels: tuple[str, ...]) -> Html:
    known = truth >= 0
    right = truth[known & (truth == tags)]
    counted = [
        np.bincount(some, minlength=len(labels) + 1)[: len(labels)] for some in (right, truth[known], tags[known])
    ]
    made = _scores("Tokens by tag", "Tag", labels, np.stack(counted, axis=1))
    return fold("Tokens by tag", made) if are_entities(labels) else element("div", element("h3", "By tag"), made)


def _scores(caption: str, noun: str, names: tuple[str, ...], counts: Array) -> Html:
    """counts: (names, 3) that are right, true, and said."""
    head = [Column(title=noun)]
    head += [
        Column(title=title, number=True) for title in ("In the truth", "Said", "Right", "Precision", "Recall", "F1")
    ]
    order = np.argsort(-counts[:, 1], kind="stable")[:MOST_TAGS]
    rows: list[list[Child]] = []
    for number in order.tolist():
        right, true, said = (int(count) for count in counts[number])
        shares = [_share(right, said), _share(right, true), _share(2 * right, said + true)]
        rows.append([names[number], grouped(true), grouped(said), grouped(right), *shares])
    return table(caption, head, rows, style="quiet")


def _share(part: int, whole: int) -> str:
    return percent(part / whole, 1) if whole else "–"


def _confusions(truth: Array, tags: Array, labels: tuple[str, ...]) -> Html | None:
    words = [*labels, UNKNOWN]
    wrong = (truth >= 0) & (truth != tags)
    pairs = Counter(zip(truth[wrong].tolist(), tags[wrong].tolist(), strict=True)).most_common(MOST_CONFUSIONS)
    if not pairs:
        return None
    head = [Column(title="Truth"), Column(title="Said"), Column(title="Tokens", number=True)]
    rows: list[list[Child]] = [[words[true], words[said], grouped(count)] for (true, said), count in pairs]
    title = "What is taken for what"
    return element("div", element("h3", title), table(title, head, rows, style="quiet"))


def _sentences(results: RunResults, entry: CandidateResult, truth: Array, tags: Array) -> Html:
    places = worst_tagged(results, entry, MOST_SENTENCES)
    title = "Sentences that went wrong"
    if not len(places):
        return element("div", element("h3", title), element("p", "There are none on the test rows."))
    labels = [*results.target.labels, UNKNOWN]
    head = [Column(title="Row"), Column(title="Sentence", kind="wide")]
    rows: list[list[Child]] = []
    for place, row in zip(places.tolist(), results.split.test[places].tolist(), strict=True):
        shown: list[Child] = []
        words = results.source.rows[row].text.split(" ") if row in results.source.rows else []
        for word, true, said in zip(words, truth[place].tolist(), tags[place].tolist(), strict=False):
            if true == said:
                shown.append(f"{word} ")
            else:
                told = f" ({labels[true]}, said {labels[said]}) "
                shown += [element("mark", word), element("small", told)]
        rows.append([row_name(results, row), element("span", shown)])
    note = "Test rows, those first in which a wrong tag was held most likely. Marked are the wrong ones: the truth, and what was said; some may be mislabelled."
    return element("div", element("h3", title), element("p", note), table(title, head, rows, style="quiet"))
