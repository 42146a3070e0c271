"""The parts of the server by themselves: ports against kinds, tensors, forms, who may ask, batches, counts."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from netpick.columns.encode import Encoder
from netpick.columns.kinds import KINDS
from netpick.errors import DataError
from netpick.serve import forms, v2
from netpick.serve import lane as lanes
from netpick.serve.batching import FEWEST_QUEUED, FEWEST_ROWS, Batcher, Cost
from netpick.serve.counters import Counters
from netpick.serve.faults import CODES, Fault, refuse
from netpick.serve.gate import Gate
from netpick.serve.guard import guarded
from netpick.serve.held import SMALL, Held
from netpick.serve.json_pieces import parsed
from netpick.serve.lane import MOST_WAITING, Lane, Work
from netpick.serve.options import Limits, ServeOptions, is_loopback
from netpick.serve.ports import PORTS
from netpick.serve.queries import BUSY, LATE, Line, Query
from netpick.serve.replies import Reply
from netpick.serve.rows import json_rows
from netpick.types import TableColumn

ROOT = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(0)
TRAINING = {
    "number": pl.Series("x", [None, *rng.normal(50, 20, 400).round(2).tolist()]),
    "category": pl.Series("x", [None, "a", "b", "c d", "3", "ä"] * 20),
    "boolean": pl.Series("x", ["yes", "no", None, "yes"] * 9),
    "datetime": pl.Series("x", [f"2023-{month:02d}-{day:02d}" for month in range(1, 13) for day in (1, 15)]),
    "text": pl.Series("x", ["the quick brown fox", "the lazy dog sleeps now", "a fox and a dog"] * 40),
}


def port_of(kind: str) -> Any:
    """A port whose state was learned from a small column, and went through JSON as a model file's does."""
    column = TableColumn(name="x", values=TRAINING[kind])
    state = KINDS[kind].fit(column, np.arange(len(column)))
    adapter = TypeAdapter(KINDS[kind].State)
    return PORTS[kind](Encoder(column="x", kind=kind, state=adapter.validate_json(adapter.dump_json(state))), Limits())


def test_every_kind_has_a_port_of_its_own() -> None:
    assert PORTS.keys() == KINDS.keys() - {
        "scene"
    }  # what answers about its places is not served yet, and refused in words


CELLS = {
    "number": st.none() | st.floats(-1e12, 1e12) | st.integers(-(10**9), 10**9),
    "category": st.none() | st.sampled_from(["a", "b", "c d", "ä", "zzz", ""]) | st.integers(0, 5) | st.booleans(),
    "boolean": st.none() | st.sampled_from(["yes", "no", " YES ", "No", "maybe", ""]),
    "datetime": st.none() | st.dates().filter(lambda day: day.year >= 1900).map(str),
    "text": st.none() | st.text(max_size=60) | st.sampled_from(["the fox", "a dog"]),
}


@pytest.mark.parametrize("kind", CELLS)
@given(data=st.data())
def test_a_port_encodes_what_its_kind_encodes_for_one_row_and_for_many(kind: str, data: st.DataObject) -> None:
    port = port_of(kind)
    cells = data.draw(st.lists(CELLS[kind], min_size=1, max_size=6))
    requests = [port.read([cell]) for cell in cells]
    together = port.encode(port.join(requests))
    for row, cell in enumerate(cells):
        values = pl.Series("x", [cell], dtype=pl.Float64 if kind == "number" else None, strict=False)
        if kind != "number" and cell is None:
            values = pl.Series("x", [None], dtype=pl.String)
        expected = KINDS[kind].encode(TableColumn(name="x", values=values), port.state)
        assert np.array_equal(together[row : row + 1], expected), cell
        assert np.array_equal(port.encode(port.join([requests[row]])), expected)
        assert np.array_equal(port.encode(port.of_column(port.column(port.join([requests[row]])))), expected)


def refused_with(call: Any) -> int | None:
    """The status of the fault that a call ends in; None where it gives something. Other errors go on."""
    try:
        assert call()
    except Fault as fault:
        return fault.status
    return None


