"""One round of a contest: the rows that everyone learns from this time, all of them or those of one fold, encoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from netpick.columns.own_encoding import OwnEncoding
from netpick.columns.store import Allocator, Store, memory_limit
from netpick.contest.candidates import Candidate, Contestants, make_candidates
from netpick.contest.deciding import deciding_metric
from netpick.contest.executors.jobs import Material
from netpick.contest.prepare import FitOptions
from netpick.contest.start import Terms
from netpick.models.infer import DeviceData
from netpick.tasks.examples import Prepared
from netpick.types import Inputs, OnEvent


@dataclass(frozen=True, kw_only=True)
class Round:
    """Prepared and encoded rows, and what holds for the trainings on them."""

    terms: Terms
    prepared: Prepared
    store: Store
    data: DeviceData
    primary: str  # the metric that the contest is about
    on_event: OnEvent
    number: int  # 0 for all rows, then the folds
    allocator: Allocator  # of the store
    views: dict[str, Round] = field(default_factory=dict)  # by the name of an encoding of an architecture's own

    def read_by(self, encoding: OwnEncoding | None) -> Round:
        """The round as a candidate with an encoding of its own sees it: the same rows, encoded once for all that read them so."""
        if encoding is None:
            return self
        if encoding.name not in self.views:
            prepared = self.prepared.read_by(encoding)
            store = prepared.store_beside(self.prepared, self.store, self.allocator, encoding.name)
            data = DeviceData(store, prepared.inputs, self.terms.device, prepared.learned_target)
            self.views[encoding.name] = replace(self, prepared=prepared, store=store, data=data, views={})
        return self.views[encoding.name]

    @property
    def left(self) -> int:
        """Rounds still to come, this one included."""
        return self.terms.rounds - self.number

    @property
    def material(self) -> Material:
        """What its trainings learn from."""
        prepared, split = self.prepared, self.prepared.split
        return Material(
            task=prepared.task,
            state=prepared.state,
            data=self.data,
            truth=prepared.truth,
            train=split.train,
            validation=split.validation,
            learnable=prepared.learnable,
            primary=self.primary,
            num_scores=prepared.num_scores,
        )

    @property
    def key(self) -> str:
        """Of this round, before the keys of its trainings."""
        return f"fold{self.number}-" if self.number else ""


@contextmanager
def encoded(terms: Terms, prepared: Prepared, on_event: OnEvent, *, number: int = 0) -> Iterator[Round]:
    """The round with its rows encoded once. Files of arrays that lie on the disk go when it ends."""
    suffix = f"-{number - 1}" if number else ""
    limit = memory_limit(terms.options.memory_limit)
    allocator = Allocator(limit=limit, key=f"{prepared.source.fingerprint}{suffix}")
    try:
        store = prepared.store(allocator)
        yield Round(
            terms=terms,
            prepared=prepared,
            store=store,
            data=DeviceData(store, prepared.inputs, terms.device, prepared.learned_target),
            primary=deciding_metric(prepared, terms.options.metric),
            on_event=on_event,
            number=number,
            allocator=allocator,
        )
    finally:
        allocator.release()


def candidates_of(prepared: Prepared, inputs: Inputs, options: FitOptions, device: str, rounds: int) -> list[Candidate]:
    """Who competes, in one of so many rounds. Raises RequestError for names and settings that do not exist."""
    seconds = options.as_sized.seconds
    candidates = make_candidates(
        Contestants(
            inputs=inputs,
            own_inputs=partial(_own_inputs, prepared),
            num_outputs=prepared.task.answer.num_outputs(prepared.state),
            num_rows=len(prepared.split.train),
            labels=prepared.task.answer.labels(prepared.state),
            device=device,
            seed=options.seed,
            geometry=prepared.task.answer.geometry,
            models=options.models,
            pretrained=options.pretrained,
            layers=options.layers,
            modules=tuple(options.modules),
            recipe=options.recipe,
            seconds=None if seconds is None else seconds / rounds,
        )
    )
    for candidate in candidates:
        prepared.task.answer.loss(candidate.plan.recipe, None)  # which refuses losses that it does not have
    return candidates


def _own_inputs(prepared: Prepared, encoding: OwnEncoding) -> Inputs:
    return prepared.read_by(encoding).inputs
