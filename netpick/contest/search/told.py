"""What the searches of a run come to: the chosen settings against the default's on the test rows, and a sentence that says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netpick.answers.compare import Contender, Resampler, difference_text, score_text
from netpick.answers.compare.evidence import turned
from netpick.answers.compare.optimism import corrected
from netpick.answers.metrics import METRICS
from netpick.contest.rows import Round
from netpick.contest.search.journal import plain_settings
from netpick.contest.search.searching import TUNED, Searched
from netpick.contest.search.searching import Trial as Tried
from netpick.models.infer import predict_answers
from netpick.types.results import Comparison, RunResults, Score, Search, Trial

MOST_CELLS = 20_000_000  # numbers that all trials together answer, for the correction


def with_searches(results: RunResults, whole: Round, done: Sequence[Searched]) -> RunResults:
    """The results with what each search tried, and whether it was worth it."""
    if not done:
        return results
    names = {candidate.name for candidate in results.candidates}
    return replace(results, searches=[_search(results, whole, searched, names) for searched in done])


def _search(results: RunResults, whole: Round, searched: Searched, names: set[str]) -> Search:
    default = searched.asked.candidate.plan.name
    tuned = TUNED.format(default)
    tuned = tuned if tuned in names else ""
    stated, honest = _scores(whole, searched)
    search = Search(
        candidate=default,
        tuned=tuned,
        metric=whole.primary,
        method=searched.asked.search.method,
        steps=searched.plan.steps,
        trials=[_trial(trial, whole.primary) for trial in searched.trials],
        chosen=None if searched.chosen is None else searched.chosen.number,
        stated=stated,
        corrected=honest,
        against=_against(results, tuned, default) if tuned else None,
        sentence="",
    )
    return replace(search, sentence=sentence(search))


def _trial(trial: Tried, metric: str) -> Trial:
    sign = 1.0 if METRICS[metric].better == "higher" else -1.0
    rung = max(trial.scores, default=0)
    return Trial(
        number=trial.number,
        settings=plain_settings(trial.settings),
        score=None if trial.failed or not trial.scores else sign * trial.scores[rung],
        rung=rung,
        steps=trial.steps,
        seconds=trial.seconds,
        failed=trial.failed,
    )


def _scores(whole: Round, searched: Searched) -> tuple[Score | None, Score | None]:
    """The chosen trial's score on the validation rows, as it is and corrected; None where it cannot be computed."""
    prepared, answer, rows = whole.prepared, whole.prepared.task.answer, whole.prepared.split.validation
    ended = [trial for trial in searched.trials if trial.best is not None and not trial.failed]
    metric, truth = METRICS[whole.primary], prepared.truth[rows]
    if (
        searched.chosen is None
        or answer.texts
        or answer.made_up
        or prepared.scored_numbers * len(rows) * len(ended) > MOST_CELLS
    ):
        return None, None
    contenders = []
    for trial in ended:
        assert trial.best is not None
        answers = predict_answers(trial.best.network, whole.data, rows, answer)
        predictions = prepared.decoded(answers, rows, prepared.calibrated(answers))
        if not isinstance(predictions, metric.reads) or not metric.applies(truth, predictions):
            return None, None
        name, decided = str(trial.number), answer.decide(predictions)
        contenders.append(Contender(name=name, predictions=predictions, decided=decided))
    resampler = Resampler(len(rows), whole.terms.options.seed, prepared.test_groups(rows))
    chosen = ended.index(searched.chosen)
    alone = corrected(metric, truth, [contenders[chosen]], 0, resampler)
    return alone, corrected(metric, truth, contenders, chosen, resampler)


def _against(results: RunResults, tuned: str, default: str) -> Comparison | None:
    """The tuned candidate against the default on the same test rows."""
    for pair in results.comparisons:
        if (pair.a, pair.b) == (tuned, default):
            return pair
        if (pair.a, pair.b) == (default, tuned):
            return turned(pair)
    return None


def sentence(search: Search) -> str:
    """Whether the search was worth it, in words."""
    count, label = len(search.trials), METRICS[search.metric].label
    failed = sum(bool(trial.failed) for trial in search.trials)
    lost = f" {failed} of them failed." if failed else ""
    if search.chosen is None:
        return f"Tuning {search.candidate}: all {count} trials failed. The default is used as it is."
    if not search.tuned:
        return f"Tuning {search.candidate}: of {count} trials none was better than the default on the validation rows.{lost} Keep the default."
    said = ""
    if search.stated is not None and search.corrected is not None:
        said = (
            f" On the validation rows the chosen trial has {label} {search.stated.value:.4f}; corrected for having been chosen from "
            f"{count}: {score_text(search.corrected)}."
        )
    pair = search.against
    if pair is None:
        return f"Tuning {search.candidate}: '{search.tuned}' is the best of {count} trials.{lost}{said}"
    gained = f"Tuning {search.candidate} gained {difference_text(pair)} in {label} on the test rows"
    if pair.verdict == "better":
        return f"{gained}: '{search.tuned}' is better than the default, by {count} trials.{lost}{said}"
    if pair.verdict == "worse":
        return f"{gained}: '{search.tuned}' is worse than the default. Keep the default.{lost}{said}"
    return f"{gained}: no more than noise. Keep the default.{lost}{said}"
