"""The contest once more in every fold, by the same plan, and the predictions of all folds put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from netpick.contest.baselines import fit_all
from netpick.contest.planning import Planned, at_planned_sizes
from netpick.contest.rounds import of_fold, put_together
from netpick.contest.rows import Round, candidates_of, encoded
from netpick.contest.training import Outcome, train_all
from netpick.types import Event
from netpick.types.results import CandidateResult


@dataclass(frozen=True, kw_only=True)
class Competed:
    """What there is to judge, and whose networks are asked what each group of columns adds."""

    candidates: list[CandidateResult]
    baselines: list[CandidateResult]
    asked_round: Round
    asked: list[Outcome]


@dataclass(frozen=True, kw_only=True)
class _Fold:
    this_round: Round
    outcomes: list[Outcome]
    baselines: list[CandidateResult]


def over_folds(whole: Round, planned: Planned, outcomes: list[Outcome], baselines: list[CandidateResult]) -> Competed:
    """The results of the round with all rows; where there are folds, with their predictions."""
    folds = whole.prepared.folds
    candidates = [outcome.result for outcome in outcomes]
    if not folds:
        return Competed(candidates=candidates, baselines=baselines, asked_round=whole, asked=outcomes)
    parts, first = [], None
    for number in range(len(folds)):
        fold = _fold(whole, planned, number)
        parts.append(([outcome.result for outcome in fold.outcomes], {b.name: b for b in fold.baselines}))
        first = first or fold
    assert first is not None
    in_all = [b for b in baselines if all(b.name in simple for _, simple in parts)]  # one may not apply to fewer rows
    return Competed(
        candidates=[put_together(c, [p[i] for p, _ in parts], folds) for i, c in enumerate(candidates)],
        baselines=[put_together(b, [simple[b.name] for _, simple in parts], folds) for b in in_all],
        asked_round=first.this_round,
        asked=first.outcomes,
    )


def _fold(whole: Round, planned: Planned, number: int) -> _Fold:
    """One fold: its own encoders, baselines and networks, of the planned sizes."""
    terms, count = whole.terms, len(whole.prepared.folds)
    words, data = f"fold {number + 1} of {count}", {"fold": number + 1, "folds": count}
    whole.on_event(Event(stage="folds", text=words, data=data))
    prepared = of_fold(whole.prepared, whole.prepared.folds[number])
    candidates = candidates_of(prepared, prepared.inputs, terms.options, terms.device, terms.rounds)
    in_fold = replace(planned, candidates=at_planned_sizes(candidates, planned.plan))
    with encoded(terms, prepared, _prefixed(whole, words, data), number=number + 1) as this_round:
        baselines = fit_all(this_round).results
        return _Fold(this_round=this_round, outcomes=train_all(this_round, in_fold), baselines=baselines)


def _prefixed(whole: Round, words: str, data: dict[str, int]) -> Callable[[Event], None]:
    """Progress of a fold; without its candidate: the curves are those of what is handed over."""
    return lambda event, /: whole.on_event(replace(event, text=f"{words}: {event.text}", data=data))
