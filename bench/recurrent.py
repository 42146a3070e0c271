"""A step of a recurrent layer, both ways over 128 rows of 256 steps: as of commit 0e21981 beside now, and what it must cost.

`python -m bench.recurrent` prints it; `make bench PARTS=recurrent` writes it down. Old and new run in turns, each in a process of
its own, since the new one also changes what becomes of freed memory.
"""

from __future__ import annotations

import json
import sys
import time

import torch
from torch import Tensor, nn

from bench.measure import PYTHON, Section, median, run_command
from netpick.models.allocator import keep_freed_memory
from netpick.models.infer import autocast, supports_bfloat16
from netpick.models.networks.blocks import reverse_valid
from netpick.models.networks.rnn import GATES, RecurrentLayer, RnnSettings

ROWS, STEPS, INPUTS, WIDTH = 128, 256, 32, 64
COLUMNS = ("what", "0e21981", "now", "ratio", "floor")
CELLS = ("lstm", "gru", "simple")
THREADS, TURNS, CALLS = (1, 2), 3, 5


def measure_recurrent() -> Section:
    """Milliseconds of forward and backward, and processor milliseconds, of both."""
    rows = []
    for cell in CELLS:
        for threads in THREADS:
            found: dict[str, list[dict[str, float]]] = {"old": [], "new": []}
            for _ in range(TURNS):
                for which, kept in found.items():
                    output = run_command([PYTHON, "-m", "bench.recurrent", which, cell, str(threads)]).output
                    kept.append(json.loads(output.strip().splitlines()[-1]))
            old, new = ({name: median([one[name] for one in kept]) for name in kept[0]} for kept in found.values())
            rows.append(
                [
                    f"{cell}, {threads} thread{'s' if threads > 1 else ''}",
                    f"{old['wall']:.0f} ms ({old['processor']:.0f})",
                    f"{new['wall']:.0f} ms ({new['processor']:.0f})",
                    f"{old['wall'] / new['wall']:.2f} ({old['processor'] / new['processor']:.2f})",
                    f"{new['floor']:.0f} ms",
                ]
            )
    return Section(
        title="Recurrent steps", columns=COLUMNS, rows=rows,
        note=f"Forward and backward, {ROWS} rows of {STEPS} steps of {INPUTS} numbers, width {WIDTH}, both ways; in brackets processor "
        f"time. Medians of {TURNS} processes in turns, each the median of {CALLS} calls. Floor: the matrix products at this machine's "
        "rate for large ones, in the precision that is used now.",
    )  # fmt: skip


class OldLayer(nn.Module):
    """The layer of 0e21981: torch's kernel for LSTM, autograd over a loop for the others."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.cell = cell
        if cell == "lstm":
            self.kernels = nn.ModuleList(nn.LSTM(INPUTS, WIDTH, batch_first=True) for _ in range(2))
            return
        columns = GATES[cell] * WIDTH
        self.input_weight = nn.Parameter(torch.randn(2, INPUTS, columns) / INPUTS**0.5)
        self.recurrent_weight = nn.Parameter(torch.randn(2, WIDTH, columns) / WIDTH**0.5)
        self.bias = nn.Parameter(torch.zeros(2, 1, columns))
        self.candidate_bias = nn.Parameter(torch.zeros(2, 1, WIDTH))

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        if self.cell == "lstm":
            back = reverse_valid(self.kernels[1](reverse_valid(steps, mask))[0], mask)
            return torch.cat([self.kernels[0](steps)[0], back], dim=-1)
        both = torch.stack([steps, reverse_valid(steps, mask)])
        projected = torch.baddbmm(self.bias, both.transpose(1, 2).flatten(1, 2), self.input_weight)
        state = projected.new_zeros((2, len(steps), WIDTH))
        states = []
        for step in projected.view(2, steps.shape[1], len(steps), -1).unbind(1):
            if self.cell == "gru":
                product = torch.bmm(state, self.recurrent_weight)
                switches = (step[..., : 2 * WIDTH] + product[..., : 2 * WIDTH]).sigmoid()
                reset, keep = switches.chunk(2, dim=-1)
                recalled = product[..., 2 * WIDTH :] + self.candidate_bias
                candidate = torch.addcmul(step[..., 2 * WIDTH :], reset, recalled).tanh()
                state = torch.lerp(candidate, state, keep)
            else:
                state = torch.baddbmm(step, state, self.recurrent_weight).tanh()
            states.append(state)
        made = torch.stack(states, dim=2)
        return torch.cat([made[0], reverse_valid(made[1], mask)], dim=-1)


def floor(cell: str, precision: str) -> float:
    """Milliseconds that the matrix products alone take: three times those of the forward pass."""
    left = torch.randn(2048, 2048, dtype=torch.bfloat16 if precision == "bfloat16" else torch.float32)
    times = []
    for _ in range(CALLS):
        before = time.perf_counter()
        left @ left
        times.append(time.perf_counter() - before)
    operations = 3 * 2 * 2 * ROWS * STEPS * (INPUTS + WIDTH) * GATES[cell] * WIDTH
    return 1000 * operations * min(times) / (2 * 2048**3)


def main(which: str, cell: str, threads: int) -> None:
    """Measures one of both, and prints it as JSON."""
    torch.set_num_threads(threads)
    precision = "float32"
    layer: nn.Module = OldLayer(cell)
    if which == "new":
        keep_freed_memory()
        layer = RecurrentLayer(INPUTS, RnnSettings(cell=cell, width=WIDTH))  # type: ignore[arg-type]
        precision = "bfloat16" if cell == "lstm" and supports_bfloat16("cpu") else "float32"
    steps = torch.randn(ROWS, STEPS, INPUTS, requires_grad=True)
    mask = torch.ones(ROWS, STEPS, dtype=torch.bool)
    gradient = torch.ones(ROWS, STEPS, 2 * WIDTH)
    walls, processor = [], []
    for _ in range(CALLS + 1):
        wall, used = time.perf_counter(), time.process_time()
        with autocast(precision, "cpu"):
            made = layer(steps, mask)
        made.float().backward(gradient)
        walls.append(time.perf_counter() - wall)
        processor.append(time.process_time() - used)
    found = {"wall": median(walls[1:]), "processor": median(processor[1:])}
    print(json.dumps({name: 1000 * value for name, value in found.items()} | {"floor": floor(cell, precision)}))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        for row in measure_recurrent().rows:
            print("  ".join(f"{name}: {value}" for name, value in zip(COLUMNS, row, strict=True)))
    else:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
