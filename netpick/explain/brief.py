"""The few figures that a report shows of one row: none that takes gradients from captum, whose import alone takes a second."""

from __future__ import annotations

from netpick.explain import groups, images, series, sounds, tables, texts
from netpick.explain.attribute import Batch
from netpick.explain.examples import answer_words, truth_words
from netpick.explain.mistakes import JudgedChoices, judged, surest_mistakes
from netpick.explain.subject import Subject, Target
from netpick.explain.walk import stages_of
from netpick.models.networks import main_form, main_input
from netpick.types.drawings import Explained, Figure

MOST_ROWS = 256  # that are looked at to choose one


def brief(subject: Subject) -> Explained | None:
    """The surest mistake among the subject's rows, or its first row: what the network goes by. None for forms without such figures."""
    form, name = main_form(subject.inputs), main_input(subject.inputs)
    if form not in ("table", "grid", "tokens", "series", "spectrogram") or subject.count == 0:
        return None
    judgement = judged(subject)
    row = 0
    if isinstance(judgement, JudgedChoices) and subject.answer.one_class and len(wrong := surest_mistakes(judgement)):
        row = int(judgement.rows[wrong[0]])
    target = subject.target_of(row)
    return Explained(
        row=subject.name(row),
        said=answer_words(subject, row),
        truth=truth_words(subject, row) or "nothing",
        figures=figures(subject, row, form, name, target),
    )


def figures(subject: Subject, row: int, form: str, name: str, target: Target) -> tuple[Figure, ...]:
    first = None if form == "table" else groups.inputs_figure(subject, row, target)
    brief_figures: tuple[Figure, ...]
    if form == "table":
        brief_figures = (tables.shares_figure(subject, row, target),)
    elif form == "tokens":
        brief_figures = (
            texts.words_figure(
                subject, subject.batch([row]), name, target, texts.token_words(subject, row, name), gradients=False
            ),
        )
    elif form == "series":
        values, _ = series.curve_of(subject, row, name)
        brief_figures = (series.curve_figure(subject, subject.batch([row]), name, target, values, gradients=False),)
    else:
        brief_figures = _pictured(subject, row, form, name, target)
    return brief_figures if first is None else (first, *brief_figures)


def _pictured(subject: Subject, row: int, form: str, name: str, target: Target) -> tuple[Figure, ...]:
    batch: Batch = images.float_images(subject.batch([row]), name)
    stages = stages_of(subject, batch, subject.trunk(name), target)
    if form == "spectrogram":
        return (sounds.spectrogram_figure(subject, batch, name, target, stages, gradients=False),)
    return (images.regions_figure(subject, batch, name, target, stages),)
