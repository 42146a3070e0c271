"""Runs the simulations and writes their figures into docs/statistics.md, about ten minutes on one core.

    python tools/simulate.py [coverage] [folds] [equal] [power] [noise]

Names pick parts. Exits with 1 when a figure is outside what the page promises.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.simulations.contests import KINDS, Rate, equal_networks, power_of, power_of_accuracy, visible_difference
from tests.simulations.coverage import DRAWS, Held, measure
from tests.simulations.folds import KINDS as FOLD_KINDS
from tests.simulations.folds import SIZES as FOLD_SIZES
from tests.simulations.folds import table as fold_table
from tests.simulations.noise import TABLES, noise_fits
from tests.simulations.recommended import CLASSES, NUMBERS, TRUTHS, Loss, recommended
from tests.simulations.situations import SITUATIONS, Situation

PAGE = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"
EQUAL_ROWS, EQUAL_NETWORKS, EQUAL_DRAWS = (60, 300, 1000), (2, 4), 600
POWER_ROWS, POWER_SHARES, POWER_DRAWS = (100, 200, 500, 1000, 2000, 5000, 10_000), (0.02, 0.05, 0.1, 0.2), 1000
FOLD_DRAWS = 400  # contests in folds, fewer of many rows
RECOMMENDED_ROWS, RECOMMENDED_DRAWS = (50, 300, 2000, 5000), 300
FITS = 100  # of each table of noise


def write(part: str, lines: Iterable[str]) -> None:
    """Puts a table between its marks on the page."""
    text = PAGE.read_text("utf-8")
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    table = "\n".join(lines)
    text, count = re.subn(f"{begin}.*?{end}", f"{begin}\n{table}\n{end}", text, flags=re.DOTALL)
    assert count == 1, f"{PAGE} has no place for {part}"
    PAGE.write_text(text, "utf-8")


def coverage() -> bool:
    """Whether intervals hold the truth."""
    found: dict[tuple[str, str], dict[int, Held]] = {}
    for situation in SITUATIONS:
        for n in situation.sizes:
            for held in measure(situation, n, DRAWS[n]):
                found.setdefault((situation.name, held.metric), {})[n] = held
    by_name = {situation.name: situation for situation in SITUATIONS}
    lines = ["| situation | metric | few rows | some rows | 1,000 rows |", "|---|---|---|---|---|"]
    for (name, metric), sizes in found.items():
        cells = [cell(by_name[name], sizes[n]) for n in by_name[name].sizes]
        cells = [""] * (3 - len(cells)) + cells
        lines.append(f"| {name} | {metric} | {' | '.join(cells)} |")
    write("coverage", lines)
    everything = [held for sizes in found.values() for held in sizes.values()]
    inside = [held for held in everything if 0.93 <= held.share <= 0.97]
    kept = [held for held in everything if held.keeps(by_name[held.situation])]
    write(
        "coverage in short",
        [
            f"Of {len(everything)} figures, {len(inside)} lie between 93 and 97 %, "
            f"{sum(held.share > 0.97 for held in everything)} above and {sum(held.share < 0.93 for held in everything)} below; "
            f"the lowest is {min(held.share for held in everything):.1%}, the highest "
            f"{max(held.share for held in everything):.1%}. The Monte Carlo error of a figure is "
            f"{min(held.error for held in everything):.1%} to {max(held.error for held in everything):.1%}."
        ],
    )
    return len(kept) == len(everything)


def cell(situation: Situation, held: Held) -> str:
    """One figure; bold where it is outside 93 to 97 %."""
    share = f"{held.share:.3f}"
    mark = share if 0.93 <= held.share <= 0.97 else f"**{share}**"
    return mark if held.n in (50, 200, 1000) else f"{mark} (n = {held.n})"


def folds() -> bool:
    """Whether intervals of contests in folds hold what such models reach on new rows."""
    found = list(fold_table(FOLD_DRAWS))
    heads = " | ".join(f"{n:,} rows" for n in FOLD_SIZES)
    lines = [f"| contest | interval | {heads} |", "|---|---|" + "---|" * len(FOLD_SIZES)]
    for kind in FOLD_KINDS:
        of_kind = {held.n: held for held in found if held.kind == kind.name}
        for what in ("score", "difference"):
            shares = [getattr(of_kind[n], what) if n in of_kind else None for n in FOLD_SIZES]
            cells = ["" if s is None else f"{s:.3f}" if 0.93 <= s <= 0.97 else f"**{s:.3f}**" for s in shares]
            lines.append(f"| {kind.name} | {what} | {' | '.join(cells)} |")
    write("folds", lines)
    kept = [share for held in found for share in (held.score, held.difference)]
    plain = [share for held in found for share in (held.plain_score, held.plain_difference)]
    write(
        "folds in short",
        [
            f"Of {len(kept)} figures, {sum(0.93 <= s <= 0.97 for s in kept)} lie between 93 and 97 %, "
            f"{sum(s > 0.97 for s in kept)} above and {sum(s < 0.93 for s in kept)} below; the lowest is {min(kept):.1%}, the highest "
            f"{max(kept):.1%}. With rows alone the lowest would be {min(plain):.1%}, and {sum(s < 0.93 for s in plain)} would lie below "
            f"93 %. The Monte Carlo error of a figure is {min(h.error for h in found):.1%} to {max(h.error for h in found):.1%}."
        ],
    )
    return all(held.keeps for held in found)


def equal() -> bool:
    """Whether equals are told apart in at most 5 % of contests."""
    lines = [
        "| contest | metric | networks | test rows | a winner is called | another is said to be better | networks help |"
    ]
    lines.append("|---|---|---|---|---|---|---|")
    largest = 0.0
    for kind in KINDS:
        for networks in EQUAL_NETWORKS:
            for n in EQUAL_ROWS:
                rates = equal_networks(kind, n, networks, EQUAL_DRAWS)
                cells = " | ".join(f"{rate.share:.3f}" for rate in rates)
                lines.append(f"| {kind.name} | {kind.primary} | {networks} | {n:,} | {cells} |")
                largest = max(largest, *(rate.share - 3 * rate.error for rate in rates))
    write("equal", lines)
    return largest <= 0.05


def power() -> bool:
    """Whether differences are found as often as stated."""
    heads = " | ".join(f"{share:.0%} of the rows differ" for share in POWER_SHARES)
    lines = [f"| test rows | {heads} |", "|---|" + "---|" * len(POWER_SHARES)]
    rates: list[Rate] = []
    for n in POWER_ROWS:
        cells = []
        for share in POWER_SHARES:
            difference = visible_difference(n, share)
            if difference > 0.9 * share:
                cells.append("-")
                continue
            rates.append(power_of_accuracy(n, share, POWER_DRAWS))
            cells.append(f"{100 * difference:.2f} points ({rates[-1].share:.0%})")
        lines.append(f"| {n:,} | {' | '.join(cells)} |")
    write("power", lines)
    others = [power_of(kind, n, POWER_DRAWS) for kind in KINDS for n in (300, 1000)]
    lines = ["| contest | test rows | found |", "|---|---|---|"]
    lines += [f"| {rate.what} | {rate.n:,} | {rate.share:.3f} |" for rate in others]
    write("power of others", lines)
    return all(rate.share > 0.77 - 3 * rate.error for rate in rates) and all(rate.share > 0.65 for rate in others)


def recommendation() -> bool:
    """Whether the recommendation loses at most half of what the rule of before lost, and deep learning never helps falsely."""
    found = [
        recommended(kind, truth, n, RECOMMENDED_DRAWS)
        for kind in (CLASSES, NUMBERS)
        for truth in TRUTHS
        for n in RECOMMENDED_ROWS
    ]
    heads = "lost before | lost now | of networks before | of networks now | latency before | latency now"
    lines = [
        f"| contest | metric | test rows | {heads} | chance stated | happened | score held | helps falsely |",
        "|---|---|---|" + "---|" * 10,
    ]
    lines += [loss_row(one) for one in found]
    write("recommended", lines)
    before, now = (sum(one.before for one in found), sum(one.now for one in found))
    networks = (sum(one.before_networks for one in found), sum(one.now_networks for one in found))
    falsely = max(one.helps_falsely for one in found if one.helps_falsely == one.helps_falsely)
    write(
        "recommended in short",
        [
            f"Over all contests, the recommended candidate loses {now / before:.0%} of what the rule of before lost; where a network is "
            f"asked for, {networks[1] / networks[0]:.0%}. Where a baseline is as good, deep learning helps in at most {falsely:.1%}."
        ],
    )
    return now <= 0.5 * before and networks[1] <= 0.5 * networks[0] and falsely <= 0.05


def loss_row(one: Loss) -> str:
    """A line of the table."""
    falsely = "" if one.helps_falsely != one.helps_falsely else f"{one.helps_falsely:.3f}"
    metric = "accuracy" if one.kind == CLASSES.name else "R²"
    return (
        f"| {one.truth} | {metric} | {one.n:,} | {one.before:.4f} | {one.now:.4f} | {one.before_networks:.4f} | {one.now_networks:.4f} | "
        f"{one.latency_before:.1f} ms | {one.latency_now:.1f} ms | {one.stated:.2f} | {one.happened:.2f} | {one.held:.3f} | {falsely} |"
    )


def noise() -> bool:
    """Whether noise makes deep learning help: a column of it never, noise alone in no more than one run of forty."""
    rates = [noise_fits(name, FITS) for name in TABLES]
    lines = ["| table | fits | deep learning helps |", "|---|---|---|"]
    lines += [f"| {rate.what} | {rate.draws} | {round(rate.share * rate.draws)} |" for rate in rates]
    write("noise", lines)
    return all(rate.share <= (0.0 if "a column of noise" in rate.what else 0.025) for rate in rates)


PARTS: dict[str, Callable[[], bool]] = {
    "coverage": coverage,
    "folds": folds,
    "equal": equal,
    "power": power,
    "noise": noise,
}


def main(names: Sequence[str]) -> int:
    kept = True
    for name in names or PARTS:
        started = time.perf_counter()
        kept = PARTS[name]() and kept
        print(f"{name}: {time.perf_counter() - started:.0f} s")
    print(f"The figures are in {PAGE}." + ("" if kept else " Some are outside what it promises."))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
