"""What baselines do beside fitting: sampling, features, sizes from seconds, remarks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor

from netpick.answers import NUMBERS, ONE_CLASS
from netpick.models.baselines import BASELINES, Decision, Limit, Problem
from netpick.models.baselines.features import fit_features, make_features, principal_axes
from netpick.models.baselines.fitting import sample_rows
from netpick.models.baselines.growing import Sizes, Stop, Work, grow
from netpick.models.baselines.neighbours import smallest, votes
from netpick.models.baselines.outputs import Outputs, spread
from netpick.models.baselines.shrink import image_features, series_features
from netpick.models.baselines.text_counts import count, fit_counts, read_terms
from netpick.types import InputSpec


def big_table(rows: int = 60_000, classes: int = 10) -> Problem:
    generator = np.random.default_rng(0)
    vector = generator.normal(size=(rows, 40)).astype(np.float32)
    target = (vector[:, :classes] + generator.normal(size=(rows, classes))).argmax(axis=1)
    return Problem(
        answer=ONE_CLASS, inputs={"vector": InputSpec(form="vector", shape=(40,))}, arrays={"vector": vector},
        target=target, num_classes=classes, train=np.arange(rows - 100), seed=0,
    )  # fmt: skip


class Clock:
    """Time that passes only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Counted(Work):
    """Takes `per_row` seconds a row and iteration."""

    def __init__(self, clock: Clock, count: int, per_row: float) -> None:
        self.clock, self.count, self.per_row = clock, count, per_row

    def run(self, stop: Stop) -> None:
        while self.iterations < 100:
            if stop(self.iterations, 1):
                return
            self.clock.now += self.per_row * self.count
            self.iterations += 1
        self.finished = True


GROWTH = Sizes(start=1_000, measured=10, enough=50, most=100)


def grown(per_row: float, seconds: float, most: float = 0.0, total: int = 100_000) -> tuple[Decision, float]:
    clock = Clock()
    limit = Limit(seconds=seconds, most=max(most, seconds), clock=clock)
    _, decision = grow(total, GROWTH, limit, lambda count: Counted(clock, count, per_row))
    return decision, clock.now


def test_a_fit_that_fits_into_its_share_is_made_in_full() -> None:
    assert grown(1e-7, seconds=3)[0] == Decision(rows=100_000, iterations=100, full=True)


def test_a_fit_that_does_not_fit_learns_from_fewer_rows_and_ends_in_time() -> None:
    decision, took = grown(1e-4, seconds=100)
    assert 5_000 < decision.rows < 30_000
    assert decision.iterations >= 50
    assert not decision.full
    assert took <= 100


def test_a_larger_share_is_used_only_where_it_makes_a_full_fit() -> None:
    """All rows take 20 s to be worth having, and 200 s at another pace."""
    full, took = grown(4e-6, seconds=10, most=40)
    assert full.rows == 100_000
    assert full.full
    assert 10 < took <= 40
    reduced, took = grown(4e-5, seconds=10, most=40)
    assert reduced.rows < 100_000
    assert took <= 25


class Asked(Counted):
    """Answers take nine seconds, whatever was learned from."""

    answers_grow = False

    def answer_seconds(self, clock: object) -> float:
        return 9.0


@pytest.mark.parametrize(("seconds", "most"), [(15, 82), (5, 50), (3, 40)])
def test_slow_answers_do_not_make_a_fit_learn_from_few_rows(seconds: float, most: float) -> None:
    """All 5,000 rows take 16 s to be worth having; answers take their time after any fit, and were taken for a cost of each row."""
    clock = Clock()
    sizes = Sizes(start=200, measured=10, enough=50, most=100)
    limit = Limit(seconds=seconds, most=most, clock=clock)
    _, decision = grow(5_000, sizes, limit, lambda count: Asked(clock, count, 6.4e-5))
    assert decision.rows == 5_000
    assert clock.now <= most


