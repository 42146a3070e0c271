"""Which column of a table people would predict, from its name, its place and what it holds: an answer only on strong evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netpick.columns.kinds import Claim
from netpick.columns.kinds.cells import series_of
from netpick.types import Column

TARGET_NAMES = ("target", "label", "labels", "class", "y", "outcome")
OUTCOMES = {
    *(
        "survived",
        "churn",
        "churned",
        "exited",
        "attrition",
        "diagnosis",
        "species",
        "variety",
        "fraud",
        "isfraud",
        "default",
        "defaulted",
    ),
    *(
        "approved",
        "status",
        "quality",
        "response",
        "converted",
        "clicked",
        "purchased",
        "subscribed",
        "sentiment",
        "category",
        "result",
    ),
    *(
        "price",
        "saleprice",
        "charges",
        "cost",
        "sales",
        "salary",
        "wage",
        "revenue",
        "profit",
        "amount",
        "medv",
        "mpg",
        "rent",
        "tip",
    ),
    *(
        "demand",
        "consumption",
        "yield",
        "strength",
        "score",
        "grade",
        "rating",
        "stars",
        "rings",
        "spam",
        "hotel",
        "risk",
        "revenues",
    ),
}
PHRASES = ("house value", "home value", "sale price", "selling price", "loan status", "heart disease", "credit risk")
DESCRIBES = {
    *(
        "sex",
        "gender",
        "age",
        "id",
        "name",
        "time",
        "date",
        "day",
        "month",
        "year",
        "weekday",
        "week",
        "quarter",
        "hour",
        "minute",
        "origin",
        "country",
        "region",
        "city",
    ),
    *(
        "state",
        "address",
        "zip",
        "latitude",
        "longitude",
        "lat",
        "lon",
        "lng",
        "split",
        "fold",
        "set",
        "index",
        "unnamed",
        "comment",
    ),
}
COORDINATES = {"x", "y", "z"}
FEW = 20  # different whole numbers: as classes they may be
NAMED, OUTCOME, DESCRIPTIVE = 5.0, 3.5, -3.0
LAST, FIRST, FIRST_UNNAMED, CLASSES = 1.5, 0.5, 1.0, 1.0
UNNAMED = re.compile(r"column_\d+")
STRONG, MARGIN = 2.5, 1.0  # what the likeliest column needs, and by how much it has to lead
SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Likely:
    """A column, how likely it is the one to predict, and why."""

    name: str
    points: float
    reason: str


def likely_targets(
    columns: Mapping[str, Column], claimed: Mapping[str, tuple[str | None, Claim | None]], usable: Sequence[str]
) -> list[Likely]:
    """The columns that could be predicted, the likeliest first."""
    names = list(columns)
    candidates = [_likely(name, columns[name], claimed[name], names) for name in usable]
    return sorted(candidates, key=lambda likely: -likely.points)


def is_strong(likely: Sequence[Likely]) -> bool:
    """Whether the first of them is worth a run without asking."""
    if len(likely) == 1:  # nothing else could be predicted
        return likely[0].points >= CLASSES
    return bool(likely) and likely[0].points >= STRONG and likely[0].points - likely[1].points >= MARGIN


def _likely(name: str, column: Column, claimed: tuple[str | None, Claim | None], names: Sequence[str]) -> Likely:
    kind, claim = claimed
    points, reasons = _by_name(name, names, is_number=kind == "number")
    if points == NAMED:
        return Likely(name=name, points=points + LAST * (name == names[-1]), reason=reasons[0])
    if name == names[-1]:
        points += LAST
        reasons.append("the last column")
        if kind == "number" and points == LAST and _ends_in_outcome(name):
            points += OUTCOME
            reasons.insert(0, "such columns are usually predicted")
    elif name == names[0]:
        # Files without a header often have the class in front; then the last column of classes is not the only likely one.
        points += FIRST_UNNAMED if UNNAMED.fullmatch(name) and kind in ("category", "boolean") else FIRST
    series = series_of(column)
    whole = kind == "number" and series is not None and series.dtype.is_integer() and claim is not None
    if kind in ("category", "boolean"):
        points += CLASSES
        reasons.append("it holds classes")
    elif whole and claim is not None and claim.num_distinct <= FEW and name == names[-1]:
        points += CLASSES
        reasons.append(f"{claim.num_distinct} different whole numbers")
    elif kind == "number":
        reasons.append("numbers")
    return Likely(name=name, points=points, reason=", ".join(reasons))


def _ends_in_outcome(name: str) -> bool:
    """Price_euros, Item_Outlet_Sales, compressive strength (MPa): an outcome among the words of a name."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return bool(OUTCOMES & set(words)) and not DESCRIBES & set(words)


def _by_name(name: str, names: Sequence[str], *, is_number: bool) -> tuple[float, list[str]]:
    plain = name.strip().lower()
    axes = COORDINATES & {other.strip().lower() for other in names}
    is_axis = is_number and plain in COORDINATES  # y beside x and z is a length
    if plain in TARGET_NAMES and not (is_axis and axes == COORDINATES):
        return NAMED, [f"its name says so: '{name}'"]
    spaced = re.sub(r"[^a-z]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()).strip()
    words = set(spaced.split())
    if spaced.replace(" ", "") in OUTCOMES or any(phrase in spaced for phrase in PHRASES):
        return OUTCOME, ["such columns are usually predicted"]
    if words & DESCRIBES or (is_axis and len(axes) > 1):
        return DESCRIPTIVE, []
    return 0.0, []