@given(st.binary(max_size=300), st.none() | st.integers(0, 300))
def test_any_bytes_are_a_v2_request_or_a_fault(body: bytes, length: int | None) -> None:
    assert refused_with(
        lambda: v2.read_request(body, None if length is None else min(length, len(body)), Limits())
    ) in (
        None,
        400,
        422,
    )


@given(st.binary(max_size=400))
def test_any_bytes_are_a_form_or_a_fault(body: bytes) -> None:
    for content in (
        body,
        b"--x\r\n" + body + b"\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + body,
    ):
        status = refused_with(
            lambda content=content: forms.read_form(content, "multipart/form-data; boundary=x", Limits())
        )
        assert status in (None, 400, 413)


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_fault(body: bytes) -> None:
    assert refused_with(lambda: json_rows(body, Limits(), ("age",))) in (None, 400, 422)


CELLS_OF_JSON = st.recursive(
    st.none() | st.integers(-9, 9) | st.sampled_from(['},{"', "\\", '"', "}, {", "]", "ä"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(['"', "},{", "a"]), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "},{"]), CELLS_OF_JSON), max_size=12), st.integers(1, 60))
def test_json_in_pieces_holds_what_it_holds_as_a_whole(rows: list[Any], piece: int) -> None:
    for content in (
        rows,
        {"rows": rows},
        {"rows": rows, "more": rows},
        {"more": {"rows": rows}},
        {"rows": {"a": rows}},
    ):
        for separators in ((",", ":"), (" , ", " : ")):
            body = json.dumps(content, separators=separators).encode()
            assert parsed(body, 99, piece) == content
            with pytest.raises(ValueError, match=r"(EOF|expected|trailing)"):
                parsed(body[:-1], 99, piece)


def test_a_key_that_stands_twice_is_not_read_in_pieces() -> None:
    body = b'{"rows":[' + b",".join([b'{"a":1}'] * 9) + b'],"rows":[{"a":2}]}'
    with pytest.raises(ValueError, match=r"expected `,` or `\]`, behind 8 rows"):
        parsed(b'{"rows":[' + b",".join([b'{"a":1}'] * 9) + b"}", 99, 8)
    with pytest.raises(ValueError, match="stands twice"):
        parsed(body, 99, 8)


def test_no_more_rows_are_read_than_are_answered() -> None:
    body = b'{"rows":[' + b",".join([b'{"a":1}'] * 99_999)
    with pytest.raises(Fault) as refused:
        json_rows(body, Limits(), ("a",))
    assert refused.value.code == "too_long"
    assert refused.value.message.startswith("More than 10,000 rows")


def test_a_form_keeps_bytes_as_they_are() -> None:
    content = bytes(range(256)) + b"\r\n--xy\r\n"
    body = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a b.png"\r\nContent-Type: image/png\r\n\r\n'
        + content
        + b"\r\n--x--\r\n"
    )
    (part,) = forms.read_form(body, 'multipart/form-data; boundary="x"', Limits())
    assert (part.name, part.filename, part.content_type, part.data) == ("f", "a b.png", "image/png", content)
    many = b"".join(b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n' for _ in range(300)) + b"--x--\r\n"
    with pytest.raises(Fault) as refused:
        forms.read_form(many, "multipart/form-data; boundary=x", Limits())
    assert refused.value.code == "too_large"


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("1 2 3", [1, 2, 3]),
        ("1\n2.5\r\n-3e2", [1, 2.5, -300]),
        ("1,2\n3,4", [[1, 2], [3, 4]]),
        ("[1, 2, 3]", [1, 2, 3]),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, steps: list[Any]) -> None:
    assert forms.numbers_in(written, "curve") == steps


