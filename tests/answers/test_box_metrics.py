"""Average precision of boxes: by hand, by a plain second writing of COCO's rules, and under weights as if pictures came several times."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netpick.answers.answered import AnsweredBoxes
from netpick.answers.boxes import as_truth
from netpick.answers.metrics import METRICS
from netpick.answers.metrics.boxes import OVERLAPS, counts_of
from netpick.answers.suppress import MOST, OVERLAP, overlap_arrays, suppressed, suppressed_arrays
from netpick.types import Array
from netpick.types.objects import Thing

LABELS = {"cell": 0, "speck": 1}


def thing(label: str, left: float, top: float, side: float, *, aside: bool = False) -> Thing:
    return Thing(label=label, left=left, top=top, right=left + side, bottom=top + side, aside=aside)


def said(rows: list[list[tuple[float, float, float, float, int]]]) -> AnsweredBoxes:
    """Of each picture (left, top, side, score, class)."""
    most = max(1, *map(len, rows))
    boxes, scores = np.zeros((len(rows), most, 4)), np.zeros((len(rows), most))
    classes = np.full((len(rows), most), -1)
    for row, many in enumerate(rows):
        for place, (left, top, side, score, label) in enumerate(many):
            boxes[row, place] = left, top, left + side, top + side
            scores[row, place], classes[row, place] = score, label
    return AnsweredBoxes(boxes=boxes, scores=scores, classes=classes, kept=scores >= 0.5)


def value(name: str, truth: Array, predictions: AnsweredBoxes, weights: Array | None = None) -> float:
    ones = np.ones((1, len(truth))) if weights is None else weights[None]
    return float(METRICS[name].values(truth, predictions, ones, None)[0])


def test_by_hand() -> None:
    """Three objects; said are one right, one wrong, one right: precision 1 up to a third of recall, 2/3 up to two thirds, 0 behind."""
    truth = as_truth([[thing("cell", 0, 0, 10), thing("cell", 50, 0, 10)], [thing("cell", 20, 20, 10)]], LABELS)
    predictions = said([[(0, 0, 10, 0.9, 0), (80, 80, 10, 0.8, 0)], [(20, 20, 10, 0.7, 0)]])
    by_hand = (34 * 1 + 33 * 2 / 3) / 101  # recalls 0 to 0.33, then 0.34 to 0.66
    assert value("ap50", truth, predictions) == pytest.approx(by_hand, abs=1e-12)
    assert value("coco_ap", truth, predictions) == pytest.approx(by_hand, abs=1e-12)
    assert value("box_recall", truth, predictions) == pytest.approx(2 / 3)
    assert value("box_f1", truth, predictions) == pytest.approx(2 * 2 / (3 + 3))
    assert value("count_error", truth, predictions) == 0


def test_a_box_that_overlaps_by_less_counts_at_lower_overlaps_only() -> None:
    truth = as_truth([[thing("cell", 0, 0, 10)]], LABELS)
    predictions = said([[(0, 0, 8.7, 0.9, 0)]])  # 0.757 of both together
    assert value("ap50", truth, predictions) == 1
    assert value("coco_ap", truth, predictions) == pytest.approx(6 / 10)


def test_objects_that_are_set_aside_are_neither_missed_nor_wrong_to_say() -> None:
    truth = as_truth([[thing("cell", 0, 0, 10), thing("cell", 40, 40, 10, aside=True)]], LABELS)
    right = [(0.0, 0.0, 10.0, 0.6, 0)]
    assert value("ap50", truth, said([right])) == 1
    with_it = said([[*right, (40, 40, 10, 0.9, 0)]])
    assert value("ap50", truth, with_it) == 1
    assert value("box_f1", truth, with_it) == 1
    assert [count.tolist() for count in counts_of(truth, with_it)] == [[[1]], [[1]]]


def test_an_object_is_found_once_and_classes_are_told_apart() -> None:
    truth = as_truth([[thing("cell", 0, 0, 10), thing("speck", 30, 0, 10)]], LABELS)
    twice = said([[(0, 0, 10, 0.9, 0), (0, 0, 10, 0.8, 0), (30, 0, 10, 0.7, 0), (30, 0, 10, 0.6, 1)]])
    assert value("box_recall", truth, twice) == 1
    assert value("box_f1", truth, twice) == pytest.approx(2 * 2 / (2 + 4))


def drawn(n: int, seed: int) -> tuple[Array, AnsweredBoxes]:
    generator = np.random.default_rng(seed)
    rows, answers = [], []
    for _ in range(n):
        things, told = [], []
        for _ in range(int(generator.integers(0, 6))):
            label = int(generator.integers(0, 2))
            left, top, side = [*generator.uniform(0, 80, 2).tolist(), float(generator.uniform(8, 30))]
            things.append(thing(list(LABELS)[label], left, top, side, aside=bool(generator.random() < 0.1)))
            if generator.random() < 0.8:
                moved = (generator.normal(0, 1.5, 2) + np.array([left, top])).tolist()
                told.append((*moved, side * float(generator.uniform(0.85, 1.15)), float(generator.random()), label))
        told += [(*generator.uniform(0, 80, 2).tolist(), 12.0, float(generator.random()), 1) for _ in range(2)]
        rows.append(things)
        answers.append(sorted(told, key=lambda one: -one[3]))
    return as_truth(rows, LABELS), said(answers)


def plain_ap(truth: Array, predictions: AnsweredBoxes, levels: tuple[float, ...]) -> float:
    """COCO's rules once more, answer by answer."""
    values = []
    for label in range(2):
        objects = sum(int(((row[:, 5] == 1) & (row[:, 4] == label)).sum()) for row in truth)
        for level in levels:
            used: set[tuple[int, int]] = set()
            events = []
            order = [
                (-predictions.scores[row, place], row, place)
                for row in range(len(truth))
                for place in range(predictions.classes.shape[1])
                if predictions.classes[row, place] == label
            ]
            for _, row, place in sorted(order):
                mine = [g for g in range(truth.shape[1]) if truth[row, g, 5] > 0 and truth[row, g, 4] == label]
                iou = {
                    g: float(overlap_arrays(predictions.boxes[row, [place]], truth[row, [g], :4])[0, 0]) for g in mine
                }
                able = [g for g in mine if iou[g] >= level and truth[row, g, 5] == 1 and (row, g) not in used]
                if able:
                    used.add((row, max(able, key=lambda g: iou[g])))
                    events.append(1)
                elif not any(iou[g] >= level and truth[row, g, 5] == 2 for g in mine):
                    events.append(0)
            right, total, best = 0, 0.0, []
            for number, event in enumerate(events):
                right += event
                best.append((right / objects, right / (number + 1)))
            for recall in np.linspace(0, 1, 101):
                total += max((p for r, p in best if r >= recall - 1e-12), default=0.0)
            values.append(total / 101)
    return float(np.mean(values))


