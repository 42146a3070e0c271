"""Ten hours of good and hostile clients, shortened: the server's memory stays flat, no lane loses a place, a stop ends with 0.

    python tools/soak_hostile.py [HOURS]

Shortened by rate, not by what is asked. An hour stands for 36,000 small requests (10 a second), 360 large ones (one in 10 s), 120
attacks and 60 clients that leave in the middle of a request: all of them one after the other as fast as the server answers, with
no pauses between. After each half hour everybody is gone; then every queue and lane must be empty, and memory is looked at.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from served_models import RATE, Served, digits, make_models, multipart, png, shop, start, wav, whistle  # noqa: E402

from bench.attack import attacks  # noqa: E402
from tools.soak_serve import LUA, ROW, resident  # noqa: E402

HOURS = 10.0
SMALL, LARGE, ATTACKS, LEAVING = 18_000, 180, 60, 30  # in half an hour
CLIENTS = 4  # that send what is not small, at once
EMPTY_SECONDS = 40.0  # until every lane is empty once its clients are gone: more than a request may take
MOST_GROWTH = (
    0.1  # of the most memory in the first two fifths: it takes an hour until every thread has met every attack
)
MODELS = ("table", "texts", "digits", "sounds", "shop")
Ask = Callable[[Served], None]


class Outcomes:
    """Statuses of large good requests, by what was asked."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, status: int) -> None:
        with self._lock:
            self.counts[name, status] += 1


def large_requests() -> dict[str, tuple[str, dict[str, str], bytes]]:
    """One for each way through the server: path, headers, body."""
    form, form_headers = multipart([("a", f"{n}.png", png(digits()[0][n])) for n in range(20)])
    csv = b"age,job,hours,member,since\n" + b"30,pilot,20.5,y,2023-05-05\n" * 5_000
    as_json = {"Content-Type": "application/json"}
    return {
        "rows": ("/predict", as_json, json.dumps({"rows": [ROW] * 3_000}).encode()),
        "a CSV": ("/predict", {"Content-Type": "text/csv", "Accept": "text/csv"}, csv),
        "a form": ("/models/digits/predict", form_headers, form),
        "a picture": ("/models/digits/predict", {"Content-Type": "image/png"}, png(digits()[0][0])),
        "a sound": ("/models/sounds/predict", {"Content-Type": "audio/wav"}, wav(whistle(True, 3), RATE)),
        "a forecast": ("/models/shop/predict", {"Content-Type": "text/csv"}, shop().write_csv().encode()),
        "an explanation": ("/explain", as_json, json.dumps({"rows": [ROW]}).encode()),
    }


def leaving(request: tuple[str, dict[str, str], bytes]) -> Ask:
    """A client that sends a request, some of it, and goes."""
    path, headers, body = request
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    sent = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def ask(served: Served) -> None:
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as client:
            client.sendall(sent if random.random() < 0.5 else sent[: random.randrange(len(sent))])

    return ask


def half_an_hour(outcomes: Outcomes, chance: random.Random) -> list[Ask]:
    """What is not small, in a drawn order."""
    large = large_requests()

    def good(name: str) -> Ask:
        path, headers, body = large[name]
        return lambda served: outcomes.add(name, served.ask("POST", path, body, headers)[0])

    hostile = list(attacks().values())
    calls = [good(name) for name in (list(large) * LARGE)[:LARGE]]
    calls += (hostile * ATTACKS)[:ATTACKS]
    calls += [leaving(large[name]) for name in (list(large) * LEAVING)[:LEAVING]]
    chance.shuffle(calls)
    return calls


def send_all(served: Served, calls: Sequence[Ask]) -> None:
    """By a few clients at once; what an attacker hears does not matter."""
    waiting, lock = list(calls), threading.Lock()

    def client() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                call = waiting.pop()
            with suppress(OSError, http.client.HTTPException):
                call(served)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def small_ones(served: Served, script: Path, wanted: int) -> int:
    done = 0
    while done < wanted:
        command = ["wrk", "-t1", "-c16", "-d5s", "-s", str(script), served.url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        done += int(output.split(" requests in")[0].split()[-1])
    return done


def is_empty(served: Served) -> bool:
    """Whether nothing waits or runs in any queue or lane, soon after the last client has gone."""
    ends = time.monotonic() + EMPTY_SECONDS
    while time.monotonic() < ends:
        _, _, text = served.ask("GET", "/metrics")
        lines = [line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#")]
        if all(float(v) == 0 for name, v in lines if name.startswith(("netpick_queue_rows", "netpick_large_requests"))):
            return True
        time.sleep(0.5)
    return False


def main(hours: float) -> int:
    outcomes, chance, wrong, small = Outcomes(), random.Random(0), [], 0
    halves = max(5, round(2 * hours))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="netpick-soak-") as place:
        folder, script = Path(place) / "models", Path(place) / "mixed.lua"
        folder.mkdir()
        make_models(folder)
        script.write_text(LUA)
        served = start([folder / name for name in MODELS])
        sizes = [resident(served)]
        for half in range(halves):
            calls = half_an_hour(outcomes, chance)
            beside = threading.Thread(target=send_all, args=(served, calls))
            beside.start()
            small += small_ones(served, script, SMALL)
            beside.join()
            if not is_empty(served):
                wrong.append(f"half hour {half + 1}: something is left in a lane")
            sizes.append(resident(served))
            print(f"{(half + 1) / 2:g} h: {small:,} small requests, {sizes[-1] / 1e6:.0f} MB", flush=True)
        for name, (path, headers, body) in large_requests().items():
            status = served.ask("POST", path, body, headers)[0]
            if status != 200:
                wrong.append(f"{name} is answered with {status} at the end")
        stopping = time.monotonic()
        code = served.stop()
        stopped = time.monotonic() - stopping
    grown = max(sizes[-halves // 5 :]) / max(sizes[1 : 1 + 2 * halves // 5]) - 1
    if grown > MOST_GROWTH:
        wrong.append(f"memory grew by {100 * grown:.0f} %")
    if code != 0:
        wrong.append(f"exit {code}")
    print(f"large requests by status: {dict(sorted(outcomes.counts.items()))}")
    print(
        f"{halves / 2:g} hours' worth in {time.monotonic() - began:.0f} s: {small:,} small requests, {halves * LARGE:,} large, "
        f"{halves * ATTACKS:,} attacks, {halves * LEAVING:,} that left. Memory {sizes[0] / 1e6:.0f} MB at first, "
        f"{100 * grown:+.0f} % from the first two fifths to the last. Stopped in {stopped:.1f} s with {code}. Wrong: {wrong or 'nothing'}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else HOURS))
