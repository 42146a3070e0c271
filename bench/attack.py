"""Attacks on a fresh server, each alone and then the whole twelve at once, with a good client beside them.

    python -m bench.attack [WORDS OF AN ATTACK'S NAME...]

For each: peak memory above what the server took before, the slowest answer of /health/live and of a good client's row, and the
processor seconds that the server spends after the attacker has left. The attacks are those of tests/hostile/attacks.py.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from served_models import Served, models_once, start

from tests.hostile.attacks import ATTACKS, STREAMS, stream

SECONDS = 3.0  # that an attack is repeated
AFTER = 4.0  # seconds that are looked at after the attacker has left
PAUSE = 0.02  # between a good client's requests
ROW = {"age": 30, "job": "pilot", "hours": 20.5, "member": "y", "since": "2023-05-05"}
STREAM_BYTES = 64 << 20


@dataclass
class Beside:
    """A client that asks again and again while an attack goes on, and how long it waits at most."""

    served: Served
    method: str
    path: str
    body: bytes | None = None
    worst: float = 0.0
    failures: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Beside:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.perf_counter()
            try:
                status, _, _ = self.served.ask(self.method, self.path, self.body, {"Content-Type": "application/json"})
                self.failures += status != 200
            except (OSError, http.client.HTTPException):
                self.failures += 1
            self.worst = max(self.worst, time.perf_counter() - began)
            time.sleep(PAUSE)


def memory(served: Served, what: str) -> int:
    lines = Path(f"/proc/{served.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def processor(served: Served) -> float:
    fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def attacks() -> dict[str, Callable[[Served], None]]:
    """Each once, by name."""
    made: dict[str, Callable[[Served], None]] = {}
    for name, attack in ATTACKS.items():
        body = attack.body()
        headers = {"Content-Type": attack.content_type, "Accept": attack.accept, **attack.headers}

        def ask(served: Served, path: str = attack.path, body: bytes = body, headers: dict[str, str] = headers) -> None:
            served.ask("POST", path, body, headers)

        made[name] = ask
    for name, (pieces, _) in STREAMS.items():
        made[name] = lambda served, pieces=pieces: (stream(served.port, pieces(STREAM_BYTES)), None)[1]  # type: ignore[misc]
    return made


def measured(models: Sequence[Path], calls: Sequence[Callable[[Served], None]]) -> list[str]:
    """A row of the table: these attacks, each in a thread of its own, for SECONDS."""
    served = start(models)
    row = json.dumps({"rows": [ROW]}).encode()
    served.ask("POST", "/predict", row, {"Content-Type": "application/json"})
    before = memory(served, "VmRSS")
    until = time.monotonic() + SECONDS

    def attack(call: Callable[[Served], None]) -> None:
        while time.monotonic() < until:
            try:
                call(served)
            except (OSError, http.client.HTTPException):
                time.sleep(PAUSE)

    with Beside(served, "GET", "/health/live") as health, Beside(served, "POST", "/predict", row) as good:
        threads = [threading.Thread(target=attack, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = processor(served)
        time.sleep(AFTER)
    spent = processor(served) - left
    peak = memory(served, "VmHWM") - before
    code = served.stop()
    return [
        f"{peak / 1e6:,.0f} MB", f"{1000 * health.worst:,.0f} ms", f"{1000 * good.worst:,.0f} ms",
        f"{good.failures + health.failures}", f"{spent:.1f} s", str(code),
    ]  # fmt: skip


def main(words: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="netpick-attack-") as folder:
        made = models_once(Path(folder))
        models = [made / name for name in ("table", "digits", "sounds")]
        chosen = {name: call for name, call in attacks().items() if not words or any(word in name for word in words)}
        print(
            "| attack | memory above start | slowest /health | slowest row | refused or failed | processor after | exit |"
        )
        print("|---|---|---|---|---|---|---|")
        print("| " + " | ".join(["none", *measured(models, [])]) + " |", flush=True)
        for name, call in chosen.items():
            print("| " + " | ".join([name, *measured(models, [call])]) + " |", flush=True)
        if len(chosen) > 1:
            print("| " + " | ".join([f"all {len(chosen)} at once", *measured(models, list(chosen.values()))]) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
