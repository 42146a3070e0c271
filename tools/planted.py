"""`make planted`: looks for planted leaks and defects, and looks at clean sets; prints what was found in a table.

python tools/planted.py [clean | generated | planted | seen | unseen] [words of case names ...]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
SHARED = ROOT.parent / "shared" / "data"
LEAST_FOUND = 0.95
MOST_STOPPED = 2  # of the generated clean sets, which are more than two hundred: fewer than one in a hundred


def look_at(data: object, options: dict[str, object]) -> tuple[list[object], float]:
    """All findings of the checks, severe ones too, and the seconds that the checks took."""
    import netpick.checks
    from netpick.checks import CHECKS
    from netpick.contest.prepare import FitOptions, prepare

    spent = 0.0
    original = netpick.checks.run_checks

    def timed(context: object) -> object:
        nonlocal spent
        started = time.perf_counter()
        found = original(context)  # type: ignore[arg-type]
        spent += time.perf_counter() - started
        return found

    netpick.checks.run_checks = timed  # type: ignore[assignment]
    try:
        prepared = prepare(data, FitOptions(**{"accept": tuple(CHECKS), **options}))  # type: ignore[arg-type]
    finally:
        netpick.checks.run_checks = original
    return list(prepared.findings), spent


def show_clean(words: list[str]) -> int:
    """Every finding on the clean sets; returns how many are severe."""
    from planted.clean import CLEAN

    severe = looked = 0
    for one in CLEAN:
        if words and not any(word in one.name for word in words):
            continue
        if one.shared and not SHARED.is_dir():
            print(f"{one.name}: skipped, {SHARED} is not here")
            continue
        findings, seconds = look_at(one.data(SHARED), one.options)
        looked += 1
        grave = [f for f in findings if f.severity == "severe"]  # type: ignore[attr-defined]
        severe += len(grave)
        print(f"\n== {one.name}: {len(findings)} findings, {len(grave)} severe, {seconds:.2f} s", flush=True)
        for f in findings:
            print(f"   {f.code} {f.severity:8} {f.evidence[:330]}", flush=True)  # type: ignore[attr-defined]
    print(f"\n{looked} clean sets, {severe} severe findings")
    return severe


def show_generated(words: list[str]) -> int:
    """Severe findings on the clean sets of every kind that are generated; returns how many sets have one."""
    import tempfile

    from planted.generated import GENERATED

    stopped = looked = warned = 0
    for one in GENERATED:
        if words and not any(word in one.name for word in words):
            continue
        with tempfile.TemporaryDirectory(prefix="netpick-clean-") as folder:
            made = one.data(Path(folder))
            findings, _ = look_at(made.data, made.options)
        looked += 1
        grave = [f for f in findings if f.severity == "severe"]  # type: ignore[attr-defined]
        warned += any(f.severity == "warning" for f in findings)  # type: ignore[attr-defined]
        stopped += bool(grave)
        for f in grave:
            print(f"SEVERE {one.name}: {f.code} {f.evidence[:300]}", flush=True)  # type: ignore[attr-defined]
    print(f"\n{looked} generated clean sets: {stopped} with a severe finding, {warned} with a warning")
    return stopped


def show_planted(words: list[str], *, unseen: bool | None) -> tuple[int, int]:
    """A line a case; returns how many were found, and how many there were. unseen: that half, the other, or both."""
    import tempfile

    from planted.case import Place
    from planted.media import CASES as media
    from planted.sequences import CASES as sequences
    from planted.tables import CASES as tables

    found = total = 0
    missed: list[str] = []
    by_code: dict[str, list[bool]] = {}
    for number, case in enumerate((*tables, *media, *sequences)):
        label = f"{case.code} {case.kind}: {case.name}"
        if (unseen is not None and case.unseen != unseen) or (words and not any(word in label for word in words)):
            continue
        if case.shared and not SHARED.is_dir():
            continue
        with tempfile.TemporaryDirectory(prefix="netpick-planted-") as folder:
            place = Place(folder=Path(folder), shared=SHARED if SHARED.is_dir() else None, seed=1_000 + number)
            planted = case.make(place)
            findings, seconds = look_at(planted.data, planted.options)
        said = {f.code: f for f in findings}  # type: ignore[attr-defined]
        hit = case.code in said
        total += 1
        found += hit
        by_code.setdefault(case.code, []).append(hit)
        severity = said[case.code].severity if hit else "missed"  # type: ignore[attr-defined]
        others = " ".join(sorted(set(said) - {case.code, "D008", "D005"}))
        print(f"{'found ' if hit else 'MISSED'} {severity:8} {label}  [{others}] {seconds:.2f} s", flush=True)
        if words and hit:
            print(f"       {said[case.code].evidence[:300]}")  # type: ignore[attr-defined]
        if not hit:
            missed.append(label)
    print("\n| code | found | of |\n| --- | --- | --- |")
    for code, hits in sorted(by_code.items()):
        print(f"| {code} | {sum(hits)} | {len(hits)} |")
    print(f"\n{found} of {total} found ({found / max(1, total):.1%})")
    return found, total


def main(arguments: list[str]) -> int:
    """0 when at least 95 % of the planted faults are found and hardly any clean set is stopped."""
    kinds = ("clean", "generated", "planted", "unseen", "seen")
    what = arguments[0] if arguments and arguments[0] in kinds else "all"
    words = arguments[1:] if what != "all" else arguments
    bad = 0
    if what in ("clean", "all"):
        bad += show_clean(words) > 1
    if what in ("generated", "all"):
        bad += show_generated(words) > MOST_STOPPED
    for name, unseen in (("seen", False), ("unseen", True)):
        if what in (name, "planted", "all"):
            print(f"\nPlanted faults, the {'half kept aside' if unseen else 'half that the checks were made with'}:")
            found, total = show_planted(words, unseen=unseen)
            bad += found < LEAST_FOUND * total
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
