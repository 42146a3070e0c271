"""Schemathesis over the OpenAPI of a running server: no 5xx, no answer that its own documentation does not know.

python tools/fuzz_api.py [--cases 10000]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from served_models import Served, make_models, start  # noqa: E402

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)
OPERATIONS = 18  # about: cases are asked for by operation


def fuzz(served: Served, examples: int, seed: int = 0) -> tuple[int, int, str]:
    """(exit code, cases, the report's end) of so many examples an operation."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{served.url}/openapi.json", "--url", served.url,
        "--checks", ",".join(CHECKS), "--max-examples", str(examples), "--seed", str(seed), "--phases", "examples,coverage,fuzzing",
        "--request-timeout", "30", "--no-color", "--generation-database", "none", "--suppress-health-check", "all", "--continue-on-failure",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(command, capture_output=True, text=True, cwd=place)
    found = re.search(r"([\d,]+) generated", done.stdout)
    return done.returncode, int(found[1].replace(",", "")) if found else 0, (done.stdout + done.stderr)[-6_000:]


def main() -> int:
    parser = argparse.ArgumentParser(description="Schemathesis over the API.")
    parser.add_argument("--cases", type=int, default=10_000)
    asked = parser.parse_args()
    total, failed = 0, 0
    with tempfile.TemporaryDirectory(prefix="netpick-fuzz-") as place:
        folder = Path(place) / "models"
        folder.mkdir()
        make_models(folder)
        names = ("table", "digits", "curves", "texts", "sounds", "shop")
        for name in names:
            served = start([folder / name])
            code, cases, report = fuzz(served, max(5, asked.cases // (len(names) * OPERATIONS)))
            stopped = served.stop()
            bugs = [line for line in served.log if '"level": "error"' in line]
            total += cases
            failed += code != 0 or stopped != 0 or bool(bugs)
            print(f"{name}: {cases:,} cases, {'clean' if code == 0 and not bugs else 'NOT CLEAN'}", flush=True)
            if code or bugs:
                print(report, *bugs[:3], sep="\n")
    print(f"{total:,} cases, {failed} models with findings.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
