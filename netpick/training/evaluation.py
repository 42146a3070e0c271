"""Scoring the validation rows during training: the best weights are kept, and training reacts where it makes no progress."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netpick.answers.answered import AnsweredClasses
from netpick.answers.metrics import Metric
from netpick.errors import TrainingError
from netpick.models.infer import Outputs, answers_of, each_batch
from netpick.models.networks.pair_network import GREEDILY, NOTHING, generating
from netpick.training.job import Job
from netpick.training.step import per_row_loss
from netpick.training.training_state import Progress, TrainingState
from netpick.types import Array, Event, OnEvent, Rows
from netpick.types.recipe import Recipe
from netpick.types.results import Answered, DecisionRule, HistoryPoint

MOST_GENERATED = 400  # texts at an evaluation during training: all of 1,000 would take a tenth of some minutes
SCORE_NOISE = 0.1  # divided by the root of the validation rows: differences of scores below it are chance


def evaluate(
    job: Job, state: TrainingState, started: float, multiplier: float, on_event: OnEvent | None, steps: int
) -> None:
    """Scores the validation rows, keeps the best weights, and notices a loss that is NaN or infinite."""
    network, average, progress = state.network, state.average, state.progress
    assert progress.loss_sum is not None
    train_loss = float(progress.loss_sum) / progress.loss_count
    progress.loss_sum, progress.loss_count = None, 0
    if not np.isfinite(train_loss):
        raise TrainingError(
            f"The loss of {job.plan.name} became NaN or infinite by step {progress.step:,}. Lower the rate: "
            f'--recipe "learning_rate={job.plan.recipe.learning_rate / 10:g}".'
        )
    if not job.select:
        return
    if average is not None:
        average.swap()
    progress.last_losses, score = validate(job, network)
    validation_loss = float(progress.last_losses.mean())
    point = HistoryPoint(
        step=progress.step,
        seconds=time.perf_counter() - started,
        train_loss=train_loss,
        validation_loss=validation_loss,
        validation_score=score,
        learning_rate=job.plan.recipe.learning_rate * multiplier,
    )
    progress.history.append(point)
    _keep_best(job, network, progress, point)
    if average is not None:
        average.swap()
    network.train()
    if on_event is not None:
        _react(job.plan.recipe, progress)
        measured = f"loss {validation_loss:.4f}" if job.task.answer.made_up else f"{job.primary.label} {score:.4f}"
        text = f"{job.plan.name}: step {progress.step:,} of {steps:,}, {measured}"
        on_event(Event(stage="train", text=text, data=_event_data(job, point, steps)))


def score_start(job: Job, state: TrainingState) -> None:
    """Scores the weights that training goes on from: where no step makes them better, they stay."""
    state.progress.last_losses, score = validate(job, state.network)
    loss = float(state.progress.last_losses.mean())
    point = HistoryPoint(
        step=0, seconds=0.0, train_loss=loss, validation_loss=loss, validation_score=score, learning_rate=0.0
    )
    _keep_best(job, state.network, state.progress, point)


def validate(job: Job, network: nn.Module) -> tuple[Tensor, float]:
    """Losses (n,) and the primary metric on the validation rows, a batch of outputs at a time; texts are generated greedily, for some of them."""
    plain = job.task.answer.loss(replace(job.plan.recipe, label_smoothing=0.0), None)

    def judged(rows: Rows, outputs: Outputs) -> tuple[Tensor, Array]:
        target = job.data.targets(torch.from_numpy(rows).to(job.data.place))
        answers = answers_of(job.task.answer.answer, outputs).cpu().numpy()
        return per_row_loss(plain, outputs, target).float(), answers

    def all_of(rows: Rows) -> tuple[Tensor, Array]:
        parts, order = each_batch(network, job.data, rows, job.plan.precision, judged)
        losses, answers = (
            torch.cat([loss for loss, _ in parts]),
            job.task.answer.joined([answer for _, answer in parts]),
        )
        if order is None:
            return losses, answers
        return losses.index_select(0, torch.from_numpy(order).to(losses.device)), answers[order]

    scored = generated_for(job)
    with generating(network, GREEDILY):
        losses, answers = all_of(scored)
    if len(scored) < len(job.validation):
        with generating(network, NOTHING):
            losses, _ = all_of(job.validation)
    predictions = job.task.answer.decode(answers, job.target_state)
    truth = job.truth[scored]
    decided = job.task.answer.decide(predictions, _rule(job.primary, truth, predictions))
    weights = np.ones((1, len(truth)))
    if not job.primary.applies(truth, predictions):
        return losses, -float(losses.mean())
    return losses, float(job.primary.values(truth, predictions, weights, decided)[0])


def generated_for(job: Job) -> Rows:
    """The validation rows that are scored during training: all, or every so many where each takes a text that is generated."""
    if not job.task.answer.stepwise:
        return job.validation
    return job.validation[:: max(1, -(-len(job.validation) // MOST_GENERATED))]


def _rule(metric: Metric[Any], truth: Array, predictions: Answered) -> DecisionRule:
    """From which probability on the metric wants a row of two classes to be called positive."""
    if not isinstance(predictions, AnsweredClasses) or predictions.probabilities.shape[1] != 2:
        return DecisionRule()
    false_positive, missed = metric.mistakes(truth == 1, predictions.probabilities[:, 1])
    return DecisionRule(threshold=None if false_positive == missed else false_positive / (false_positive + missed))


def _keep_best(job: Job, network: nn.Module, progress: Progress, point: HistoryPoint) -> None:
    score, loss = point.validation_score, point.validation_loss
    ranked = score if job.primary.better == "higher" else -score
    progress.waited = 0 if ranked > progress.top_score else progress.waited + 1
    progress.top_score = max(progress.top_score, ranked)
    # Among evaluations that noise alone could rank otherwise the later one is better: its learning rate is lower. Unless its
    # loss has risen, which is overfitting that a score of few rows does not show yet.
    level = ranked >= progress.top_score - SCORE_NOISE / len(job.validation) ** 0.5
    if ranked > progress.best_score or (level and loss <= 1.02 * progress.best_loss):
        progress.best_score, progress.best_loss, progress.best_step = ranked, loss, progress.step
        progress.best_weights = {k: v.detach().clone() for k, v in network.state_dict().items()}


def _react(recipe: Recipe, progress: Progress) -> None:
    """Lowers the rate, or ends training, where there was no progress."""
    if recipe.schedule == "plateau" and progress.waited >= 2:
        progress.rate_scale, progress.waited = progress.rate_scale * 0.3, 0
    elif recipe.patience and progress.waited >= recipe.patience and not progress.stop:
        progress.stop = f"stopped early at step {progress.step:,}: no progress for {recipe.patience} evaluations"


def _event_data(job: Job, point: HistoryPoint, steps: int) -> dict[str, Any]:
    return {
        "candidate": job.plan.name,
        "step": point.step,
        "steps": steps,
        "train_loss": point.train_loss,
        "validation_loss": point.validation_loss,
        "validation_score": point.validation_score,
        "metric": job.primary.name,
        "seconds": point.seconds,
    }
