"""What every test gets: one thread per process, fixed examples, and the real data where it is there."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before anything imports torch or scikit-learn, and inherited by the processes that tests start: with one thread each,
# two test workers share two cores, and sums come out the same on any number of cores.
os.environ["OMP_NUM_THREADS"] = "1"

# Tests start some hundred processes: where the environment forbids bytecode, each of them would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

settings.register_profile(
    "netpick", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("netpick")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that read the real data as `shared`, and puts the files that take longest first: whole jobs.

    A worker that got the longest file last would go on alone.
    """
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)


def pytest_collection_finish() -> None:
    """What stays to the end, thousands of tests and all libraries, is not looked through again by the garbage collector."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the repository; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data sets (../shared/data) are not on this machine")
    return SHARED_DATA
