"""Runs the steps of an exported folder's Containerfile in a fresh virtual environment, and says its size and start time.

python tools/lean.py [MODEL]: exports MODEL (default: the demo run), installs its requirements and netpick without dependencies
into a virtual environment of its own, serves the folder there, asks for an answer, and removes everything again.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STARTS = 5
LONGEST_START = 30.0


def main(model: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, venv = Path(place) / "exported", Path(place) / "venv"
        run(sys.executable, "-m", "netpick.cli", "export", str(model), "--out", str(folder))
        run(sys.executable, "-m", "venv", str(venv))
        pip = (str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet")
        run(*pip, "install", "--no-cache-dir", "-r", str(folder / "requirements.txt"))
        run(*pip, "install", "--no-cache-dir", "--no-deps", str(ROOT))
        missing = subprocess.run([str(venv / "bin" / "python"), "-c", "import torch"], capture_output=True).returncode
        assert missing, "torch is in the environment"
        netpick = str(venv / "bin" / "netpick")
        seconds = sorted(start_seconds(netpick, folder) for _ in range(STARTS))
        size = sum(path.lstat().st_size for path in venv.rglob("*") if path.is_file() and not path.is_symlink())
        print(
            f"installed: {size / 1e6:.0f} MB without torch; serving after {seconds[STARTS // 2]:.2f} s (median of {STARTS})"
        )


def start_seconds(netpick: str, folder: Path) -> float:
    """From the command to the first answer that it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    server = subprocess.Popen([netpick, "serve", "model", "--port", str(port)], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - began < LONGEST_START:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1) as answer:
                    assert answer.status == 200
                    return time.perf_counter() - began
            except urllib.error.URLError:
                assert server.poll() is None, "the server ended"
                time.sleep(0.01)
        raise AssertionError("the server did not get ready")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "runs" / "demo-digits")
