"""A job done in this process: trained, perhaps tried at several rates before, perhaps once more with the validation rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netpick.contest.executors.jobs import Assignment, Build, Material, Networks, job_of
from netpick.contest.prepare import silent
from netpick.errors import TrainingError
from netpick.training.course import ClockCourse, Course, FixedCourse
from netpick.training.job import Trained
from netpick.training.keeping import Keeper
from netpick.training.plan import REFIT_SHARE, CandidatePlan, first_seconds, share_of
from netpick.training.train import train
from netpick.types import OnEvent, Rows


def train_networks(
    assignment: Assignment, material: Material, build: Build, keeper: Keeper, on_event: OnEvent
) -> Networks:
    """Trains, or takes up what was trained. Raises TrainingError where the loss is no number, Interrupted where it is to stop."""
    if assignment.pause is not None:
        return _trial(assignment, material, build, keeper, on_event)
    plan = _with_best_rate(assignment, material, build)
    seconds = first_seconds(assignment.share, refit=assignment.refit, trials=assignment.trials)
    course = _course(assignment, keeper, assignment.key, seconds, plan.most_steps)
    trained = keeper.trained(assignment.key, replace(job_of(material, plan, build), course=course), on_event)
    threads = None if course is None else course.threads
    if not assignment.refit:
        return Networks(first=trained, last=trained, threads=threads)
    again, remark = _again(replace(assignment, plan=plan), material, build, keeper, trained)
    return Networks(first=trained, last=again, threads=threads, remark=remark)


def _trial(assignment: Assignment, material: Material, build: Build, keeper: Keeper, on_event: OnEvent) -> Networks:
    """A trial of a search, up to where it is judged: nothing depends on a clock."""
    plan, step = assignment.plan, assignment.pause
    assert step is not None
    course = FixedCourse(steps=plan.steps, evaluations=plan.looks, threads=assignment.threads[0], pause=step)
    job = replace(job_of(material, plan, build), course=course)
    trained = keeper.trained_until(assignment.key, job, step, on_event)
    return Networks(first=trained, last=trained, threads=None)


def _with_best_rate(assignment: Assignment, material: Material, build: Build) -> CandidatePlan:
    """The same number of short trials for every candidate: a third, once and three times its learning rate, ..."""
    plan, trials = assignment.plan, assignment.trials
    if trials <= 1:
        return plan
    tried = []
    for factor in [3.0 ** (i - (trials - 1) / 2) for i in range(trials)]:
        recipe = replace(plan.recipe, learning_rate=plan.recipe.learning_rate * factor)
        short = replace(plan, recipe=recipe, steps=max(5, plan.steps // 10), looks=1)
        try:
            loss = train(job_of(material, short, build), silent).history[-1].validation_loss
        except TrainingError:  # diverged: this rate is out
            loss = float("inf")
        tried.append((loss, recipe))
    return replace(plan, recipe=min(tried, key=lambda pair: pair[0])[1])


def _again(
    assignment: Assignment, material: Material, build: Build, keeper: Keeper, trained: Trained
) -> tuple[Trained, str]:
    """Small data: once more, with the validation rows, for as many epochs as were best; and what is to be said of it.

    A second training that its share does not afford never replaces the first.
    """
    plan, key, rows = assignment.plan, f"{assignment.key}-again", np.sort(material.learnable)
    if trained.before and trained.best_step <= trained.before:  # more steps were no gain, and are none on more rows
        return keeper.learned_before(key, job_of(material, plan, build)) or trained, ""
    growth = len(rows) / len(material.train)
    best, made = trained.best_step - trained.before, trained.steps - trained.before
    steps = max(1, round(max(best, 0.5 * made) * growth))
    if assignment.fixed:
        steps = min(steps, plan.steps)
    again = train_on(replace(assignment, key=key), material, build, keeper, (rows, steps))
    if again is None:
        return trained, "not trained again on the validation rows: the time for it ran out"
    return again, f"trained again on training and validation rows for {again.steps:,} steps"


def train_on(
    assignment: Assignment, material: Material, build: Build, keeper: Keeper, much: tuple[Rows, int]
) -> Trained | None:
    """Trained on these rows for so many steps, without a look at validation rows; None where its share does not afford them."""
    rows, steps = much
    course = _course(assignment, keeper, assignment.key, assignment.until - keeper.clock.seconds(), steps, scored=False)
    if course is not None and course.steps < REFIT_SHARE * steps:
        return None
    job = job_of(material, replace(assignment.plan, steps=steps, looks=1), build)
    again = keeper.trained(assignment.key, replace(job, train=rows, select=False, course=course), silent)
    return again if again.steps - again.before >= REFIT_SHARE * steps else None


def _course(
    assignment: Assignment, keeper: Keeper, key: str, seconds: float, most_steps: int, *, scored: bool = True
) -> Course | None:
    """How the clock steers a training; None where --steps fixes it."""
    if assignment.fixed or not assignment.plan.step_ms:
        return None
    record = keeper.record(key)
    record.whole = assignment.replayed
    share = share_of(assignment.plan, seconds, most_steps, threads=assignment.threads, scored=scored)
    return ClockCourse(share, keeper.clock, record)
