"""Which column of a table people would predict, from its name, its place and what it holds: an answer only on strong evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

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
PHRASES = (
    "house value",
    "home value",
    "sale price",
    "selling price",
    "loan status",
    "heart disease",
    "credit risk",
    "default payment",
)
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
LOOK_ALIKES = 5  # columns of the same two values at the end of a table
LOOKED_AT, MOST_VALUES = 1_000, 3  # rows that are looked at first; two values, and missing


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
    alike = look_alikes(columns)
    candidates = [_likely(name, columns[name], claimed[name], names) for name in usable if name not in alike[-1:]]
    if alike and alike[-1] in usable:  # one of many that hold the same two values is no more likely for being the last
        points, reasons = _by_name(alike[-1], names, is_number=False)
        reason = ", ".join([*reasons, f"the last of {len(alike)} columns that hold the same two values"])
        candidates.insert(0, Likely(name=alike[-1], points=points + CLASSES, reason=reason))
    return sorted(candidates, key=lambda likely: -likely.points)


def look_alikes(columns: Mapping[str, Column]) -> list[str]:
    """The last columns, where many in a row hold the same two values (attributes of a thing, or several labels), or where they are
    one category written as a yes/no column a value (city_Oslo, city_Rome)."""
    found: dict[str, pl.Series] = {}
    shared: set[object] | None = None
    for name in reversed(list(columns)):
        series = series_of(columns[name])
        if series is None or series.head(LOOKED_AT).n_unique() > MOST_VALUES:
            break
        values = set(series.drop_nulls().unique().to_list())
        if len(values) > 2 or not values or (shared is not None and values | shared != shared):
            break
        shared = values if shared is None else shared
        found[name] = series
    if shared is None or len(shared) < 2:
        return []
    if len(found) >= LOOK_ALIKES:
        return list(found)[::-1]
    same = [name for name in found if _prefix(name) == _prefix(next(iter(found)))]
    return same[::-1] if len(same) > 1 and _is_one_category([found[name] for name in same]) else []


def _prefix(name: str) -> str:
    """What stands before the last mark of a name."""
    return re.split(r"[_.=: ](?=[^_.=: ]*$)", name)[0]


def _is_one_category(columns: Sequence[pl.Series]) -> bool:
    """Whether no row says yes in two of these columns."""
    if not all(series.dtype == pl.Boolean or series.dtype.is_integer() for series in columns):
        return False
    most = pl.select(
        pl.sum_horizontal([series.cast(pl.Int64).alias(str(i)) for i, series in enumerate(columns)])
    ).to_series()
    return most.max() == 1 and bool((most >= 0).all())


def is_strong(likely: Sequence[Likely]) -> bool:
    """Whether the first of them is worth a run without asking."""
    if len(likely) == 1:  # nothing else could be predicted
        return likely[0].points >= FIRST
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


def _names_a_target(name: str) -> bool:
    """label_id, class code: one of the names of targets, and that it is written as a number."""
    first, _, rest = re.sub(r"[^a-z]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()).strip().partition(" ")
    return first in ("target", "label", "class") and rest in (
        "id",
        "ids",
        "idx",
        "index",
        "code",
        "num",
        "number",
        "nr",
    )


def _ends_in_outcome(name: str) -> bool:
    """Price_euros, Item_Outlet_Sales, compressive strength (MPa): an outcome among the words of a name."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return bool(OUTCOMES & set(words)) and not DESCRIBES & set(words)


def _by_name(name: str, names: Sequence[str], *, is_number: bool) -> tuple[float, list[str]]:
    plain = name.strip().lower()
    is_axis = is_number and plain in COORDINATES  # y beside x and z is a length
    axes = COORDINATES & {other.strip().lower() for other in names} if is_axis else set()
    if plain in TARGET_NAMES and not (is_axis and axes == COORDINATES):
        return NAMED, [f"its name says so: '{name}'"]
    if _names_a_target(name):
        return NAMED, [f"its name says so: '{name}'"]
    spaced = re.sub(r"[^a-z]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()).strip()
    words = set(spaced.split())
    if spaced.replace(" ", "") in OUTCOMES or any(phrase in spaced for phrase in PHRASES):
        return OUTCOME, ["such columns are usually predicted"]
    if words & DESCRIBES or (is_axis and len(axes) > 1):
        return DESCRIPTIVE, []
    return 0.0, []
