"""Requests on their way through a batcher, and the line in which they wait."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from netpick.serve.faults import Fault
from netpick.serve.replies import Reply
from netpick.serve.rows import RowSet
from netpick.serve.served import Answers

LATE_SECONDS = 0.05  # that a request may wait before those that came after it are answered first
LATE_TIMES = 2.0  # the same, where what is in line takes longer than that: so often as long
LATE = Fault(code="out_of_time", message="The server was too busy to answer in time. Ask again later.")
BUSY = Fault(
    code="too_busy",
    message="The server has as much to do as it can answer soon. Wait the seconds that Retry-After says, then ask again.",
    headers={"retry-after": "1"},
)


class Call(Protocol):
    """How a request's body becomes rows, and how answers become its reply. Queries of one format have about equal bytes a row."""

    format: str

    def is_quick(self, body: bytes) -> bool:
        """Whether to read the body takes well below a millisecond, whatever is in it."""

    def read(self, body: bytes) -> RowSet: ...
    def write(self, answers: Answers, start: int, stop: int) -> Reply: ...


@dataclass(slots=True, eq=False)
class Query:
    """One request."""

    call: Call
    body: bytes
    done: Callable[[Reply | Fault], None]  # called on the event loop, once
    deadline: float  # on time.monotonic
    rows: RowSet | None = None  # once they are read
    expected: int = 1  # rows, before they are read
    dropped: bool = False  # the client has gone
    since: float = field(default_factory=time.monotonic)

    def drop(self) -> None:
        """The client has gone."""
        self.dropped = True

    def check(self) -> None:
        """Raises Fault once nobody waits for the answer. From any thread."""
        if self.dropped or time.monotonic() > self.deadline:
            raise LATE.with_traceback(None)  # one object for all: it must not gather where it was raised

    @property
    def known_rows(self) -> RowSet:
        assert self.rows is not None, "a query that was read"
        return self.rows

    @property
    def count(self) -> int:
        return self.expected if self.rows is None else self.rows.count


class Line:
    """Queries that wait. The first to come is the first to go, until it is late: then the last one is, which can still be answered in
    time, and who has waited longest gives way to who comes. All of it on the event loop."""

    def __init__(self) -> None:
        self._queries: deque[Query] = deque()
        self.rows = 0

    def __len__(self) -> int:
        return len(self._queries)

    def append(self, query: Query) -> None:
        self._queries.append(query)
        self.rows += query.count

    def is_late(self, seconds: float) -> bool:
        """Whether the first has waited too long. seconds: that all of the line takes."""
        return bool(self._queries) and time.monotonic() - self._queries[0].since > max(
            LATE_SECONDS, LATE_TIMES * seconds
        )

    def give_way(self) -> None:
        """Turns away who has waited longest."""
        query = self._queries.popleft()
        self.rows -= query.count
        if not query.dropped:
            query.done(BUSY)

    def next(self, seconds: float, most: float = float("inf")) -> Query | None:
        """Takes out whose turn it is, unless that has more rows than `most`. Those that nobody waits for are left out."""
        while self._queries:
            newest = self.is_late(seconds)
            query = self._queries[-1 if newest else 0]
            if query.count > most:
                return None
            if newest:
                self._queries.pop()
            else:
                self._queries.popleft()
            self.rows -= query.count
            if query.dropped:
                continue
            if time.monotonic() <= query.deadline:
                return query
            query.done(LATE)
        return None