def test_tensors_are_checked_against_their_shapes() -> None:
    good = b'{"inputs":[{"name":"a","datatype":"FP32","shape":[2,2],"data":[[1,2],[3,4]]},{"name":"b","datatype":"BYTES","shape":[2],"data":["x","y"]}]}'
    tensors, asked = v2.read_request(good, None, Limits())
    assert tensors["a"].tolist() == [[1, 2], [3, 4]]
    assert tensors["b"].tolist() == ["x", "y"]
    assert asked.binary is False
    wrong = {
        b'"data":[[1,2],[3,4]]': [
            b'"data":[1,2,3]',
            b'"data":"x"',
            b'"data":["a","b","c","d"]',
            b'"data":[[1],[2,3],4]',
        ],
        b'"shape":[2,2]': [b'"shape":[-2,-2]', b'"shape":[99999999999]', b'"shape":[]', b'"shape":7'],
        b'"FP32"': [b'"FP31"', b"null"],
        b'"data":["x","y"]': [b'"data":[1,2]', b'"data":["x"]'],
    }
    for part, others in wrong.items():
        for other in others:
            with pytest.raises(Fault) as refused:
                v2.read_request(good.replace(part, other), None, Limits())
            assert refused.value.status == 422
    head = b'{"inputs":[{"name":"b","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":10}}]}'
    tensors, _ = v2.read_request(head + b"\1\0\0\0x\1\0\0\0y", len(head), Limits())
    assert tensors["b"].tolist() == [b"x", b"y"]
    for tail in (b"\1\0\0\0x\1\0\0\0", b"\1\0\0\0x\xff\xff\xff\xffy", b"\1\0\0\0x\1\0\0\0yz"):
        with pytest.raises(Fault):
            v2.read_request(head + tail, len(head), Limits())


def test_the_gate_knows_its_own_names_and_addresses_alone() -> None:
    gate = Gate(ServeOptions(names=("models.example.org",), origins=("https://shop.example",)))
    for host in (
        b"localhost",
        b"localhost:8000",
        b"127.0.0.1:1",
        b"[::1]:8000",
        b"192.168.0.7:8000",
        b"models.example.org",
    ):
        assert gate.check({b"host": host}, reads=True) is None, host
    for host in (
        b"",
        b"evil.example",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example:8000",
        b"models.example.org.evil",
    ):
        assert gate.check({b"host": host}, reads=True) is not None, host
    own = {b"host": b"localhost:8000"}
    assert gate.check({**own, b"origin": b"http://localhost:8000"}, reads=False) is None
    assert gate.check({**own, b"origin": b"https://shop.example"}, reads=False) is None
    assert gate.check({**own, b"origin": b"http://localhost:9000"}, reads=False) is not None
    assert gate.check({**own, b"sec-fetch-site": b"same-site"}, reads=False) is not None
    assert gate.check({**own, b"sec-fetch-site": b"cross-site"}, reads=True) is None  # a link to the page


def test_nothing_like_a_token_is_one() -> None:
    gate = Gate(ServeOptions(token="correct horse"))
    for other in (
        "",
        "correct hors",
        "correct horse ",
        "correct horsf",
        "Correct horse",
        "correct horse" * 2,
        "\u00fc" * 1_000,
    ):
        assert not gate.is_token(other)
    assert gate.is_token("correct horse")
    own = {b"host": b"localhost"}
    for header in (
        b"",
        b"correct horse",
        b"Basic correct horse",
        b"Bearer",
        b"Bearer correct hors",
        b"Bearer \xff\xff",
    ):
        refused = gate.check({**own, b"authorization": header}, reads=True)
        assert refused is not None
        assert refused.status == 401
    assert gate.check({**own, b"authorization": b"bearer correct horse"}, reads=True) is None
    assert not Gate(ServeOptions()).is_token("")


def test_loopback_is_told_from_the_rest() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "example.org")))


class Rows:
    """Stands for the rows of a request."""

    def __init__(self, count: int) -> None:
        self.count = count


class Sleepy:
    """Answers after a while, as an engine that is slow; remembers how many rows came together."""

    name = "sleepy"

    def __init__(self, seconds: float) -> None:
        self.seconds, self.batches = seconds, []  # type: ignore[var-annotated]
        self.model = self
        self.engine = self

    def prepare(self, sets: Any) -> Any:
        self.batches.append(len(sets))
        return self

    @property
    def arrays(self) -> Any:
        return None

    def outputs(self, arrays: Any) -> Any:
        time.sleep(self.seconds)
        return None

    def finish(self, answers: Any, prepared: Any) -> Any:
        return answers


