"""The page of explanations: one file that asks the network for nothing, for light and dark, eye and ear."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from netpick import __version__
from netpick.report.components import facts
from netpick.report.explained import figure_html, styles
from netpick.report.markup import Child, Html, element
from netpick.report.page import page_head
from netpick.types.drawings import Figure


@dataclass(frozen=True, kw_only=True)
class Part:
    """Figures under one heading: the network, all rows together, the mistakes, or one row."""

    key: str  # of the link to it
    title: str
    lead: Html  # what stands before the figures
    figures: tuple[Figure, ...]
    label: str = ""  # in the bar on top, where it is not the title


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The whole page's content."""

    title: str
    told: tuple[tuple[str, str], ...]  # facts about model and data
    parts: tuple[Part, ...]
    missing: tuple[str, ...]  # what could not be shown, and why
    noun: str = "network"  # what is explained

    @property
    def figures(self) -> tuple[Figure, ...]:
        return tuple(figure for part in self.parts for figure in part.figures)

    def html(self) -> str:
        """A complete page: no script but the theme button's, no request."""
        script = own("theme.js")
        toggle = element("button", "Dark", type="button", id="theme", aria_pressed="false", hidden=True)
        links = [element("a", part.label or part.title, href=f"#{part.key}") for part in self.parts]
        nav = element("nav", links, aria_label="Sections")
        bar = element("div", element("a", "netpick", href="#top", class_="brand"), nav, toggle, class_="top")
        body = element(
            "body",
            element("a", "Skip to the explanation", href="#top", class_="skip"),
            element("header", bar),
            element("main", self._head(), [_section(part) for part in self.parts], self._missing(), id="top"),
            element("footer", element("dl", element("div", element("dt", "netpick"), element("dd", __version__)))),
            element("script", Html(script)),
        )
        head = page_head(f"{self.title}: netpick explanation", styles(), [script], __version__)
        return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"

    def _head(self) -> Html:
        words = (
            "Every figure says what it shows and when not to trust it. An explanation describes this "
            f"{self.noun}, not the world: "
            "what it goes by need not be what causes anything."
        )
        return element(
            "div",
            element("h1", f"What the {self.noun} goes by"),
            element("p", self.title, class_="verdict"),
            element("p", words),
            facts(list(self.told)),
            class_="headline",
        )

    def _missing(self) -> Html | None:
        if not self.missing:
            return None
        return element(
            "section",
            element("h2", "Not shown", id="missing-title"),
            element("ul", [element("li", text) for text in self.missing]),
            id="missing",
            aria_labelledby="missing-title",
        )


def _section(part: Part) -> Html:
    return element(
        "section",
        element("h2", part.title, id=f"{part.key}-title"),
        part.lead,
        element("div", [Html(figure_html(figure)) for figure in part.figures], class_="explanations"),
        id=part.key,
        aria_labelledby=f"{part.key}-title",
    )


def own(name: str) -> str:
    return files("netpick.explain").joinpath(name).read_text(encoding="utf-8")


def words(*texts: Child) -> Html:
    """Paragraphs."""
    return Html("".join(element("p", text) for text in texts if text))
