"""Scores, differences and chances as they stand in sentences: as finely as they are known."""

from __future__ import annotations

import math

from netpick.answers.metrics import METRICS
from netpick.types.results import CandidateResult, Comparison, Score


def scored(result: CandidateResult, metric: str) -> str:
    """'accuracy 0.992 (0.990 to 0.994, n = 10,000)'."""
    score = result.test.get(metric)
    label = METRICS[metric].label
    label = label if label[:2].isupper() or label == "R²" else label[0].lower() + label[1:]
    return f"{label} {score_text(score)}" if score else f"no {label}, which is not defined on these test rows"


def score_text(score: Score) -> str:
    """'0.992 (0.990 to 0.994, n = 10,000)'."""
    value, interval = score_words(score)
    return f"{value} ({interval}, n = {score.n:,})"


def score_words(score: Score) -> tuple[str, str]:
    """'0.992' and '0.990 to 0.994'."""
    digits = _decimals(score.high - score.low, score.value)
    return f"{score.value:,.{digits}f}", f"{score.low:,.{digits}f} to {score.high:,.{digits}f}"


def difference_text(pair: Comparison, *, sign: bool = False) -> str:
    """'0.008 (0.006 to 0.010)'."""
    digits = _decimals(pair.high - pair.low, pair.difference)
    plus = "+" if sign else ""
    return f"{pair.difference:{plus},.{digits}f} ({pair.low:,.{digits}f} to {pair.high:,.{digits}f})"


def margin_text(margin: float) -> str:
    """'0.005', '0.0031', '1,200': two digits."""
    if margin == 0:
        return "0"
    digits = max(0, 1 - math.floor(math.log10(abs(margin))))
    text = f"{margin:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def chance_text(chance: float) -> str:
    """'12%', 'below 1%', 'above 99%'."""
    return "below 1%" if chance < 0.01 else "above 99%" if chance > 0.99 else f"{chance:.0%}"


def latency_text(milliseconds: float) -> str:
    """'0.24 ms', '12 ms'."""
    return f"{milliseconds:,.0f} ms" if milliseconds >= 10 else f"{milliseconds:.2g} ms"


def _decimals(width: float, value: float) -> int:
    """As many as the interval's half width deserves: 0.992 +- 0.002, 0.9444 +- 0.0004, 48,213 +- 800."""
    half = width / 2 * (1 + 1e-6)  # 0.002 may arrive as 0.0019999999
    if not (math.isfinite(half) and half > 0):
        return 3 if abs(value) < 100 else 0
    return max(0, -math.floor(math.log10(half)) + (half >= 0.01))
