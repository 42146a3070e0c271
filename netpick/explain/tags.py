"""Words with tags explained: which other words each tag hangs on, and what of words the network goes by."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from netpick.columns.kinds.cells import as_text
from netpick.columns.kinds.sentence import FACTS, UNKNOWN, tokens_of
from netpick.explain.subject import Subject, Target
from netpick.report.drawing import heat_map
from netpick.report.explained import drawing_html
from netpick.report.markup import Html, element
from netpick.types import Array, TableColumn
from netpick.types.drawings import Bar, Bars, Figure
from netpick.types.words import counted, percent

MOST_WORDS = 60  # of a sentence that are hidden one by one
MOST_LISTED = 10
MOST_SENTENCES = 256  # in which facts are hidden
TINY = 1e-6
# What is hidden of all words of a sentence at once: places among the facts of a word; letters lie behind them.
HIDDEN: dict[str, tuple[int, ...]] = {
    "which word it is": tuple(place for place, name in enumerate(FACTS) if name in ("word", "lower")),
    "how it begins": tuple(place for place, name in enumerate(FACTS) if name.startswith("first")),
    "how it ends": tuple(place for place, name in enumerate(FACTS) if name.startswith("last")),
    "its shape": tuple(place for place, name in enumerate(FACTS) if name == "shape"),
    "its letters": (),
}
OTHERS = "all other words"


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """One sentence: each of its words is hidden in turn."""
    words = _words(subject, row)[:MOST_WORDS]
    if len(words) < 2:
        return ()
    tags, moved = influence(subject, row, name, len(words))
    return (_figure(words, [subject.labels[tag] for tag in tags.tolist()], moved),)


def network_figures(subject: Subject, name: str) -> tuple[Figure, ...]:
    """All sentences together: how many tags change when something of each word is hidden."""
    changed = hidden_facts(subject, name)
    told = "; ".join(f"{what}: {percent(share, 1)}" for what, share in changed.items())
    shown = [Bar(name=what, value=share, text=percent(share, 1)) for what, share in changed.items()]
    return (
        Figure(
            title="What it goes by",
            sentence="How many tags become others when this is hidden of the word itself, or all other words of the sentence are.",
            caution="as shares of one whole: facts about a word tell much of each other, and where one of them is hidden, others stand in for it.",
            alt=f"Tags that change when something is hidden: {told}.",
            drawing=Bars(caption="Tags that change", heads=("Hidden", "Tags that change"), shown=shown),
        ),
    )


def influence(subject: Subject, row: int, name: str, count: int) -> tuple[Array, Array]:
    """The tags (T,) of the first words of a row, and how much the log-odds of each fall (T, T) when a word, the column, is hidden."""
    batch = subject.batch([row])
    words, mask = batch[name], batch[f"{name}.mask"]
    variants = words.repeat(count + 1, 1, 1)
    for place in range(count):
        variants[place + 1, place] = _unknown(words[0, place])
    chances = _chances(subject, {name: variants, f"{name}.mask": mask.repeat(count + 1, 1)})[:, :count]
    tags = chances[0].argmax(axis=1)
    odds = np.log(chances[:, np.arange(count), tags].clip(TINY, 1 - TINY))
    odds -= np.log1p(-np.exp(odds))
    return tags, (odds[0] - odds[1:]).T


def hidden_facts(subject: Subject, name: str) -> dict[str, float]:
    """Shares of tags that change, by what is hidden."""
    spec = subject.inputs[name]
    facts, width = spec.ahead[1], spec.shape[1]
    rows = np.arange(subject.count)[:: max(1, -(-subject.count // MOST_SENTENCES))]
    changed = dict.fromkeys([what for what in HIDDEN if what != "its letters" or width > facts] + [OTHERS], 0)
    total = 0
    for row in rows.tolist():
        batch = subject.batch([row])
        words, mask = batch[name], batch[f"{name}.mask"]
        count = int(mask[0].sum())
        places = (
            np.unique(np.linspace(0, count - 1, min(count, 8)).astype(np.int64)) if count else np.zeros(0, np.int64)
        )
        total += len(places)
        variants = [words]
        for place in places.tolist():
            variants += [_without(words, place, what, facts) for what in changed]
        chances = _chances(subject, {name: torch.cat(variants), f"{name}.mask": mask.repeat(len(variants), 1)})
        tags = chances.argmax(axis=2)
        for number, place in enumerate(places.tolist()):
            for other, what in enumerate(changed):
                changed[what] += int(tags[1 + number * len(changed) + other, place] != tags[0, place])
    return {what: changes / max(1, total) for what, changes in changed.items()}


def _without(words: Tensor, place: int, what: str, facts: int) -> Tensor:
    """A row (1, T, K + L) in which that is hidden of one word, or everything of all others."""
    made = words.clone()
    if what == OTHERS:
        made = _unknown(words)
        made[0, place] = words[0, place]
    elif HIDDEN[what]:
        columns = torch.tensor(HIDDEN[what])
        made[0, place, columns] = _unknown(words[0, place, columns])
    else:
        made[0, place, facts:] = _unknown(words[0, place, facts:])
    return made


def _unknown(numbers: Tensor) -> Tensor:
    """Unknown where there is something."""
    return torch.where(numbers > 0, UNKNOWN, numbers)


def _chances(subject: Subject, batch: dict[str, Tensor]) -> Array:
    """(N, T, K), as they are before a lean towards entities."""
    count = len(next(iter(batch.values())))
    parts = [subject.answers({key: value[at : at + 64] for key, value in batch.items()}) for at in range(0, count, 64)]
    return np.concatenate(parts).astype(np.float64)


def _words(subject: Subject, row: int) -> list[str]:
    column: Any = subject.columns.get(subject.encoders[0].column)
    if not isinstance(column, TableColumn):
        return []
    return tokens_of(as_text(column.values.gather([int(subject.rows[row])]))[0])


def _figure(words: list[str], tags: list[str], moved: Array) -> Figure:
    others = np.where(np.eye(len(words), dtype=bool), -np.inf, moved)
    most = others.argmax(axis=1)
    strongest = others[np.arange(len(words)), most]
    order = np.argsort(-strongest, kind="stable")[:MOST_LISTED]
    listed = Bars(
        caption="Words that decide the tag of another",
        heads=("tag of a word \N{LEFTWARDS ARROW} other word", "log-odds"),
        shown=[
            Bar(
                name=f"{words[place]} ({tags[place]}) \N{LEFTWARDS ARROW} {words[most[place]]}",
                value=float(strongest[place]),
                text=f"{strongest[place]:.1f}",
            )
            for place in order.tolist()
        ],
    )
    told = "; ".join(f"{words[place]} ({tags[place]}): {words[most[place]]}" for place in order.tolist())
    return Figure(
        title="Which words each tag hangs on",
        sentence=f"A line for each of the {counted(len(words), 'word')}, from the top, a column for each that is hidden: dark is where the tag of the "
        "line becomes less likely without the word of the column. The diagonal is the word itself.",
        caution="for words that only count together: one is hidden at a time.",
        alt=f"Tags, and the other word that each hangs on most: {told}.",
        drawing=_drawn(words, tags, np.maximum(moved, 0), listed),
    )


def _drawn(words: list[str], tags: list[str], moved: Array, listed: Bars) -> Html:
    axis = element(
        "div",
        [element("span", word) for word in words],
        class_="axis-names",
        style=f"grid-template-columns:repeat({len(words)},minmax(0,1fr))",
    )
    pairs = zip(words, tags, strict=True)
    lines = element("p", "Lines, from the top: ", " \N{MIDDLE DOT} ".join(f"{word} ({tag})" for word, tag in pairs))
    shown = Figure(title="", sentence="", caution="", alt="", drawing=listed)
    return element("div", heat_map(moved), axis, lines, drawing_html(shown))
