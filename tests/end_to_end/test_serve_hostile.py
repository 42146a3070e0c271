"""Attacks on a running server: each is refused in words, costs little, and leaves the server answering."""

from __future__ import annotations

import base64
import json
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from served_models import RATE, Served, start_forked, wav, whistle

from tests.hostile.attacks import ATTACKS, STREAMS, stream

ROW = {"age": 30, "job": "pilot", "hours": 20.5, "member": "y", "since": "2023-05-05"}
MOST_MEMORY = 400 << 20  # above what it took before; bodies of 20 MB are among what is kept
SENT = 8 << 20  # bytes of a stream without end


@pytest.fixture(scope="module")
def attacked(served_folder: Path) -> Iterator[Served]:
    """A server of its own, since memory is looked at. Small limits where a test would have to wait for large ones."""
    served = start_forked([served_folder / name for name in ("table", "digits", "sounds")], "--timeout", "5s")
    assert served.post("/predict", {"rows": [ROW]})[0] == 200
    yield served
    assert served.stop() == 0, "".join(served.log[-20:])


def memory(served: Served, what: str) -> int:
    lines = Path(f"/proc/{served.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def processor(served: Served) -> float:
    fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_costs_little(attacked: Served, name: str) -> None:
    attack, body = ATTACKS[name], ATTACKS[name].body()
    Path(f"/proc/{attacked.process.pid}/clear_refs").write_text("5")
    before, began = memory(attacked, "VmRSS"), processor(attacked)
    headers = {"Content-Type": attack.content_type, "Accept": attack.accept, **attack.headers}
    status, _, said = attacked.ask("POST", attack.path, body, headers)
    assert status in (*attack.refused, 503), (status, said[:300])  # or ended at its deadline, beside other programs
    assert len(said) < 5_000
    assert memory(attacked, "VmHWM") - before < MOST_MEMORY
    assert processor(attacked) - began < 5.0
    assert attacked.post("/predict", {"rows": [ROW]})[0] == 200


@pytest.mark.parametrize("name", STREAMS)
def test_what_has_no_end_is_cut_off(attacked: Served, name: str) -> None:
    make, wanted = STREAMS[name]
    before = memory(attacked, "VmRSS")
    sent, heard = stream(attacked.port, make(SENT))
    assert memory(attacked, "VmRSS") - before < 64 << 20
    assert sent < SENT // 2 or wanted in heard
    assert attacked.post("/predict", {"rows": [ROW]})[0] == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /schema HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", 400),
        (b"GET /schema HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n", 400),
        (b"GET http://evil.example/schema HTTP/1.1\r\nHost: localhost\r\n", 400),
        (b"GET http://localhost/schema HTTP/1.1\r\nHost: localhost\r\n", 200),
        (b"GET /schema HTTP/1.1\r\nHost: localhost:80@evil.example\r\n", 400),
        (b"GET /schema HTTP/1.1\r\nHost: localhost:99999\r\n", 400),
        (b"GET /schema HTTP/1.1\r\nHost: localhost:8000\r\nOrigin: evil://localhost:8000\r\n", 403),
        (b"GET /schema HTTP/1.1\r\nHost: localhost:8000\r\nOrigin: http://localhost:8000\r\n", 200),
        (b"GET /schema HTTP/1.1\r\nHost: localhost:8000\r\nOrigin: http://localhost:8000@evil.example\r\n", 403),
        (
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Type: application/json\r\n",
            400,
        ),
        (b"HEAD /schema HTTP/1.1\r\nHost: localhost\r\n", 200),
    ],
)
def test_hosts_targets_and_origins_are_read_in_one_way(attacked: Served, head: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", attacked.port), timeout=10) as client:
        client.sendall(head + b"Connection: close\r\n\r\n")
        heard = b""
        while piece := client.recv(65_536):
            heard += piece
    assert heard.split(b" ", 2)[1] == str(status).encode(), heard[:400]
    if head.startswith(b"HEAD"):
        assert heard.endswith(b"\r\n\r\n")


def sounds_as_rows(count: int) -> bytes:
    sound = base64.b64encode(wav(whistle(True, 3), RATE)).decode()
    return json.dumps({"rows": [{"audio": sound}] * count}).encode()


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("/predict", lambda: json.dumps({"rows": [ROW] * 9_000}).encode()),
        ("/models/sounds/predict", lambda: sounds_as_rows(4_000)),  # each decoded by itself
    ],
    ids=["rows", "sounds"],
)
def test_the_lane_is_free_soon_after_its_clients_have_left(
    attacked: Served, path: str, make: Callable[[], bytes]
) -> None:
    """Eight large bodies whose clients leave at once; then somebody who waits."""
    abandoned, body = make(), json.dumps({"rows": [ROW] * 9_000}).encode()
    head = (
        b"POST "
        + path.encode()
        + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    for _ in range(8):
        with socket.create_connection(("127.0.0.1", attacked.port), timeout=10) as client:
            client.sendall(head % len(abandoned) + abandoned)
    began = processor(attacked)
    deadline = time.monotonic() + 15
    while attacked.ask("POST", "/predict", body, {"Content-Type": "application/json"})[0] != 200:
        assert time.monotonic() < deadline
    assert processor(attacked) - began < 8.0


def test_bodies_that_never_end_do_not_fill_the_memory(attacked: Served) -> None:
    """Forty clients send 12 MB each, and then no more."""
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 13000000\r\n\r\n"
    before, clients = memory(attacked, "VmRSS"), []
    for _ in range(40):
        clients.append(socket.create_connection(("127.0.0.1", attacked.port), timeout=10))
        with suppress(OSError):  # refused while it sends
            clients[-1].sendall(head + b" " * 12_000_000)
    assert memory(attacked, "VmRSS") - before < 200 << 20
    assert attacked.post("/predict", {"rows": [ROW]})[0] == 200
    for client in clients:
        client.close()
    rows = json.dumps({"rows": [ROW] * 9_000}).encode()
    deadline = time.monotonic() + 15  # none of their places is lost
    while attacked.ask("POST", "/predict", rows, {"Content-Type": "application/json"})[0] != 200:
        assert time.monotonic() < deadline


def test_an_answer_that_nobody_takes_is_dropped_at_the_deadline(served_folder: Path) -> None:
    """Takes the two seconds of the limit, and a second for the server to look."""
    served = start_forked([served_folder / "table"], "--timeout", "2s")
    body = b"age,job,hours,member,since\n" + b"30,pilot,20.5,y,2023-05-05\n" * 90_000
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nAccept: text/csv\r\nContent-Length: %d\r\n\r\n"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(10)
        client.connect(("127.0.0.1", served.port))
        client.sendall(head % len(body) + body)
        deadline = time.monotonic() + 20
        ended = False
        while not ended:
            assert time.monotonic() < deadline
            select.select([], [], [], 0.1)
            try:
                client.send(b"\r\n")
            except (ConnectionResetError, BrokenPipeError):
                ended = True
    assert served.post("/predict", {"rows": [ROW]})[0] == 200
    assert served.stop() == 0


def test_formulas_come_back_as_text_where_that_is_asked_for(attacked: Served) -> None:
    table = "age,job,hours,member,since\n30,=cmd|' /C calc'!A0,20.5,y,2023-05-05\n-5,+1+2,1,y,2023-05-05\n"
    for accept, wanted in (("text/csv", b"\n30,=cmd"), ("text/csv; formulas=escaped", b"\n30,'=cmd")):
        headers = {"Content-Type": "text/csv", "Accept": accept}
        status, _, body = attacked.ask("POST", "/predict", table.encode(), headers)
        assert status == 200
        assert wanted in body
    assert b"\n-5,'+1+2" in body


def test_readiness_makes_a_true_prediction(attacked: Served) -> None:
    assert attacked.get("/health/ready") == {"ready": True}
    assert attacked.get("/v2/health/ready") == {"ready": True}


def test_a_stop_waits_for_nobody_beyond_the_drain(served_folder: Path) -> None:
    served = start_forked([served_folder / "table"])
    body = json.dumps({"rows": [ROW] * 9_000}).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    clients = [socket.create_connection(("127.0.0.1", served.port), timeout=10) for _ in range(6)]
    for client in clients:
        client.sendall(head % len(body) + body)
    for client in clients:
        client.close()
    assert served.stop() == 0
