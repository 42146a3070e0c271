"""Freed memory is kept only where nobody chose otherwise; what a training step then takes is there already."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from netpick.models.allocator import keep_freed_memory
import torch
print(keep_freed_memory())
for _ in range(20):
    torch.ones(8 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(8 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def ask(**environment: str) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    kept, faults = done.stdout.split()
    return kept, int(faults)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's memory is kept")
def test_freed_memory_is_kept_unless_the_user_chose() -> None:
    kept, faults = ask()
    assert kept == "True"
    chosen, many = ask(MALLOC_MMAP_THRESHOLD_="131072")
    assert chosen == "False"
    assert many > 2 * faults  # each tensor has 8,192 pages
