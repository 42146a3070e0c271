"""Masks in detail: what each class is worth, what is taken for what, and the best, middling and worst test pictures with both masks."""

from __future__ import annotations

import numpy as np

from netpick.answers.answered import AnsweredMasks
from netpick.answers.masks import cut
from netpick.answers.metrics.masks import IGNORED, MaskedIou, confusions_of
from netpick.answers.png import colours
from netpick.report.components import Charts, Column, table
from netpick.report.markup import Child, Html, element
from netpick.report.pictures import image
from netpick.types import Array
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import grouped, percent, row_name

SHOWN = 3  # of the best, of the middle and of the worst
MOST_CLASSES, MOST_CONFUSIONS = 60, 12
SIDE = 320  # pixels of the longer side of a picture
OPACITY = 0.55
WRONG, UNSAID = (226, 62, 62), (120, 120, 120)


def masks_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html | None:
    """Of the test pictures; nothing without predictions."""
    del charts
    said = entry.test_predictions
    if not isinstance(said, AnsweredMasks) or not len(said):
        return None
    matrices = confusions_of(results.test_truth, said.classes, said.num_classes)
    total, labels = matrices.sum(axis=0), tuple(results.target.labels)
    return element(
        "div",
        _by_class(total, labels),
        _confusions(total, labels) if len(labels) > 2 else None,
        None if results.private else _gallery(results, said, matrices),
    )


def shown_places(results: RunResults, entry: CandidateResult) -> Array:
    """The places among the test rows of the pictures that are shown: the best, the middling and the worst by mean IoU."""
    said = entry.test_predictions
    if not isinstance(said, AnsweredMasks) or not len(said):
        return np.empty(0, np.int64)
    return np.concatenate([places for _, places in _chosen(_ious(results, said))]).astype(np.int64)


def _ious(results: RunResults, said: AnsweredMasks) -> Array:
    matrices = confusions_of(results.test_truth, said.classes, said.num_classes)
    return MaskedIou().of_matrix(matrices.astype(np.float64))


