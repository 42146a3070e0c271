"""The confusion matrix as a shaded table, or the commonest confusions where there are too many classes for one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netpick.answers.metrics import confusions
from netpick.report.components import Column, fold, table
from netpick.report.markup import Child, Html, element
from netpick.types.results import RunResults
from netpick.types.words import counted, grouped, percent

MOST_MATRIX = 30  # classes; beyond it, the commonest confusions are listed instead
MOST_PAIRS = 30
ROOMY = 12  # classes up to which a cell has room for its percentage under its count


def confusion_details(results: RunResults, matrix: npt.NDArray[np.int64]) -> Html:
    labels = list(results.target.labels)
    wrong = int(matrix.sum() - matrix.trace())
    words = f"{counted(wrong, 'mistake')} in {counted(int(matrix.sum()), 'test row')}"
    pairs = _pairs(matrix, labels)
    worst = ""
    if pairs:
        truth, said, rows, _ = pairs[0]
        worst = f" The commonest: {truth} taken for {said}, {counted(rows, 'time')}."
    parts: list[Child] = [
        element("h3", "What is taken for what"),
        element("p", f"{words}.{worst}"),
    ]
    if len(labels) <= MOST_MATRIX:
        parts.append(
            element("p", element("small", "Rows are the truth, columns what was said. Shares are of the row."))
        )
        parts.append(_matrix(matrix, labels))
    if len(labels) > 4 and pairs:
        head = [Column(title="Truth"), Column(title="Said")]
        head += [Column(title="Rows", number=True), Column(title="Share of the class", number=True)]
        cells = [[a, b, grouped(n), percent(share)] for a, b, n, share in pairs[:MOST_PAIRS]]
        listing = table("Commonest confusions", head, cells)
        parts.append(listing if len(labels) > MOST_MATRIX else fold("Commonest confusions", listing))
    return element("div", parts)


def _pairs(matrix: npt.NDArray[np.int64], labels: list[str]) -> list[tuple[str, str, int, float]]:
    """Truth, said, rows and share of the class, the commonest first."""
    support = matrix.sum(axis=1)
    return [
        (labels[a], labels[b], int(matrix[a, b]), float(matrix[a, b] / max(1, support[a])))
        for a, b in confusions(matrix)[:100]
    ]


def _matrix(matrix: npt.NDArray[np.int64], labels: list[str]) -> Html:
    support = np.maximum(1, matrix.sum(axis=1, keepdims=True))
    shares = matrix / support
    roomy = len(labels) <= ROOMY
    head = element(
        "tr",
        element("td", class_="corner"),
        [element("th", element("span", label), scope="col", title=label) for label in labels],
    )
    rows = []
    for a, label in enumerate(labels):
        cells = [
            element(
                "td",
                element("b", grouped(int(matrix[a, b]))) if matrix[a, b] else element("b", "·", class_="none"),
                element("small", percent(float(shares[a, b]))) if matrix[a, b] else None,
                class_=f"{'hit' if a == b else 'miss'} q{_shade(float(shares[a, b]), a == b)}",
                title=f"{label} taken for {labels[b]}: {grouped(int(matrix[a, b]))} ({percent(float(shares[a, b]))})",
            )
            for b in range(len(labels))
        ]
        rows.append(element("tr", element("th", element("span", label), scope="row", title=label), cells))
    crowd = "roomy" if roomy else "tight"
    whole = element(
        "table",
        element("caption", "Confusion matrix"),
        element("thead", head),
        element("tbody", rows),
        class_=f"matrix quiet {crowd}",
    )
    region = element("div", whole, class_="scroll", tabindex="0", role="region", aria_label="Confusion matrix")
    if roomy:
        return region
    # Thirty classes leave no room for both figures; two radio buttons and the style sheet choose which one is shown.
    choices = [
        element(
            "label", element("input", type="radio", name="matrix", value=name, checked=name == "counts"), f" {name}"
        )
        for name in ("counts", "shares")
    ]
    legend = element("legend", "Show")
    return element("div", element("fieldset", legend, choices, class_="choose"), region, class_="either")


def _shade(share: float, hit: bool) -> int:
    """0 to 9: hits are shaded by their share; misses on a root scale, since a few per cent already matter."""
    if share <= 0:
        return 0
    scaled = share if hit else min(1.0, share / 0.5) ** 0.5
    return max(1, min(9, round(scaled * 9)))
