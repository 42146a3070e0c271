"""Numbers as people write them: one place, so that the page, the card and the tables agree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from netpick.types.results import RunResults, Score

MINUS = "\u2212"
GLUE = "\u00a0"  # a space that keeps a number and its unit on one line


def grouped(number: float, decimals: int = 0) -> str:
    """12,345 or 0.123, with a real minus sign; a missing value is a dash."""
    if not math.isfinite(number):
        return "–"
    text = f"{number:,.{decimals}f}"
    zero = all(digit not in "123456789" for digit in text)
    return text.lstrip("-") if zero else text.replace("-", MINUS)


def signed(number: float, decimals: int) -> str:
    """+0.012 or −0.012; what rounds to nothing has no sign."""
    text = grouped(number, decimals)
    return f"+{text}" if number > 0 and any(digit in "123456789" for digit in text) else text


def significant(number: float, digits: int = 4) -> str:
    """A measured number with about `digits` significant digits: 48,213 or 0.004813."""
    if not math.isfinite(number):
        return "–"
    if number == 0:
        return "0"
    size = math.floor(math.log10(abs(number)))
    if size < -5:
        return f"{number:.{digits - 1}e}".replace("-", MINUS)
    text = grouped(number, max(0, digits - 1 - size))
    return text.rstrip("0").rstrip(".") if "." in text else text


def decimals_for(scores: Iterable[Score]) -> int:
    """How many decimals the intervals of a column justify, 0 to 4; at least 3 where values lie within -1..1."""
    listed = [s for s in scores if math.isfinite(s.value)]
    widths = sorted(s.high - s.low for s in listed if math.isfinite(s.high - s.low) and s.high > s.low)
    small = all(abs(s.value) <= 1 for s in listed)
    if not widths:
        return 3 if small else 2
    needed = 1 - math.floor(math.log10(widths[len(widths) // 2]))
    return max(3 if small else 0, min(4, needed))


def interval(score: Score, decimals: int) -> str:
    """0.981 to 0.987, the 95 % interval of a score."""
    return f"{grouped(score.low, decimals)} to {grouped(score.high, decimals)}"


def percent(share: float, decimals: int | None = None) -> str:
    """0.1234 as 12 %; small and near-complete shares keep a digit."""
    if not math.isfinite(share):
        return "–"
    places = (1 if 0 < share < 0.1 or 0.99 <= share < 1 else 0) if decimals is None else decimals
    return f"{share * 100:.{places}f}{GLUE}%"


def duration(seconds: float) -> str:
    """0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f}{GLUE}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}{GLUE}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{GLUE}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}{GLUE}min {rest}{GLUE}s" if rest else f"{minutes}{GLUE}min"
    return f"{minutes // 60}{GLUE}h {minutes % 60}{GLUE}min"


def milliseconds(value: float) -> str:
    """A latency: 0.012 ms, 3.4 ms, 120 ms."""
    return f"{significant(value, 2)}{GLUE}ms" if value > 0 else "–"  # NaN is not above 0


def size(number_of_bytes: float) -> str:
    """620 B, 84 kB, 1.2 MB, in powers of a thousand."""
    if number_of_bytes <= 0:
        return "–"
    for unit in ("B", "kB", "MB"):
        if number_of_bytes < 999.5:
            return f"{significant(number_of_bytes, 2 if number_of_bytes < 100 else 3)}{GLUE}{unit}"
        number_of_bytes /= 1000
    return f"{significant(number_of_bytes, 3)}{GLUE}GB"


def parameters(number: int) -> str:
    """121,930 or 4.2 M; none is a dash."""
    if number <= 0:
        return "–"
    return grouped(number) if number < 1_000_000 else f"{significant(number / 1e6, 3)}{GLUE}M"


def counted(number: int, noun: str, plural: str = "") -> str:
    """1 row, 12,000 rows."""
    return f"{grouped(number)} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], most: int = 6) -> str:
    """a, b and c; a long list ends in 'and 12 more'."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {grouped(len(names) - most)} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def quoted(names: Sequence[str], most: int = 10) -> str:
    """The first names in quotes: 'a', 'b' and 3 more."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def row_name(results: RunResults, row: int) -> str:
    """How a person would name a row: its file, else its number."""
    shown = results.source.rows.get(row)
    return unnamed_row(row) if shown is None else shown.name


def unnamed_row(row: int) -> str:
    """A row that has a number alone."""
    return f"row{GLUE}{grouped(row)}"
