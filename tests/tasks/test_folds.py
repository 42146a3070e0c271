"""Folds: every row is tested once, and what belongs together stays together."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from netpick.answers import ONE_CLASS
from netpick.answers.answered import AnsweredClasses, AnsweredNumbers
from netpick.answers.compare import Contender, Resampler, paired_difference, score
from netpick.answers.evaluate import Contest, judge
from netpick.answers.metrics import METRICS
from netpick.contest.rounds import put_together, validation_rows
from netpick.errors import RequestError
from netpick.tasks.folds import FOLDS, Folds, folds_by, make_folds, number_of_folds
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.tasks.split import SplitRequest
from netpick.types import TEST, TRAIN, VALIDATION, Array, Source, Split, TableColumn
from netpick.types.results import Answered, CandidateResult

N = 300
x = np.random.default_rng(0).normal(size=N)
rare = np.arange(N) % 10 == 0


def source_of(given: Array | None = None, **cells: object) -> Source:
    columns = {name: TableColumn(name=name, values=pl.Series(name, values)) for name, values in cells.items()}
    return Source(
        name="sample",
        origin="test",
        layout="frame",
        num_rows=N,
        fingerprint="0",
        given_split=given,
        columns=columns,
    )


def request_of(rule: str | None = None, groups: Array | None = None, labelled: Array | None = None) -> SplitRequest:
    known = np.ones(N, dtype=bool) if labelled is None else labelled
    return SplitRequest(labelled=known, classes=rare.astype(np.int64), groups=groups, rule=rule, seed=0)


def folds_of(source: Source, request: SplitRequest, count: int = FOLDS) -> Folds:
    return make_folds(source, infer_schema(source, SchemaOptions(target=("y",))), request, count)


def every_row_is_tested_once(folds: Folds, rows: Array) -> None:
    assert np.array_equal(np.sort(np.concatenate([part.test for part in folds.parts])), rows)
    assert np.array_equal(folds.whole.test, rows)
    for part in folds.parts:
        together = np.concatenate([part.train, part.validation, part.test])
        assert len(np.unique(together)) == len(together)
        assert all(len(rows) for rows in (part.train, part.validation, part.test))
        assert all((np.diff(rows) > 0).all() for rows in (part.train, part.validation, part.test))


def test_every_row_is_tested_once_by_class() -> None:
    source = source_of(x=x, y=rare)
    folds = folds_of(source, request_of())
    every_row_is_tested_once(folds, np.arange(N))
    assert [int(rare[part.test].sum()) for part in folds.parts] == [6] * 5
    assert all(len(part.train) + len(part.validation) == 240 for part in folds.parts)
    assert len(folds.whole.train) + len(folds.whole.validation) == N
    assert folds.whole.folds == 5
    assert folds.whole.sentence.startswith(
        "Every row is tested once, in 5 folds, by models that did not learn from it:"
    )
    assert "trained on all 300 rows" in folds.whole.sentence
    again = folds_of(source, request_of())
    assert all(np.array_equal(a.test, b.test) for a, b in zip(folds.parts, again.parts, strict=True))


def test_rows_without_a_target_are_in_no_fold() -> None:
    labelled = np.arange(N) % 7 != 0
    folds = folds_of(source_of(x=x, y=rare), request_of(labelled=labelled))
    every_row_is_tested_once(folds, np.flatnonzero(labelled))


def test_identical_rows_are_in_one_fold_and_in_one_part_of_it() -> None:
    groups = np.arange(N) // 3
    folds = folds_of(source_of(x=x, y=rare), request_of(groups=groups))
    every_row_is_tested_once(folds, np.arange(N))
    for part in folds.parts:
        sides = [set(groups[rows].tolist()) for rows in (part.train, part.validation, part.test)]
        assert not sides[0] & sides[2]
        assert not sides[1] & sides[2]
        assert not sides[0] & sides[1]
    assert "identical rows kept together" in folds.whole.sentence


def test_groups_are_in_one_fold() -> None:
    patients = np.arange(N) % 40
    folds = folds_of(source_of(patient_id=patients, x=x, y=rare), request_of())
    every_row_is_tested_once(folds, np.arange(N))
    assert folds.whole.method == "group"
    for part in folds.parts:
        assert not set(patients[part.test]) & (set(patients[part.train]) | set(patients[part.validation]))
    assert "no patient_id is in two folds" in folds.whole.sentence


def test_time_runs_forward_in_a_window_that_grows() -> None:
    order = np.random.default_rng(1).permutation(N)
    days = [str(date(2001, 1, 1) + timedelta(days=int(d))) for d in order]
    folds = folds_of(source_of(day=days, x=x, y=rare), request_of(rule="time:day"), count=4)
    assert len(folds.whole.test) == 240
    for part, learned in zip(folds.parts, (60, 120, 180, 240), strict=True):
        assert order[part.train].max() < order[part.validation].min()
        assert order[part.validation].max() < order[part.test].min()
        assert len(part.train) + len(part.validation) == learned
    tested = np.sort(np.concatenate([part.test for part in folds.parts]))
    assert np.array_equal(tested, folds.whole.test)
    assert "the newest 240 of 300 rows are tested once, in 4 folds" in folds.whole.sentence


def test_the_number_of_folds_follows_from_the_rows_and_from_what_was_said() -> None:
    source = source_of(x=x, y=rare)
    given = np.full(N, TRAIN, dtype=np.int8)
    given[200:] = TEST
    few = np.arange(N) < 15

    def count(asked: int | None, source: Source = source, seconds: float | None = 60.0, **request: object) -> int:
        return number_of_folds(asked, source, request_of(**request), seconds=seconds)  # type: ignore[arg-type]

    assert count(None) == 5
    assert count(1) == 1
    assert count(7, seconds=None) == 7
    assert count(None, seconds=None) == 1
    assert count(None, seconds=10.0) == 1
    assert count(4, seconds=10.0) == 4
    assert count(None, rule="random") == 1
    assert count(3, rule="random") == 3
    assert count(None, source_of(given, x=x, y=rare)) == 1
    given[200:] = VALIDATION
    assert count(None, source_of(given, x=x, y=rare)) == 1
    assert count(None, labelled=few) == 1
    assert number_of_folds(None, source, request_of(), seconds=60.0, rich=True) == 1
    assert number_of_folds(None, source, request_of(), seconds=180.0, rich=True) == 5


@pytest.mark.parametrize(
    ("asked", "words"), [(0, "2 to 20 are possible"), (21, "2 to 20 are possible"), (5, "has given parts")]
)
def test_folds_that_cannot_be_say_what_to_type(asked: int, words: str) -> None:
    given = np.full(N, TRAIN, dtype=np.int8)
    given[200:] = TEST
    with pytest.raises(RequestError, match=words):
        number_of_folds(asked, source_of(given, x=x, y=rare), request_of(), seconds=60.0)


def test_folds_of_too_few_groups_say_what_to_type() -> None:
    with pytest.raises(RequestError, match="has 4 groups, too few for 5 folds"):
        folds_of(source_of(who=np.arange(N) % 4, x=x, y=rare), request_of(rule="group:who"))


# --- putting together ------------------------------------------------------------------------------------------------


def split_of(train: list[int], validation: list[int], test: list[int]) -> Split:
    return Split(
        train=np.array(train), validation=np.array(validation), test=np.array(test), sentence="", method="random"
    )


FOLD_SPLITS = (split_of([3, 4], [5], [0, 2]), split_of([0, 1], [2], [3, 5]), split_of([2, 3], [0, 5], [1, 4]))


def answered(rows: Array) -> Answered:
    return AnsweredNumbers(values=rows[:, None].astype(np.float64))


def result(name: str, split: Split) -> CandidateResult:
    return CandidateResult(
        name=name,
        family="mlp",
        status="ok",
        seconds=1.0,
        validation_predictions=answered(split.validation),
        test_predictions=answered(split.test),
    )


def test_predictions_are_put_in_the_order_of_the_rows() -> None:
    parts = [result("mlp", split) for split in FOLD_SPLITS]
    joined = put_together(result("mlp", FOLD_SPLITS[0]), parts, FOLD_SPLITS)
    assert joined.test_predictions is not None
    assert joined.test_predictions.values is not None
    assert joined.test_predictions.folds is not None
    assert joined.test_predictions.values[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert joined.test_predictions.folds.tolist() == [0, 2, 0, 1, 2, 1]
    assert joined.validation_predictions is not None
    assert joined.validation_predictions.values is not None
    assert joined.validation_predictions.values[:, 0].tolist() == validation_rows(FOLD_SPLITS).tolist()
    assert joined.seconds == 4.0


def test_who_fails_in_one_fold_has_failed() -> None:
    parts = [result("mlp", split) for split in FOLD_SPLITS]
    parts[1] = CandidateResult(name="mlp", family="mlp", status="failed", reason="the loss became NaN")
    joined = put_together(result("mlp", FOLD_SPLITS[0]), parts, FOLD_SPLITS)
    assert joined.status == "failed"
    assert joined.reason == "in fold 2: the loss became NaN"
    assert joined.test_predictions is None


# --- judging ---------------------------------------------------------------------------------------------------------


def test_each_fold_decides_by_its_own_threshold() -> None:
    """Probabilities of the second fold are half of what they should be; a single threshold would be wrong in one of them."""
    generator = np.random.default_rng(0)
    truth, fold = generator.integers(0, 2, 400), np.arange(400) % 2
    positive = np.where(truth == 1, 0.8, 0.2) * np.where(fold == 1, 0.4, 1.0)
    said = AnsweredClasses(probabilities=np.column_stack([1 - positive, positive]), folds=fold)
    entry = CandidateResult(
        name="mlp", family="mlp", status="ok", validation_predictions=said, test_predictions=said, steps=500
    )
    judged = judge(
        Contest(
            answer=ONE_CLASS,
            task="classify",
            labels=("no", "yes"),
            primary="accuracy",
            validation_truth=truth,
            test_truth=truth,
            seed=0,
            candidates=[entry],
            baselines=[],
            validation_groups=np.arange(400),
            folded=True,
        )
    )
    assert judged.candidates[0].test["accuracy"].value == 1.0
    assert judged.candidates[0].test["accuracy"].n == 400


def test_an_auc_compares_rows_of_one_fold_only() -> None:
    truth, fold = np.arange(40) % 2, np.arange(40) // 20
    positive = np.where(truth == 1, 0.3, 0.2) + 0.5 * fold  # perfect in each fold, not over both
    probabilities = np.column_stack([1 - positive, positive])
    resampler = Resampler(40, 0)
    apart = score(METRICS["auc"], truth, AnsweredClasses(probabilities=probabilities, folds=fold), None, resampler)
    pooled = score(METRICS["auc"], truth, AnsweredClasses(probabilities=probabilities), None, resampler)
    assert apart.value == 1.0
    assert pooled.value == 0.75


def test_the_mean_of_folds_has_the_influence_of_its_rows() -> None:
    """The linear form of an AUC over folds agrees with its resamples."""
    generator = np.random.default_rng(0)
    truth, fold = generator.integers(0, 2, 300), np.arange(300) % 3
    positive = 1 / (1 + np.exp(-(truth + generator.normal(size=300))))
    predictions = AnsweredClasses(probabilities=np.column_stack([1 - positive, positive]), folds=fold)
    resampler = Resampler(300, 0)
    linear = METRICS["auc"].linear(truth, predictions, None)
    assert linear is not None
    drawn = resampler.values(METRICS["auc"], truth, predictions, None)
    assert abs(drawn.std() / resampler.standard_error(linear.influence) - 1) < 0.1
    assert np.isclose(METRICS["auc"].values(truth, predictions, np.ones((1, 300)), None)[0], linear.value)


def test_folds_whose_models_differ_widen_the_interval_of_an_auc_too() -> None:
    generator = np.random.default_rng(0)
    truth, fold = generator.integers(0, 2, 1000), np.arange(1000) % 5
    strength = np.array([0.2, 0.5, 1.0, 2.0, 3.0])[fold]
    positive = 1 / (1 + np.exp(-(strength * (2 * truth - 1) + generator.normal(size=1000))))
    predictions = AnsweredClasses(probabilities=np.column_stack([1 - positive, positive]), folds=fold)
    plain = score(METRICS["auc"], truth, predictions, None, Resampler(1000, 0))
    corrected = score(METRICS["auc"], truth, predictions, None, Resampler(1000, 0, None, fold))
    assert corrected.high - corrected.low > 2 * (plain.high - plain.low)


def test_folds_whose_models_differ_widen_the_interval_and_others_do_not() -> None:
    generator = np.random.default_rng(0)
    truth, fold = np.zeros((500, 1)), np.arange(500) % 5
    alike = generator.normal(size=(500, 1))
    differing = alike + np.array([0, 1, 2, 3, 4])[fold][:, None]
    for values, widens in ((alike, False), (differing, True)):
        predictions = AnsweredNumbers(values=values, folds=fold)
        plain = score(METRICS["mae"], truth, predictions, None, Resampler(500, 0))
        corrected = score(METRICS["mae"], truth, predictions, None, Resampler(500, 0, None, fold))
        ratio = (corrected.high - corrected.low) / (plain.high - plain.low)
        assert (ratio > 2) if widens else (0.999 < ratio < 2)
    a, b = (
        Contender(name=n, predictions=AnsweredNumbers(values=v), decided=None)
        for n, v in (("a", alike), ("b", differing))
    )
    plain = paired_difference(METRICS["mae"], truth, a, b, Resampler(500, 0))
    corrected = paired_difference(METRICS["mae"], truth, a, b, Resampler(500, 0, None, fold))
    assert corrected.high - corrected.low > 2 * (plain.high - plain.low)


def test_a_column_can_name_the_folds() -> None:
    speaker = np.array(["anna", "ben", "cleo", "dan"])[np.arange(N) % 4]
    source = source_of(speaker=speaker, x=x, y=x > 0)
    folds = folds_by(source, SplitRequest(labelled=np.ones(N, bool), classes=None, groups=None), "speaker")
    assert folds.whole.by == "speaker"
    assert folds.whole.folds == 4
    for part in folds.parts:
        tested, chosen, learned = ({*speaker[rows]} for rows in (part.test, part.validation, part.train))
        assert len(tested) == 1
        assert not tested & chosen
        assert not tested & learned
        assert not chosen & learned
    assert sorted(np.concatenate([part.test for part in folds.parts]).tolist()) == list(range(N))
    assert "in the 4 folds that column 'speaker' names (anna, ben, cleo, dan)" in folds.whole.sentence


@pytest.mark.parametrize(
    ("column", "rule", "words"),
    [
        ("speakers", None, "There is no column 'speakers' to make folds of. Did you mean speaker?"),
        ("x", None, "Column 'x' has 300 different values, but 3 to 20 folds are possible."),
        ("hole", None, "column 'hole' is empty in 1 rows: every row needs a fold."),
        ("speaker", "random", "--folds speaker and --split random were both given"),
    ],
)
def test_columns_that_name_no_folds_are_refused(column: str, rule: str | None, words: str) -> None:
    hole = ["a", "b", "c"] * 100
    source = source_of(speaker=["anna", "ben", "cleo"] * 100, x=x, hole=[None, *hole[1:]])
    request = SplitRequest(labelled=np.ones(N, bool), classes=None, groups=None, rule=rule)
    with pytest.raises(RequestError) as refused:
        folds_by(source, request, column)
    assert words in str(refused.value)


def test_columns_that_rows_are_divided_by_are_no_features() -> None:
    fold = np.arange(N) % 5 + 1
    schema = infer_schema(
        source_of(fold=fold, x=x, place=[f"p{i % 7}" for i in range(N)], y=x > 0), SchemaOptions(target=("y",))
    )
    assert {f.name: f.role for f in schema.fields} == {
        "fold": "left_out",
        "x": "feature",
        "place": "feature",
        "y": "target",
    }
    asked = SchemaOptions(target=("y",), split_by="place")
    schema = infer_schema(source_of(fold=fold, x=x, place=[f"p{i % 7}" for i in range(N)], y=x > 0), asked)
    assert {f.name: f.role for f in schema.fields}["place"] == "group"
