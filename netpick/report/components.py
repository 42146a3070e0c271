"""The pieces that every section is made of: tables, charts with their tables, pills, folds, whiskers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netpick.report.markup import Child, Html, element


@dataclass(frozen=True, kw_only=True)
class Column:
    """A table's column: its heading, and whether its cells are numbers (set flush right, in tabular figures)."""

    title: Child
    number: bool = False
    label: str = ""  # what stands before the cell where a phone shows the row as a card; else the title
    kind: str = ""  # a class for the style sheet


@dataclass(frozen=True, kw_only=True)
class View:
    """One drawing in plotly's JSON; colours are names of CSS variables such as `--blue`, set by the page's script."""

    label: str  # on the button that shows it, when a chart has several
    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart, its words, and the same data as a table for those who cannot see it or want the numbers."""

    key: str
    title: str
    note: str
    alternative: str  # one sentence in place of the picture
    views: Sequence[View]
    table: Html
    height: int = 360
    square: bool = False  # drawn about as high as wide


class Charts:
    """Collects the drawings of a page while its sections are written; the page's script gets them as one JSON value."""

    def __init__(self) -> None:
        self.views: dict[str, Any] = {}

    def place(self, chart: Chart) -> Html:
        """The chart's figure; its drawings are kept for the script."""
        drawn = [{"label": v.label, "data": list(v.data), "layout": dict(v.layout)} for v in chart.views]
        self.views[chart.key] = {"title": chart.title, "views": drawn}
        buttons = [
            element("button", view.label, type="button", aria_pressed="true" if index == 0 else "false")
            for index, view in enumerate(chart.views)
        ]
        switch = element("div", buttons, class_="switch", role="group", aria_label=f"{chart.title}: what to show")
        return element(
            "figure",
            element("figcaption", element("h3", chart.title), element("p", chart.note) if chart.note else None),
            switch if len(buttons) > 1 else None,
            element(
                "div",
                class_="plot",
                role="img",
                aria_label=chart.alternative,
                data_chart=chart.key,
                style=f"height:{chart.height}px",
            ),
            fold("The same as a table", chart.table),
            class_="chart square" if chart.square else "chart",
        )


def fold(summary: Child, *children: Child, opened: bool = False) -> Html:
    """Something that opens on demand."""
    return element("details", element("summary", summary), element("div", children, class_="fold"), open=opened)


def table(caption: Child, columns: Sequence[Column], rows: Sequence[Sequence[Child]], *, style: str = "") -> Html:
    """A table that scrolls within itself when it is too wide; the first cell of each row is its heading.

    style: classes; `cards` shows each row as a card on a phone, `quiet` hides the caption from the eye.
    """
    # Roles are spelled out because a row that is displayed as a grid loses its table semantics in some browsers.
    head = element(
        "tr",
        [element("th", c.title, scope="col", role="columnheader", class_=_classes(c)) for c in columns],
        role="row",
    )
    whole = element(
        "table",
        element("caption", caption),
        element("thead", head, role="rowgroup"),
        element("tbody", [_row(columns, row) for row in rows], role="rowgroup"),
        class_=style or None,
        role="table",
    )
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=plain_text(caption))


def _row(columns: Sequence[Column], row: Sequence[Child]) -> Html:
    cells = [_cell(column, cell, index) for index, (column, cell) in enumerate(zip(columns, row, strict=True))]
    return element("tr", cells, role="row")


def _cell(column: Column, cell: Child, index: int) -> Html:
    label = column.label or (str(column.title) if isinstance(column.title, str) else None)
    if index == 0:
        return element("th", cell, scope="row", role="rowheader", class_=_classes(column))
    return element("td", cell, role="cell", class_=_classes(column), data_label=label)


def _classes(column: Column) -> str | None:
    return " ".join(filter(None, ["n" if column.number else "", column.kind])) or None


def plain_text(child: Child) -> str:
    """The text of a child that holds no markup of its own, for attributes."""
    return str(child) if isinstance(child, str) and not isinstance(child, Html) else "Table"


def pill(text: str, kind: str = "") -> Html:
    """A small label; `kind` is a class: good, bad, warn, quiet."""
    return element("span", text, class_=f"pill {kind}".strip())


def code(text: str) -> Html:
    """Something to type."""
    return element("code", text)


def section(identifier: str, title: str, *children: Child) -> Html:
    """A section of the page with its heading."""
    heading = element("h2", title, id=f"{identifier}-title")
    return element("section", heading, children, id=identifier, aria_labelledby=f"{identifier}-title")


def facts(pairs: Sequence[tuple[Child, Child]]) -> Html:
    """Names and values, two by two."""
    return element("dl", [element("div", element("dt", k), element("dd", v)) for k, v in pairs], class_="facts")


def whisker(value: float, low: float, high: float, scale: tuple[float, float], kind: str, reference: float) -> Html:
    """A dot with its interval on a shared scale; an arrow at the edge for a value beyond it. For the eye only."""

    def place(number: float) -> float:
        return 3 + 94 * (number - scale[0]) / ((scale[1] - scale[0]) or 1)

    guide = ""
    if scale[0] <= reference <= scale[1]:
        x = f"{place(reference):.1f}%"
        guide = element("line", class_="guide", x1=x, x2=x, y1="0", y2="20")
    if not scale[0] <= value <= scale[1]:
        left = value < scale[0]
        arrow = element("text", "◂" if left else "▸", x="0%" if left else "96%", y="14", class_="off")
        return element("svg", Html(guide), arrow, class_=f"whisker {kind}", aria_hidden="true")
    ends = [max(3.0, min(97.0, place(end))) for end in (low, high)]
    bar = element("line", class_="bar", x1=f"{ends[0]:.1f}%", x2=f"{ends[1]:.1f}%", y1="10", y2="10")
    dot = element("circle", cx=f"{place(value):.1f}%", cy="10", r="4")
    return element("svg", Html(guide), bar, dot, class_=f"whisker {kind}", aria_hidden="true")


def share_bar(share: float, kind: str = "") -> Html:
    """A bar for a share of one, for the eye only; the number stands beside it."""
    width = max(0.0, min(1.0, share)) * 100
    return element(
        "span",
        element("span", class_=kind or None, style=f"width:{width:.1f}%"),
        class_="share",
        aria_hidden="true",
    )
