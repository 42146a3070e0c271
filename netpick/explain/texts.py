"""Texts explained: which words or symbols the answer hangs on, what convolutions fired on, and the insides of RNNs and attention."""

from __future__ import annotations

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from netpick.columns.kinds.cells import as_text
from netpick.columns.kinds.token_readers import CHARACTERS_A_TOKEN, FIRST, UNKNOWN, Vocabulary, spelled
from netpick.explain import attention, fired, gates
from netpick.explain.attribute import Batch, token_gradients
from netpick.explain.steps import Steps, group_of
from netpick.explain.subject import Subject, Target, rank_correlation
from netpick.models.networks.text_stem import TokenStem
from netpick.models.networks.text_windows import WindowedTexts
from netpick.types import Array, TableColumn
from netpick.types.drawings import Bar, Bars, Figure, Fold, Stack, Words
from netpick.types.words import counted, grouped, significant

MOST_TOKENS = 256
MOST_LISTED = 10
MOST_REPLACEMENTS, MOST_VARIANTS = 8, 512  # of a token, and of all tokens of a text
MOST_STARTS = 4  # texts that integrated gradients start from


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """One text: its words by their weight, then what is inside the network that reads it."""
    batch = subject.batch([row])
    trunk = subject.trunk(name)
    words = token_words(subject, row, name)
    noun = "symbol" if all(len(word) == 1 for word in words) else "token"
    steps = Steps(noun=noun, names=words, group=group_of(trunk), item=noun)
    if in_several_windows(trunk, len(words)):  # what is inside is of windows, not of the text
        return (words_figure(subject, batch, name, target, words, gradients=False),)
    return (
        words_figure(subject, batch, name, target, words),
        *fired.text_figures(subject, batch, trunk, target, words),
        *gates.gate_figures(subject, batch, trunk, target, steps),
        *attention.sequence_figures(subject, batch, trunk, target, steps),
    )


def in_several_windows(trunk: nn.Module, tokens: int) -> bool:
    return any(tokens > part.window for part in trunk.modules() if isinstance(part, WindowedTexts))


def token_words(subject: Subject, row: int, name: str) -> list[str]:
    """The tokens of a row as they were written where that can be told, else as the vocabulary has them."""
    encoder = next(e for e in subject.encoders if e.kind == "text" and name in ("tokens", f"tokens:{e.column}"))
    vocabulary: Vocabulary = encoder.state.vocabulary
    numbers = subject.arrays[name][row]
    numbers = numbers[: max(1, int(subject.arrays[f"{name}.lengths"][row]))]
    written = _as_written(subject, row, encoder.column, vocabulary, len(numbers))
    if len(written) == len(numbers):
        return written
    known = [vocabulary.tokens[n - 2] if n > UNKNOWN else "?" for n in numbers.tolist()]
    return [spelled([token], vocabulary.reading) or "?" for token in known]


def _as_written(subject: Subject, row: int, column: str, vocabulary: Vocabulary, count: int) -> list[str]:
    """The text cut as the reader of the vocabulary cuts it."""
    found = subject.columns.get(column)
    if not isinstance(found, TableColumn) or vocabulary.reading in ("pieces", "bytes", "wordpieces"):
        return []
    text = as_text(found.values.gather([int(subject.rows[row])])).fill_null("")
    if vocabulary.reading == "characters":
        return list(str(text.str.normalize("NFC")[0]))[:count]
    words: list[str] = text.str.head(CHARACTERS_A_TOKEN * count).str.extract_all(vocabulary.word)[0].to_list()
    return words[:count]


# --- words by their weight -------------------------------------------------------------------------------------------


