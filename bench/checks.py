"""What the checks cost: their share of whole default runs, of 60 and of 10 seconds, on five data sets."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import PYTHON, SHARED_DATA, Section, need, run_command, spread

ROUNDS = 3
LIMIT = 0.10  # of the run
BUDGETS = (60.0, 10.0)
# In a process of its own, as in a run: libraries are imported before the checks begin, since training needs them anyway.
SCRIPT = """
import json, sys, time
import netpick.checks as checks
from netpick.api import look
from netpick.data.sources.base import ReadOptions

spent, original = [], checks.run_checks

def timed(context):
    started = time.perf_counter()
    found = original(context)
    spent.append(time.perf_counter() - started)
    return found

checks.run_checks = timed
options = json.loads(sys.argv[2])
if "read" in options:
    options["read"] = ReadOptions(**options["read"])
prepared = look(sys.argv[1], accept=tuple(checks.CHECKS), **options)
print(json.dumps({"seconds": sum(spent), "rows": prepared.source.num_rows, "findings": len(prepared.findings)}))
"""


@dataclass(frozen=True, kw_only=True)
class Data:
    """One set and how it is looked at."""

    name: str
    path: str
    options: Mapping[str, object] = field(default_factory=dict)


SETS = (
    Data(name="MNIST", path="mnist"),
    Data(name="adult", path="tables/adult_train.csv", options={"target": "income"}),
    Data(
        name="Beijing pollution", path="time_series/beijing_pollution.csv", options={"target": "pm2.5", "horizon": 24}
    ),
    Data(name="SMS spam", path="sms_spam/sms.tsv"),
    Data(name="spoken digits", path="spoken_digits", options={"read": {"label_from": "{label}_{speaker}_{index}.wav"}}),
)


def measure_checks() -> Section:
    """Seconds of all checks of the data, and what share of a run they are."""
    rows = []
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="netpick-bench-") as folder:
        script = Path(folder) / "checks.py"
        script.write_text(SCRIPT)
        for data in SETS:
            path = need(SHARED_DATA / data.path)
            command = [PYTHON, str(script), str(path), json.dumps(dict(data.options))]
            found = [json.loads(run_command(command).output.strip().splitlines()[-1]) for _ in range(ROUNDS)]
            seconds = [one["seconds"] for one in found]
            shares = [sorted(seconds)[ROUNDS // 2] / budget for budget in BUDGETS]
            worst = max(worst, *shares)
            rows.append([data.name, f"{found[0]['rows']:,}", spread(seconds), *(f"{share:.1%}" for share in shares)])
    verdict = "within" if worst <= LIMIT else "over"
    return Section(
        title="Checks of the data",
        columns=["data", "rows", "all checks", *(f"of a run of {budget:.0f} s" for budget in BUDGETS)],
        rows=rows,
        note=(
            f"Medians of {ROUNDS} rounds, each in a new process. At most {LIMIT:.0%} of a default run (60 s) may go into checks: "
            f"{verdict} it, at 10 s too. Large data are sampled, as the findings say."
        ),
    )