class Call:
    format = "test"

    def __init__(self, quick: bool) -> None:
        self._quick = quick

    def is_quick(self, body: bytes) -> bool:
        return self._quick

    def read(self, body: bytes) -> Any:
        if body == b"bad":
            raise Fault(code="invalid_value", message="bad")
        if body == b"bug":
            raise ZeroDivisionError
        return Rows(2 if body == b"two" else 1)

    def write(self, answers: Any, start: int, stop: int) -> Reply:
        return Reply(f"{start}".encode())


def outcomes(engine: Sleepy, bodies: list[bytes], *, quick: bool, late: bool = False) -> list[Reply | Fault | None]:
    """What becomes of each query of a crowd; None for those that were turned away. late: the last one's time is over."""

    async def run() -> list[Reply | Fault | None]:
        with ThreadPoolExecutor(2) as readers:
            batcher = Batcher(engine, threading.Lock(), readers)  # type: ignore[arg-type]
            batcher.start(asyncio.get_running_loop())
            futures: list[asyncio.Future[Reply | Fault]] = []
            for number, body in enumerate(bodies):
                future: asyncio.Future[Reply | Fault] = asyncio.get_running_loop().create_future()
                over = late and number == len(bodies) - 1
                query = Query(Call(quick), body, future.set_result, time.monotonic() + (-1 if over else 60))
                futures.append(future)
                if not batcher.submit(query):
                    future.cancel()
            made = await asyncio.gather(*futures, return_exceptions=True)
            batcher.stop()
        return [None if isinstance(one, asyncio.CancelledError) else one for one in made]  # type: ignore[misc]

    return asyncio.run(run())


@pytest.mark.parametrize("quick", [True, False])
def test_requests_that_come_together_are_answered_together_and_no_more_than_fit_are_taken(quick: bool) -> None:
    engine = Sleepy(0.05)
    found = outcomes(engine, [b"x"] * 200, quick=quick)
    taken = [outcome for outcome in found if outcome is not None]
    assert FEWEST_QUEUED <= len(taken) < 200
    assert all(isinstance(outcome, Reply) for outcome in taken)
    assert sum(engine.batches) == len(taken)
    if quick:
        assert len(engine.batches) < len(taken) / 3


def test_a_slow_network_lets_no_more_queue_than_it_answers_soon() -> None:
    """Of 50 ms a row: a batch in the engine, one behind it, and four that wait."""

    async def run() -> int:
        with ThreadPoolExecutor(1) as readers:
            batcher = Batcher(Sleepy(0.1), threading.Lock(), readers)  # type: ignore[arg-type]
            batcher.cost.per_row = 0.05
            batcher.start(asyncio.get_running_loop())
            futures = [asyncio.get_running_loop().create_future() for _ in range(40)]
            deadline = time.monotonic() + 60
            taken = [f for f in futures if batcher.submit(Query(Call(True), b"x", f.set_result, deadline))]
            await asyncio.gather(*taken)
            batcher.stop()
        return len(taken)

    assert asyncio.run(run()) == 3 * FEWEST_ROWS


@pytest.mark.parametrize("quick", [True, False])
def test_one_bad_request_spoils_no_other_and_a_bug_ends_no_thread(quick: bool) -> None:
    found = outcomes(Sleepy(0.0), [b"x", b"bad", b"bug", b"x", b"x"], quick=quick, late=True)
    codes = [outcome.code if isinstance(outcome, Fault) else "ok" for outcome in found]
    assert codes == ["ok", "invalid_value", "bug", "ok", "out_of_time"]


def test_a_request_that_no_engine_can_answer_spoils_no_other_of_its_batch() -> None:
    class Picky(Sleepy):
        def prepare(self, sets: Any) -> Any:
            if any(rows.count == 2 for rows in sets):
                raise DataError("two")
            return super().prepare(sets)

    found = outcomes(Picky(0.0), [b"x", b"two", b"x"], quick=True)
    codes = [outcome.code if isinstance(outcome, Fault) else "ok" for outcome in found]
    assert codes == ["ok", "invalid_data", "ok"]


