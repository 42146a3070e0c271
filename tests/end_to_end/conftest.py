"""A browser, and trained models of every kind with a running server, made once and shared by the tests of serving."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from served_models import Served, models_once, start

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),  # a microphone, and leave to use it
]

NAMES = ("table", "prices", "digits", "curves", "texts", "sounds", "shop", "story")


@pytest.fixture(scope="session")
def served_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    base = tmp_path_factory.getbasetemp()
    return models_once(base if worker_id == "master" else base.parent)


@pytest.fixture(scope="session")
def server(served_folder: Path) -> Iterator[Served]:
    """All models behind one address; the first is the table."""
    served = start([served_folder / name for name in NAMES])
    yield served
    assert served.stop() == 0, "".join(served.log[-20:])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real one, started anew for each file: while it runs, nothing else in the process can use asyncio."""
    if not CHROMIUM.exists():
        pytest.skip(f"chromium is not installed at {CHROMIUM}")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()
