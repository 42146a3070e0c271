"""Runs the suite's core with the lowest versions that pyproject.toml allows, in an environment of its own (.venv-lowest).

    python tools/lowest.py [--install-only] [PYTEST ARGUMENTS]

Every range `name>=version` becomes `name==version`; what these need in turn is left to pip. A lower bound that cannot be
had as it is meant is said and replaced: torch's old wheels for Linux on x86 bring several gigabytes for graphics cards, so
there the lowest build for processors that the configured indexes hold is taken.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-lowest"
PYTHON = ENVIRONMENT / "bin" / "python"
# What tests themselves need; at the versions that we develop with, since users never install them. But frames of pandas
# are handed to netpick, so the lowest allowed is taken.
TESTING, HANDED_OVER = (
    ("pytest", "pytest-xdist", "hypothesis", "psutil", "statsmodels"),
    ("pandas", "fastexcel", "holidays", "mido"),
)
ROOMS = sorted(path.name for path in (ROOT / "netpick").iterdir() if (ROOT / "tests" / path.name).is_dir())
CORE = (
    *(f"tests/{room}" for room in ROOMS),
    "tests/conformance",
    "tests/properties",
    "tests/end_to_end/test_main_job.py",
)
# Old packages warn of what newer ones took away, and what is tested here is whether they work.
LENIENT = ("-o", "filterwarnings=default", "-p", "no:cacheprovider", "-q")


def lowest_pins() -> dict[str, str]:
    """Name to lowest version, of the dependencies of users."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pins = {}
    handed = [text for text in project["optional-dependencies"]["dev"] if Requirement(text).name in HANDED_OVER]
    for text in [*project["dependencies"], *handed]:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        lower = [Version(part.version) for part in requirement.specifier if part.operator in (">=", "==", "~=")]
        if not lower:
            sys.exit(f"pyproject.toml: '{text}' has no lower bound.")
        pins[requirement.name] = str(max(lower))
    return pins


def with_processor_torch(pins: dict[str, str]) -> dict[str, str]:
    """The pins with a build of torch that does not bring gigabytes for graphics cards."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64") or "torch" not in pins:
        return pins
    shown = subprocess.run(
        [sys.executable, "-m", "pip", "index", "versions", "torch"], capture_output=True, text=True, check=False
    )
    builds = sorted({Version(found) for found in re.findall(r"\d+\.\d+\.\d+\+cpu", shown.stdout)})
    allowed = [build for build in builds if build >= Version(pins["torch"])]
    if not allowed:
        sys.exit(
            f"SKIPPED: torch {pins['torch']} for Linux brings several gigabytes for graphics cards, and no build for "
            "processors is in the configured indexes. Add one with PIP_EXTRA_INDEX_URL, or run this on another system."
        )
    if allowed[0].public != pins["torch"]:
        print(f"torch {allowed[0]} stands for {pins['torch']}, of which there is no build for processors here.")
    return {**pins, "torch": str(allowed[0])}


def testing_pins() -> list[str]:
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if "==" in line
    )
    return [f"{name}=={pinned[name]}" for name in TESTING]


def install(pins: dict[str, str]) -> None:
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    pip = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, *(f"{name}=={version}" for name, version in pins.items()), *testing_pins()], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", str(ROOT)], check=True)


def main(arguments: list[str]) -> int:
    pins = with_processor_torch(lowest_pins())
    install(pins)
    print("Lowest versions: " + ", ".join(f"{name} {version}" for name, version in pins.items()))
    if "--install-only" in arguments:
        return 0
    command = [str(PYTHON), "-m", "pytest", *LENIENT, *(arguments or CORE)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