def test_whatever_the_pace_something_is_fitted_and_the_share_is_kept() -> None:
    for per_row in (1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3):
        decision, took = grown(per_row, seconds=2)
        assert decision.rows >= 1_000
        assert decision.iterations >= 10
        assert took <= max(2.0, 1_000 * 10 * per_row * 1.01)


def test_a_decision_makes_the_same_fit_again() -> None:
    problem = big_table(3_000, 3)
    for name, iterations in (("linear", 5), ("boosted trees", 20)):
        decided = Decision(rows=2_000, iterations=iterations, full=False)
        first, again = (BASELINES[name].fit(problem, Limit(), decided) for _ in range(2))
        assert first.decision == decided
        assert first.arrays.keys() == again.arrays.keys()
        assert all(np.array_equal(first.arrays[key], again.arrays[key]) for key in first.arrays)
        assert first.remark.startswith("on 2,000 of 2,900 training rows")


@pytest.mark.parametrize(
    "name", [name for name, one in BASELINES.items() if not one.texts and one.applies(big_table(400, 3))]
)
def test_a_fit_in_full_is_one_when_it_is_made_again(name: str) -> None:
    """Also one that converged before its most iterations: what is recommended hangs on it."""
    problem = big_table(400, 3)
    first = BASELINES[name].fit(problem, Limit())
    again = BASELINES[name].fit(problem, Limit(), first.decision)
    assert first.decision.full
    assert (again.decision, again.remark) == (first.decision, first.remark)
    assert all(np.array_equal(first.arrays[key], again.arrays[key]) for key in first.arrays)


@pytest.mark.parametrize("name", ["linear", "boosted trees", "random forest"])
def test_a_fit_that_a_clock_steered_is_the_same_when_it_is_made_again(name: str) -> None:
    """It began on a sample and was measured on all rows before it was gone on with: nothing of that may show in its weights."""
    problem = big_table(3_000, 3)
    alike = (
        problem.arrays["vector"] + 3 * problem.arrays["vector"][:, :1]
    )  # columns that go together take many iterations
    problem = replace(problem, arrays={"vector": alike})
    first = BASELINES[name].fit(problem, Limit(seconds=1e6, most=1e6, clock=Clock()))
    again = BASELINES[name].fit(problem, Limit(), first.decision)
    assert first.decision.iterations > 10
    assert all(np.array_equal(first.arrays[key], again.arrays[key]) for key in first.arrays)


@pytest.mark.parametrize(("count", "classes", "most"), [(600, 3, 100), (10_200, 2, 320)])
def test_boosting_in_stretches_is_boosting(count: int, classes: int, most: int) -> None:
    """scikit-learn's model, grown at once, gives the same answers as ours, grown a stretch at a time and walked by numpy."""
    problem = big_table(count, classes)
    maker = fit_features(problem, problem.train, "trees")
    model = HistGradientBoostingClassifier(
        max_iter=most, min_samples_leaf=20, early_stopping=most > 100, n_iter_no_change=15, random_state=0
    ).fit(maker[2], problem.target[problem.train])
    fitted = BASELINES["boosted trees"].fit(problem, Limit())
    rows = np.arange(count - 100, count)
    expected = model.predict_proba(problem.arrays["vector"][rows])
    found = BASELINES["boosted trees"].answer(fitted, problem.given(rows))
    assert fitted.decision.iterations >= model.n_iter_
    assert np.abs(found - expected).max() < 1e-5


