"""What docs/statistics.md says of intervals, comparisons and verdicts, with fewer draws than `make simulate` takes."""

from __future__ import annotations

import pytest

from tests.simulations.contests import KINDS, Kind, equal_networks, power_of, power_of_accuracy
from tests.simulations.coverage import measure
from tests.simulations.folds import KINDS as FOLD_KINDS
from tests.simulations.folds import Kind as FoldKind
from tests.simulations.folds import covered
from tests.simulations.noise import TABLES, noise_fits
from tests.simulations.recommended import CLASSES, NUMBERS, TRUTHS, recommended
from tests.simulations.situations import SITUATIONS, Situation

pytestmark = pytest.mark.slow

DRAWS = 450


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_intervals_hold_the_truth(situation: Situation) -> None:
    found = [held for n in situation.sizes for held in measure(situation, n, DRAWS)]
    broken = [(held.metric, held.n, held.share) for held in found if not held.keeps(situation)]
    assert not broken


@pytest.mark.parametrize("kind", FOLD_KINDS, ids=lambda kind: kind.name)
def test_intervals_over_folds_hold_the_truth(kind: FoldKind) -> None:
    for n in kind.sizes[:3]:
        held = covered(kind, n, DRAWS)
        assert held.keeps, held


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("networks", [2, 4])
def test_equal_networks_are_told_apart_in_at_most_one_contest_of_twenty(kind: Kind, networks: int) -> None:
    for n in (60, 300):
        for rate in equal_networks(kind, n, networks, DRAWS):
            assert rate.share <= 0.05 + 3 * rate.error, rate


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_differences_of_known_size_are_found(kind: Kind) -> None:
    rate = power_of(kind, 300, DRAWS)
    assert rate.share >= 0.7 - 3 * rate.error, rate


@pytest.mark.parametrize("n", [200, 1000, 5000])
def test_differences_of_accuracy_are_found_as_stated(n: int) -> None:
    rate = power_of_accuracy(n, 0.1, DRAWS)
    assert abs(rate.share - rate.stated) <= 0.03 + 3 * rate.error, rate


@pytest.mark.parametrize("kind", [CLASSES, NUMBERS], ids=lambda kind: kind.name)
def test_the_recommendation_loses_at_most_half_of_what_the_rule_of_before_lost(kind: Kind) -> None:
    found = [recommended(kind, truth, n, 100) for truth in TRUTHS for n in (50, 300)]
    assert sum(one.now for one in found) <= 0.5 * sum(one.before for one in found)
    assert sum(one.now_networks for one in found) <= 0.5 * sum(one.before_networks for one in found)
    for one in found:
        assert not one.helps_falsely > 0.05 + 3 * 0.022, one
        assert one.held >= 0.93 - 3 * 0.026, one


@pytest.mark.parametrize("name", TABLES)
def test_noise_never_makes_deep_learning_help(name: str) -> None:
    assert noise_fits(name, 30).share == 0