def token_occlusion(subject: Subject, batch: Batch, name: str, target: Target) -> Array:
    """(T,): how much the score falls when a token is replaced by common ones, the mean over some of them; of long texts, when
    the stretch that it stands in is.

    Common words say little, and the network knows them; the token for unknown ones may never have come in training, and what
    it then does to an answer is chance. After Zintgraf et al. (2017).
    """
    tokens = batch[name]
    length = max(1, int(batch[f"{name}.mask"][0].sum()))
    known = subject.inputs[name].cardinalities[0] - FIRST
    stretch = -(-length // MOST_TOKENS)
    places = -(-length // stretch)
    count = max(1, min(known - 1, MOST_REPLACEMENTS, MOST_VARIANTS // places))
    whole = float(subject.scores(batch, target)[0])
    variants = tokens.repeat(places * count, 1)
    for place in range(places):
        start, end = place * stretch, min(length, (place + 1) * stretch)
        there = set(tokens[0, start:end].tolist()) if stretch == 1 else set()
        others = [token for token in range(FIRST, FIRST + count + 1) if token not in there][:count] or [UNKNOWN]
        variants[place * count : place * count + len(others), start:end] = torch.tensor(others).unsqueeze(1)
    fallen = whole - subject.changed(batch, {name: variants}, target)
    return np.repeat(np.asarray(fallen.reshape(places, count).mean(axis=1)), stretch)[:length] / stretch


def token_shares(
    subject: Subject, batch: Batch, name: str, target: Target, *, gradients: bool = True
) -> tuple[Array, Array | None]:
    """(T,) by replacing each token, and by integrated gradients where the network has vectors for its tokens."""
    hidden = token_occlusion(subject, batch, name, target)
    vectors = embedding_of(subject.trunk(name)) if gradients else None
    if vectors is None:
        return hidden, None
    known = subject.inputs[name].cardinalities[0] - FIRST
    blanks = range(FIRST, FIRST + max(1, min(known, MOST_STARTS)))
    return hidden, token_gradients(subject, batch, name, vectors, target, blanks)[: len(hidden)]


def embedding_of(trunk: nn.Module) -> nn.Module | None:
    return next((part.vectors for part in trunk.modules() if isinstance(part, TokenStem)), None)


def words_figure(
    subject: Subject, batch: Batch, name: str, target: Target, words: list[str], *, gradients: bool = True
) -> Figure:
    """The text with its words on grounds of their weight. gradients: whether a second method says where to doubt it."""
    hidden, second = token_shares(subject, batch, name, target, gradients=gradients)
    agreement = float("nan") if second is None or len(hidden) < 3 else rank_correlation(hidden, second)
    order = np.argsort(-np.abs(hidden), kind="stable")[:MOST_LISTED]
    listed = Bars(
        caption="The weightiest",
        heads=("Token", "Adds"),
        shown=[Bar(name=f"{words[int(i)]} ({int(i) + 1})", value=float(hidden[i])) for i in order],
    )
    noun = "word" if any(len(word) > 1 for word in words) else "symbol"
    doubt = f"for {noun}s that only count together: one replaced at a time shows nothing of those."
    if np.isfinite(agreement):
        doubt = (
            f"{noun} by {noun} where integrated gradients disagree; here their rank correlation with this is {grouped(agreement, 2)}. "
            f"{noun.capitalize()}s that only count together show nothing when one of them is replaced."
        )
    return Figure(
        title=f"{noun.capitalize()} by {noun}",
        sentence=f"How much each moves {target.words} (log-odds, against common ones in its place): orange and underlined speaks for it, blue "
        "and dotted against it.",
        caution=doubt,
        alt="; ".join(f"{words[int(i)]} {significant(float(hidden[i]), 2)}" for i in order[:5]),
        drawing=Stack(
            parts=[
                Words(words=words, weights=hidden),
                Fold(title=f"The weightiest {counted(len(order), 'token')}", shown=listed),
            ]
        ),
    )


def lengths(batch: Batch, name: str) -> int:
    mask: Tensor = batch[f"{name}.mask"]
    return int(mask[0].sum())


def shown_text(subject: Subject, row: int, column: str, most: int = 160) -> str:
    """The beginning of a text, to tell rows apart."""
    found = subject.columns.get(column)
    if not isinstance(found, TableColumn):
        return ""
    text = str(found.values.cast(pl.String)[int(subject.rows[row])] or "")
    return text if len(text) <= most else text[: most - 1] + "…"
