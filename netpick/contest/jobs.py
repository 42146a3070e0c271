"""The training of one candidate in a round, as a `Job` for the engine, and the course that it takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netpick.candidates import Candidate
from netpick.contest.rows import Round
from netpick.contest.start import Terms
from netpick.course import ClockCourse, Course, thread_choices
from netpick.metrics import METRICS
from netpick.plan import CandidatePlan, share_of
from netpick.train import Job, class_weights
from netpick.types import Rows


def job_of(this_round: Round, candidate: Candidate) -> Job:
    """What the candidate's plan says, on the rows of the round."""
    prepared, plan = this_round.prepared, candidate.plan
    split = prepared.split
    return Job(
        plan=plan,
        build=candidate.build,
        task=prepared.task,
        target_state=prepared.state,
        data=this_round.data,
        truth=prepared.truth,
        train=_sampled(split.train, plan.rows, plan.seed),
        validation=split.validation,
        primary=METRICS[this_round.primary],
        class_weights=class_weights(prepared.truth, split.train, plan.recipe, this_round.rows.num_scores),
    )


def course_of(
    terms: Terms, key: str, plan: CandidatePlan, seconds: float, most_steps: int, *, scored: bool = True
) -> Course | None:
    """How the clock steers a training; None where --steps fixes it."""
    if terms.options.steps is not None or not plan.step_ms:
        return None
    record = terms.keeper.record(key)
    record.whole = terms.options.plan is not None
    share = share_of(plan, seconds, most_steps, threads=thread_choices_of(terms), scored=scored)
    return ClockCourse(share, terms.clock, record)


def thread_choices_of(terms: Terms) -> Sequence[int]:
    """Numbers of threads to try: one, half and all; on a GPU, or where the user said one, no others."""
    free = terms.options.threads is None and terms.device == "cpu"
    return thread_choices(terms.threads) if free else [terms.threads]


def _sampled(rows: Rows, count: int, seed: int) -> Rows:
    """So many of the rows, drawn at random; all of them for 0."""
    if not 0 < count < len(rows):
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))