def test_logistic_and_ridge_regression_are_those_of_scikit_learn() -> None:
    problem = big_table(1_000, 3)
    rows = np.arange(900, 1_000)
    features = (problem.arrays["vector"] - problem.arrays["vector"][:900].mean(0)) / problem.arrays["vector"][:900].std(
        0
    )
    expected = (
        LogisticRegression(max_iter=1_000).fit(features[:900], problem.target[:900]).predict_proba(features[rows])
    )
    found = BASELINES["linear"].answer(BASELINES["linear"].fit(problem, Limit()), problem.given(rows))
    assert np.abs(found - expected).max() < 2e-3
    numbers = replace(problem, answer=NUMBERS, target=problem.arrays["vector"][:, :2] * 7.0 + 3.0, num_classes=2)
    expected = Ridge().fit(features[:900], numbers.target[:900]).predict(features[rows])
    found = BASELINES["linear"].answer(BASELINES["linear"].fit(numbers, Limit()), numbers.given(rows))
    assert np.abs(found - expected).max() < 1e-4


def test_a_forest_is_that_of_scikit_learn() -> None:
    problem = big_table(400, 3)
    fitted = BASELINES["random forest"].fit(problem, Limit(), Decision(rows=300, iterations=50, full=False))
    _, _, features = fit_features(problem, problem.train, "linear")
    model = RandomForestClassifier(n_estimators=25, random_state=0, warm_start=True).fit(features, problem.target[:300])
    model.set_params(n_estimators=50).fit(features, problem.target[:300])
    expected = model.predict_proba(
        make_features(fitted.state.features, fitted.arrays, problem.given(np.arange(300, 400)))
    )
    found = BASELINES["random forest"].answer(fitted, problem.given(np.arange(300, 400)))
    assert np.abs(found - expected).max() < 1e-5


def test_counts_of_texts_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    words = ["Tea", "milk", "sugar's", "12", "cup!", "über"]
    texts = np.array([" ".join(generator.choice(words, 6)) for _ in range(700)], dtype=object)
    state, arrays, weighted = fit_counts("note", texts[:600], "text.0.")
    reference = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"(?u)\w+|[^\w\s]").fit(
        texts[:600]
    )
    terms = read_terms(arrays, "text.0.")
    assert terms == reference.vocabulary_
    found = count(state, terms, arrays["text.0.rarity"], texts[600:])
    assert abs(found - reference.transform(texts[600:])).max() < 1e-12
    assert abs(weighted - reference.transform(texts[:600])).max() < 1e-12


def test_neighbours_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    rows, new = generator.normal(size=(300, 5)).astype(np.float32), generator.normal(size=(40, 5)).astype(np.float32)
    new[:3] = rows[:3]
    targets = np.eye(4)[generator.integers(0, 4, 300)]
    model = KNeighborsRegressor(3, weights="distance", algorithm="brute").fit(rows.astype(float), targets)
    assert np.abs(votes(new, rows, targets, 3) - model.predict(new.astype(float))).max() < 1e-9


@pytest.mark.parametrize("columns", [9, 2_048, 5_003])
def test_the_smallest_values_are_found_wherever_they_stand(columns: int) -> None:
    values = np.random.default_rng(2).normal(size=(50, columns)).astype(np.float32)
    values[:10, -8:] -= 9  # behind the last whole stretch
    values[10:20, :8] -= 9
    assert np.array_equal(np.sort(smallest(values, 8)), np.sort(np.argsort(values, axis=1)[:, :8]))


def test_majority_gives_the_training_frequencies() -> None:
    problem = big_table(200, 2)
    fitted = BASELINES["majority"].fit(problem, Limit())
    predicted = BASELINES["majority"].answer(fitted, problem.given(np.arange(3)))
    assert predicted == pytest.approx(np.tile(np.bincount(problem.target[:100]) / 100, (3, 1)), abs=1e-5)


def test_enough_time_means_all_rows_and_no_remark() -> None:
    fitted = BASELINES["linear"].fit(big_table(2_000, 2), Limit())
    assert fitted.remark == ""
    assert fitted.decision.full


def test_a_sample_keeps_some_rows_of_a_rare_class() -> None:
    problem = big_table(10_000, 2)
    problem.target[:] = 0
    problem.target[:8] = 1
    rows = sample_rows(problem, 500)
    assert problem.target[rows].sum() == 5
    assert len(rows) <= 505
    assert (np.diff(rows) > 0).all()


