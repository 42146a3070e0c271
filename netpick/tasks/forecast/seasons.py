"""What a series shows of itself before anything is fitted: its season, and whether it wants logarithms."""

from __future__ import annotations

import numpy as np

from netpick.tasks.forecast.timeline import Timeline
from netpick.tasks.forecast.timesteps import seasons_of
from netpick.types import Array

SEASON_PROOF = 0.2  # autocorrelation at the season's lag, once the trend is taken out, of one series
LEAST_PROOF = 0.05  # of the mean of many
MOST_SERIES = 50  # that are looked at, the longest ones
ALIKE = 0.85  # share of the strongest season's autocorrelation from which on a shorter one is preferred
GROWTH, SWING_GROWTH = 1.5, 0.6  # of level and of swings with the level, for logarithms
MOST_SEASON_STEPS = 20_000  # that autocorrelation is taken from


def find_season(timeline: Timeline, values: Array) -> tuple[int, str]:
    """The period that such data usually have and these show, and that in words; 1 when there is none."""
    candidates = [period for period in seasons_of(timeline.step) if 3 * period <= timeline.lengths.max()]
    longest = _longest_series(timeline, values)
    if timeline.step.counted:
        candidates = [period for period in _peaks(longest[0]) if 3 * period <= len(longest[0])]
    strength, proof = {}, {}
    for period in candidates:
        found = [_seasonality(series, period) for series in longest if len(series) >= 2.5 * period]
        strength[period] = float(np.mean(found)) if found else 0.0
        proof[period] = max(LEAST_PROOF, SEASON_PROOF / max(1, len(found)) ** 0.5)
    shown = {period: value for period, value in strength.items() if value >= proof[period]}
    if not shown:
        return 1, f"none of {', '.join(map(str, candidates))} steps shows in the autocorrelation" if candidates else ""
    # The shortest of those that are about equally strong: a week repeats the day.
    best = min(period for period, value in shown.items() if value >= ALIKE * max(shown.values()))
    of = f" in the mean of {len(longest)} series" if len(longest) > 1 else ""
    return best, f"{best} {timeline.step.noun} (autocorrelation {min(shown[best], 1.0):.2f}{of})"


def _longest_series(timeline: Timeline, values: Array) -> list[Array]:
    """The values (n, V) of the longest series, without their newest fifth: what will be tested on has no say."""
    found = []
    for index in np.argsort(-timeline.lengths, kind="stable")[:MOST_SERIES].tolist():
        series = values[timeline.starts[index] : timeline.starts[index + 1]]
        known = np.flatnonzero(~np.isnan(series).all(axis=1))
        series = series[: int(known[-1]) + 1 if len(known) else 0][-MOST_SEASON_STEPS:]
        found.append(series[: max(1, round(0.8 * len(series)))])
    return found


def _seasonality(series: Array, period: int) -> float:
    """Mean autocorrelation at the period's lag, after a moving mean of one period is taken out."""
    if len(series) < 2.5 * period:
        return 0.0
    strengths = []
    for column in series.T[:16]:
        known = ~np.isnan(column)
        if known.sum() < 2.5 * period:
            continue
        filled = np.interp(np.arange(len(column)), np.flatnonzero(known), column[known])
        sums = np.concatenate([[0.0], np.cumsum(filled)])
        level = (sums[period:] - sums[:-period]) / period
        start = period // 2
        rest = filled[start : start + len(level)] - level
        spread = float((rest**2).mean())
        if spread > 0 and len(rest) > period:
            strengths.append(float((rest[period:] * rest[:-period]).mean()) / spread)
    return float(np.mean(strengths)) if strengths else 0.0


def _peaks(series: Array) -> list[int]:
    """Lags at which the differenced first column is most alike; for rows that have no calendar."""
    column = series[:, 0]
    known = ~np.isnan(column)
    if known.sum() < 30:
        return []
    filled = np.interp(np.arange(len(column)), np.flatnonzero(known), column[known])
    rest = np.diff(filled)
    rest = rest - rest.mean()
    size = 1 << (2 * len(rest) - 1).bit_length()
    spectrum = np.fft.rfft(rest, size)
    likeness = np.fft.irfft(spectrum * spectrum.conj(), size)[: len(rest) // 3]
    if likeness[0] <= 0 or len(likeness) < 4:
        return []
    inner = likeness[1:-1]
    tops = np.flatnonzero((inner > likeness[:-2]) & (inner > likeness[2:])) + 1
    tops = tops[(likeness[tops] > SEASON_PROOF * likeness[0]) & (tops > 1)]
    return [int(t) for t in tops[np.argsort(-likeness[tops])][:3]]


def wants_logarithms(timeline: Timeline, column: Array, early: Array, season: int) -> bool:
    """Whether a positive series grows and swings in proportion to its level (Tukey's spread against level)."""
    longest = int(timeline.lengths.argmax())
    inside = slice(int(timeline.starts[longest]), int(timeline.starts[longest + 1]))
    known = column[inside][early[inside]]
    known = known[~np.isnan(known)]
    size = season if season > 1 else max(4, len(known) // 12)
    blocks = len(known) // size
    every = column[~np.isnan(column)]
    if blocks < 4 or every.min() <= 0:
        return False
    parts = known[len(known) - blocks * size :].reshape(blocks, size)
    level, spread = parts.mean(axis=1), parts.std(axis=1)
    third = max(1, blocks // 3)
    grown = level[-third:].mean() / level[:third].mean()
    if max(grown, 1 / grown) < GROWTH or (spread <= 0).any():
        return False
    slope, _ = np.polyfit(np.log(level), np.log(spread), 1)
    alike = float(np.corrcoef(np.log(level), np.log(spread))[0, 1])
    return bool(slope > SWING_GROWTH and alike > 0.7)
