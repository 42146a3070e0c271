"""A run from prepared data to its folder, on one screen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from netpick.answers.compare import given_costs
from netpick.contest.adding import generator_of, with_added_rows
from netpick.contest.baselines import fit_all
from netpick.contest.continuing import with_continuations
from netpick.contest.folder import EventLog, opened
from netpick.contest.folds import over_folds
from netpick.contest.judging import judged_results, require_a_network, with_ablation, with_explanation
from netpick.contest.keep import finished, keep_run
from netpick.contest.newest import trainings_kept_back, up_to_newest
from netpick.contest.planning import plan_round
from netpick.contest.rows import candidates_of, encoded
from netpick.contest.search.searching import search_all
from netpick.contest.search.told import with_searches
from netpick.contest.shares import Shares
from netpick.contest.start import Start, Terms, device_of
from netpick.contest.training import train_all
from netpick.training.clock import Clock
from netpick.training.keeping import Keeper
from netpick.training.plan import spent_words
from netpick.types import Event
from netpick.types.results import RunResults


@dataclass(frozen=True, kw_only=True)
class Contested:
    """A finished contest: its results, and the folder that holds what it leaves."""

    folder: Path
    results: RunResults


@dataclass
class Laps:
    """Seconds that each part of the run took."""

    clock: Clock
    seconds: dict[str, float] = field(default_factory=dict)

    def passed(self, stage: str) -> None:
        self.seconds[stage] = self.clock.seconds() - sum(self.seconds.values())


def run_contest(start: Start) -> Contested:
    """Raises RequestError for what cannot be trained, TrainingError where no network finished, Interrupted where it stopped."""
    prepared, task = start.prepared, start.prepared.task
    given_costs(task.answer, task.name, start.options.cost, prepared.target.labels)  # raises for what cannot be
    generator = generator_of(start.options.synthetic, prepared)  # raises for one that cannot be
    device = device_of(start.options)
    rounds = 1 + len(prepared.folds)
    candidates = candidates_of(prepared, prepared.inputs, start.options, device, rounds)
    laps = Laps(start.clock)
    with opened(start) as keeper:
        if start.replay is not None:
            keeper.keep_latencies(start.replay.latencies)
        log = EventLog(keeper=keeper, started=start.started, listener=start.on_event)
        terms = _terms(start, keeper, device, rounds)
        laps.passed("reading")
        with encoded(terms, prepared, log) as whole:
            laps.passed("encoding")
            fits = fit_all(whole)
            laps.passed("baselines")
            judged = len(candidates) + len(fits.outcomes)
            shares = Shares(networks=len(candidates), judged=judged, again=trainings_kept_back(prepared))
            if start.options.tune is not None and start.options.earlier is None:
                shares = shares.with_search(whole)
            planned = plan_round(whole, candidates, shares)
            laps.passed("probing")
            planned, searches = search_all(whole, planned)
            laps.passed("searching settings")
            # What is handed over learns from all rows, however little time there is.
            for_use = replace(planned, plan=replace(planned.plan, refit=True)) if prepared.folds else planned
            trained = train_all(whole, for_use)
            competed = over_folds(whole, planned, trained, fits.results)
            laps.passed("training")
            require_a_network(whole, competed.candidates, trained)
            judgement = judged_results(whole, planned, competed)
            results = with_searches(judgement.results, whole, searches)
            results = with_ablation(results, competed.asked_round, competed.asked)
            results = with_explanation(results, whole, trained)
            results = with_added_rows(results, whole, generator)
            results = with_continuations(results, whole, trained, fits)
            results = replace(results, learned=prepared.learned(whole.store))
            newest = up_to_newest(results, whole, planned, trained, fits)
            results = keep_run(finished(newest, judgement.blend, whole, planned), newest.results, whole)
            keeper.finish(trainings=start.options.keep == "all")
            laps.passed("scoring and reporting")
    steps = {
        outcome.result.name: outcome.result.steps - outcome.before
        for outcome in trained
        if outcome.result.status == "ok"
    }
    results = replace(results, spent=spent_words(planned.plan, laps.seconds, steps))
    data = {"seconds": time.perf_counter() - start.started}
    log(Event(stage="done", text=results.verdict.sentence, data=data))
    return Contested(folder=keeper.folder, results=results)


def _terms(start: Start, keeper: Keeper, device: str, rounds: int) -> Terms:
    return Terms(
        options=start.options,
        budget=start.budget,
        clock=start.clock,
        keeper=keeper,
        replay=start.replay,
        device=device,
        threads=torch.get_num_threads(),
        started=start.started,
        workers=start.options.workers,
        rounds=rounds,
    )