def test_classes_that_were_never_seen_get_a_tiny_probability() -> None:
    made = spread(np.array([[0.25, 0.75]]), Outputs(task="classify", num=4, classes=(0, 2)))
    assert made[0] == pytest.approx([0.25, 1e-6, 0.75, 1e-6], rel=1e-3)


def test_images_shrink_to_block_averages() -> None:
    grid = np.zeros((2, 1, 28, 28), dtype=np.uint8)
    grid[1, 0, :2, :2] = 255
    features = image_features(grid, np.array([1, 0]))
    assert features.shape == (2, 196)
    assert features[0, 0] == pytest.approx(1.0)
    assert features.sum() == pytest.approx(1.0)


def test_colour_images_keep_a_histogram_of_each_colour() -> None:
    grid = np.zeros((1, 3, 500, 300), dtype=np.uint8)
    grid[:, 2] = 255
    features = image_features(grid, np.array([0]))
    histograms = features[0, 196:].reshape(3, 8)
    assert histograms[:, 0].tolist() == [1, 1, 0]
    assert histograms[2, 7] == 1


@given(st.integers(1, 200), st.integers(1, 3), st.integers(0, 5))
def test_series_of_any_length_have_finite_features(length: int, channels: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(4, length, channels)).astype(np.float32)
    lengths = np.array([length, 1, 0, max(1, length // 2)], dtype=np.int32)
    steps, summary = series_features(values, lengths, np.arange(4))
    assert steps.shape == (4, min(length, 64) * channels)
    assert summary.shape == (4, 10 * channels + 1)
    assert np.isfinite(steps).all()
    assert np.isfinite(summary).all()


def test_resampling_keeps_a_straight_line_straight_and_ignores_padding() -> None:
    line = np.zeros((1, 100, 1), dtype=np.float32)
    line[0, :50, 0] = np.linspace(0, 1, 50)
    line[0, 50:] = 99  # padding, which must not be read
    steps, _ = series_features(line, np.array([50]), np.array([0]))
    assert steps[0] == pytest.approx(np.linspace(0, 1, 64), abs=1e-6)


def test_trees_get_category_numbers_that_fit_their_bins() -> None:
    codes = np.arange(2_000, dtype=np.int32)[:, None] % 1_000
    inputs = {"codes": InputSpec(form="codes", shape=(1,), cardinalities=(1_000,))}
    problem = Problem(
        answer=ONE_CLASS, inputs=inputs, arrays={"codes": codes}, target=codes[:, 0].astype(np.int64) % 2,
        num_classes=2, train=np.arange(2_000), seed=0,
    )  # fmt: skip
    state, _, features = fit_features(problem, problem.train, "trees")
    assert state.categorical.tolist() == [True]
    assert features.max() == 254
    assert fit_features(problem, problem.train, "linear")[2].shape[1] == 51


@pytest.mark.parametrize("shape", [(50, 8), (6, 20)])
def test_principal_axes_are_orthonormal_and_keep_the_variance(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    axes = principal_axes(values, 20)
    product = axes.directions.T @ axes.directions
    assert np.allclose(product, np.eye(len(product)), atol=1e-5)
    assert axes(values).var(axis=0).sum() == pytest.approx(values.var(axis=0).sum(), rel=1e-4)


def test_letters_of_scripts_that_part_no_words_are_counted_beside_words() -> None:
    texts = np.array(["この映画はひどい", "ein guter Film", "หนังดี มาก", "a good film"] * 5, dtype=object)
    state, arrays, counts = fit_counts("text", texts, "text.0.")
    assert state.analyzer == "words and letters"
    terms = read_terms(arrays, "text.0.")
    assert {"映", "映 画", "guter", "guter film", "good"} <= set(terms)
    assert (count(state, terms, arrays["text.0.rarity"], texts) != counts).nnz == 0
    assert fit_counts("text", texts[1::2][::2], "")[0].analyzer == "words"
