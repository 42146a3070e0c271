"""Searches of settings: what is asked for, what is proposed, which trials go on, and that a broken search ends with the same bytes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netpick
from netpick.answers.answered import AnsweredClasses
from netpick.answers.compare import Contender, Resampler
from netpick.answers.compare.optimism import corrected
from netpick.answers.metrics import METRICS
from netpick.contest.search.halving import cost, generations, promoted, rung_steps
from netpick.contest.search.propose import Known, Search
from netpick.contest.search.wanted import parse_tune
from netpick.errors import Interrupted, RequestError
from netpick.models.networks.spaces import Options, Range, space_of
from netpick.report.parts.tuning import _table
from netpick.types import Event
from netpick.types.results import Search as Told
from netpick.types.results import Trial

SPACE = {
    "learning_rate": Range(low=1e-4, high=1e-2, log=True),
    "width": Range(low=16, high=256, log=True, whole=True, step=8),
    "activation": Options(values=("relu", "gelu", "silu")),
}
DEFAULT = {"learning_rate": 1e-3, "width": 64, "activation": "relu"}


def _search(method: str) -> Search:
    return Search(name="mlp", method=method, space=SPACE, default=DEFAULT, seed=0)  # type: ignore[arg-type]


def test_generations_have_a_fixed_size_and_a_third_goes_on_with_the_default() -> None:
    assert [len(numbers) for numbers in generations(20)] == [8, 8, 4]
    assert rung_steps(90) == [10, 30, 90]
    assert promoted({0: 0.1, 1: 0.5, 2: 0.9, 3: 0.9, 4: 0.2, 5: 0.3}) == [0, 2, 3]
    assert promoted({8: 0.5, 9: 0.5, 10: 0.5}) == [8]  # of equal ones the first
    assert promoted({}) == []
    assert 8 / 9 < cost(8) < 8


@pytest.mark.parametrize("method", ["tpe", "random", "grid"])
def test_proposals_are_a_function_of_what_is_known(method: str) -> None:
    if method == "tpe":
        pytest.importorskip("optuna", reason="the extra netpick[tune] is not installed")
    known: list[Known] = []
    for _ in range(3):
        first, again = (_search(method).proposals(known, 6) for _ in range(2))
        assert first == again
        known += [Known(settings=one, scores={0: one["learning_rate"], 1: 2.0}) for one in first[:-1]]
        known.append(Known(settings=first[-1], scores={}))
    assert known[0].settings == DEFAULT
    assert len({str(sorted(trial.settings.items())) for trial in known}) == len(known)
    for trial in known:
        assert 16 <= trial.settings["width"] <= 256
        assert trial.settings["width"] % 8 == 0


def test_a_grid_ends_when_all_its_points_were_tried() -> None:
    search = _search("grid")
    everything = search.proposals([], 1000)
    assert len(everything) == search.points
    assert search.proposals([Known(settings=one, scores={0: 1.0}) for one in everything], 8) == []


def test_a_space_stays_within_the_bounds_of_the_settings() -> None:
    from netpick.models.networks import MODELS
    from netpick.models.networks.variants import fields_of

    for key in MODELS:
        settings = MODELS[key].Settings
        presets = {name: field.default for name, field in settings.__pydantic_fields__.items()}
        known = fields_of(settings)
        for name, domain in space_of(presets, known).items():
            if isinstance(domain, Range):
                for value in domain.levels(3):
                    assert value > 0 or domain.low == 0, (key, name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "mlp[dropout=0..1.5]",
            "Setting 'dropout' is '1.5' (in --tune mlp[dropout=0..1.5]), but: input should be less",
        ),
        ("mlp[cell=gru|lstm]", "mlp has no setting 'cell' to search (in --tune mlp[cell=gru|lstm]). "),
        ("mpl[width=8..16]", "--tune names 'mpl', which is no family here."),
        ("mlp[activation=relu|rulu]", "Setting 'activation' cannot be 'rulu'"),
        ("mlp[activation=relu..tanh]", "Setting 'activation' has no numbers to range over"),
        ("mlp[width=64..8]", "its first number must be the smaller one"),
        ("mlp[width=]", "names no range"),
        ("3", "--tune 3 cannot be: a search of fewer than 8 trials says little"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(RequestError) as error:
        parse_tune(text)
    assert said in str(error.value)


def test_what_is_asked_for_may_stand_together() -> None:
    wanted = parse_tune("random, 24, mlp[width=64..512,dropout=0..0.5,activation=relu|silu]")
    assert (wanted.method, wanted.trials) == ("random", 24)
    assert wanted.spaces["mlp"]["width"] == Range(low=64, high=512, log=True, whole=True)
    assert wanted.spaces["mlp"]["activation"] == Options(values=("relu", "silu"))
    assert wanted.of("rnn") is None
    assert parse_tune("auto").of("rnn") == {}


def test_a_chosen_score_is_corrected_for_having_been_chosen() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 300)
    contenders = []
    for name in range(20):  # all equally good: the best of them by luck
        positive = 1 / (1 + np.exp(-(truth - 0.5) - generator.normal(size=300)))
        said = AnsweredClasses(probabilities=np.column_stack([1 - positive, positive]))
        contenders.append(Contender(name=str(name), predictions=said, decided=None))
    metric, resampler = METRICS["auc"], Resampler(300, 0)
    values = [corrected(metric, truth, [one], 0, resampler).value for one in contenders]
    best = int(np.argmax(values))
    honest = corrected(metric, truth, contenders, best, resampler)
    assert abs(honest.value - 0.76) < abs(values[best] - 0.76)
    assert honest.low <= honest.value <= honest.high
    assert honest.high - honest.low == pytest.approx(
        (alone := corrected(metric, truth, [contenders[best]], 0, resampler)).high - alone.low
    )


def test_the_table_of_trials_has_the_best_first_among_those_that_came_as_far() -> None:
    def trial(number: int, score: float | None, rung: int) -> Trial:
        return Trial(number=number, settings={"width": number}, score=score, rung=rung, steps=1, seconds=1.0)

    trials = [trial(0, 0.7, 2), trial(1, 0.9, 0), trial(2, 0.8, 2), trial(3, None, 0), trial(4, 0.95, 0)]
    for metric, order in (("accuracy", "3 1 5 2 4"), ("rmse", "1 3 2 5 4")):
        search = Told(
            candidate="mlp", tuned="", metric=metric, method="random", steps=9, trials=trials, chosen=2, stated=None, corrected=None,
            against=None, sentence="",
        )  # fmt: skip
        rows = re.findall(r'<th scope="row"[^>]*>(\d+)</th>', str(_table(search)))
        assert " ".join(rows) == order


def test_a_search_that_is_broken_off_ends_with_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra netpick[tune] is not installed")
    generator = np.random.default_rng(0)
    x = generator.normal(size=(150, 3))
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": np.where(x @ [1, 2, 0.5] > 0, "yes", "no")})
    path = tmp_path / "rows.csv"
    table.write_csv(path)
    ranges = {"mlp": "learning_rate=0.0001..0.1,width=4..16,dropout=0..0.3"}

    def broken(event: Event) -> None:
        if event.stage == "tune" and event.data["trial"] == 4:
            raise KeyboardInterrupt

    asked = {"target": "y", "models": "mlp[layers=1,members=2]", "steps": 18, "tune": ranges, "threads": 1}
    whole = netpick.fit(path, out=tmp_path / "whole", **asked)  # type: ignore[arg-type]
    with pytest.raises(Interrupted, match="netpick resume"):
        netpick.fit(path, out=tmp_path / "broken", on_event=broken, **asked)  # type: ignore[arg-type]
    resumed = netpick.resume(tmp_path / "broken")
    for name in ("trials.jsonl", "predictions.parquet"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "broken" / name).read_bytes()
    assert [trial.score for trial in resumed.results.searches[0].trials] == [
        trial.score for trial in whole.results.searches[0].trials
    ]
    search = whole.results.searches[0]
    assert search.trials[0].rung == 2  # the default goes all the way
    assert search.sentence.startswith("Tuning mlp[layers=1,members=2]")
    if search.tuned:
        assert search.tuned in {candidate.name for candidate in whole.results.candidates}
