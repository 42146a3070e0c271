"""HTTP as uvicorn speaks it, with a short cut for the requests that come by the thousand.

POSTs to a model go from the parser to the batcher and back without a task, a scope or a router, and are turned away before
their body is read where that is how it ends. All other requests take uvicorn's own way to the application. Clients that are
slow, or too many, are told so here, where connections are known.
"""

from __future__ import annotations

import time
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from netpick.serve.faults import Fault
from netpick.serve.lane import Work
from netpick.serve.options import Limits
from netpick.serve.queries import BUSY, Query
from netpick.serve.replies import Reply, reply_of
from netpick.serve.service import Route, Service

SECURITY = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
)
_SECURITY = "".join(f"{name}: {value}\r\n" for name, value in SECURITY).encode()
_BUSY = {v2: reply_of(BUSY, v2=v2) for v2 in (False, True)}
_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


FED_AT_ONCE = 16 << 10  # bytes that are parsed before limits are looked at again
FRAMING = 16  # bytes of a chunk that frame its body, at most, in a body that is sent in good faith


class _StopError(Exception):
    """Leaves the parser: what follows on this connection is not read."""


class _Never:
    """Stands where uvicorn keeps the event that wakes a task; short cuts have no task."""

    def set(self) -> None: ...


NEVER = _Never()


class Short:
    """A request on the short cut. Its first attributes are those that uvicorn looks at in its own cycles."""

    __slots__ = ("answered", "body", "disconnected", "headers", "keep_alive", "length", "message_event", "query", "refused", "response_complete", "route", "started")  # fmt: skip

    def __init__(self, route: Route, headers: dict[bytes, bytes], keep_alive: bool) -> None:
        self.response_complete = False
        self.disconnected = False
        self.refused = False  # and its body is not kept
        self.keep_alive = keep_alive
        self.message_event = NEVER
        self.route, self.headers = route, headers
        self.body: list[bytes] = []
        self.length = 0
        self.query: Query | Work | None = None
        self.started = time.perf_counter()


def protocol_for(service: Service) -> type[HttpToolsProtocol]:
    """The protocol class of a server."""

    class Protocol(_Protocol):
        pass

    Protocol.service = service
    return Protocol


