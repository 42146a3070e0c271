"""Trained models of every kind and a running server, made once and shared by the tests of serving."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from served_models import Served, models_once, start

NAMES = ("table", "prices", "digits", "curves", "texts", "sounds", "shop")


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
