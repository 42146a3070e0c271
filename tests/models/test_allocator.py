"""Freed memory is kept only where nobody chose otherwise; what a training step then takes is there already."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

# A process that imports torch once, and a copy of it in which somebody chose otherwise.
PROGRAM = """
import os, resource
import torch
from netpick.models.allocator import keep_freed_memory

if copy := os.fork():
    os.waitpid(copy, 0)
else:
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "131072"
kept = keep_freed_memory()
for _ in range(20):
    torch.ones(8 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(8 << 20)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, flush=True)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's memory is kept")
def test_freed_memory_is_kept_unless_the_user_chose() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    (chosen, many), (kept, faults) = (line.split() for line in done.stdout.splitlines())
    assert (chosen, kept) == ("False", "True")
    assert int(many) > 2 * int(faults)  # each tensor has 8,192 pages
