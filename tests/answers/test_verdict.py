"""Who is recommended, how sure that is, whether deep learning helps, and the sentences that say so."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from netpick.answers.compare import Outcome, has_had_time, qualified, verdict
from netpick.answers.compare.evidence import evidence
from netpick.answers.compare.words import chance_text, margin_text
from netpick.answers.metrics import METRICS
from netpick.types import Finding
from netpick.types.results import CandidateResult, Comparison, HalfTime, Score, Verdict


def result(
    name: str, value: float | None, family: str = "cnn", latency: float = 1.0, size: int = 100
) -> CandidateResult:
    """Value stands for the validation and the test score; None for a failed one."""
    if value is None:
        return CandidateResult(name=name, family=family, status="failed", reason="Loss is no number.")
    one = {"accuracy": Score(value=value, low=value - 0.02, high=value + 0.02, n=10_000)}
    return CandidateResult(
        name=name, family=family, status="ok", validation=one, test=one, latency_ms=latency, bytes=size, steps=1000
    )


def baseline(name: str, value: float, latency: float = 1.0, size: int = 100) -> CandidateResult:
    return result(name, value, "baseline", latency, size)


def judged(*entries: CandidateResult, half: float = 0.002, **changes: object) -> Verdict:
    """Everyone compared with everyone by their scores; `half` is half the width of each interval, on both sets of rows."""
    known = [e for e in entries if e.status == "ok"]
    pairs = [pair(a, b, half) for i, a in enumerate(known) for b in known[i + 1 :]]
    outcome = Outcome(
        candidates=[e for e in entries if e.family != "baseline"],
        baselines=[e for e in entries if e.family == "baseline"],
        on_test=pairs,
        on_validation=pairs,
        metric="accuracy",
    )
    return verdict(replace(outcome, **changes))  # type: ignore[arg-type]


def pair(a: CandidateResult, b: CandidateResult, half: float) -> Comparison:
    difference = a.test["accuracy"].value - b.test["accuracy"].value
    low, high = difference - half, difference + half
    word = "better" if low > 0 else "worse" if high < 0 else "tie"
    return Comparison(a=a.name, b=b.name, metric="accuracy", difference=difference, low=low, high=high, verdict=word)  # type: ignore[arg-type]


TREES = baseline("boosted trees", 0.96)


# --- whom to use -----------------------------------------------------------------------------------------------------


def test_a_clear_winner() -> None:
    said = judged(result("mlp", 0.984), result("cnn", 0.992), TREES)
    assert (said.winner, said.best_baseline, said.best_network) == ("cnn", "boosted trees", "cnn")
    assert (said.deep_learning_helps, said.equals, said.margin) == ("yes", [], 0.001)
    assert said.headline == "Use cnn: accuracy 0.992 (0.972 to 1.012, n = 10,000)."
    assert said.sentence == " ".join([said.headline, *said.lines])
    assert said.sentence == (
        f"{said.headline} It is better than the next best, mlp, by 0.008 (0.006 to 0.010). It beats the best baseline, boosted "
        "trees, by 0.032 (0.030 to 0.034). The chance that another one is better by more than the margin of 0.001 is below 1%."
    )


def test_among_equals_the_fastest_is_recommended_and_not_one_that_is_clearly_worse() -> None:
    said = judged(
        result("cnn", 0.9423, latency=4.0), result("mlp", 0.9401, latency=1.0), result("rnn", 0.9, latency=0.3), TREES,
        prefer="network", margin=0.005,
    )  # fmt: skip
    assert (said.winner, said.equals) == ("mlp", ["cnn"])
    assert (
        said.headline == "Use mlp: accuracy 0.940 (0.920 to 0.960, n = 10,000), tied with cnn; boosted trees is better."
    )
    assert said.lines[0] == "It is the fastest of them (1 ms a row; the next 4 ms)."
    assert judged(result("cnn", 0.9423, latency=4.0), result("mlp", 0.9401), margin=0.001).winner == "cnn"
    assert judged(result("cnn", 0.9423, latency=4.0), result("mlp", 0.9401), margin=0.0).winner == "cnn"


def test_a_headline_names_those_that_are_as_good_the_winners_own_kind_first() -> None:
    tied = [result(name, 0.95, latency=latency) for name, latency in (("mlp", 1.0), ("cnn", 5.0), ("rnn", 5.0))]
    said = judged(*tied, TREES, prefer="network", margin=0.02)
    assert said.headline == (
        "Use mlp: accuracy 0.950 (0.930 to 0.970, n = 10,000), tied with cnn and rnn; boosted trees does as well."
    )
    more = [result(name, 0.95, latency=5.0) for name in ("gru", "lstm")]
    said = judged(*tied, *more, TREES, baseline("neighbours", 0.95), margin=0.02)
    assert said.headline.endswith(", tied with neighbours; mlp, cnn, rnn and 2 more do as well.")


def test_latencies_that_no_measurement_tells_apart_are_equal_and_the_smallest_is_recommended() -> None:
    for latency in (0.7, 1.0, 1.4):
        said = judged(result("cnn", 0.951, latency=latency, size=900), result("mlp", 0.95, latency=1.0, size=100))
        assert said.winner == "mlp"
        assert "It is the smallest of them." in said.sentence
    said = judged(result("cnn", 0.951, latency=0.01, size=900), result("mlp", 0.95, latency=0.15, size=100))
    assert said.winner == "mlp"  # both are the cost of the call


def test_few_rows_do_not_make_equals_of_what_is_likely_much_worse() -> None:
    """tips: R2 0.19 was recommended over 0.39, as the test rows could not tell them apart and it was smaller."""
    said = judged(result("transformer", 0.39, size=900), result("mlp", 0.19, size=10), half=0.3)
    assert said.winner == "transformer"
    assert said.chance is not None
    assert 0.05 < said.chance < 0.2
    assert "The next best is mlp (difference +0.20 (-0.10 to 0.50))." in said.sentence
    assert (
        f"The chance that another one is better by more than the margin of 0.005 is {said.chance:.0%}." in said.sentence
    )


def test_validation_rows_count_too() -> None:
    cnn, mlp = result("cnn", 0.95), result("mlp", 0.95)
    test, validation = (
        pair(result("cnn", 0.95), result("mlp", 0.96), 0.02),
        pair(result("cnn", 0.97), result("mlp", 0.94), 0.02),
    )
    said = verdict(
        Outcome(candidates=[cnn, mlp], baselines=[], on_test=[test], on_validation=[validation], metric="accuracy")
    )
    assert said.winner == "cnn"  # -0.01 on test rows, +0.03 on validation rows, which weigh half
    said = verdict(Outcome(candidates=[cnn, mlp], baselines=[], on_test=[test], metric="accuracy"))
    assert said.winner == "mlp"


def test_a_full_baseline_goes_before_networks_that_are_as_good() -> None:
    said = judged(result("cnn", 0.961, latency=0.1), TREES)
    assert (said.winner, said.best_network, said.deep_learning_helps) == ("boosted trees", "cnn", "no")
    assert said.sentence.startswith(
        "Use boosted trees (a baseline): accuracy 0.960 (0.940 to 0.980, n = 10,000); cnn does as well. You do not "
        "need deep learning here: the best network, cnn, does not beat boosted trees (difference +0.001 (-0.001 to 0.003))."
    )
    said = judged(result("cnn", 0.963), TREES)
    assert (said.winner, said.deep_learning_helps) == ("boosted trees", "no")
    assert (
        "cnn, is better than boosted trees by 0.003 (0.001 to 0.005), which is less than the 0.0037 that would matter."
        in said.sentence
    )
    said = judged(result("cnn", 0.94), TREES)
    assert (said.winner, said.deep_learning_helps) == ("boosted trees", "no")
    assert "the best network, cnn, is worse than it by 0.020 (0.018 to 0.022)." in said.sentence


def test_a_network_can_be_preferred() -> None:
    said = judged(result("cnn", 0.961), TREES, prefer="network")
    assert (said.winner, said.best_network, said.deep_learning_helps) == ("cnn", "cnn", "no")
    assert (
        "You do not need deep learning here: it does not beat boosted trees (difference +0.001 (-0.001 to 0.003))."
        in said.sentence
    )


def test_a_blend_has_to_be_better_than_the_best_single_candidate_by_more_than_noise() -> None:
    singles = result("cnn", 0.95), result("mlp", 0.94)
    assert judged(*singles, result("blend", 0.951, "blend")).winner == "cnn"
    said = judged(*singles, result("blend", 0.96, "blend"))
    assert (said.winner, said.best_network) == ("blend", "cnn")


# --- whether deep learning helps -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "half", "helps", "words"),
    [
        (0.961, 0.002, "no", "does not beat boosted trees"),
        (0.94, 0.002, "no", "is worse than it"),
        (0.98, 0.1, "unclear", "Whether it beats the best baseline, boosted trees, the 10,000 test rows cannot tell"),
        (0.96, 0.1, "unclear", "The 10,000 test rows cannot tell the best network, cnn, from boosted trees (difference +0.00 (-0.10"),
    ],
)  # fmt: skip
def test_deep_learning_does_not_always_help(network: float, half: float, helps: str, words: str) -> None:
    said = judged(result("cnn", network), TREES, half=half)
    assert said.deep_learning_helps == helps
    assert words in said.sentence
    assert ("You do not need deep learning here" in said.sentence) == (helps == "no")


def test_a_baseline_that_was_starved_never_lets_deep_learning_help_and_the_first_sentence_says_so() -> None:
    tfidf = replace(baseline("TF-IDF", 0.611), reduced=True)
    said = judged(result("mlp", 0.81), tfidf)
    assert (said.winner, said.deep_learning_helps) == ("mlp", "unclear")
    assert said.headline == (
        "Use mlp: accuracy 0.810 (0.790 to 0.830, n = 10,000), but the baseline TF-IDF had time for a part of the "
        "fit only."
    )
    assert "but TF-IDF was not fitted in full: whether deep learning helps stays open." in said.sentence
    assert judged(result("mlp", 0.81), tfidf, baseline("majority", 0.2)).deep_learning_helps == "unclear"
    # Three times as few mistakes would not bring it near.
    assert judged(result("cnn", 0.99), replace(baseline("neighbours", 0.9), reduced=True)).deep_learning_helps == "yes"


def test_a_starved_baseline_that_is_as_good_shows_that_deep_learning_is_not_needed() -> None:
    said = judged(result("mlp", 0.95), replace(baseline("TF-IDF", 0.97), reduced=True))
    assert (said.winner, said.deep_learning_helps) == ("TF-IDF", "no")
    assert said.headline.endswith(", but it had time for a part of its fit only.")


def test_a_lead_on_few_test_rows_that_the_validation_rows_deny_is_not_proof() -> None:
    cnn, trees = result("cnn", 0.55), baseline("boosted trees", 0.5)
    better = {"accuracy": Score(value=0.62, low=0.6, high=0.64, n=10_000)}
    said = judged(cnn, replace(trees, validation=better))
    assert (said.winner, said.deep_learning_helps) == ("cnn", "unclear")
    assert (
        "but boosted trees does better on the validation rows, 0.620 (0.600 to 0.640, n = 10,000) against 0.550"
        in said.sentence
    )


def test_the_network_that_was_fixed_before_the_test_rows_were_opened_has_to_beat_the_baseline_too() -> None:
    rnn, cnn, trees = result("rnn", 0.98), result("cnn", 0.99), baseline("boosted trees", 0.98)
    ahead = {"accuracy": Score(value=0.995, low=0.99, high=1.0, n=10_000)}
    said = judged(replace(rnn, validation=ahead), cnn, trees)
    assert (said.winner, said.deep_learning_helps) == ("cnn", "unclear")
    assert "but rnn, the best network on the validation rows, does not: it may be chance." in said.sentence


def test_no_baseline_finished() -> None:
    said = judged(result("cnn", 0.97), result("boosted trees", None, "baseline"))
    assert (said.winner, said.best_baseline, said.deep_learning_helps) == ("cnn", None, "unclear")
    assert "No baseline finished to compare it with." in said.sentence


# --- time ------------------------------------------------------------------------------------------------------------


def hasty(name: str, value: float, steps: int = 42) -> CandidateResult:
    return replace(result(name, value), ranked=False, steps=steps)


def test_a_network_that_had_no_time_is_listed_apart_and_speaks_neither_for_nor_against_deep_learning() -> None:
    said = judged(hasty("transformer", 0.99), result("mlp", 0.961), TREES)
    assert (said.winner, said.best_network, said.deep_learning_helps) == ("boosted trees", "mlp", "unclear")
    assert "transformer" not in said.equals
    assert "You do not need" not in said.sentence
    assert "The best network, mlp, does not beat boosted trees (difference +0.001 (-0.001 to 0.003))." in said.sentence
    assert said.sentence.endswith(
        "Not enough time to judge transformer (42 steps); pass a larger --budget, or more --steps."
    )


def test_a_network_that_was_not_tried_is_said_to_be_so() -> None:
    untried = CandidateResult(name="rnn", family="rnn", status="untried", ranked=False)
    said = judged(untried, result("cnn", 0.97), TREES)
    assert (said.winner, said.best_network) == ("cnn", "cnn")
    assert said.sentence.endswith(
        "Not enough time to judge rnn (not trained); pass a larger --budget, or more --steps."
    )
    assert judged(untried, hasty("cnn", 0.6)).best_network == "cnn"


def test_where_no_network_had_time_the_baseline_is_recommended_and_a_network_is_still_named() -> None:
    said = judged(hasty("rnn", 0.5), hasty("cnn", 0.6, 1), TREES)
    assert (said.winner, said.best_network, said.deep_learning_helps) == ("boosted trees", "cnn", "unclear")
    assert said.sentence.endswith(
        "Not enough time to judge any network: rnn (42 steps) and cnn (1 step); pass a larger --budget, or more --steps."
    )
    said = judged(hasty("rnn", 0.5), hasty("cnn", 0.6), TREES, prefer="network")
    assert (said.winner, said.best_network) == ("cnn", "cnn")
    assert said.headline.startswith("No network had enough time to be judged. cnn came furthest: accuracy 0.600")
    assert judged(hasty("rnn", 0.5)).winner == "rnn"


def test_a_network_that_still_improves_and_could_pass_the_winner_leaves_the_verdict_open() -> None:
    half = HalfTime(
        step=500,
        validation_loss=0.8,
        validation_score=0.85,
        end_step=1000,
        end_loss=0.5,
        end_score=0.95,
        loss_error=0.01,
    )
    said = judged(replace(result("cnn", 0.95), half_time=half), TREES)
    assert (said.winner, said.deep_learning_helps) == ("boosted trees", "unclear")
    assert "More time may change this: cnn gained 0.1 in the second half of its training." in said.sentence
    steady = replace(half, validation_loss=0.505)
    assert judged(replace(result("cnn", 0.95), half_time=steady), TREES).deep_learning_helps == "no"


def test_failed_candidates_are_named() -> None:
    said = judged(result("cnn", 0.99), result("rnn", None), TREES)
    assert said.sentence.endswith("Not in the contest: rnn (Loss is no number).")
    said = judged(result("rnn", None), TREES)
    assert (said.winner, said.best_network, said.deep_learning_helps) == ("boosted trees", None, "unclear")
    assert said.sentence.endswith("No network could be trained: rnn (Loss is no number).")
    assert judged(result("rnn", None)).winner is None


# --- severe findings -------------------------------------------------------------------------------------------------


def finding(clause: str, severity: str = "severe") -> Finding:
    return Finding(code="D016", severity=severity, title="t", evidence="e", advice="a", clause=clause)  # type: ignore[arg-type]


def test_a_headline_never_hides_a_severe_finding() -> None:
    plain = judged(result("cnn", 0.905), result("mlp", 0.8))
    copies = finding("23% of the test images are near copies of training images")
    said = qualified(plain, [finding("something small", "warning"), copies])
    assert said.headline == (
        "Use cnn: accuracy 0.905 (0.885 to 0.925, n = 10,000), but 23% of the test images are near copies of training "
        "images."
    )
    assert said.sentence == said.headline + plain.sentence.removeprefix(plain.headline)
    many = qualified(plain, [copies, finding("b"), finding("c"), finding("d")]).headline
    assert many.endswith(" are near copies of training images, and b, and there are 2 more severe findings.")
    assert qualified(plain, []) == plain


def test_a_headline_that_has_a_but_already_gets_an_and() -> None:
    starved = judged(result("mlp", 0.81), replace(baseline("TF-IDF", 0.611), reduced=True))
    assert qualified(starved, [finding("x is wrong")]).headline.endswith(
        "had time for a part of the fit only, and x is wrong."
    )


# --- what is known ---------------------------------------------------------------------------------------------------


def test_chances_of_one_and_of_several_rivals() -> None:
    a, b, c = (result(name, 0.9) for name in "abc")
    half = 0.0196
    known = evidence([pair(a, b, half), pair(a, c, half), pair(b, c, half)], [])
    assert known.worse("a", "b", 0.0) == pytest.approx(0.5)
    assert known.worse("a", "b", 0.01) == pytest.approx(0.1587, abs=1e-4)
    assert known.beaten("a", ["b"], 0.0) == pytest.approx(0.5, abs=0.02)
    assert known.beaten("a", ["b", "c"], 0.0) == pytest.approx(2 / 3, abs=0.02)  # two of three are not the best
    assert known.beaten("a", ["unknown"], 0.0) == 0.0


def test_margins_of_practical_equivalence() -> None:
    assert METRICS["accuracy"].margin(0.7) == 0.005
    assert METRICS["auc"].margin(0.98) == pytest.approx(0.002)
    assert METRICS["accuracy"].margin(1.0) == 0.001
    assert METRICS["rmse"].margin(1200.0) == pytest.approx(24.0)
    assert METRICS["r2"].margin(0.5) == pytest.approx(0.0202)  # what 2 % of the RMSE make
    assert METRICS["mse"].margin(4.0) == pytest.approx(0.1616)
    assert [margin_text(m) for m in (0.005, 0.00312, 24.04, 1234.5, 0.02, 0)] == [
        "0.005",
        "0.0031",
        "24",
        "1,234",
        "0.02",
        "0",
    ]
    assert [chance_text(c) for c in (0.001, 0.124, 0.999)] == ["below 1%", "12%", "above 99%"]
    assert math.isfinite(METRICS["r2"].margin(-3.0))


def test_the_network_that_a_sentence_calls_the_best_is_the_best_one_and_the_next_best_the_nearest() -> None:
    """Of networks that are equals the smallest is the one to use; adult's verdict called it the best network below a better one."""
    mlp, transformer = result("mlp", 0.9192, size=900), result("transformer", 0.9168, size=300)
    said = judged(mlp, transformer, baseline("boosted trees", 0.9261), margin=0.005)
    assert said.best_network == "transformer"
    assert "the best network, mlp, is worse than it by 0.007 (0.005 to 0.009)" in said.sentence
    near, far = result("rnn", 0.9892), result("transformer", 0.9878)
    pairs = [
        pair(result("cnn", 0.9917), near, 0.004),
        pair(result("cnn", 0.9917), far, 0.02),
        pair(near, far, 0.02),
    ]
    outcome = Outcome(candidates=[result("cnn", 0.9917), near, far], baselines=[], on_test=pairs, metric="accuracy")
    assert "The next best is rnn" in verdict(outcome).sentence


def test_the_best_network_by_validation_rows_is_called_so_where_the_test_rows_prefer_another() -> None:
    """titanic's verdict called a transformer of 0.79 the best network below an mlp of 0.86."""
    ahead = {"accuracy": Score(value=0.97, low=0.96, high=0.98, n=10_000)}
    transformer, mlp = replace(result("transformer", 0.94), validation=ahead), result("mlp", 0.958)
    said = judged(transformer, mlp, TREES)
    assert said.winner == "boosted trees"
    assert "the best network on the validation rows, transformer, is worse than" in said.sentence
    assert "the best network, cnn, is worse than" in judged(result("cnn", 0.94), TREES).sentence


@pytest.mark.parametrize(
    ("steps", "passes", "fewest", "ranked"),
    [(29, 4.8, 3, True), (29, 4.8, 12, False), (120, 4.8, 12, False), (400, 4.8, 12, True), (72, 12.0, 12, True)],
)
def test_a_family_may_need_more_passes_to_be_judged(steps: int, passes: float, fewest: float, ranked: bool) -> None:
    assert has_had_time(hasty("fm", 0.5, steps), passes, fewest) is ranked