def test_large_bodies_are_counted_together_and_by_client() -> None:
    held, megabyte = Held(1 << 20), 1 << 20
    assert held.grow("a", 0, SMALL)  # small ones are not counted
    assert held.bytes == 0
    assert held.grow("a", SMALL, megabyte)
    assert [held.grow("a", 0, megabyte) for _ in range(4)] == [True, True, True, False]
    assert [held.grow("b", 0, megabyte) for _ in range(4)] == [True] * 4
    assert not held.has_room("c", megabyte)
    assert held.has_room("c", SMALL)
    held.release("b", megabyte)
    assert held.has_room("c", megabyte)
    assert not held.has_room("a", megabyte)
    for client, count in (("a", 4), ("b", 3)):
        for _ in range(count):
            held.release(client, megabyte)
    assert held.bytes == 0


def waiting(*ages: float) -> tuple[Line, list[Query], list[tuple[int, Reply | Fault]]]:
    """A line of queries that came so many seconds ago, and what each is told."""
    line, queries, told, now = Line(), [], [], time.monotonic()
    for number, age in enumerate(ages):
        tell = partial(lambda number, outcome: told.append((number, outcome)), number)
        queries.append(Query(Call(True), b"", tell, now + 60, since=now - age))
        line.append(queries[-1])
    return line, queries, told


def test_the_first_goes_first_and_once_it_is_late_the_last_does() -> None:
    line, queries, told = waiting(0.01, 0.0, 0.0)
    assert [line.next(0.0), line.next(0.0), line.next(0.0), line.next(0.0)] == [*queries, None]
    line, queries, told = waiting(30.0, 20.0, 0.0)
    assert not line.is_late(16.0)  # what takes long anyway is not late
    assert line.next(0.0) is queries[2]
    line.give_way()
    assert (told, len(line), line.rows) == ([(0, BUSY)], 1, 1)


def test_those_that_nobody_waits_for_are_not_answered() -> None:
    line, queries, told = waiting(0.0, 0.0, 0.0)
    queries[0].drop()
    queries[1].deadline = 0.0
    assert line.next(0.0) is queries[2]
    assert (told, line.rows) == ([(1, LATE)], 0)


def crowd_of_unread(seconds: float, count: int, age: float = 0.0) -> list[Reply | Fault]:
    """What so many bodies are told at once that each take so long to read, after the first came so long ago."""
    told: list[Reply | Fault] = []

    async def run() -> None:
        with ThreadPoolExecutor(2) as readers:
            batcher = Batcher(Sleepy(0.0), threading.Lock(), readers)  # type: ignore[arg-type]
            batcher.cost.per_body = seconds
            batcher.start(asyncio.get_running_loop())
            since = time.monotonic() - age
            for _ in range(count):
                if not batcher.submit(Query(Call(False), b"", told.append, since + 60, since=since)):
                    told.append(BUSY)
            while len(told) < count:
                await asyncio.sleep(0)
            batcher.stop()

    asyncio.run(run())
    return told


def test_bodies_that_take_long_to_read_do_not_queue_up() -> None:
    assert crowd_of_unread(0.001, 100).count(BUSY) == 100 - FEWEST_QUEUED
    assert crowd_of_unread(0.05, 100).count(BUSY) == 100 - FEWEST_ROWS


def test_whoever_has_waited_longest_gives_way_in_a_crowd() -> None:
    told = crowd_of_unread(0.001, 40, age=10.0)
    assert told[: 40 - FEWEST_QUEUED].count(BUSY) == 40 - FEWEST_QUEUED


def test_a_batch_grows_until_the_engine_takes_its_time_for_it() -> None:
    cost = Cost()
    for _ in range(200):
        cost.learn(cost.enough, 1e-5 * cost.enough)
    assert 400 <= cost.enough <= 600
    for _ in range(200):
        cost.learn(cost.enough, 1e-2 * cost.enough)
    assert cost.enough == 4


