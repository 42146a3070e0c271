"""Puts an explanation together: which figures a form of data has, which rows are shown, and what the page says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from netpick.answers.answered import AnsweredChances, AnsweredNumbers
from netpick.errors import RequestError
from netpick.explain import (
    chords,
    effects,
    exchanges,
    forecasts,
    groups,
    images,
    pairs,
    series,
    sounds,
    speech,
    streams,
    tables,
    tags,
    texts,
)
from netpick.explain.effects import importance_figure
from netpick.explain.examples import answer_words, neighbours_figure, sample, truth_words
from netpick.explain.groups import inputs_figure
from netpick.explain.mistakes import JudgedChoices, judged, mistake_figures, surest_mistakes
from netpick.explain.page import Explanation, Part, words
from netpick.explain.reading import read_subject
from netpick.explain.subject import Subject, Target
from netpick.models.networks import main_form, main_input
from netpick.report.explained import drawing_html
from netpick.report.markup import element
from netpick.saved.parts import NoNetworkError
from netpick.saved.use import Model
from netpick.types import Array
from netpick.types.drawings import Figure
from netpick.types.words import counted, grouped

DEFAULT_ROWS = 4
UNLABELLED = "Mistakes, and what each column adds to the score: the data hold no known answers. Pass labelled rows."
MOST_BYTES = 5_500_000  # of a page's figures; style sheet and frame come on top

RowFigures = Callable[[Subject, int, str, Target], tuple[Figure, ...]]


def _none(subject: Subject, name: str) -> tuple[Figure, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Views:
    """How one form of data is explained: a row of it, the network that reads it, and all rows together."""

    row: RowFigures
    network: Callable[[Subject, str], tuple[Figure, ...]] = _none
    together: Callable[[Subject], tuple[Figure, ...]] = effects.data_figures
    labelled: bool = True  # whether rows may bring known answers
    columns: bool = True  # whether columns can be exchanged between rows, one by one


FORMS: dict[str, Views] = {
    "table": Views(row=tables.row_figures),
    "grid": Views(row=images.row_figures, network=images.network_figures),
    "tokens": Views(row=texts.row_figures),
    "series": Views(row=series.row_figures),
    "spectrogram": Views(row=sounds.row_figures),
    "clip": Views(row=groups.clip_figures),
    "stream": Views(
        row=streams.row_figures, network=streams.network_figures, together=lambda subject: (), labelled=False
    ),
    "chords": Views(
        row=chords.row_figures, network=chords.network_figures, together=lambda subject: (), labelled=False
    ),
    "pair": Views(row=pairs.row_figures, together=lambda subject: (), labelled=False, columns=False),
    "words": Views(row=tags.row_figures, network=tags.network_figures, together=lambda subject: (), columns=False),
    "speech": Views(row=speech.row_figures, together=lambda subject: (), columns=False),
    "window": Views(row=forecasts.row_figures, together=forecasts.data_figures, labelled=False, columns=False),
}


def explain(model: Model, data: object, *, rows: int = DEFAULT_ROWS) -> Explanation:
    """What the network goes by on these rows: the network itself, all rows together, its mistakes, and some rows one by one.

    data: what `model.predict` takes; with labels, mistakes are shown too. rows: how many are explained one by one.
    Raises DataError when the data cannot be read, and RequestError where an explanation needs something that is not installed.
    """
    subject = read_subject(model, data)
    if subject.engine is not None:
        return _of_any_model(subject, rows)
    views, name = _views(subject)
    together = views.together(subject) if len(subject.encoders) > 1 or not views.columns else ()
    parts = [
        Part(key="network", title="The network", lead=words(), figures=views.network(subject, name)),
        Part(key="all", title="All rows together", lead=words(), figures=together, label="All rows"),
        Part(key="mistakes", title="Where it errs", lead=words(), figures=mistake_figures(subject), label="Mistakes"),
    ]
    parts += [_row_part(subject, row, row_figures(subject, row)) for row in chosen_rows(subject, rows)]
    kept, left_out = _fitting([part for part in parts if part.figures])
    return Explanation(
        title=subject.title,
        told=_told(subject),
        parts=kept,
        missing=(*_missing(subject), *left_out),
    )


def _of_any_model(subject: Subject, rows: int) -> Explanation:
    """What can be asked of a baseline or a blend, which has no gradients and no layers: answers to changed rows."""
    importance = importance_figure(subject)
    together = importance if importance is not None else exchanges.movement_figure(subject)
    parts = [
        Part(
            key="all",
            title="All rows together",
            lead=words(),
            figures=() if together is None else (together,),
            label="All rows",
        ),
        Part(key="mistakes", title="Where it errs", lead=words(), figures=mistake_figures(subject), label="Mistakes"),
    ]
    for row in chosen_rows(subject, rows):
        parts.append(_row_part(subject, row, exchanges.row_figures(subject, row, subject.target_of(row))))
    kept, left_out = _fitting([part for part in parts if part.figures])
    if not kept:
        raise RequestError(
            f"{subject.origin} holds one row, or one column that is no text, and no known answers, but '{subject.candidate}' can only be "
            "explained by cells that come from other rows, words that are left out, and its mistakes. Pass several rows, or labelled ones, "
            "or name a network of the run: RUN --candidate NAME."
        )
    single = "How the answer follows a column: that is asked of networks alone. Name one: --candidate NAME."
    missing = () if subject.truth is not None else (UNLABELLED,)
    return Explanation(
        title=subject.title, told=_told(subject), parts=kept, missing=(*missing, single, *left_out), noun="model"
    )


def explain_one(model: Model, data: object, check: Callable[[], None] | None = None) -> tuple[Figure, ...]:
    """The figures for one row: a dict, a path, an array of one row. Of several rows, the first is explained.

    check: called again and again; what it raises ends the work. Raises DataError when the row cannot be read.
    """
    subject = read_subject(model, data, 1)
    if subject.engine is not None:
        raise NoNetworkError(model.parts.record)
    return row_figures(replace(subject, check=check), 0)


def row_figures(subject: Subject, row: int) -> tuple[Figure, ...]:
    """All figures for one row."""
    views, name = _views(subject)
    target = subject.target_of(row)
    first = None if name == "table" or not views.columns else inputs_figure(subject, row, target)
    last = neighbours_figure(subject, row, target)
    return (
        *([] if first is None else [first]),
        *views.row(subject, row, name, target),
        *([] if last is None else [last]),
    )


def _views(subject: Subject) -> tuple[Views, str]:
    form = main_form(subject.inputs)
    if form not in FORMS:
        raise RequestError(
            f"What a network goes by that finds {subject.answer.plural} in pictures cannot be shown yet. The report shows test pictures with truth, answer and differences."
        )
    return FORMS[form], main_input(subject.inputs)


def chosen_rows(subject: Subject, most: int) -> list[int]:
    """Rows that are worth a look: half of them the surest mistakes where there are labels, the others of many different answers."""
    if subject.count <= most:
        return list(range(subject.count))
    judgement = judged(subject)
    chosen: list[int] = []
    if isinstance(judgement, JudgedChoices) and subject.answer.one_class:
        chosen = judgement.rows[surest_mistakes(judgement)[: most // 2]].tolist()
    predictions = subject.predictions()
    answers: Array = np.zeros(subject.count)
    if isinstance(predictions, AnsweredChances):
        answers = predictions.probabilities.argmax(axis=1)
    elif isinstance(predictions, AnsweredNumbers):
        values = predictions.values[:, 0]
        answers = np.digitize(values, np.quantile(values, np.linspace(0, 1, most + 1)[1:-1]))
    # The first row of each answer, then the second of each, and so on.
    turn = np.array([int((answers[:row] == answers[row]).sum()) for row in range(subject.count)])
    for row in np.lexsort((np.arange(subject.count), turn)).tolist():
        if len(chosen) < most and row not in chosen:
            chosen.append(row)
    return chosen


def _row_part(subject: Subject, row: int, figures: tuple[Figure, ...]) -> Part:
    said, true = answer_words(subject, row), truth_words(subject, row)
    agrees = said == true or said.startswith(f"{true} (")
    wrong = "" if not true else " So do the data." if agrees else f" The data say {true}."
    name = subject.name(row)
    shown = sample(subject, row, f"{name}, small")
    lead = element(
        "div", element("div", shown, class_="sample"), element("p", f"It says {said}.{wrong}"), class_="lead"
    )
    return Part(
        key=f"row-{row + 1}",
        title=f"Row {name[4:]}" if name.startswith("row ") else name,
        lead=lead,
        figures=figures,
        label=_short(name),
    )


def _short(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return last if len(last) <= 24 else "…" + last[-23:]


def _fitting(parts: list[Part]) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """As many parts as a page may hold, from the first on, and words about the others."""
    kept: list[Part] = []
    size = 0
    for part in parts:
        size += sum(len(drawing_html(figure)) for figure in part.figures) + len(part.lead)
        if size > MOST_BYTES:
            left = ", ".join(one.title for one in parts[len(kept) :])
            return tuple(kept), (f"{left}: the page would be larger than 6 MB. Ask for fewer rows with --rows.",)
        kept.append(part)
    return tuple(kept), ()


def _missing(subject: Subject) -> tuple[str, ...]:
    """What cannot be shown of this network and these data, and why."""
    sentences = []
    if subject.truth is None and _views(subject)[0].labelled:
        sentences.append(UNLABELLED)
    if subject.family == "module":
        sentences.append(
            "Gates and attention of a network of your own, unless it is made of netpick's layers: only its convolutions and what it "
            "makes of changed rows can be seen from outside."
        )
    return tuple(sentences)


def _told(subject: Subject) -> tuple[tuple[str, str], ...]:
    held = counted(subject.num_rows, subject.noun, subject.noun if subject.noun == "series" else "")
    looked = "" if subject.count == subject.num_rows else f", of which {grouped(subject.count)} are looked at"
    return (
        ("Network" if subject.engine is None else "Model", subject.candidate),
        ("Data", f"{subject.origin}: {held}{looked}"),
        ("Labels", "none given" if subject.truth is None else "given"),
    )
