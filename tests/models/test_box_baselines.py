"""Baselines of boxes: what they say of every picture, in its own pixels, and what they refuse of a forged file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netpick.answers.boxes import BOXES, as_truth
from netpick.models.baselines import Given, Limit, Problem
from netpick.models.baselines.box_places import PLACES, BoxLattice, BoxPlaces, FrequentPlaces
from netpick.types import InputSpec
from netpick.types.objects import Thing

N = 10
INPUTS = {"scene": InputSpec(form="objects", shape=(1, 40, 60), mean=(0.5,), std=(0.2,))}
SIZES = np.array([[40, 60] if row % 2 else [20, 30] for row in range(N)], np.int32)


def problem() -> Problem:
    """An object of 'cell' at the same share of every picture, and 'speck' in every second one."""
    rows = []
    for row, (height, width) in enumerate(SIZES.tolist()):
        cell = Thing(label="cell", left=0.1 * width, top=0.2 * height, right=0.3 * width, bottom=0.6 * height)
        speck = Thing(label="speck", left=0.7 * width, top=0.7 * height, right=0.8 * width, bottom=0.8 * height)
        rows.append([cell, speck] if row % 2 else [cell])
    return Problem(
        answer=BOXES, inputs=INPUTS, arrays={"scene": np.zeros((N, 1, 40, 60), np.uint8), "scene.sizes": SIZES},
        target=as_truth(rows, {"cell": 0, "speck": 1}), num_classes=2, train=np.arange(8), seed=0,
    )  # fmt: skip


def test_frequent_places_are_those_of_training_in_the_pixels_of_each_picture() -> None:
    given = problem()
    fitted = FrequentPlaces().fit(given, Limit())
    answers = FrequentPlaces().answer(fitted, given.given(np.array([8, 9])))
    assert answers.shape == (2, 100, 6)
    assert answers[0, 0].tolist() == pytest.approx([3, 4, 9, 12, 1.0, 0], abs=1e-4)
    assert answers[1, 0].tolist() == pytest.approx([6, 8, 18, 24, 1.0, 0], abs=1e-4)
    assert answers[1, 1].tolist() == pytest.approx([42, 28, 48, 32, 0.5, 1], abs=1e-4)
    assert (answers[:, 2:, 5] == -1).all()


def test_a_lattice_has_the_mean_size_of_the_commonest_class() -> None:
    given = problem()
    answers = BoxLattice().answer(BoxLattice().fit(given, Limit()), given.given(np.array([9])))[0]
    said = answers[answers[:, 5] >= 0]
    assert len(said) == 4  # 1.5 objects a picture
    assert (said[:, 5] == 0).all()
    assert said[:, 2] - said[:, 0] == pytest.approx(12, abs=1e-4)
    assert said[:, 3] - said[:, 1] == pytest.approx(16, abs=1e-4)


def test_pictures_without_sizes_fill_their_array() -> None:
    fitted = FrequentPlaces().fit(problem(), Limit())
    given = Given(inputs=INPUTS, arrays={"scene": np.zeros((1, 1, 20, 30), np.uint8)})
    assert FrequentPlaces().answer(fitted, given)[0, 0, :4].tolist() == pytest.approx([3, 4, 9, 12], abs=1e-4)


@pytest.mark.parametrize("baseline", [BoxLattice(), FrequentPlaces()], ids=lambda one: one.name)
def test_nothing_is_learned_of_nothing_and_forged_places_are_refused(baseline: BoxPlaces) -> None:
    given = problem()
    assert not baseline.applies(replace(given, target=np.zeros((N, 1, 8), np.float32)))
    fitted = baseline.fit(given, Limit())
    baseline.require(fitted, INPUTS, 2)
    for place, value in (((0, 5), 2), ((0, 4), 1.5), ((0, 0), np.nan)):
        forged = fitted.arrays[PLACES].copy()
        forged[place] = value
        with pytest.raises(ValueError, match="places"):
            baseline.require(replace(fitted, arrays={PLACES: forged}), INPUTS, 2)
    with pytest.raises(ValueError, match="places"):
        baseline.require(replace(fitted, arrays={PLACES: np.zeros((3, 6), np.float32)}), INPUTS, 2)