def test_counts_are_written_as_prometheus_reads_them() -> None:
    counters = Counters()
    counters.count("/predict", 200, 0.002)
    counters.count("/predict", 429, 3.0)
    counters.gauge("netpick_queue_rows", "Rows.", '{model="a"}', lambda: 3)
    lines = counters.text().splitlines()
    assert 'netpick_requests_total{route="/predict",status="200"} 1' in lines
    assert 'netpick_request_seconds_bucket{route="/predict",le="0.0025"} 1' in lines
    assert 'netpick_request_seconds_bucket{route="/predict",le="+Inf"} 2' in lines
    assert 'netpick_request_seconds_count{route="/predict"} 2' in lines
    assert 'netpick_queue_rows{model="a"} 3' in lines


def test_every_code_stands_in_the_documentation() -> None:
    page = (ROOT / "docs" / "serving.md").read_text()
    assert [code for code, status in CODES.items() if f"| `{code}` | {status} |" not in page] == []


class Panic(BaseException):
    """As libraries in Rust raise them: no Exception."""


def test_a_panic_of_a_library_is_one_failed_request() -> None:
    def panic() -> None:
        raise Panic

    outcome = guarded(panic)
    assert isinstance(outcome, Fault)
    assert outcome.code == "bug"
    for passed in (KeyboardInterrupt, SystemExit):

        def leave(error: type[BaseException] = passed) -> None:
            raise error

        with pytest.raises(passed):
            guarded(leave)


def test_the_lane_gives_clients_their_turns_and_ends_what_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One client fills the lane; another one's request still comes in, and before the first one's are through."""
    monkeypatch.setattr(lanes, "THREADS", 1)  # the order in which two threads write is the operating system's

    async def run() -> None:
        loop, lane, gate, order = asyncio.get_running_loop(), Lane(), threading.Event(), []
        lane.start(loop)
        done: list[asyncio.Future[object]] = []

        def work(client: str, seconds: float = 30.0) -> Work:
            future: asyncio.Future[object] = loop.create_future()
            done.append(future)
            made = Work(client=client, finish=future.set_result, deadline=time.monotonic() + seconds)

            def task() -> Reply:
                gate.wait(20)
                made.check()
                order.append(client)
                return Reply(client.encode())

            made.task = task
            return made

        assert all(lane.submit(work("greedy")) for _ in range(MOST_WAITING))
        assert not lane.submit(work("greedy"))
        assert lane.submit(work("other"))
        dropped = work("third", seconds=0.05)
        assert lane.submit(dropped)
        assert isinstance(await done[-1], Fault)  # at its deadline, though the lane is stuck
        gate.set()
        outcomes = await asyncio.wait_for(asyncio.gather(*(f for i, f in enumerate(done) if i != MOST_WAITING)), 20)
        assert order.index("other") <= 2  # one was running, one was next in line
        assert "third" not in order
        assert sum(isinstance(o, Fault) for o in outcomes) == 3  # two gave way, and the one that was late
        assert len(lane) == 0
        lane.stop()

    asyncio.run(run())


def test_what_a_work_held_is_gone_when_it_has_ended() -> None:
    """A task knows its work, and the work its task: bodies of 20 MB must not wait for the collector of such circles."""

    class Body:
        pass

    async def run() -> None:
        loop = asyncio.get_running_loop()
        lane = Lane()
        lane.start(loop)
        for ends_late in (False, True):
            done: asyncio.Future[Reply | Fault] = loop.create_future()
            made = Work(client="a", finish=done.set_result, deadline=time.monotonic() + (0.05 if ends_late else 60))
            body = Body()

            def task(body: Body, made: Work) -> Reply:
                made.check()
                try:
                    raise KeyError(body)
                except KeyError:
                    refuse("invalid_data", f"{type(body)} is no data.")

            made.task = partial(task, body, made)
            known = weakref.ref(body)
            del body
            if ends_late:
                made.drop()
            assert lane.submit(made)
            if not ends_late:
                assert isinstance(await done, Fault)
            del made
            for _ in range(2_000):  # the thread may not have come to its next wait yet
                if known() is None:
                    break
                await asyncio.sleep(0.005)
            assert known() is None
        lane.stop()

    gc.disable()
    try:
        asyncio.run(run())
    finally:
        gc.enable()
