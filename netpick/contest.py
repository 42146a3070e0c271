"""The second half of the main job: encode -> plan -> train -> compare -> evaluate -> report -> artifact."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netpick.clock import Clock, WorkClock
from netpick.disk import locked, refused_write, write_whole
from netpick.errors import Interrupted, NetpickError, RequestError, TrainingError
from netpick.prepare import DEFAULT_BUDGET, FitOptions, Prepared, silent
from netpick.stop import Stop
from netpick.store import memory_limit
from netpick.types import Array, CandidateResult, Event, OnEvent, Rows, RunResults

if TYPE_CHECKING:
    from torch import nn

    from netpick.baseline_fits import BaselineFit
    from netpick.candidates import Candidate
    from netpick.course import Course
    from netpick.infer import DeviceData
    from netpick.plan import CandidatePlan, Plan, Probe
    from netpick.replay import Replay
    from netpick.store import Store
    from netpick.train import Trained

LEAST_DISK = 30_000_000  # bytes: a report takes 5 MB, a model and its predictions a few more
SCORE_SECONDS = 2.5e-7  # of scoring, per candidate or baseline, row and class
FINISH_SECONDS = 1.0  # kept back for scores, report and model file, beyond what grows with the rows


@dataclass(kw_only=True)
class Contest:
    """One run's stages, in order; what a later stage needs of an earlier one stands here."""

    prepared: Prepared
    options: FitOptions
    started: float
    budget: float | None
    listener: OnEvent
    data: str | Path | None = None  # the path that was given, so that the run can be resumed
    stop: Stop = field(default_factory=Stop)
    folder: Path | None = None  # made once everything that can be wrong with the request was looked at; given to resume
    events: list[Event] = field(default_factory=list)  # until there is a folder to write them to
    resumed: bool = False  # the folder is that of an earlier start
    clock: Clock = field(default_factory=WorkClock)  # of the budget
    replay: Replay | None = None  # a plan whose decisions are repeated, whatever the clock says
    slowness: float = 1.0  # times as long as work on one core takes beside what else runs
    ablation_seconds: float = 0.0  # kept back for asking the recommended network again
    states: dict[str, Any] = field(default_factory=dict)  # the task's state by candidate and baseline
    stages: dict[str, float] = field(default_factory=dict)  # seconds that each part of the run took
    rounds: int = 1  # times that every candidate is trained: once for all rows, and once a fold
    rounds_left: int = 1  # this one included
    key: str = ""  # of this round, before the keys of its trainings
    baselines: Sequence[BaselineFit] = ()
    held: ExitStack = field(default_factory=ExitStack)  # the folder's lock

    def run(self) -> RunResults:
        import torch

        from netpick.compare import given_costs
        from netpick.contest_rows import rows_of
        from netpick.infer import DeviceData
        from netpick.plan import spent_words
        from netpick.private import private_note
        from netpick.store import Allocator

        given_costs(self.prepared.task, self.options.cost, self.prepared.target.labels)  # raises for what cannot be
        self.rows = rows_of(self.prepared)
        self.rounds = self.rounds_left = 1 + len(self.prepared.folds)
        schema, inputs = self.prepared.schema, self.rows.inputs
        private = (private_note(),) if self.options.private else ()
        notes = (*schema.notes, *self.rows.notes, *private)
        self.prepared = replace(self.prepared, schema=replace(schema, notes=notes))
        self.device = _device(self.options)
        self.threads = torch.get_num_threads()
        candidates = self._candidates(inputs)
        self._open_folder()
        if self.replay is not None:
            self.keeper.keep_latencies(self.replay.latencies)
        allocator = Allocator(limit=memory_limit(self.options.memory_limit), key=self.prepared.source.fingerprint)
        try:
            self._passed("reading")
            store = self.rows.store(allocator)
            self._passed("encoding")
            wall, worked = time.perf_counter(), time.process_time()
            baselines = self._baselines(store, inputs)
            self.slowness = _slowness(time.perf_counter() - wall, time.process_time() - worked)
            self.num_networks, self.num_judged = len(candidates), len(candidates) + len(baselines)
            data = DeviceData(store, inputs, self.device, self.rows.target)
            self._passed("baselines")
            plan, candidates = self._planned(candidates, data)
            self._passed("probing")
            # What is handed over learns from all rows, however little time there is.
            whole = replace(plan, refit=True) if self.prepared.folds else plan
            trained = {i: self._train(candidates[i], whole, data, i, place) for place, i in enumerate(plan.order)}
            outcomes = [trained[i] for i in range(len(candidates))]
            networks = {c.plan.name: t for c, (t, _) in zip(candidates, outcomes, strict=True) if t is not None}
            judged, baselines, asked = self._over_folds(plan, [result for _, result in outcomes], baselines)
            self._passed("training")
            results = self._evaluate(judged, baselines, plan, networks)
            results = asked(results) if asked else self._ablate(results, networks, data, store)
            results = self._explain(results, networks, store)
            results = replace(results, learned=self.rows.learned(store))
            results = self._write(results, networks, data, candidates)
            self.keeper.finish()
            self._passed("scoring and reporting")
            made = {result.name: result.steps for _, result in outcomes if result.status == "ok"}
            results = replace(results, spent=spent_words(plan, self.stages, made))
        except BaseException as error:
            self._leave(error)
            raise
        finally:
            allocator.release()
            self.held.close()
        seconds = time.perf_counter() - self.started
        self.on_event(Event(stage="done", text=results.verdict.sentence, data={"seconds": seconds}))
        return results

    def _passed(self, stage: str) -> None:
        self.stages[stage] = self.clock.seconds() - sum(self.stages.values())

    def _over_folds(
        self, plan: Plan, whole: list[CandidateResult], baselines: list[CandidateResult]
    ) -> tuple[list[CandidateResult], list[CandidateResult], Callable[[RunResults], RunResults] | None]:
        """The same contest in every fold, by the same plan: results with the predictions of all folds, and what asks the first
        fold's networks what each group of columns adds."""
        from netpick.rounds import put_together

        folds, asked = self.prepared.folds, None
        parts: list[tuple[list[CandidateResult], list[CandidateResult]]] = []
        for number in range(len(folds)):
            results, simple, ask = self._fold(number, plan)
            parts.append((results, simple))
            asked = asked or ask
        if not folds:
            return whole, baselines, None
        judged = [put_together(w, [p[0][i] for p in parts], folds) for i, w in enumerate(whole)]
        names = [[b.name for b in simple] for _, simple in parts]
        every = [b for b in baselines if all(b.name in found for found in names)]  # one may not apply to fewer rows
        return (
            judged,
            [put_together(b, [p[1][n.index(b.name)] for p, n in zip(parts, names, strict=True)], folds) for b in every],
            asked,
        )

    def _fold(
        self, number: int, plan: Plan
    ) -> tuple[list[CandidateResult], list[CandidateResult], Callable[[RunResults], RunResults]]:
        """One fold: its own encoders, baselines and networks, of the planned sizes."""
        from netpick.contest_rows import rows_of
        from netpick.infer import DeviceData
        from netpick.rounds import of_fold
        from netpick.store import Allocator

        count = len(self.prepared.folds)
        said = f"fold {number + 1} of {count}"
        fold = copy(self)
        fold.prepared = of_fold(self.prepared, self.prepared.folds[number])
        fold.rows = rows_of(fold.prepared)
        told = {"fold": number + 1, "folds": count}  # and no candidate: the curves are those of what is handed over
        fold.listener = lambda event: self.on_event(replace(event, text=f"{said}: {event.text}", data=told))
        fold.folder, fold.events, fold.states = None, [], {}
        fold.rounds_left, fold.key = count - number, f"fold{number + 1}-"
        self.on_event(Event(stage="folds", text=said, data=told))
        inputs = fold.rows.inputs
        candidates = [as_planned(c, p) for c, p in zip(fold._candidates(inputs), plan.candidates, strict=True)]
        limit = memory_limit(self.options.memory_limit)
        allocator = Allocator(limit=limit, key=f"{self.prepared.source.fingerprint}-{number}")
        try:
            store = fold.rows.store(allocator)
            baselines = fold._baselines(store, inputs)
            data = DeviceData(store, inputs, self.device, fold.rows.target)
            trained = {i: fold._train(candidates[i], plan, data, i, place) for place, i in enumerate(plan.order)}
        finally:
            allocator.release()
        networks = {c.plan.name: trained[i][0] for i, c in enumerate(candidates) if trained[i][0] is not None}
        results = [trained[i][1] for i in range(len(candidates))]
        return results, baselines, lambda found: fold._ablate(found, networks, data, store)  # type: ignore[arg-type]

    def on_event(self, event: Event, /) -> None:
        """Passes progress on, and keeps it in events.jsonl."""
        self.events.append(event)
        if self.folder is not None:
            seconds = round(time.perf_counter() - self.started, 3)
            lines = [json.dumps({"seconds": seconds, **asdict(kept)}) + "\n" for kept in self.events]
            self.keeper.keep_events(lines)
            self.events.clear()
        try:
            self.listener(event)
        except OSError as error:  # what it prints to may lie on a full disk, too
            raise Interrupted(f"Progress could not be shown ({error.strerror}).") from None

    # The stages, in the order of their calls.

    def _candidates(self, inputs: Any) -> list[Candidate]:
        from netpick.candidates import Contestants, make_candidates

        options, prepared = self.options, self.prepared
        return make_candidates(
            Contestants(
                inputs=inputs,
                num_outputs=prepared.task.answer.num_outputs(prepared.state),
                num_rows=len(prepared.split.train),
                labels=prepared.task.answer.labels(prepared.state),
                device=self.device,
                seed=options.seed,
                models=options.models,
                layers=options.layers,
                modules=tuple(options.modules),
                recipe=options.recipe,
                seconds=None if options.steps is not None or self.budget is None else self.budget / self.rounds,
            )
        )

    def _open_folder(self) -> None:
        """The run folder: made now, with what was asked for in it, or that of an earlier start."""
        from netpick.keeping import Keeper, Request, versions

        found = self.folder
        folder = self._make_folder() if found is None else found
        self.keeper = Keeper(folder=folder, stop=self.stop, clock=self.clock)
        if found is None:
            request = Request(
                data=None if self.data is None else str(self.data),
                options=self.options.to_json(),
                fingerprint=self.prepared.source.fingerprint,
                versions=versions(),
            )
            try:
                self.keeper.begin(request)
            except OSError:  # nothing was done yet, and nothing stays
                shutil.rmtree(folder, ignore_errors=True)
                raise
        self.held.enter_context(locked(folder))
        self.folder, self.resumed = folder, found is not None

    def _leave(self, error: BaseException) -> None:
        """A run that was refused before its plan stood leaves nothing; an interrupted one says how to go on."""
        if isinstance(error, (Interrupted, KeyboardInterrupt)):
            what = str(error) or "The run was interrupted."
            raise Interrupted(f"{what} Go on with: netpick resume {self._folder}") from None
        if isinstance(error, OSError) and (said := refused_write(error)):
            raise Interrupted(
                f"{said} Nothing that was trained is lost. Go on with: netpick resume {self._folder}"
            ) from None
        if isinstance(error, NetpickError) and not self.resumed and not (self._folder / "plan.json").exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            if self.options.out is None:  # runs/ goes too, unless it holds other runs
                with suppress(OSError):
                    self._folder.parent.rmdir()

    def _planned(self, candidates: list[Candidate], data: DeviceData) -> tuple[Plan, list[Candidate]]:
        """The plan of an earlier start, or that which is replayed, where there is one: a clock went into it."""
        import torch

        if self.replay is not None:
            self.keeper.repeat(self.replay.plan, self.replay.decisions)
        kept = self.keeper.plan()
        if kept is None:
            plan, candidates = self._plan(candidates, data)
            self.keeper.keep_plan(plan)
            return plan, candidates
        if [(c.plan.name, c.plan.family) for c in candidates] != [(p.name, p.family) for p in kept.candidates]:
            raise RequestError(
                f"The plan has the candidates {', '.join(p.name for p in kept.candidates)}, but the data and options give "
                f"{', '.join(c.plan.name for c in candidates)}. Start anew with `netpick fit`."
            )
        torch.set_num_threads(kept.threads)
        self.clock.set(kept.used_seconds)
        return kept, [as_planned(c, p) for c, p in zip(candidates, kept.candidates, strict=True)]

    def _make_folder(self) -> Path:
        name = "private" if self.options.private else self.prepared.source.name
        numbered = (Path("runs") / f"{name}-{number}" for number in count(1))
        folder = self.options.out or next(path for path in numbered if not path.exists())
        above = next(parent for parent in folder.absolute().parents if parent.exists())
        free = shutil.disk_usage(above).free
        if free < LEAST_DISK:
            raise RequestError(
                f"The disk of {above} has {free / 1e6:.1f} MB free, but a run needs at least {LEAST_DISK / 1e6:.0f} MB for "
                "the model and the report. Free some space, or pass --out on another disk."
            )
        folder.mkdir(parents=True)
        return folder

    def _baselines(self, store: Store, inputs: Any) -> list[CandidateResult]:
        from netpick.baseline_fits import fit_baselines, fitted_again, keep_decisions, latency_ms, read_decisions
        from netpick.baselines import Problem
        from netpick.baselines.answering import problem_answers
        from netpick.kinds.base import FEWEST_ROWS

        prepared, split, task = self.prepared, self.prepared.split, self.prepared.task
        self.problem = problem = Problem(
            answer=task.answer,
            inputs=inputs,
            arrays=store.arrays,
            target=prepared.truth,
            num_classes=task.answer.num_outputs(prepared.state),
            train=split.train,
            seed=self.options.seed,
            columns=self.rows.columns,
            windows=self.rows.windows,
            numbers=self.rows.numbers,
            asked=len(split.validation) + len(split.test),
            fewest=FEWEST_ROWS if self.options.private else 1,
        )
        kept = read_decisions(self.keeper.folder) if self.replay is None else self.replay.baselines
        decided = {name.removeprefix(self.key): decision for name, decision in kept.items()}
        seconds = None if self.budget is None else self.budget / self.rounds
        self.baselines = fit_baselines(problem, seconds, decided, self.on_event, self.clock.watched)
        keep_decisions(self.keeper.folder, self.key, self.baselines)
        results = []
        for fit in self.baselines:
            name = fit.baseline.name
            answers = partial(problem_answers, fit.baseline, fit.fitted, problem, state=prepared.state)
            validated = answers(split.validation)
            self.states[name] = self.rows.calibrated(validated)
            results.append(
                CandidateResult(
                    name=name,
                    family="baseline",
                    status="ok",
                    reason=fit.fitted.remark,
                    reduced=not fit.fitted.decision.full,
                    seconds=fit.seconds,
                    bytes=fit.fitted.num_bytes,
                    latency_ms=self.keeper.latency(
                        self.key + name, partial(latency_ms, fit, problem, int(split.train[0]))
                    ),
                    calibration=task.answer.calibration_words(self.states[name]),
                    validation_predictions=task.answer.decode(validated, self.states[name]),
                    test_predictions=task.answer.decode(answers(prepared.sealed.rows), self.states[name]),
                )
            )
        if prepared.folds:  # what is handed over learns from all rows, as networks do
            everything = replace(problem, train=np.sort(self.rows.learnable))
            self.baselines = fitted_again(everything, self.baselines)
        return results

    def _baseline_seconds(self) -> float:
        from netpick.plan import BASELINE_SHARE

        return BASELINE_SHARE * (self.budget if self.budget is not None else DEFAULT_BUDGET) / self.rounds

    def _plan(self, candidates: list[Candidate], data: DeviceData) -> tuple[Plan, list[Candidate]]:
        import torch

        from netpick.plan import REFIT_ROWS, Plan, needed_seconds

        split, steps = self.prepared.split, self.options.steps
        plan = Plan(
            seed=self.options.seed,
            device=self.device,
            threads=torch.get_num_threads(),
            budget_seconds=self.budget,
            baseline_seconds=self._baseline_seconds(),
            learning_rate_trials=self.options.trials,
            rows={"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
            refit=len(split.train) <= REFIT_ROWS and self.rows.trained_twice,
            candidates=[c.plan for c in candidates],
            order=tuple(range(len(candidates))),
        )
        if steps is not None:
            candidates = [replace(c, plan=replace(c.plan, steps=steps, looks=min(10, steps))) for c in candidates]
            return replace(plan, candidates=[c.plan for c in candidates]), candidates
        plan, candidates = self._sized(candidates, plan, data)
        plan = replace(plan, candidates=[c.plan for c in candidates], used_seconds=self.clock.seconds())
        order = sorted(range(len(candidates)), key=lambda i: needed_seconds(candidates[i].plan, plan))
        return replace(plan, order=order), candidates

    def _sized(self, candidates: list[Candidate], plan: Plan, data: DeviceData) -> tuple[Plan, list[Candidate]]:
        """Every candidate at the largest size that its share affords, by timed steps."""
        from netpick.plan import REFIT_EPOCHS, passes_of

        def timed(candidate: Candidate, probed: Probe | None, plan: Plan) -> Candidate:
            share = self._share(len(candidates), 0.0 if probed is None else probed.predict_seconds)
            return _timed(candidate, probed, share, plan)

        probed: list[tuple[Candidate, Probe | None]] = []
        rows = len(self.prepared.split.validation) + len(self.prepared.split.test)
        for candidate in candidates:
            probed.append(self._size(candidate, replace(plan, refit=False), data))
        self.ablation_seconds = self._ablation_seconds(data, [p.predict_seconds / rows for _, p in probed if p])
        made = [timed(c, p, plan) for c, p in probed]
        if plan.refit and any(
            passes_of(c.plan, plan) < min(REFIT_EPOCHS, c.plan.recipe.epochs or REFIT_EPOCHS) for c in made
        ):
            # Too dear to train twice: a longer first training is worth more than the validation rows are.
            plan = replace(plan, refit=False)
            made = [timed(c, p, plan) for c, p in probed]
        return plan, made

    def _size(self, candidate: Candidate, plan: Plan, data: DeviceData) -> tuple[Candidate, Probe | None]:
        """The first size whose passes its share affords; of the smallest one a sample of the rows where even that is too dear."""
        from netpick.models.base import FEWEST_PASSES
        from netpick.plan import (
            FEWEST_REPEATED,
            FEWEST_SAMPLED,
            HOPELESS,
            LEAST_HOPELESS,
            PROBE_SLACK,
            passes_of,
            steps_of_pass,
        )

        name = candidate.plan.name
        while True:
            capped = candidate.plan.recipe.epochs
            wanted = PROBE_SLACK * min(candidate.passes, capped or candidate.passes)
            step_seconds = self._share(self.num_networks) / (wanted * steps_of_pass(candidate.plan, plan))
            hopeless = max(LEAST_HOPELESS, HOPELESS * step_seconds)
            found = self._probe(candidate, data, math.inf if candidate.smaller is None else hopeless)
            if found is None:  # training it will fail the same way, and is reported there
                return candidate, None
            share = self._share(self.num_networks, found.predict_seconds)
            timed = _timed(candidate, found, share, plan).plan
            passes = passes_of(timed, plan)
            if passes >= wanted or candidate.smaller is None:
                break
            candidate = candidate.smaller()
            candidate = replace(candidate, plan=replace(candidate.plan, name=name))
        total = plan.rows["train"]
        enough = PROBE_SLACK * FEWEST_PASSES
        if passes < enough and total > FEWEST_SAMPLED and timed.steps >= FEWEST_REPEATED:
            sample = max(FEWEST_SAMPLED, int(total * passes / enough))
            remarks = (*candidate.plan.remarks, f"learned from a sample of {sample:,} of {total:,} rows")
            candidate = replace(candidate, plan=replace(candidate.plan, rows=sample, remarks=remarks))
        return candidate, found

    def _share(self, candidates: int, predicting: float = 0.0) -> float:
        """Seconds of what is left for the training of each of so many candidates, later folds aside, which then take `predicting` for their answers.

        However little is left, something is trained: the budget is then passed, and that is said.
        """
        from netpick.plan import LEAST_SHARE

        least = 0.0 if self.budget is None else LEAST_SHARE * self.budget / self.num_networks / self.rounds
        trainings = candidates + (self.rounds_left - 1) * self.num_networks
        return max(0.98 * self._left() / trainings - predicting, least)

    def _ablation_seconds(self, data: DeviceData, row_seconds: list[float]) -> float:
        """Of asking the slowest network about the test rows once for each group of columns, and once as they are."""
        from netpick.ablation import MOST_ROWS

        groups = len(data.inputs) if self.rows.groups_columns else 1
        asked = (1 + groups) * min(MOST_ROWS, len(self.prepared.split.test)) if groups > 1 else 0
        return asked * max(row_seconds, default=0.0)

    def _probe(self, candidate: Candidate, data: DeviceData, hopeless: float) -> Probe | None:
        from netpick.train import probe

        seconds = min(0.25, 0.005 * (self.budget or DEFAULT_BUDGET))
        rows = len(self.prepared.split.validation) + len(self.prepared.split.test)
        try:
            return probe(self._job(candidate, data, candidate.plan), rows, seconds, self._thread_choices(), hopeless)
        except Exception:  # training it will fail the same way, and is reported there
            return None

    def _thread_choices(self) -> Sequence[int]:
        """Numbers of threads to try: one, half and all; on a GPU, or where the user said one, no others."""
        from netpick.course import thread_choices

        return thread_choices(self.threads) if self.options.threads is None and self.device == "cpu" else [self.threads]

    def _left(self) -> float:
        """Seconds of the budget left for training, what the end of the run needs kept back."""
        if self.budget is None:
            return float("inf")
        split = self.prepared.split
        scored = len(split.validation) + len(split.test)
        scored_seconds = SCORE_SECONDS * self.num_judged * scored * self.rows.scored_numbers
        return self.budget - self.clock.seconds() - FINISH_SECONDS - scored_seconds - self.ablation_seconds

    def _job(self, candidate: Candidate, data: DeviceData, plan: Any, **changes: Any) -> Any:
        from netpick.metrics import METRICS
        from netpick.train import Job, class_weights

        prepared = self.prepared
        outputs = self.rows.num_scores
        self.primary = prepared.task.answer.primary(outputs, _balance(prepared.truth, prepared.known_rows))
        job = Job(
            plan=plan,
            build=candidate.build,
            task=prepared.task,
            target_state=prepared.state,
            data=data,
            truth=prepared.truth,
            train=_sampled(prepared.split.train, plan.rows, plan.seed),
            validation=prepared.split.validation,
            primary=METRICS[self.primary],
            class_weights=class_weights(prepared.truth, prepared.split.train, plan.recipe, outputs),
        )
        return replace(job, **changes)

    def _train(
        self, candidate: Candidate, plan: Plan, data: DeviceData, index: int, place: int
    ) -> tuple[Trained | None, CandidateResult]:
        import torch

        from netpick.infer import latency_ms
        from netpick.plan import first_seconds

        name, started = candidate.plan.name, time.perf_counter()
        share = self._share(len(plan.order) - place, candidate.plan.predict_ms / 1000)
        until = self.clock.seconds() + share
        steps = f"{candidate.plan.steps:,} steps"
        self.on_event(
            Event(
                stage="train",
                text=f"{name}: {steps}" if self.budget is None else f"{name}: {max(0.0, share):.0f} s, some {steps}",
                data={"candidate": name, "step": 0, "steps": candidate.plan.steps},
            )
        )
        empty = CandidateResult(
            name=name, family=candidate.plan.family, status="failed", parameters=candidate.plan.parameters
        )
        try:
            candidate = self._pick_rate(candidate, plan, data)
            job = self._job(candidate, data, candidate.plan)
            first = first_seconds(share, plan)
            job = replace(
                job, course=self._course(f"{self.key}{index}", candidate.plan, first, candidate.plan.most_steps)
            )
            trained = self.keeper.trained(f"{self.key}{index}", job, self.on_event)
            torch.set_num_threads(
                self.threads if job.course is None else job.course.threads
            )  # beside a busy program, one
            answered = self._answers(trained.network, data, self.prepared.split.validation)
            self.states[name] = self.rows.calibrated(answered)
            history, half_time = trained.history, trained.half_time
            validated = self.prepared.task.answer.decode(answered, self.states[name])
            remarks = [*candidate.plan.remarks, *trained.remarks]
            if plan.refit and self.rows.trained_twice:
                trained, remark = self._refit(candidate, trained, data, until, f"{self.key}{index}-again")
                remarks.append(remark)
            test = self._answers(trained.network, data, self.prepared.sealed.rows)
            result = replace(
                empty,
                status="ok",
                reason="; ".join(remarks),
                history=history,
                half_time=half_time,
                seconds=time.perf_counter() - started,
                steps=trained.steps,
                calibration=self.prepared.task.answer.calibration_words(self.states[name]),
                validation_predictions=validated,
                test_predictions=self.prepared.task.answer.decode(test, self.states[name]),
                bytes=sum(t.numel() * t.element_size() for t in trained.network.state_dict().values()),
                latency_ms=self.keeper.latency(
                    self.key + name, partial(latency_ms, trained.network, data, int(self.prepared.split.train[0]))
                ),
            )
        except Interrupted:
            raise
        except Exception as error:  # a failed candidate is a result: it is shown with its reason
            reason = str(error).strip().splitlines()
            self.on_event(
                Event(stage="train", text=f"{name} failed: {error}", data={"candidate": name, "failed": True})
            )
            return None, replace(
                empty,
                reason=f"{type(error).__name__}: {reason[0] if reason else 'no message'}"[:500],
                seconds=time.perf_counter() - started,
            )
        return trained, result

    def _course(
        self, key: str, plan: CandidatePlan, seconds: float, most_steps: int, *, scored: bool = True
    ) -> Course | None:
        """How the clock steers a training; None where --steps fixes it."""
        from netpick.course import ClockCourse
        from netpick.plan import share_of

        if self.options.steps is not None or not plan.step_ms:
            return None
        record = self.keeper.record(key)
        record.whole = self.options.plan is not None
        share = share_of(plan, seconds, most_steps, threads=self._thread_choices(), scored=scored)
        return ClockCourse(share, self.clock, record)

    def _pick_rate(self, candidate: Candidate, plan: Plan, data: DeviceData) -> Candidate:
        """The same number of short trials for every candidate: a third, once and three times its learning rate, ..."""
        from netpick.train import train

        if plan.learning_rate_trials <= 1:
            return candidate
        base = candidate.plan.recipe.learning_rate
        factors = [3.0 ** (i - (plan.learning_rate_trials - 1) / 2) for i in range(plan.learning_rate_trials)]
        tried = []
        for factor in factors:
            recipe = replace(candidate.plan.recipe, learning_rate=base * factor)
            short = replace(candidate.plan, recipe=recipe, steps=max(5, candidate.plan.steps // 10), looks=1)
            try:
                loss = train(self._job(candidate, data, short), silent).history[-1].validation_loss
            except TrainingError:  # diverged: this rate is out
                loss = float("inf")
            tried.append((loss, recipe))
        best = min(tried, key=lambda pair: pair[0])[1]
        return replace(candidate, plan=replace(candidate.plan, recipe=best))

    def _refit(
        self, candidate: Candidate, trained: Trained, data: DeviceData, until: float, key: str
    ) -> tuple[Trained, str]:
        """Small data: once more, with the validation rows, for as many epochs as were best; and what is to be said of it.

        A second training that its share does not afford never replaces the first.
        """
        from netpick.plan import REFIT_SHARE

        rows = np.sort(self.rows.learnable)
        growth = len(rows) / len(self.prepared.split.train)
        steps = max(1, round(max(trained.best_step, 0.5 * trained.steps) * growth))
        plan = candidate.plan
        if self.options.steps is not None:
            steps = min(steps, plan.steps)
        course = self._course(key, plan, until - self.clock.seconds(), steps, scored=False)
        given_up = "not trained again on the validation rows: the time for it ran out"
        if course is not None and course.steps < REFIT_SHARE * steps:
            return trained, given_up
        job = self._job(candidate, data, replace(plan, steps=steps, looks=1), train=rows, select=False, course=course)
        again = self.keeper.trained(key, job, silent)
        if again.steps < REFIT_SHARE * steps:
            return trained, given_up
        return again, f"trained again on training and validation rows for {again.steps:,} steps"

    def _answers(self, network: nn.Module, data: DeviceData, rows: Rows) -> Array:
        from netpick.infer import predict_outputs

        return self.prepared.task.answer.answer(predict_outputs(network, data, rows)).cpu().numpy()

    def _evaluate(
        self,
        candidates: list[CandidateResult],
        baselines: list[CandidateResult],
        plan: Plan,
        networks: Mapping[str, Any],
    ) -> RunResults:
        from netpick import __version__
        from netpick.blending import ValidationRows, described, mix
        from netpick.checks import RESULT_CHECKS, outcomes, run_result_checks
        from netpick.compare import qualified
        from netpick.evaluate import Contest, judge
        from netpick.plan import steps_per_pass
        from netpick.report.thumbnails import thumbnails_of
        from netpick.rounds import validation_rows

        prepared, split = self.prepared, self.prepared.split
        if not networks:
            reasons = "; ".join(f"{c.name}: {c.reason}" for c in candidates)
            self._write_json("failed.json", {"candidates": {c.name: c.reason for c in candidates}})
            raise TrainingError(f"No network could be trained ({reasons}). What was tried is in {self.folder}.")
        test_rows = prepared.sealed.open("scores of all candidates and baselines")
        told = (
            f"tested once each: {len(test_rows):,} rows"
            if prepared.folds
            else f"test rows opened once: {len(test_rows):,} rows"
        )
        self.on_event(Event(stage="evaluate", text=told))
        validation = validation_rows(prepared.folds) if prepared.folds else split.validation
        mixed = mix(
            [*candidates, *baselines],
            prepared.task,
            prepared.state,
            ValidationRows(
                truth=prepared.truth[validation],
                groups=validation if prepared.folds else self.rows.test_groups(validation),
                seed=self.options.seed,
            ),
        )
        judged = judge(
            Contest(
                task=prepared.task,
                labels=prepared.task.answer.labels(prepared.state),
                primary=self.primary,
                validation_truth=prepared.truth[validation],
                validation_rows=validation if prepared.folds else None,
                test_truth=prepared.truth[test_rows],
                cost=dict(self.options.cost),
                seed=self.options.seed,
                candidates=candidates,
                baselines=baselines,
                passes={c.name: c.steps / steps_per_pass(plan, c.name) for c in candidates},
                test_groups=self.rows.test_groups(test_rows),
                blend=None if mixed is None else mixed.result,
                margin=self.options.margin,
                prefer=self.options.prefer,
            )
        )
        blend = None
        if mixed is not None and judged.blend is not None:
            self.states[mixed.result.name] = mixed.state
            blend = described(mixed, judged.blend, judged.against, judged.primary)
        found, not_applicable, _ = run_result_checks(judged.candidates, judged.baselines, judged.comparisons)
        findings = [*prepared.findings, *found]
        return RunResults(
            version=__version__,
            title=prepared.source.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=self.options.command,
            source=prepared.source,
            schema=prepared.schema,
            target=prepared.target,
            split=split,
            plan=plan.to_json(),
            primary_metric=judged.primary,
            candidates=judged.candidates,
            baselines=judged.baselines,
            comparisons=judged.comparisons,
            verdict=qualified(judged.verdict, findings),
            threshold=judged.threshold,
            thresholds=judged.thresholds,
            costs=judged.costs,
            blend=blend,
            decision=judged.decision,
            findings=findings,
            checks=[*prepared.checks, *outcomes(RESULT_CHECKS.values(), found, not_applicable)],
            test_openings=len(prepared.sealed.openings),
            seconds=time.perf_counter() - self.started,
            test_truth=prepared.truth[test_rows],
            thumbnails=thumbnails_of(prepared.source, prepared.schema),
            forecast=self.rows.info(test_rows),
        )

    def _ablate(
        self, results: RunResults, networks: Mapping[str, Trained], data: DeviceData, store: Store
    ) -> RunResults:
        """What each group of columns adds to the recommended network."""
        from netpick.ablation import Trial, ablate, column_groups
        from netpick.metrics import metric_of

        winner = results.verdict.best_network
        groups = column_groups(self.rows.encoders) if self.rows.groups_columns else ()
        if winner is None or winner not in networks or not groups:
            return results
        self.on_event(Event(stage="evaluate", text=f"what each of {len(groups)} column groups adds"))
        prepared = self.prepared
        trial = Trial(
            network=networks[winner].network,
            arrays=store.arrays,
            inputs=data.inputs,
            device=self.device,
            task=prepared.task,
            task_state=self.states[winner],
            truth=prepared.truth,
            rows=prepared.sealed.rows,
            row_groups=self.rows.test_groups(prepared.sealed.rows),
            metric=metric_of(results.primary_metric, results.costs),
            rule=results.rule(winner),
            seed=self.options.seed,
        )
        return replace(results, ablation=ablate(trial, groups), seconds=time.perf_counter() - self.started)

    def _explain(self, results: RunResults, networks: Mapping[str, Trained], store: Store) -> RunResults:
        """What the recommended network goes by on one validation row."""
        from netpick.explain.brief import MOST_ROWS, brief
        from netpick.explain.subject import Subject

        winner, prepared = results.verdict.best_network, self.prepared
        if winner is None or winner not in networks or prepared.task.windowed:
            return results
        rows = prepared.split.validation[:MOST_ROWS]
        network = networks[winner].network.cpu()
        subject = Subject(
            title=results.title,
            candidate=winner,
            family="",
            network=network,
            inputs=self.rows.inputs,
            encoders=self.rows.encoders,
            task=prepared.task,
            state=self.states[winner],
            labels=tuple(results.target.labels),
            rule=results.rule(winner),
            primary=results.primary_metric,
            arrays={name: np.asarray(array[rows]) for name, array in store.arrays.items()},
            columns=prepared.source.columns,
            rows=rows,
            names=prepared.source.row_names,
            truth=prepared.truth[rows],
        )
        try:
            explained = brief(subject)
        except RuntimeError as error:  # a module of the user's own may refuse gradients; its run still stands
            self.on_event(Event(stage="evaluate", text=f"nothing is explained: {str(error).splitlines()[0]}"))
            explained = None
        network.to(self.device)
        return replace(results, explained=explained, seconds=time.perf_counter() - self.started)

    @property
    def _folder(self) -> Path:
        assert self.folder is not None
        return self.folder

    def _write(
        self,
        results: RunResults,
        networks: Mapping[str, Trained],
        data: DeviceData,
        candidates: list[Candidate],
    ) -> RunResults:
        """Model files, predictions and report; the results with what was kept."""
        from netpick.predictions import predictions_table
        from netpick.private import without_rows
        from netpick.report import to_html, to_json, to_markdown
        from netpick.write_models import Finished, write_models

        judged = {baseline.name for baseline in results.baselines}
        finished = Finished(
            task=self.prepared.task,
            states=self.states,
            encoders=self.rows.encoders,
            read=self.options.read,
            networks={
                c.name: networks[c.name].network for c in results.candidates if c.status == "ok" and c.name in networks
            },
            plans={c.plan.name: c.plan for c in candidates},
            data=data,
            baselines={fit.baseline.name: fit for fit in self.baselines if fit.baseline.name in judged},
            problem=self.problem,
            private=self.options.private,
        )
        keep, recommended = self.options.keep, results.verdict.winner or next(iter(networks))
        results = replace(results, kept=finished.names if keep == "all" else (recommended,))
        told = without_rows(results) if self.options.private else results
        cards = {name: to_markdown(told, name) for name in results.kept}
        write_models(self._folder, recommended, finished, told, cards, keep)
        if not self.options.private:
            predictions = BytesIO()
            predictions_table(results).write_parquet(predictions)
            write_whole(self._folder / "predictions.parquet", predictions.getvalue())
        self._write_json("report.json", to_json(told))
        report = self._folder / "report.html"
        try:
            write_whole(report, to_html(told).encode("utf-8", "replace"))  # names of files need not be UTF-8
        except OSError:
            if not report.is_file():  # once it has its name the run is over; only the disk's word for it is missing
                raise
        return results

    def _write_json(self, name: str, data: Any) -> None:
        write_whole(self._folder / name, json.dumps(data, indent=1, allow_nan=False).encode())


def _timed(candidate: Candidate, probed: Probe | None, seconds: float, plan: Plan) -> Candidate:
    """The candidate with what its probe saw; one that failed it gets a single step, in which it fails again and says why."""
    from netpick.plan import planned

    made = replace(candidate.plan, steps=1) if probed is None else planned(candidate.plan, probed, seconds, plan)
    return replace(candidate, plan=made)


def as_planned(candidate: Candidate, plan: CandidatePlan) -> Candidate:
    """The candidate at the size that was planned. Raises RequestError where the plan is that of another contest."""
    found = candidate
    while dict(found.plan.settings) != dict(plan.settings) and found.smaller is not None:
        found = found.smaller()
    if dict(found.plan.settings) != dict(plan.settings) or found.plan.family != plan.family:
        raise RequestError(
            f"The plan trains {plan.name} with settings that this version does not offer for these data. Start the run anew "
            "with `netpick fit`."
        )
    return replace(found, plan=plan)


def _sampled(rows: Rows, count: int, seed: int) -> Rows:
    """So many of the rows, drawn at random; all of them for 0."""
    if not 0 < count < len(rows):
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))


def _slowness(wall: float, worked: float) -> float:
    """How much longer than on a free core work takes; told by work on one thread, if it was enough to tell."""
    return min(4.0, max(1.0, wall / worked)) if worked > 0.2 else 1.0


def _balance(truth: Array, rows: Rows) -> float:
    """Share of the rows that are in the rarest class; one half where there are no classes."""
    if truth.ndim != 1 or len(rows) == 0:
        return 0.5
    counts = np.bincount(truth[rows])
    return float(counts[counts > 0].min() / counts.sum())


def _device(options: FitOptions) -> str:
    import torch

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if options.device != "auto":
        if options.device.startswith("cuda") and not torch.cuda.is_available():
            raise RequestError(
                "--device cuda was asked for, but torch sees no GPU here. Leave --device out, or pass cpu."
            )
        if options.device.split(":")[0] not in ("cpu", "cuda"):
            raise RequestError(f"There is no device '{options.device}'. Known: auto, cpu, cuda, cuda:1, ...")
        return options.device
    return "cuda" if torch.cuda.is_available() else "cpu"
