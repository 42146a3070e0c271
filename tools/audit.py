"""Looks the pinned versions of constraints.txt up in a source of advisories, by pip-audit in an environment of its own.

    python tools/audit.py

Exit code 0: nothing known, or no source can be reached, which is said; 1: a pinned version has known flaws.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-audit"
TOOL = "pip-audit==2.10.1"
SOURCES = ("pypi", "osv")
KNOWN = "pillow==10.0.0"  # has flaws that every source knows: one that does not name them is none
SECONDS = 300


def prepared() -> str | None:
    """Makes the environment; what went wrong, or None."""
    python = ENVIRONMENT / "bin" / "python"
    steps: list[list[str]] = []
    if not python.exists():
        steps.append([sys.executable, "-m", "venv", str(ENVIRONMENT)])
    if not (ENVIRONMENT / "bin" / "pip-audit").exists():
        steps.append([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TOOL])
    for step in steps:
        done = run(step)
        if done.returncode:
            return f"{' '.join(step[2:])} failed: {last_line(done.stderr)}"
    return None


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {SECONDS} s")


def last_line(text: str) -> str:
    """The end of a traceback or of pip's words, without the details in parentheses."""
    line = next((line for line in reversed(text.strip().splitlines()) if line.strip()), "no word")
    return line.split("(")[0].strip()[:200]


def flaws(requirements: Path, source: str) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of each package, and why it said nothing where it did not."""
    command = [str(ENVIRONMENT / "bin" / "pip-audit"), "--requirement", str(requirements), "--no-deps", "--disable-pip"]
    done = run(
        [
            *command,
            "--format",
            "json",
            "--progress-spinner",
            "off",
            "--timeout",
            "10",
            "--vulnerability-service",
            source,
        ]
    )
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return [], last_line(done.stderr)
    return found, ""


def reached() -> tuple[str | None, str]:
    """A source that knows what is known of an old version, or why there is none."""
    why = []
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "known.txt"
        probe.write_text(KNOWN + "\n", "utf-8")
        for source in SOURCES:
            found, word = flaws(probe, source)
            if any(package.get("vulns") for package in found):
                return source, ""
            said = word or next((p["skip_reason"] for p in found if "skip_reason" in p), f"it knows nothing of {KNOWN}")
            why.append(f"{source}: {said}")
    return None, "; ".join(why)


def main() -> int:
    why = prepared()
    source = None
    if why is None:
        source, why = reached()
    if source is None:
        print(f"SKIPPED: no source of advisories can be reached from here ({why}). Run this where one can.")
        return 0
    packages, word = flaws(ROOT / "constraints.txt", source)
    bad = [package for package in packages if package.get("vulns")]
    for package in bad:
        for flaw in package["vulns"]:
            mended = ", ".join(flaw.get("fix_versions", [])) or "no version yet"
            print(f"{package['name']} {package['version']}: {flaw['id']}, mended in {mended}")
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    print(
        f"{len(packages)} pinned versions looked up ({source}): {len(bad)} with known flaws, {len(unknown)} not known there."
    )
    if not packages:
        print(f"SKIPPED: {word}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
