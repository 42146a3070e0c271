"""What each column group adds: the groups, the exchange between rows, and the numbers that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from netpick.answers import PLAIN
from netpick.answers.metrics import METRICS
from netpick.columns.encode import Encoder
from netpick.explain import ablation
from netpick.explain.ablation import Trial, ablate, column_groups
from netpick.report.parts.ablation import sentence
from netpick.tasks import TASKS
from netpick.types import Array, Inputs, InputSpec, TableColumn
from netpick.types.results import Ablation, Score

N = 400
INPUTS: Inputs = {
    "vector": InputSpec(form="vector", shape=(2,)),
    "codes": InputSpec(form="codes", shape=(1,), cardinalities=(3,)),
    "series": InputSpec(form="series", shape=(4, 1), padded=True),
}


class Answers(nn.Module):
    """Says class 1 where the first number is positive; everything else is ignored."""

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        certain = torch.where(batch["vector"][:, 0] > 0, 3.0, -3.0)
        return torch.stack([-certain, certain], dim=1)


class Lengths(nn.Module):
    """Says class 1 where the series is longer than two steps."""

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        certain = torch.where(batch["series.mask"].sum(dim=1) > 2, 3.0, -3.0)
        return torch.stack([-certain, certain], dim=1)


def encoder(column: str, kind: str) -> Encoder:
    return Encoder(column=column, kind=kind, state=None)


ENCODERS = (encoder("age", "number"), encoder("pay", "number"), encoder("city", "category"), encoder("curve", "series"))


def trial(network: nn.Module, rows: int = N, **changes: Any) -> Trial:
    import polars as pl

    generator = np.random.default_rng(0)
    truth = np.arange(N) % 2
    arrays: dict[str, Array] = {
        "vector": np.stack([truth * 2.0 - 1.0, generator.normal(size=N)], axis=1).astype(np.float32),
        "codes": generator.integers(0, 3, (N, 1)).astype(np.int32),
        "series": generator.normal(size=(N, 4, 1)).astype(np.float32),
        "series.lengths": np.where(truth == 1, 4, 2).astype(np.int32),
    }
    task = TASKS["classify"]
    column = TableColumn(name="y", values=pl.Series("y", [str(one) for one in truth]))
    given: dict[str, Any] = {
        "network": network, "arrays": arrays, "inputs": INPUTS, "device": "cpu", "task": task,
        "task_state": task.fit([column], np.arange(N)), "truth": truth, "rows": np.arange(N - rows, N),
        "row_groups": None, "metric": METRICS["accuracy"], "rule": PLAIN, "seed": 0,
    }  # fmt: skip
    return Trial(**(given | changes))


def by_group(made: tuple[Ablation, ...]) -> dict[str, Ablation]:
    return {one.group: one for one in made}


def test_groups_are_the_inputs_of_the_network() -> None:
    groups = column_groups(ENCODERS)
    assert [(g.title, g.input, g.columns) for g in groups] == [
        ("number columns", "vector", ("age", "pay")),
        ("city (category)", "codes", ("city",)),
        ("curve (series)", "series", ("curve",)),
    ]
    more = column_groups([*ENCODERS, encoder("back", "series"), encoder("day", "datetime")])
    assert [g.title for g in more] == ["number and date columns", "city (category)", "curve (series)", "back (series)"]
    assert more[-1].input == "series:back"


def test_a_single_group_says_nothing() -> None:
    assert column_groups(ENCODERS[:2]) == ()
    assert ablate(trial(Answers()), ()) == ()


def test_the_group_that_decides_is_found_and_its_loss_is_right() -> None:
    made = by_group(ablate(trial(Answers()), column_groups(ENCODERS)))
    numbers = made["number columns"]
    assert numbers.verdict == "helps"
    assert abs(numbers.score.value - 0.5) < 0.1  # another row's number is right half of the time
    assert numbers.difference == pytest.approx(1.0 - numbers.score.value)
    assert numbers.low < numbers.difference < numbers.high
    assert numbers.low > 0.4
    for name in ("city (category)", "curve (series)"):
        assert made[name].difference == 0
        assert made[name].verdict == "unclear"
        assert made[name].score.value == 1.0
    assert {one.score.n for one in made.values()} == {N}


def test_a_series_takes_its_length_along() -> None:
    made = by_group(ablate(trial(Lengths()), column_groups(ENCODERS)))
    assert made["curve (series)"].verdict == "helps"
    assert made["number columns"].difference == 0


def test_nothing_is_left_to_chance() -> None:
    first, again = (ablate(trial(Answers()), column_groups(ENCODERS)) for _ in range(2))
    assert first == again
    assert ablate(trial(Answers(), seed=1), column_groups(ENCODERS))[0].score != first[0].score


def test_rows_never_keep_their_own_values() -> None:
    for count in (2, 3, 50):
        for seed in range(20):
            partner = ablation.partners_of(count, (seed, 0))
            assert sorted(partner) == list(range(count))
            assert (partner != np.arange(count)).all()


def test_many_test_rows_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablation, "MOST_ROWS", 100)
    made = ablate(trial(Answers()), column_groups(ENCODERS))
    assert {one.score.n for one in made} == {100}


def test_too_few_rows_or_an_undefined_metric_give_nothing() -> None:
    groups = column_groups(ENCODERS)
    assert ablate(trial(Answers(), rows=1), groups) == ()
    assert ablate(trial(Answers(), rows=2, truth=np.ones(N, np.int64), metric=METRICS["auc"]), groups) == ()


def test_where_less_is_better_a_loss_is_still_positive() -> None:
    made = by_group(ablate(trial(Answers(), metric=METRICS["log_loss"]), column_groups(ENCODERS)))
    assert made["number columns"].difference > 1
    assert made["number columns"].verdict == "helps"


# --- in words --------------------------------------------------------------------------------------------------------


def said(*verdicts: str) -> str:
    score = Score(value=0.5, low=0.4, high=0.6, n=100)
    names = ("words (text)", "number columns", "category columns")
    groups = [
        Ablation(group=name, columns=[name], score=score, difference=0.1, low=0.0, high=0.2, verdict=verdict)  # type: ignore[arg-type]
        for name, verdict in zip(names, verdicts, strict=False)
    ]
    return sentence(groups, "accuracy")


def test_the_bars_are_put_into_one_sentence() -> None:
    assert said("helps", "helps") == (
        "The network uses every group: words (text) and number columns. Without any one of them accuracy is worse."
    )
    assert said("helps", "unclear", "harms") == (
        "The network uses words (text). No difference that these test rows can tell from chance: number columns. Worse accuracy "
        "than with values of other rows: category columns; leave them out, and try again."
    )
    assert said("unclear", "unclear").startswith("No single group makes a difference to accuracy")
