"""Serving, for long: restarts by SIGTERM under load lose nothing, and a million requests take no memory.

    python tools/soak_serve.py [--restarts 100] [--requests 1000000]

A request counts as accepted once it was sent whole on an open connection. Each has to be answered (200, or 429 when the
queue was full), whatever happens to the server; a connection that is refused or closed before anything was sent is no loss.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from served_models import Served, make_models, start  # noqa: E402

ROW = {"age": 30, "job": "pilot", "hours": 20.5, "member": "y", "since": "2023-05-05"}
CLIENTS = 12
MOST_GROWTH = 10e6  # bytes


@dataclass
class Count:
    """What clients saw."""

    answered: int = 0
    busy: int = 0
    lost: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def client(port: int, count: Count, stop: threading.Event) -> None:
    """Asks on one connection after the other until the server takes no more."""
    body = json.dumps({"rows": [ROW] * 8}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    while not stop.is_set():
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        except OSError:
            return
        answers = 0
        try:
            while not stop.is_set():
                connection.sendall(head.encode() + body)
                status, closes = _answer(connection)
                with count.lock:
                    if status in (200, 429):
                        count.answered += 1
                        count.busy += status == 429
                    else:
                        count.lost.append(f"status {status}")
                answers += 1
                if closes:
                    break
        except OSError as error:
            # The very first request of a connection may have met a listener that had closed already: never accepted.
            if answers:
                with count.lock:
                    count.lost.append(f"{type(error).__name__} after {answers} answers")
        finally:
            connection.close()


def _answer(connection: socket.socket) -> tuple[int, bool]:
    """Status, and whether the server closes the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError("closed without an answer")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
    while len(rest) < length:
        rest += connection.recv(65536)
    return int(lines[0].split()[1]), b"connection: close" in lines


def restarts(folder: Path, times: int) -> bool:
    """Starts and stops under load; whether nothing was lost."""
    count, unclean, unanswered = Count(), 0, 0
    for number in range(times):
        served, stop = start([folder / "table"]), threading.Event()
        threads = [threading.Thread(target=client, args=(served.port, count, stop)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(0.05, 0.6))
        unclean += served.stop() != 0
        stop.set()
        for thread in threads:
            thread.join()
        last = json.loads(next(line for line in reversed(served.log) if '"stopped"' in line))
        unanswered += last["requests"] - last["answered"]
        if (number + 1) % 10 == 0:
            print(f"{number + 1} restarts: {count.answered:,} answered, {len(count.lost)} lost", flush=True)
    print(
        f"{times} restarts by SIGTERM under load: {count.answered:,} requests answered ({count.busy:,} of them with 429), "
        f"{len(count.lost)} lost, {unanswered} unanswered by the servers' own count, {unclean} exits that were not 0."
    )
    for text in count.lost[:10]:
        print("  lost:", text)
    return not count.lost and not unclean and not unanswered


def memory(folder: Path, requests: int) -> bool:
    """Asks so many times; whether the server stays as large as it was after the first tenth."""
    served = start([folder / "table", folder / "texts"])
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "mixed.lua"
        script.write_text(LUA)
        sizes = [(0, resident(served))]
        done = 0
        while done < requests:
            command = ["wrk", "-t1", "-c32", "-d20s", "-s", str(script), served.url]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            done += int(output.split(" requests in")[0].split()[-1])
            sizes.append((done, resident(served)))
            print(f"{done:,} requests: {sizes[-1][1] / 1e6:.1f} MB", flush=True)
        warm = next(size for count, size in sizes if count >= requests / 10)
        grown = sizes[-1][1] - warm
        clean = served.stop() == 0
    print(
        f"{done:,} requests: memory grew by {grown / 1e6:.1f} MB after the first tenth (at most {MOST_GROWTH / 1e6:.0f} MB)."
    )
    return clean and grown < MOST_GROWTH


# Rows that are answered, rows that are refused, texts, health, metrics, paths that do not exist, and new ones every time.
LUA = """
local n = 0
local row = '{"age":%d,"job":"pilot","hours":20.5,"member":"y","since":"2023-05-05"}'
local json = {["Content-Type"] = "application/json"}
function request()
  n = n + 1
  local kind = n % 20
  if kind == 0 then return wrk.format("GET", "/nowhere/" .. n) end
  if kind == 1 then return wrk.format("GET", "/health/ready") end
  if kind == 2 then return wrk.format("POST", "/predict", json, '{"rows":[{"age":' .. n .. '}]}') end
  if kind == 3 then return wrk.format("POST", "/predict", json, '{"rows":[' .. n) end
  if kind == 4 and n % 400 == 4 then return wrk.format("GET", "/metrics") end
  if kind == 5 then return wrk.format("POST", "/models/texts/predict", json, '{"rows":[{"review":"word' .. n .. ' was good"}]}') end
  if kind == 6 then return wrk.format("POST", "/predict", {["Content-Type"] = "text/x" .. n}, "x") end
  return wrk.format("POST", "/predict", json, '{"rows":[' .. string.format(row, n % 200) .. "]}")
end
"""


def resident(served: Served) -> int:
    """Bytes of memory that the server has."""
    lines = Path(f"/proc/{served.process.pid}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Restarts under load, and memory over a million requests.")
    parser.add_argument("--restarts", type=int, default=100)
    parser.add_argument("--requests", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="netpick-soak-") as place:
        folder = Path(place) / "models"
        folder.mkdir()
        make_models(folder)
        good = restarts(folder, asked.restarts) if asked.restarts else True
        if asked.requests:
            if shutil.which("wrk") is None:
                print("wrk is not installed (Debian: apt-get install wrk), so memory was not watched.", file=sys.stderr)
                return 2
            good = memory(folder, asked.requests) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
