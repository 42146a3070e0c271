"""The server's inside: models, their batchers, a few threads for large requests, and what is counted. No HTTP in here but for
headers, bodies, statuses."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from netpick.columns.forms import LENGTHS, stored_as
from netpick.data.decoders import DECODERS
from netpick.serve.batching import READERS, Batcher
from netpick.serve.calls import FileCall, InferCall, JsonCall, TableTasks, Task, TextCall, Written, tasks_of
from netpick.serve.counters import Counters
from netpick.serve.faults import Fault, refuse
from netpick.serve.gate import Gate, Headers
from netpick.serve.generations import Generations
from netpick.serve.guard import guarded
from netpick.serve.held import SMALL, Held
from netpick.serve.lane import Lane, Work
from netpick.serve.options import ServeOptions
from netpick.serve.queries import BUSY, Call, Query
from netpick.serve.refusals import Refusals
from netpick.serve.replies import Reply
from netpick.serve.rows import RowSet
from netpick.serve.served import Answers, ServedModel
from netpick.serve.turns import Turns
from netpick.serve.wanted import still_wanted
from netpick.types import Array

PROBE_SECONDS = 10.0  # between true predictions that readiness makes
log = logging.getLogger("netpick.serve")

Finish = Callable[[Reply | Fault], None]
Read = TypeVar("Read")


@dataclass(frozen=True)
class Route:
    """What a path asks of which model."""

    action: str  # "predict", "explain", "infer"
    model: str
    label: str  # for counting, without the model's name

    @property
    def is_v2(self) -> bool:
        return self.action == "infer"


class Service:
    """Answers requests for its models; all methods but those that say so belong to the event loop."""

    def __init__(self, models: Sequence[ServedModel], options: ServeOptions) -> None:
        self.models: Mapping[str, ServedModel] = {served.name: served for served in models}
        self.options, self.limits = options, options.limits
        self.gate = Gate(options)
        self.counters = Counters()
        self.held = Held(self.limits.body)
        self.unread = 0  # bytes of answers that clients have not taken, as last looked at
        self.draining = False
        self.started = time.time()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engine_lock = threading.Lock()
        self._lane, self._turns, self.refusals = Lane(), Turns(), Refusals()
        self.texts = Generations(self._engine_lock, self.limits.texts)
        self._probe = ThreadPoolExecutor(1, thread_name_prefix="probe")
        self._probed, self._answers = float("-inf"), True
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self.batchers = {
            name: Batcher(served, self._engine_lock, self._readers) for name, served in self.models.items()
        }
        self._tasks = {name: tasks_of(served, self._together(served)) for name, served in self.models.items()}
        self.routes = self._routes()
        self._count_batches()

    @property
    def first(self) -> ServedModel:
        return next(iter(self.models.values()))

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lane.start(loop)
        self.texts.start()
        self._turns.start(loop)
        self.refusals.start(loop)
        for batcher in self.batchers.values():
            batcher.start(loop)

    def stop(self) -> None:
        """After the last request was answered."""
        for batcher in self.batchers.values():
            batcher.stop()
        self._lane.stop()
        self.texts.stop()
        for pool in (self._readers, self._probe):
            pool.shutdown(cancel_futures=True)

    # --- requests ----------------------------------------------------------------------------------------------------

    def early(self, route: Route, headers: Headers, client: str) -> Fault | None:
        """Why a request is turned away before its body is read."""
        fault = self.gate.check(headers, reads=False)
        if fault is not None:
            return fault
        length = headers.get(b"content-length")
        if length is not None and int(length) > self.limits.body:
            return self.too_large(int(length))
        encoding = headers.get(b"content-encoding")
        if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
            return Fault(
                code="unsupported_type", message="Compressed bodies are not unpacked. Send it without Content-Encoding."
            )
        crowded = length is not None and not self.held.has_room(client, int(length))
        full = self.batchers[route.model].full()  # which sends what was answered, whoever is turned away
        return BUSY if self._turns.is_too_long() or full or crowded else None

    def too_large(self, length: int) -> Fault:
        megabytes = self.limits.body / 1e6
        return Fault(
            code="too_large",
            message=f"The body has {length / 1e6:,.1f} MB or more, and at most {megabytes:,.1f} MB are read. Send less at once.",
        )

    def begin(self, route: Route, headers: Headers, body: bytes, finish: Finish, client: str) -> Query | Work | None:
        """Starts to answer; `finish` is called on the event loop, at once or later. What comes back can be dropped."""
        if len(body) > self.limits.body:
            finish(self.too_large(len(body)))
            return None
        deadline = time.monotonic() + self.limits.answer_seconds
        work = guarded(lambda: self._work(route, headers, body))
        if isinstance(work, Fault):
            finish(work)
        elif callable(work):
            large = Work(client=client, finish=finish, deadline=deadline, task=work)
            if self.unread <= self.held.most and self._lane.submit(large):
                return large
            finish(BUSY)
        else:
            query = Query(call=work, body=body, done=finish, deadline=deadline)
            if self.batchers[route.model].submit(query):
                return query
            finish(BUSY)
        return None

    async def answer(self, route: Route, headers: Headers, body: bytes, client: str) -> Reply | Fault:
        """The same as a coroutine."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply | Fault] = loop.create_future()

        def finish(outcome: Reply | Fault) -> None:
            if not future.done():
                future.set_result(outcome)

        query = self.begin(route, headers, body, finish, client)
        try:
            return await asyncio.wait_for(future, self.limits.answer_seconds)
        except TimeoutError:
            return Fault(
                code="out_of_time",
                message=f"The answer takes longer than {self.limits.answer_seconds:g} seconds. Send less at once.",
            )
        finally:
            if query is not None:
                query.drop()

    async def read_aside(self, read: Callable[[], Read]) -> Read | Fault:
        """What a thread of the readers makes of a body."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, guarded, read)

    async def answers(self) -> bool:
        """Whether every model answers, tried at most every PROBE_SECONDS with a row of zeros."""
        now = time.monotonic()
        if now - self._probed > PROBE_SECONDS:
            self._probed = now
            loop = asyncio.get_running_loop()
            try:
                self._answers = await asyncio.wait_for(
                    loop.run_in_executor(self._probe, self._try_models), self.limits.answer_seconds
                )
            except TimeoutError:
                self._answers = False
        return self._answers

    def _try_models(self) -> bool:
        def answer() -> Reply:
            for served in self.models.values():
                with self._engine_lock:
                    served.model.engine.outputs(_zeros(served))
            return Reply(b"")

        return not isinstance(guarded(answer), Fault)

    def _work(self, route: Route, headers: Headers, body: bytes) -> Call | Task:
        tasks = self._tasks[route.model]
        served = tasks.served
        alone = served.alone or served.is_heavy or len(body) > SMALL
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        kind = content_type.partition(";")[0].strip().lower()
        if not alone and route.action == "predict" and kind == "application/json":
            return JsonCall(served)
        if route.action == "infer":
            length = _json_length(headers, len(body))
            return partial(tasks.infer, body, length) if alone else InferCall(served, length)
        if route.action == "explain":
            return partial(self._explain, served, body, content_type)
        written = _written_as(headers.get(b"accept", b""))
        if kind == "application/json" or (kind == "" and body[:1] == b"{"):
            return partial(tasks.json, body) if alone else JsonCall(served)
        if kind == "multipart/form-data":
            return partial(tasks.form, body, content_type, written=written)
        if kind in ("text/csv", "text/tab-separated-values"):
            return partial(tasks.table, body, written=written, tabs=kind != "text/csv")
        if served.reads_one_file and (
            kind.partition("/")[0] in ("image", "audio", "video") or kind == "application/octet-stream"
        ):
            return FileCall(served) if served.ports[0].is_light(body) else partial(tasks.file, body)
        if kind == "text/plain" and isinstance(tasks, TableTasks) and served.continues() is not None:
            return partial(tasks.plain, body, written=written)
        if kind == "text/plain" and len(served.encoders) == 1 and served.encoders[0].kind == "text":
            return TextCall(served)
        # What curl sends of its own accord says nothing, and a page of another site could send it as well.
        unsaid = kind in ("", "application/x-www-form-urlencoded")
        of_type = f"of type '{kind[:60]}'" if kind else "without a type"
        hint = " Say what it is; with curl: -H 'Content-Type: application/json'." if unsaid else ""
        return refuse(
            "unsupported_type",
            f"A body {of_type} was sent, but {_accepted(served)} were expected.{hint}",
        )

    def _together(self, served: ServedModel) -> Callable[[RowSet], Answers]:
        def answer(rows: RowSet) -> Answers:
            still_wanted()
            prepared = served.prepare([rows])
            with self._engine_lock:
                answers = served.model.engine.outputs(prepared.arrays)
            return served.finish(answers, prepared)

        return answer

    def _explain(self, served: ServedModel, body: bytes, content_type: str) -> Reply:
        from netpick.serve.explaining import explain

        return explain(served, body, content_type)

    def cross_origin(self, headers: Headers) -> tuple[tuple[str, str], ...]:
        """Headers that let the pages of another site, which was named, read the answer."""
        origin = headers.get(b"origin")
        if origin is None or not self.gate.is_other_origin(origin):
            return ()
        return (("access-control-allow-origin", origin.decode("latin-1")), ("vary", "origin"))

    def answered(self, method: str, label: str, status: int, seconds: float) -> None:
        """Counts a request, and logs it where that was asked for: what and how long, never whose or with what."""
        self.counters.count(label, status, seconds)
        if self.options.log_requests:
            log.info(
                "request", extra={"method": method, "route": label, "status": status, "ms": round(1000 * seconds, 2)}
            )

    # --- what there is -----------------------------------------------------------------------------------------------

    def _routes(self) -> dict[bytes, Route]:
        """Paths of POST requests that models answer, as they stand in a request line."""
        from urllib.parse import quote

        routes: dict[bytes, Route] = {}
        for action in ("predict", "explain"):
            routes[f"/{action}".encode()] = Route(action, self.first.name, f"/{action}")
        routes[b"/invocations"] = Route("predict", self.first.name, "/predict")  # as MLflow and SageMaker call it
        for name in self.models:
            path = quote(name, safe="")
            for other in (
                f"/predictions/{path}",
                f"/v1/models/{path}:predict",
            ):  # TorchServe, TensorFlow Serving and KServe
                routes[other.encode()] = Route("predict", name, "/models/{model}/predict")
            for action in ("predict", "explain"):
                routes[f"/models/{path}/{action}".encode()] = Route(action, name, f"/models/{{model}}/{action}")
            for version in ("", "/versions/1"):
                routes[f"/v2/models/{path}{version}/infer".encode()] = Route("infer", name, "/v2/models/{model}/infer")
        return routes

    def _count_batches(self) -> None:
        for name, batcher in self.batchers.items():
            label = f'{{model="{name}"}}'
            self.counters.gauge("netpick_queue_rows", "Rows that wait for a batch.", label, partial(_queued, batcher))
            self.counters.gauge("netpick_batches_total", "Batches answered.", label, partial(_batches, batcher))
            self.counters.gauge("netpick_batch_rows_total", "Rows answered in batches.", label, partial(_rows, batcher))
            self.counters.gauge(
                "netpick_batch_limit_rows", "Rows that a batch may have now.", label, partial(_limit, batcher)
            )
        self.counters.gauge("netpick_open_texts", "Texts that are being continued.", "", lambda: len(self.texts))
        self.counters.gauge("netpick_large_requests", "Large requests that wait or run.", "", lambda: len(self._lane))
        self.counters.gauge("netpick_start_time_seconds", "When the server started.", "", lambda: self.started)


def _zeros(served: ServedModel) -> dict[str, Array]:
    """One row that every network reads: zeros, of one step where lengths differ."""
    arrays: dict[str, Array] = {}
    for name, spec in served.model.parts.inputs.items():
        arrays[name] = np.zeros((1, *spec.shape), stored_as(spec))
        if spec.padded:
            arrays[f"{name}.lengths"] = np.ones(1, LENGTHS)
    return arrays


def _queued(batcher: Batcher) -> float:
    return batcher.queued


def _batches(batcher: Batcher) -> float:
    return batcher.batches


def _rows(batcher: Batcher) -> float:
    return batcher.rows


def _limit(batcher: Batcher) -> float:
    return batcher.cost.enough


def _written_as(accept: bytes) -> Written:
    if b"text/csv" not in accept:
        return "json"
    return "safe csv" if b"formulas=escaped" in accept else "csv"


def _json_length(headers: Headers, length: int) -> int | None:
    header = headers.get(b"inference-header-content-length")
    if header is None:
        return None
    if not header.isdigit() or int(header) > length:
        refuse(
            "invalid_request",
            f"Inference-Header-Content-Length is {header[:20].decode('latin-1')!r}, but the body has {length:,} bytes.",
        )
    return int(header)


def _accepted(served: ServedModel) -> str:
    media = [encoder.kind for encoder in served.encoders if encoder.kind in DECODERS]
    kinds = ["application/json"]
    kinds += [f"multipart/form-data with {DECODERS[media[0]].noun}"] if media else ["text/csv", "multipart/form-data"]
    if served.reads_one_file:
        kinds.append(
            {"image": "image/png and the like", "audio": "audio/wav and the like"}.get(
                media[0], "video/mp4 and the like"
            )
        )
    return ", ".join(kinds[:-1]) + f" or {kinds[-1]}"
