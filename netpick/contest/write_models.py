"""Model files of a finished run: the recommended one, and one of every other candidate and baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from netpick.columns.encode import Encoder
from netpick.columns.store import Store
from netpick.contest.blending import Mixed
from netpick.data.sources.base import ReadOptions
from netpick.models.baseline_fits import BaselineFit
from netpick.models.infer import DeviceData
from netpick.saved.artifact import save_model
from netpick.saved.baseline_model import CHECK_ROWS, save_baseline, settings_of
from netpick.saved.blend_model import blend_settings, save_blend
from netpick.saved.generated import generated_given, generated_rows
from netpick.saved.kept_models import FOLDER, WINNER, file_names, keep_index
from netpick.saved.record import BASELINE, BLEND, Contender, record_of
from netpick.tasks import Task
from netpick.training.plan import CandidatePlan
from netpick.types import Inputs, LearnedRows
from netpick.types.results import RunResults

if TYPE_CHECKING:
    from torch import nn

    from netpick.models.baselines import Given, Problem

Keep = Literal["all", "best"]


@dataclass(frozen=True, kw_only=True)
class OwnReading:
    """Of a network that reads the rows by an encoding of its own."""

    encoders: Sequence[Encoder]
    inputs: Inputs
    data: DeviceData
    learned: LearnedRows | None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What the model files are made of: trained networks and fitted baselines, with the task's state of each."""

    task: Task
    states: Mapping[str, Any]
    encoders: Sequence[Encoder]
    read: ReadOptions
    networks: Mapping[str, nn.Module]
    plans: Mapping[str, CandidatePlan]
    data: DeviceData
    baselines: Mapping[str, BaselineFit]
    problem: Problem
    blend: Mixed | None  # of some of them
    private: bool  # the files hold no row
    own: Mapping[str, OwnReading] = field(default_factory=dict)  # by name
    newest: LearnedRows | None = None  # what the recommended one learned from, where it learned once more

    @property
    def names(self) -> tuple[str, ...]:
        """Whose models can be written."""
        blend = () if self.blend is None else (self.blend.result.name,)
        return (*self.networks, *self.baselines, *blend)

    def write(self, name: str, path: Path, results: RunResults, card: str) -> None:
        """The model file of one of them, whole or not at all."""
        inputs, state = self.problem.inputs, self.states[name]
        if name in self.baselines:
            fit = self.baselines[name]
            source = Contender(name=name, family=BASELINE, settings=settings_of(fit))
            record = record_of(results, self.task, state, self.encoders, inputs, source, self.read)
            save_baseline(path, record, fit, self._given(fit), card, state)
            return
        plan = self.plans[name]
        source = Contender(name=name, family=plan.family, settings=plan.settings, module=plan.module)
        encoders, data = self.encoders, self.data
        if name in self.own:
            own = self.own[name]
            encoders, inputs, data, results = own.encoders, own.inputs, own.data, replace(results, learned=own.learned)
        record = record_of(results, self.task, state, encoders, inputs, source, self.read)
        save_model(path, record, self.networks[name], self._data(inputs, data), card)

    def write_blend(self, blend: Mixed, files: Mapping[str, Path], results: RunResults, card: str) -> None:
        """The model file of the blend, beside those of its members. files: by name."""
        settings = blend_settings(blend.weights, files)
        source = Contender(name=blend.result.name, family=BLEND, settings=settings)
        inputs = self.problem.inputs
        record = record_of(results, self.task, blend.state, self.encoders, inputs, source, self.read)
        save_blend(files[source.name], record, card)

    def _given(self, fit: BaselineFit) -> Given:
        """The rows that prove a baseline."""
        if self.private:
            return generated_given(fit.baseline, fit.fitted, self.problem, CHECK_ROWS)
        return fit.baseline.given(self.problem, np.sort(self.problem.train)[:CHECK_ROWS])

    def _data(self, inputs: Inputs, data: DeviceData) -> DeviceData:
        """The rows that prove a network, first."""
        if not self.private:
            return data
        return DeviceData(Store(arrays=generated_rows(inputs, CHECK_ROWS)), inputs, self.data.device)


def write_models(
    folder: Path, recommended: str, finished: Finished, results: RunResults, cards: Mapping[str, str], keep: Keep
) -> None:
    """model.netpick, and in models/ all others unless only the best is kept. cards: by name."""
    of_winner = results if finished.newest is None else replace(results, learned=finished.newest)
    finished.write(recommended, folder / WINNER, of_winner, cards[recommended])
    if keep == "best":
        return
    files = file_names([name for name in finished.names if name != recommended])
    (folder / FOLDER).mkdir(exist_ok=True)
    paths = {recommended: folder / WINNER, **{name: folder / FOLDER / file for name, file in files.items()}}
    for name in files:
        if finished.blend is None or name != finished.blend.result.name:
            finished.write(name, paths[name], results, cards[name])
    if finished.blend is not None:
        known = of_winner if recommended in finished.blend.weights else results
        finished.write_blend(finished.blend, paths, known, cards[finished.blend.result.name])
    keep_index(folder, recommended, files)