def plain_counts(truth: Array, predictions: AnsweredBoxes) -> tuple[int, int, int, int]:
    """Objects that are found, that are there and that are said, and how far off the counts are; what is said of those set aside does not count."""
    found = there = told = off = 0
    for row in range(len(truth)):
        for label in range(2):
            mine = truth[row][(truth[row, :, 5] > 0) & (truth[row, :, 4] == label)]
            free = [g for g in range(len(mine)) if mine[g, 5] == 1]
            there, count = there + len(free), -len(free)
            for place in np.argsort(-predictions.scores[row], kind="stable"):
                if predictions.classes[row, place] != label:
                    continue
                iou = overlap_arrays(predictions.boxes[row, [place]], mine[:, :4])[0] if len(mine) else np.zeros(0)
                able = [g for g in free if iou[g] >= 0.5]
                beside = any(iou[g] >= 0.5 and mine[g, 5] == 2 for g in range(len(mine)))
                if able:
                    free.remove(max(able, key=lambda g: iou[g]))
                if predictions.kept[row, place] and (able or not beside):
                    found, told, count = found + bool(able), told + 1, count + 1
            off += abs(count)
    return found, there, told, off


@pytest.mark.parametrize("seed", range(4))
def test_as_a_second_writing_has_it(seed: int) -> None:
    truth, predictions = drawn(25, seed)
    assert value("ap50", truth, predictions) == pytest.approx(plain_ap(truth, predictions, (0.5,)), abs=1e-9)
    assert value("coco_ap", truth, predictions) == pytest.approx(plain_ap(truth, predictions, OVERLAPS), abs=1e-9)


@pytest.mark.parametrize("name", ["ap50", "coco_ap", "box_f1", "count_error"])
def test_weights_are_pictures_that_come_several_times(name: str) -> None:
    truth, predictions = drawn(12, 7)
    weights = np.random.default_rng(0).integers(0, 4, 12)
    rows = np.repeat(np.arange(12), weights)
    again = value(name, truth[rows], predictions.take(rows))
    assert value(name, truth, predictions, weights.astype(np.float64)) == pytest.approx(again, abs=1e-9)


def test_of_boxes_that_lie_over_each_other_the_surest_stay_in_tensors_and_arrays_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    corner, size = torch.rand(5, 200, 2, generator=generator) * 60, 5 + torch.rand(5, 200, 2, generator=generator) * 30
    boxes, scores = torch.cat([corner, corner + size], dim=2), torch.rand(5, 200, 2, generator=generator)
    made = suppressed(boxes, scores)
    np.testing.assert_allclose(made.numpy(), suppressed_arrays(boxes.numpy(), scores.numpy()), atol=1e-5)
    assert made.shape == (5, MOST, 6)
    for row in made.numpy():
        kept = row[row[:, 5] >= 0]
        shared = overlap_arrays(kept[:, :4], kept[:, :4]) * (kept[:, None, 5] == kept[None, :, 5])
        assert (np.triu(shared, 1) <= OVERLAP + 1e-5).all()
        assert (np.diff(kept[:, 4]) <= 0).all()


def test_nothing_is_said_where_nothing_is_sure() -> None:
    made = suppressed(torch.zeros(2, 7, 4), torch.full((2, 7, 3), 0.001))
    assert (made[..., 5] == -1).all()
    assert (made[..., 4] == 0).all()