class _Protocol(HttpToolsProtocol):
    service: Service
    cycle: Any  # uvicorn's own, or a Short
    _host = ""  # the client's address
    awaiting = "headers"  # "headers", "body", "answer": what the client or we are to send next
    since = 0.0  # time.monotonic
    begun = False  # bytes of a request have come
    head = 0  # bytes of this request that are no body
    unread_since = 0.0  # time.monotonic when an answer that nobody takes was first seen
    ended = False  # refused: nothing more is read

    # --- connections -------------------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._host = "" if self.client is None else self.client[0]
        self.since = time.monotonic()
        if len(self.connections) > self.service.limits.connections:
            fault = Fault(
                code="too_busy", message="Too many connections are open. Try again later.", headers=BUSY.headers
            )
            self._refuse(fault)

    def connection_lost(self, exc: Exception | None) -> None:
        cycle = self.cycle
        if isinstance(cycle, Short) and not cycle.response_complete:
            self.service.counters.ended += 1
            self._let_go(cycle)
            if cycle.query is not None:
                cycle.query.drop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """In pieces while headers are awaited, so that limits hold before much is kept."""
        self.begun = True
        if len(data) <= FED_AT_ONCE:
            self._feed(data)
            return
        for start in range(0, len(data), FED_AT_ONCE):
            self._feed(data[start : start + FED_AT_ONCE])

    def _feed(self, data: bytes) -> None:
        if self.ended or self.transport.is_closing():
            return
        self.head += len(data)
        super().data_received(data)
        if self.head > self.service.limits.headers + FED_AT_ONCE and not self.ended:
            self._refuse(self._too_long())

    def _too_long(self) -> Fault:
        limits = self.service.limits
        if self.awaiting == "headers" and not self.headers:
            return _too_long_address(limits)
        return Fault(
            code="too_many_headers",
            message=f"The headers have more than {limits.headers:,} bytes, or are more than {limits.header_count}.",
        )

    def _stop(self, fault: Fault) -> NoReturn:
        self._refuse(fault)
        raise _StopError

    def send_400_response(self, msg: str) -> None:
        if not self.ended:
            self._refuse(Fault(code="invalid_request", message="The request is no HTTP that can be read."))

    def shutdown(self) -> None:
        """Called once when the server stops: idle connections get a moment, since a request may be on its way."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def close_if_idle(self) -> None:
        if not self.begun and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()

    @property
    def unread(self) -> int:
        """Bytes of answers that the client has not taken."""
        return int(self.transport.get_write_buffer_size())

    def check_time(self, now: float) -> None:
        """Called every second: ends connections that keep us waiting."""
        limits = self.service.limits
        if self.unread == 0:
            self.unread_since = 0.0
        elif self.unread_since == 0.0:
            self.unread_since = now
        elif now - self.unread_since > limits.answer_seconds:
            self.transport.abort()  # closing would wait for the client to take what it does not
            return
        if self.awaiting != "body" and self.cycle is not None and not self.cycle.response_complete:
            return
        if self.awaiting == "body" and now - self.since > limits.body_seconds:
            self._refuse(_too_slow("body", limits.body_seconds))
        elif self.awaiting == "headers" and now - self.since > limits.header_seconds:
            if self.begun:
                self._refuse(_too_slow("headers", limits.header_seconds))
            else:
                self.transport.close()

    def _refuse(self, fault: Fault) -> None:
        """Answers on the bare connection, and ends it."""
        self.ended = True
        if not self.transport.is_closing():
            cycle = self.cycle
            if cycle is None or cycle.response_complete or isinstance(cycle, Short) or not cycle.response_started:
                self.transport.write(written(reply_of(fault), keep_alive=False))
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()
            self.service.counters.count("connection", fault.status, 0.0)
            self.transport.close()

    # --- requests ----------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.url, self.headers, self.expect_100_continue = b"", [], False  # the scope is made once it is needed
        self.service.counters.begun += 1
        self.head = min(self.head, FED_AT_ONCE)  # what came before in this piece belongs to other requests

    def _require_short_head(self) -> None:
        """Refuses an address or headers above the limits. Those of a head without end are refused by `_feed`."""
        limits = self.service.limits
        if len(self.url) > limits.address:
            self._stop(_too_long_address(limits))
        many = len(self.headers) > limits.header_count
        if many or (self.head > limits.headers and sum(len(n) + len(v) for n, v in self.headers) > limits.headers):
            self._stop(self._too_long())

    def on_headers_complete(self) -> None:
        self._require_short_head()
        self.awaiting, self.since = "body", time.monotonic()
        route = self.service.routes.get(self.url)
        busy = self.cycle is not None and not self.cycle.response_complete
        plain = route is not None and self.parser.get_method() == b"POST" and not self.parser.should_upgrade()
        headers = dict(self.headers) if plain else {}
        if len(self.pipeline) >= self.service.limits.pipelined:
            self._stop(
                Fault(
                    code="too_busy",
                    message="Too many requests wait on this connection. Await answers before sending more.",
                )
            )
        # Pipelined requests, those that wait for "100 Continue", and repeated headers are rare: uvicorn's way is right for them.
        if route is None or not plain or busy or self.expect_100_continue or len(headers) != len(self.headers):
            self._make_scope()
            super().on_headers_complete()
            if self.service.draining:
                self.cycle.keep_alive = False
            return
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        short = Short(route, headers, keep_alive)
        self.cycle = short
        fault = self.service.early(route, headers, self._host)
        if fault is BUSY:
            short.refused = True
            self.service.refusals.send_later(partial(self._finish, short, BUSY))
        elif fault is not None:
            self._finish(short, fault)

    def _make_scope(self) -> None:
        """What uvicorn's own way tells the application."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        self.scope["target"] = url  # type: ignore[typeddict-unknown-key]

    def on_body(self, body: bytes) -> None:
        self.head = max(0, self.head - len(body) - FRAMING)
        cycle = self.cycle
        if not isinstance(cycle, Short):
            super().on_body(body)
        elif not cycle.response_complete and not cycle.refused:
            length = cycle.length + len(body)
            if length > self.service.limits.body:
                cycle.keep_alive = False
                self._finish(cycle, self.service.too_large(length))
            elif not self.service.held.grow(self._host, cycle.length, length):
                cycle.keep_alive = False
                self._finish(cycle, BUSY)
            else:
                cycle.length = length
                cycle.body.append(body)

    def on_message_complete(self) -> None:
        self.awaiting, self.begun = "answer", False
        cycle = self.cycle
        if not isinstance(cycle, Short):
            super().on_message_complete()
        elif cycle.response_complete:
            self.awaiting, self.since = "headers", time.monotonic()
        elif not cycle.refused:
            body = cycle.body[0] if len(cycle.body) == 1 else b"".join(cycle.body)
            cycle.body = []
            cycle.query = self.service.begin(
                cycle.route,
                cycle.headers,
                body,
                lambda outcome: self._finish(cycle, outcome),
                self._host,
            )

    def on_response_complete(self) -> None:
        if self.awaiting == "answer":
            self.awaiting, self.since = "headers", time.monotonic()
        if self.pipeline:
            super().on_response_complete()
            if self.pipeline:
                self.flow.pause_reading()
        elif (
            not self.transport.is_closing()
        ):  # without uvicorn's timer for each request: check_time looks after the idle
            self.server_state.total_requests += 1
            self.flow.resume_reading()

    def _let_go(self, short: Short) -> None:
        """The request's body is not needed any more."""
        self.service.held.release(self._host, short.length)
        short.length, short.body = 0, []

    def _finish(self, short: Short, outcome: Reply | Fault) -> None:
        """Sends an answer on the short cut."""
        service = self.service
        if short.response_complete or self.transport.is_closing():
            return
        self._let_go(short)
        if outcome is BUSY:
            reply = _BUSY[short.route.is_v2]
        else:
            reply = reply_of(outcome, v2=short.route.is_v2) if isinstance(outcome, Fault) else outcome
        if service.draining:
            short.keep_alive = False
        extra = service.cross_origin(short.headers)
        identifier = short.headers.get(b"x-request-id")
        named = identifier is not None and len(identifier) <= 64 and identifier.isalnum()
        self.transport.write(
            written(reply, keep_alive=short.keep_alive, extra=extra, identifier=identifier if named else None)
        )
        short.response_complete = True
        short.query = None  # a query knows its request: no circle is left for the collector
        seconds = time.perf_counter() - short.started
        service.answered("POST", short.route.label, reply.status, seconds)
        if not short.keep_alive:
            self.transport.close()
        self.on_response_complete()


def _too_long_address(limits: Limits) -> Fault:
    return Fault(code="too_long_address", message=f"The address has more than {limits.address:,} bytes.")


def _too_slow(part: str, seconds: float) -> Fault:
    return Fault(code="too_slow", message=f"The {part} did not arrive within {seconds:g} seconds.")


def written(
    reply: Reply, *, keep_alive: bool, extra: tuple[tuple[str, str], ...] = (), identifier: bytes | None = None
) -> bytes:
    """An answer as it goes over the wire."""
    return b"".join(
        (
            _head(reply.status, reply.content_type, (*reply.headers, *extra)),
            b"" if identifier is None else b"x-request-id: %b\r\n" % identifier,
            b"content-length: %d\r\n\r\n" % len(reply.content)
            if keep_alive
            else b"content-length: %d\r\nconnection: close\r\n\r\n" % len(reply.content),
            reply.content,
        )
    )


@lru_cache(maxsize=256)
def _head(status: int, content_type: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in (("content-type", content_type), *headers))
    return _STATUS[status] + lines.encode("latin-1", "replace") + _SECURITY