def _chosen(ious: Array) -> list[tuple[str, Array]]:
    order = np.argsort(-ious, kind="stable")
    count = min(SHOWN, -(-len(order) // 3))
    middle = (len(order) - count) // 2
    parts = [
        ("best", order[:count]),
        ("in the middle", order[middle : middle + count]),
        ("worst", order[len(order) - count :]),
    ]
    seen: set[int] = set()
    kept = []
    for name, places in parts:
        new = [place for place in places.tolist() if place not in seen]
        seen.update(new)
        kept.append((name, np.array(new, np.int64)))
    return kept


def _by_class(total: Array, labels: tuple[str, ...]) -> Html:
    head = [Column(title="Class")]
    head += [Column(title=title, number=True) for title in ("Pixels", "Share", "IoU", "Dice", "Precision", "Recall")]
    rows: list[list[Child]] = []
    for number in np.argsort(-total.sum(axis=1), kind="stable")[:MOST_CLASSES].tolist():
        both, there, called = int(total[number, number]), int(total[number].sum()), int(total[:, number].sum())
        shares = [
            _share(both, there + called - both),
            _share(2 * both, there + called),
            _share(both, called),
            _share(both, there),
        ]
        rows.append([_swatch(labels, number), grouped(there), _share(there, int(total.sum())), *shares])
    return element("div", element("h3", "By class"), table("Test pixels by class", head, rows, style="quiet"))


def _swatch(labels: tuple[str, ...], number: int) -> Html:
    red, green, blue = colours(len(labels))[number]
    style = f"display:inline-block;width:0.8em;height:0.8em;margin-right:0.5em;border-radius:2px;background:rgb({red},{green},{blue})"
    return element("span", element("span", "", style=style, aria_hidden="true"), labels[number])


def _share(part: int, whole: int) -> str:
    return percent(part / whole, 1) if whole else "–"


def _confusions(total: Array, labels: tuple[str, ...]) -> Html | None:
    wrong = total.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong.ravel(), kind="stable")[:MOST_CONFUSIONS]
    rows: list[list[Child]] = []
    for place in order.tolist():
        true, said = divmod(place, len(labels))
        if wrong[true, said]:
            share = _share(int(wrong[true, said]), int(total[true].sum()))
            rows.append([labels[true], labels[said], grouped(int(wrong[true, said])), share])
    if not rows:
        return None
    head = [Column(title="Truth"), Column(title="Said"), Column(title="Pixels", number=True)]
    head += [Column(title="Of the class", number=True)]
    title = "What is taken for what"
    return element("div", element("h3", title), table(title, head, rows, style="quiet"))


def _gallery(results: RunResults, said: AnsweredMasks, matrices: Array) -> Html | None:
    ious = MaskedIou().of_matrix(matrices.astype(np.float64))
    figures: list[Html] = []
    for name, places in _chosen(ious):
        for place in places.tolist():
            row = int(results.split.test[place])
            shown = results.source.rows.get(row)
            if shown is None or shown.picture is None:
                continue
            figures += _drawn(
                results, said, place, shown.picture, f"{name}: {row_name(results, row)}", float(ious[place])
            )
    if not figures:
        return None
    note = (
        "Test pictures: the best, those in the middle and the worst by mean IoU. Each is shown plain, with its true mask, with the answer, and with the "
        "pixels that differ in red. What has no class in the truth is grey there."
    )
    style = "grid-template-columns:repeat(4,1fr)"
    return element(
        "div",
        element("h3", "Pictures with masks"),
        element("p", note),
        element("div", figures, class_="mistakes", style=style),
    )


def _drawn(results: RunResults, said: AnsweredMasks, place: int, picture: Array, name: str, iou: float) -> list[Html]:
    mask, _ = cut(said, place)
    height, width = mask.shape
    truth = results.test_truth[place, :height, :width]
    drawn = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    at = picture.shape[:2]
    true, answer = _sized(truth, at), _sized(mask, at)
    table_of = np.array([*colours(len(results.target.labels)), UNSAID], np.float32)
    none = len(table_of) - 1
    parts = [
        ("", drawn, f"{name}"),
        ("truth", _over(drawn, table_of[np.where(true == IGNORED, none, true)]), f"{name}, true mask"),
        ("answer", _over(drawn, table_of[answer]), f"{name}, answer"),
        ("difference", _difference(drawn, true, answer), f"{name}, pixels that differ"),
    ]
    figures = []
    for words, pixels, described in parts:
        caption = words or element("small", name, title=name)
        extra = element("small", f"IoU {iou:.3f}") if words == "answer" else None
        figures.append(element("figure", image(pixels, described, SIDE), element("figcaption", caption, " ", extra)))
    return figures


def _over(picture: Array, colour: Array) -> Array:
    return ((1 - OPACITY) * picture + OPACITY * colour).clip(0, 255).astype(np.uint8)


def _difference(picture: Array, true: Array, answer: Array) -> Array:
    grey = picture.astype(np.float32).mean(axis=2, keepdims=True) * 0.6 + 80
    made = np.repeat(grey, 3, axis=2)
    wrong = (true != answer) & (true != IGNORED)
    made[wrong] = WRONG
    return made.clip(0, 255).astype(np.uint8)


def _sized(mask: Array, size: tuple[int, ...]) -> Array:
    """A mask (h, w) at the size of its picture, by the nearest pixels."""
    height, width = size
    down = np.minimum(((np.arange(height) + 0.5) * mask.shape[0] / height).astype(int), mask.shape[0] - 1)
    across = np.minimum(((np.arange(width) + 0.5) * mask.shape[1] / width).astype(int), mask.shape[1] - 1)
    return np.asarray(mask[down[:, None], across[None, :]])
