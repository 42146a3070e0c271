"""Numbers as the report writes them."""

from __future__ import annotations

import math

import pytest
from report_samples import tiny

from netpick.types import words
from netpick.types.results import Score

G, M = words.GLUE, words.MINUS


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.002, "2 ms"),
        (0.42, "0.4 s"),
        (12.4, "12 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (math.nan, "–"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(seconds).replace(G, " ") == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (48213.2, "48,213"),
        (0.0048131, "0.004813"),
        (-1.5, f"{M}1.5"),
        (0, "0"),
        (1e-9, f"1.000e{M}09"),
        (math.inf, "–"),
        (100.0, "100"),
    ],
)
def test_significant(number: float, text: str) -> None:
    assert words.significant(number) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50 %"), (0.034, "3.4 %"), (0.995, "99.5 %"), (1.0, "100 %"), (0.0, "0 %")]
)
def test_percent(share: float, text: str) -> None:
    assert words.percent(share).replace(G, " ") == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "–"), (620, "620 B"), (84_000, "84 kB"), (1_234_567, "1.2 MB"), (3_456e6, "3.46 GB")]
)
def test_size(size: float, text: str) -> None:
    assert words.size(size).replace(G, " ") == text


def test_signs() -> None:
    assert words.signed(0.0121, 3) == "+0.012"
    assert words.signed(-0.0121, 3) == f"{M}0.012"
    assert words.signed(-0.00001, 3) == "0.000"


def test_decimals_follow_the_width_of_the_intervals() -> None:
    assert words.decimals_for([Score(value=0.99, low=0.988, high=0.992, n=9)]) == 4
    assert words.decimals_for([Score(value=0.9, low=0.8, high=0.95, n=9)]) == 3
    assert words.decimals_for([Score(value=48_000, low=47_000, high=49_000, n=9)]) == 0
    assert words.decimals_for([]) == 3


def test_lists_and_counts() -> None:
    assert words.listed([]) == ""
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed([str(i) for i in range(9)], 2) == "0, 1 and 7 more"
    assert words.counted(1, "class", "classes") == "1 class"
    assert words.counted(2000, "class", "classes") == "2,000 classes"
    assert words.parameters(4_200_000).replace(G, " ") == "4.2 M"
    assert words.milliseconds(0) == "–"


def test_a_row_has_its_files_name_or_its_number() -> None:
    assert words.row_name(tiny(), 7) == f"row{G}7"
