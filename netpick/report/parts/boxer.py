"""Boxes in detail: what each class is worth, how many objects are counted, and the best, middling and worst test pictures with both sets of boxes."""

from __future__ import annotations

import numpy as np

from netpick.answers.answered import AnsweredBoxes
from netpick.answers.metrics.boxes import ASIDE, OBJECT, OVERLAPS, class_precisions, counts_of, matched
from netpick.answers.png import colours
from netpick.report.components import Charts, Column, table
from netpick.report.markup import Child, Html, element
from netpick.report.pictures import image
from netpick.types import Array
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import grouped, percent, row_name

SHOWN = 3  # of the best, of the middle and of the worst
MOST_CLASSES = 60
SIDE = 480  # pixels of the longer side of a picture
MISSED, UNTRUE, PALE = (226, 62, 62), (240, 150, 20), (150, 150, 150)


def boxes_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html | None:
    """Of the test pictures; nothing without predictions."""
    del charts
    said = entry.test_predictions
    if not isinstance(said, AnsweredBoxes) or not len(said):
        return None
    return element("div", _by_class(results, said), None if results.private else _gallery(results, said))


def shown_pictures(results: RunResults, entry: CandidateResult) -> Array:
    """The places among the test rows of the pictures that are shown: the best, the middling and the worst by their F1."""
    said = entry.test_predictions
    if not isinstance(said, AnsweredBoxes) or not len(said):
        return np.empty(0, np.int64)
    return np.concatenate([places for _, places in _chosen(_f1(results.test_truth, said))]).astype(np.int64)


def _f1(truth: Array, said: AnsweredBoxes) -> Array:
    """(n,) of each picture by itself; 1 where nothing is there and nothing is said."""
    matching = matched(truth, said)
    told = said.kept & (matching.classes >= 0) & ~matching.void[..., 0]
    right = (matching.hit[..., 0] & told).sum(axis=1)
    both = matching.there.sum(axis=1) + told.sum(axis=1)
    return np.where(both > 0, 2 * right / np.maximum(both, 1), 1.0)


