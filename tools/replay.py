"""Makes runs under a budget again from their plan.json, and checks that what comes out is the same.

    python tools/replay.py [NAME ...]

Compared byte by byte: the weights of every model that was kept, baselines and blend among them, the predictions, and all scores. Data
of tools/kill.py, and those of ../shared/data where it is there. What is beside may take processor time: the clock decides otherwise
then, and what it decided is what a plan repeats.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from kill import KINDS, NETPICK, outcome

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
WITHIN = ("manifest.json", "model.json", "card.md")  # members that hold the time at which a file was made
SETS: dict[str, tuple[str, ...]] = {  # arguments of `netpick fit`
    "telco": ("tables/telco_churn.csv", "--budget", "15s"),
    "housing": ("tables/california_housing.csv", "--budget", "20s"),
    "sms_spam": ("sms_spam/sms.tsv", "--budget", "20s"),
    "spoken_digits": (
        *("spoken_digits", "--label-from", "{label}_{speaker}_{index}.wav", "--split", "random"),
        *("--budget", "25s"),
    ),
    "mnist": ("mnist", "--budget", "15s"),
    "ETTh1": ("time_series/ETTh1.csv", "--target", "OT", "--horizon", "24", "--budget", "30s"),
}


def runs(folder: Path) -> dict[str, list[str]]:
    """Arguments by name of a run."""
    small = {kind: [*make(folder), "--accept", "D002", "--budget", "8s"] for kind, make in KINDS.items()}
    large = {name: [str(SHARED / path), *options] for name, (path, *options) in SETS.items()} if SHARED.is_dir() else {}
    return {**small, **large}


def differences(first: Path, second: Path) -> list[str]:
    """What two runs do not have in common."""
    found = [] if outcome(first) == outcome(second) else ["weights, predictions or scores"]
    for path in sorted(first.rglob("*.netpick")):
        with zipfile.ZipFile(path) as one, zipfile.ZipFile(second / path.relative_to(first)) as other:
            names = [name for name in one.namelist() if name not in WITHIN]
            found += [f"{path.name}, {name}" for name in names if one.read(name) != other.read(name)]
    return found


def replayed(arguments: list[str], folder: Path) -> list[str]:
    """Makes a run and makes it again; what differs."""
    first, second = folder / "first", folder / "second"
    _run([*arguments, "--out", str(first)])
    budget = arguments.index("--budget")
    _run([*arguments[:budget], *arguments[budget + 2 :], "--plan", str(first / "plan.json"), "--out", str(second)])
    return differences(first, second)


def _run(arguments: list[str]) -> None:
    done = subprocess.run([*NETPICK, "fit", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-600:]}")


def main(names: list[str]) -> int:
    different = 0
    with tempfile.TemporaryDirectory(prefix="netpick-replay-") as made:
        wanted = {name: run for name, run in runs(Path(made)).items() if not names or name in names}
        for name, arguments in wanted.items():
            with tempfile.TemporaryDirectory(prefix="netpick-replay-") as folder:
                found = replayed(arguments, Path(folder))
            different += bool(found)
            print(f"{name}: {'; '.join(found) or 'identical'}", flush=True)
    print(f"{len(wanted)} runs made again, {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
