"""Figures that explain a model as markup: what they show, the drawing, when not to trust it. Shared by reports and explanations."""

from __future__ import annotations

from importlib.resources import files

from netpick.report.drawing import drawn
from netpick.report.markup import Html, element
from netpick.types.drawings import Figure

READABLE = ("<table", "<details", "<a ", "<ul", 'class="words')  # a drawing with these is no mere picture


def figure_html(figure: Figure) -> str:
    """The figure as markup without script; it needs the report's style sheet and `styles`."""
    drawing = drawing_html(figure)
    readable = any(mark in drawing for mark in READABLE)
    return element(
        "figure",
        element("figcaption", element("h4", figure.title), element("p", figure.sentence)),
        element(
            "div",
            drawing,
            class_="drawing",
            role="group" if readable else "img",
            aria_label=figure.alt,
        ),
        element("p", element("b", "Do not trust it"), " ", _decapitalised(figure.caution), class_="caution"),
        class_="explained",
    )


def drawing_html(figure: Figure) -> Html:
    """What the figure draws, as markup."""
    return Html(figure.drawing) if isinstance(figure.drawing, str) else drawn(figure.drawing)


def styles() -> str:
    """What figures need beyond the report's style sheet, whose colours they use."""
    return files("netpick.report").joinpath("explained.css").read_text(encoding="utf-8")


def _decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