def _chosen(scores: Array) -> list[tuple[str, Array]]:
    order = np.argsort(-scores, kind="stable")
    count = min(SHOWN, len(order) // 3 or 1)
    middle = (len(order) - count) // 2
    parts = {
        "best": order[:count],
        "in the middle": order[middle : middle + count],
        "worst": order[len(order) - count :],
    }
    seen: set[int] = set()
    kept = []
    for name, places in parts.items():
        kept.append((name, np.array([place for place in places.tolist() if place not in seen], np.int64)))
        seen.update(places.tolist())
    return kept


def _by_class(results: RunResults, said: AnsweredBoxes) -> Html:
    truth, labels = results.test_truth, tuple(results.target.labels)
    matching = matched(truth, said)
    once = np.ones((1, len(truth)))
    half, all_overlaps = (class_precisions(matching, once, levels)[0] for levels in ([0], list(range(len(OVERLAPS)))))
    there, counted = counts_of(truth, said)
    head = [Column(title="Class")]
    head += [
        Column(title=title, number=True)
        for title in ("Objects", "AP50", "AP", "Found", "Right", "Counted", "Count error")
    ]
    rows: list[list[Child]] = []
    for number in np.argsort(-there.sum(axis=0), kind="stable")[:MOST_CLASSES].tolist():
        if number >= len(labels):
            continue
        objects, many = int(there[:, number].sum()), int(counted[:, number].sum())
        mine = (matching.classes == number) & said.kept
        right = int((matching.hit[..., 0] & mine).sum())
        error = int(np.abs(there[:, number] - counted[:, number]).sum())
        values = [f"{value[number]:.3f}" if np.isfinite(value[number]) else "–" for value in (half, all_overlaps)]
        rows.append(
            [
                _swatch(labels, number),
                grouped(objects),
                *values,
                _share(right, objects),
                _share(right, many),
                grouped(many),
                _share(error, objects),
            ]
        )
    note = (
        "AP50 and AP do not depend on thresholds. Found: objects that are said; right: what is said that is there; both at the thresholds that are best on validation "
        "pictures. Count error: how many too many or too few are counted, picture by picture, as a share of the objects."
    )
    title = "By class"
    return element(
        "div", element("h3", title), table("Test objects by class", head, rows, style="quiet"), element("p", note)
    )


def _swatch(labels: tuple[str, ...], number: int) -> Html:
    red, green, blue = colours(len(labels) + 1)[number + 1]
    style = f"display:inline-block;width:0.8em;height:0.8em;margin-right:0.5em;border-radius:2px;background:rgb({red},{green},{blue})"
    return element("span", element("span", "", style=style, aria_hidden="true"), labels[number])


def _share(part: int, whole: int) -> str:
    return percent(part / whole, 1) if whole else "–"


def _gallery(results: RunResults, said: AnsweredBoxes) -> Html | None:
    scores = _f1(results.test_truth, said)
    figures: list[Html] = []
    for name, places in _chosen(scores):
        for place in places.tolist():
            row = int(results.split.test[place])
            shown = results.source.rows.get(row)
            if shown is not None and shown.picture is not None:
                figures += _drawn(
                    results, said, place, shown.picture, f"{name}: {row_name(results, row)}", float(scores[place])
                )
    if not figures:
        return None
    note = (
        "Test pictures: the best, those in the middle and the worst by the F1 of their boxes. Each is shown with its true boxes, with the answer, and with the differences: "
        "missed objects in red, boxes that are not in the labels in orange. Look at the latter: labels are seldom complete."
    )
    grid = element("div", figures, class_="mistakes", style="grid-template-columns:repeat(3,1fr)")
    return element("div", element("h3", "Pictures with boxes"), element("p", note), grid)


def _drawn(results: RunResults, said: AnsweredBoxes, place: int, picture: Array, name: str, score: float) -> list[Html]:
    truth, matching = results.test_truth[place], matched(results.test_truth, said)
    height, width = (truth[:, :4].max(axis=0)[[3, 2]] if said.sizes is None else said.sizes[place]).tolist()
    factor = np.tile([picture.shape[1] / max(1, width), picture.shape[0] / max(1, height)], 2)
    table_of = colours(len(results.target.labels) + 2)[1:]
    there = truth[truth[:, 5] > 0]
    told = np.flatnonzero(said.kept[place] & (said.classes[place] >= 0))
    hit = matching.hit[place, told, 0]
    true = [
        (box, table_of[int(label)] if what == OBJECT else PALE)
        for box, label, what in zip(there[:, :4], there[:, 4], there[:, 5], strict=True)
    ]
    answer = [(said.boxes[place, at], table_of[said.classes[place, at]]) for at in told.tolist()]
    wrong = [(said.boxes[place, at], UNTRUE) for at in told[~hit & ~matching.void[place, told, 0]].tolist()]
    missed = [(box, MISSED) for box in _missed(there, said.boxes[place, told[hit]], said.classes[place, told[hit]])]
    parts = [
        ("truth", true, ""),
        ("answer", answer, f"F1 {score:.3f}"),
        ("difference", missed + wrong, f"{len(missed)} missed, {len(wrong)} not in the labels"),
    ]
    figures = []
    for words, boxes, extra in parts:
        pixels = _with_boxes(picture, [(box * factor, colour) for box, colour in boxes])
        caption = element("figcaption", words, " ", element("small", extra or name, title=name))
        figures.append(element("figure", image(pixels, f"{name}, {words}", SIDE), caption))
    return figures


def _missed(there: Array, found: Array, classes: Array) -> list[Array]:
    """The true boxes that none of those that are right is nearest to."""
    from netpick.answers.suppress import overlap_arrays

    plain = there[there[:, 5] != ASIDE]
    alive = np.ones(len(plain), bool)
    for box, label in zip(found, classes, strict=True):
        shared = np.where(alive & (plain[:, 4] == label), overlap_arrays(box[None], plain[:, :4])[0], -1)
        if len(shared) and shared.max() > 0:
            alive[int(shared.argmax())] = False
    return list(plain[alive][:, :4])


def _with_boxes(picture: Array, boxes: list[tuple[Array, tuple[int, int, int]]]) -> Array:
    from PIL import Image, ImageDraw

    drawn = Image.fromarray(np.ascontiguousarray(picture)).convert("RGB")
    scale = max(1, round(SIDE / max(drawn.size)))
    drawn = drawn.resize((drawn.width * scale, drawn.height * scale))
    pen = ImageDraw.Draw(drawn)
    for box, colour in boxes:
        left, top, right, bottom = (float(edge) * scale for edge in box)
        pen.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=tuple(colour), width=2)
    return np.asarray(drawn)
