"""How long a person waits before anything happens."""

from __future__ import annotations

from bench.measure import NETPICK, PYTHON, Section, run_command, spread

ROUNDS = 9


def measure_startup() -> Section:
    """Importing and asking for help, each in a new process, beside a bare interpreter and torch."""
    timed = {
        "`python -c pass`": [PYTHON, "-c", "pass"],
        "`import netpick`, whole process": [PYTHON, "-c", "import netpick"],
        "`netpick --help`": [NETPICK, "--help"],
        "`import torch`, whole process": [PYTHON, "-c", "import torch"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(ROUNDS):  # in turns, so that a busy moment hits all of them
        for name, command in timed.items():
            seconds[name].append(run_command(command).seconds)
    own = "import time; t = time.perf_counter(); import netpick; print(time.perf_counter() - t)"
    alone = [float(run_command([PYTHON, "-c", own]).output) for _ in range(ROUNDS)]
    loaded = run_command([PYTHON, "-c", "import netpick, sys; print('torch' in sys.modules)"]).output.strip()
    rows = [[name, spread(values, digits=3), goal] for (name, values), goal in zip(seconds.items(), GOALS, strict=True)]
    rows.append(["`import netpick` alone", spread(alone, digits=4), "under 0.1 s"])
    rows.append(["torch imported by `import netpick`", "yes" if loaded == "True" else "no", "no"])
    return Section(
        title="Start-up",
        columns=["what", "median (range)", "goal"],
        rows=rows,
        note=f"Median of {ROUNDS} new processes each.",
    )


GOALS = ("", "", "under 0.3 s", "")
