"""Numbers as people write them: $1,163.74, 1.163,74 €, 1 163,74, 1'163.74, 12.5 %, (987.65), 12-, 34 kg, 3.5k, <5.

Which of two signs stands before the decimals is told by the cells that leave no choice, else by the other columns of the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass as state_dataclass

from netpick.data.formats.base import Cells, Decimal, Found, Neighbours, Way
from netpick.data.formats.tidy import tidied
from netpick.data.formats.units import CURRENCIES, SCALES, TIGHT_LETTERS, UNIT_SIGNS
from netpick.types import STRICT

LIMITS = "<>≤≥~≈"
ABOUT = "~≈"
MOST_DIGITS = 16  # more would not survive as a number
MOST_UNREAD = 0.05  # cells of a sample
MOST_LIMITS = 0.5  # of the cells of a sample
STRUCTURE_FROM = 8  # cells that could be either way, before what they have in common says which
CURRENCY_FIRST = r"^([^\d(),.+-]{1,4}) ?\("  # $ (987.65), as ledgers have it
NO_CENTS = r"(\d[.,])-{1,2}"  # 12,- and 12.--: a price without cents
WRITTEN = re.compile(
    rf"(?P<open>\()?(?P<limit>[{LIMITS}]=?)? ?(?P<first>[+-])? ?(?P<before>[^\W\d_][^\W\d_]{{0,2}}[.$]?|[^\w\s.,()+'-])? ?(?P<second>[+-])?"
    r"(?P<core>\d(?:[\d.,' ]*\d)?[.,]?|[.,]\d+)(?P<exponent>[eE][+-]?\d{1,3})?(?P<gap> ?)(?P<after>[^\d\s.,()+<>-][^\d()+<>,-]{0,14})?(?P<behind> ?-)?(?P<close>\))?"
)


@state_dataclass(config=STRICT, kw_only=True)
class NumberFormat:
    """How numbers are written. `group` stands between thousands, `before` and `after` are currencies and units."""

    decimal: Decimal
    group: Literal["", ",", ".", " ", "'"]
    example: str = Field(max_length=60)
    before: tuple[str, ...] = Field(default=(), max_length=20)
    after: tuple[str, ...] = Field(default=(), max_length=20)
    needs_unit: bool = False  # a cell without the unit would be of another one
    indian: bool = False  # 34,60,846
    scales: bool = False  # 3.5k, 0.77M
    brackets: bool = False  # (987.65) is negative
    behind: bool = False  # 12- is negative
    limits: bool = False  # <5 is read as 5
    missing: tuple[str, ...] = Field(default=(), max_length=5)  # words that stand for a missing number

    def __post_init__(self) -> None:
        if self.group and self.group == self.decimal:
            raise ValueError("different signs before decimals and between thousands")


@dataclass(frozen=True, kw_only=True)
class _Cell:
    text: str
    core: str
    before: str
    after: str
    tight: bool
    match: re.Match[str]


class Numbers(Way):
    """Quantities with grouped digits, decimal commas, currencies, percents, units, signs and scales."""

    name: ClassVar[str] = "number"
    as_they_stand: ClassVar[bool] = True
    State = NumberFormat

    def find(self, cells: Cells, near: Neighbours) -> Found | None:
        parsed = [cell for text in cells.sample if (cell := _parsed(text)) is not None]
        if not parsed or len(parsed) < (1 - MOST_UNREAD) * len(cells.sample):
            return None
        if any(_is_code(cell) for cell in parsed):
            return None
        if sum((cell.match["limit"] or "~") not in ABOUT for cell in parsed) > MOST_LIMITS * len(
            parsed
        ):  # <=50K and >50K are classes
            return None
        affixes = _affixes(parsed)
        separators = _separators([cell.core for cell in parsed], near)
        if affixes is None or separators is None:
            return None
        example = max(parsed, key=lambda c: (_signs(c), len(c.text)))
        state = replace(
            affixes,
            decimal=separators.decimal,
            group=separators.group,
            indian=separators.indian,
            example=example.text[:60],
            brackets=any(c.match["open"] and c.match["close"] for c in parsed),
            behind=any(c.match["behind"] for c in parsed),
            limits=any(c.match["limit"] for c in parsed),
        )
        return Found(state=state, decimal=separators.shown, other=separators.other, doubt=separators.doubt)

    def read(self, texts: pl.Series, state: Any) -> pl.Series:
        if state.behind:  # there 12,- would be negative
            return _numbers(_with_cents(texts), state)
        numbers = _numbers(texts, state)
        rest = (texts.is_not_null() & numbers.is_null()).arg_true()
        if len(rest):
            odd = texts.gather(rest)
            again = _with_cents(odd)
            if (again != odd).any():
                numbers = numbers.scatter(rest, _numbers(again, state))
        return numbers

    def words(self, state: Any) -> str:
        unit = "".join(f", in {sign}" for sign in (*state.before, *state.after)[:1] if sign not in state.example)
        limits = "; values below or above a limit (<5) are read as the limit" if state.limits else ""
        comma = "with a decimal comma, " if state.decimal == "," else ""
        words = ", ".join(map(repr, state.missing))
        missing = f"; {words} {'are' if len(state.missing) > 1 else 'is'} read as missing" if words else ""
        return f"numbers {comma}written like {state.example}{unit}{limits}{missing}"

    def given(self, text: str) -> NumberFormat | None:
        cell = _parsed(tidied(text))
        affixes = None if cell is None else _affixes([cell])
        if cell is None or affixes is None:
            return None
        signs = [sign for sign in cell.core if not sign.isdigit()]
        decimal = signs[-1] if signs and signs[-1] in ".," and signs.count(signs[-1]) == 1 else ""
        group = next((sign for sign in signs if sign != decimal), "")
        if any(sign not in (decimal, group) for sign in signs):
            return None
        return replace(
            affixes,
            decimal=decimal,  # type: ignore[arg-type]
            group=group,  # type: ignore[arg-type]
            example=cell.text[:60],
            brackets=True,
            behind=True,
            needs_unit=False,
        )


def _parsed(text: str) -> _Cell | None:
    given, text = text, re.sub(NO_CENTS, r"\g<1>0", text) if "-" in text[1:] else text
    match = WRITTEN.fullmatch(re.sub(CURRENCY_FIRST, r"(\1", text) if "(" in text[1:] else text)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    before, after = (match["before"] or "").strip(), (match["after"] or "").strip()
    if before and before not in CURRENCIES:
        return None
    if after[:1].isalpha() and match["core"][-1] in ".," and not match["gap"]:  # 12.jpg
        return None
    if sum(map(bool, (match["first"], match["second"], match["behind"], match["open"]))) > 1:
        return None
    return _Cell(text=given, core=match["core"], before=before, after=after, tight=not match["gap"], match=match)


def _signs(cell: _Cell) -> int:
    """How many different marks an example shows."""
    return len({sign for sign in cell.text if not sign.isalnum()}) + bool(cell.before) + bool(cell.after)


def _is_code(cell: _Cell) -> bool:
    """Digits that are a name: 007, 0606D, and more of them than a number keeps."""
    core = cell.core.rstrip(".,")
    if len(core) > 1 and core[0] == "0" and core.isdigit():
        return True
    return sum(map(str.isdigit, core)) > MOST_DIGITS and not any(sign in core for sign in ".,")


def _affixes(cells: Sequence[_Cell]) -> NumberFormat | None:
    """Currencies and units; None when they differ from cell to cell, or are no units."""
    plain = NumberFormat(decimal="", group="", example="")
    before = Counter(cell.before for cell in cells)
    after = Counter(cell.after for cell in cells)
    kept_before = tuple(sign for sign in before if sign)
    kept_after = tuple(sign for sign in after if sign)
    if len(kept_before) > 1 or (kept_before and any(sign in CURRENCIES for sign in kept_after)):
        return None
    scaled = bool(kept_after) and set(kept_after) <= SCALES.keys()
    if scaled and (len(kept_after) > 1 or after[""] or kept_before or len(kept_after[0]) > 1 or kept_after == ("k",)):
        return replace(plain, before=kept_before, scales=True)
    if len(kept_after) > 1 or (kept_after and not _is_unit(kept_after[0], cells)):
        return None
    if not kept_after:
        return replace(plain, before=kept_before)
    currency = kept_after[0] in CURRENCIES
    bare = sum(1 for cell in cells if not cell.after and cell.core.strip("0.,") != "")
    if not currency and bare:
        return None
    return replace(plain, before=kept_before, after=kept_after, needs_unit=not currency)


def _is_unit(text: str, cells: Sequence[_Cell]) -> bool:
    if text in CURRENCIES or text in UNIT_SIGNS:
        return True
    if not any(map(str.isalpha, text)):  # 0: is no quantity
        return False
    if not text[0].isalnum():
        return True
    if len(text) == 1 and any(cell.tight and cell.after for cell in cells):
        return text in TIGHT_LETTERS or not text.isascii()
    return len(text.split()) <= 2


# --- decimals and thousands ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Separators:
    decimal: Decimal
    group: Literal["", ",", ".", " ", "'"]
    indian: bool = False
    shown: Decimal = ""  # the decimal sign, where the cells leave no choice
    other: str = ""
    doubt: str = ""


def _separators(cores: Sequence[str], near: Neighbours) -> _Separators | None:
    """Which sign stands before decimals and which between thousands; None when cells contradict each other."""
    decimals: set[str] = set()
    groups: set[str] = set()
    open_cells: list[str] = []  # 1,234: could be either
    indian = False
    for core in cores:
        signs = [sign for sign in core if not sign.isdigit()]
        if not signs:
            continue
        runs = re.split(r"[.,' ]", core)
        kinds = list(dict.fromkeys(signs))
        last = signs[-1]
        if len(kinds) > 2 or (len(kinds) == 2 and (last not in ".," or signs.count(last) > 1)):
            return None
        if len(kinds) == 2 or (len(signs) > 1) or last in " '":
            of_group = runs if len(kinds) == 1 else runs[:-1]
            grouping = _grouping(of_group)
            if grouping is None:
                return None
            indian |= grouping == "indian"
            groups.add(kinds[0])
            if len(kinds) == 2:
                decimals.add(last)
        elif len(runs[1]) == 3 and 1 <= len(runs[0]) <= 3 and runs[0][0] != "0":
            open_cells.append(core)
        else:
            decimals.add(last)
    if len(decimals) > 1 or len(groups) > 1 or decimals & groups:
        return None
    decimal, group = next(iter(decimals), ""), next(iter(groups), "")
    undecided = {core[-4] for core in open_cells}
    if not undecided:
        return _separated(decimal, group, indian)
    return _decide(decimal, group, indian, (cores, undecided, near))


def _separated(decimal: str, group: str, indian: bool = False, **doubt: str) -> _Separators:
    shown = decimal or {",": ".", ".": ","}.get(group, "")
    return _Separators(decimal=decimal, group=group, indian=indian, shown="" if doubt else shown, **doubt)  # type: ignore[arg-type]


def _decide(
    decimal: str, group: str, indian: bool, seen: tuple[Sequence[str], set[str], Neighbours]
) -> _Separators | None:
    cores, undecided, near = seen
    if len(undecided) > 1 and not (decimal or group):  # 1,234 and 1.234 in one column
        return None
    for sign in sorted(undecided):
        if sign in (decimal, group):
            continue
        if decimal and not group:
            group = sign
        elif group and not decimal and sign != group:
            decimal = sign
        elif not decimal and not group:
            break
        else:
            return None
    if decimal or group:
        return _separated(decimal, group, indian)
    (sign,) = undecided
    as_decimal, as_group = _separated(sign, ""), _separated("", sign)
    if near.decimal:
        return as_decimal if near.decimal == sign else as_group
    bare = [len(core) for core in cores if core.isdigit()]
    if len(cores) - len(bare) >= STRUCTURE_FROM and bare:
        # Who groups digits writes 788 and 1,126; who rounds to three places hardly ever has no zero at the end.
        return as_group if max(bare) <= 3 else as_decimal
    prefers_decimal = sign == "." or near.separator == ";"
    example = next(core for core in cores if not core.isdigit())
    digits = example.replace(sign, "")
    readings = f"{example} could be {example.replace(sign, '.')} or {digits}"
    point = "." if sign == "," else ","
    if prefers_decimal:
        return _separated(
            sign, "", other=f"1{sign}234{point}5", doubt=f"{readings}; read as {example.replace(sign, '.')}"
        )
    return _separated("", sign, other=f"1234{sign}5", doubt=f"{readings}; read as {digits}")


def _grouping(runs: Sequence[str]) -> Literal["thousands", "indian"] | None:
    if not 1 <= len(runs[0]) <= 3 or (runs[0][0] == "0" and len(runs[0]) > 1) or len(runs[-1]) != 3:
        return None
    inner = {len(run) for run in runs[1:-1]}
    return "thousands" if inner <= {3} else "indian" if inner == {2} else None


def _pattern(state: NumberFormat) -> str:
    group, decimal = re.escape(state.group), re.escape(state.decimal)
    whole = r"\d+"
    if state.group:
        whole = rf"\d{{1,3}}(?:{group}\d{{3}})+|\d+"
        if state.indian:
            whole = rf"\d{{1,3}}(?:{group}\d\d)*{group}\d{{3}}|{whole}"
    fraction = rf"(?:{decimal}\d*)?" if state.decimal else ""
    only = rf"|{decimal}\d+" if state.decimal else ""
    return rf"^[+-]?(?:(?:{whole}){fraction}{only})(?:[eE][+-]?\d+)?$"


# --- reading all cells -----------------------------------------------------------------------------------------------


def _with_cents(texts: pl.Series) -> pl.Series:
    """12,- as 12,0, and - 5 as -5."""
    if not texts.str.contains("-", literal=True).any():
        return texts
    return texts.str.replace(NO_CENTS, "${1}0").str.replace(r"^- +", "-")


def _numbers(texts: pl.Series, state: NumberFormat) -> pl.Series:
    """Float64; null where a text is not written in this way."""
    texts, negative = _without_signs(texts, state)
    texts, factor = _scaled(texts) if state.scales else (texts, None)
    if state.group:
        fits = texts.str.contains(_pattern(state))
        texts = texts.str.replace_all(state.group, "", literal=True)
        texts = texts.str.replace(",", ".", literal=True) if state.decimal == "," else texts
        texts = texts.set(~fits.fill_null(True), None)
    elif state.decimal == ",":
        texts = _with_point(texts)
    numbers = texts.cast(pl.Float64, strict=False)
    numbers = numbers.set(~numbers.is_finite().fill_null(True), None)
    if factor is not None:
        numbers = numbers * factor
    if negative is not None and negative.any():
        numbers = numbers.zip_with(~negative.fill_null(False), -numbers)
    return numbers


def _with_point(texts: pl.Series) -> pl.Series:
    """A point in the place of the first comma; null where there was a point already. A second comma is no number any more."""
    pointed = texts.str.replace(",", ".", literal=True)
    same = (pointed == texts).fill_null(False).arg_true()
    wrong = same.filter(texts.gather(same).str.contains(".", literal=True))
    return pointed.scatter(wrong, None) if len(wrong) else pointed


def _without_signs(texts: pl.Series, state: NumberFormat) -> tuple[pl.Series, pl.Series | None]:
    """Texts without brackets, currencies, units and signs behind, and which of them are negative for that."""
    negative: pl.Series | None = None
    if state.brackets:
        if state.before:
            texts = texts.str.replace(CURRENCY_FIRST, "($1")
        inside = texts.str.starts_with("(") & texts.str.ends_with(")")
        if inside.any():
            texts = texts.zip_with(
                ~inside.fill_null(False), texts.str.strip_prefix("(").str.strip_suffix(")").str.strip_chars()
            )
            negative = inside
    if state.limits:
        texts = texts.str.replace(rf"^[{LIMITS}]=? ?", "")
    if state.before:
        minus = texts.str.starts_with("-")
        some = bool(minus.any())
        texts = texts.str.strip_prefix("-").str.strip_chars_start() if some else texts
        for sign in sorted(state.before, key=len, reverse=True):
            texts = texts.str.strip_prefix(sign)
        if texts.str.starts_with(" ").any():
            texts = texts.str.strip_chars_start()
        texts = texts.set((minus & texts.str.contains(r"^[+-]")).fill_null(False), None) if some else texts
        negative = minus if negative is None else negative ^ minus
    if state.after:
        unit = (
            pl.Series([False]).extend_constant(False, len(texts) - 1) if len(texts) else pl.Series([], dtype=pl.Boolean)
        )
        for sign in sorted(state.after, key=len, reverse=True):
            unit |= texts.str.ends_with(sign).fill_null(False)
            texts = texts.str.strip_suffix(sign)
        texts = texts.str.strip_chars_end()
        if state.needs_unit and not unit.all():
            texts = texts.set((~unit & texts.str.contains("[1-9]")).fill_null(False), None)
    if state.behind:
        behind = texts.str.ends_with("-")
        if behind.any():
            texts = texts.str.strip_suffix("-").str.strip_chars_end()
            texts = texts.set((behind & texts.str.contains(r"^[+-]")).fill_null(False), None)
            negative = behind if negative is None else negative ^ behind
    return texts, negative


def _scaled(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    factor = pl.Series("factor", [1.0]).new_from_index(0, len(texts)) if len(texts) else pl.Series([], dtype=pl.Float64)
    for letters, value in sorted(SCALES.items(), key=lambda item: -len(item[0])):
        ends = texts.str.ends_with(letters).fill_null(False)
        if ends.any():
            factor = factor.set(ends, value)
            texts = texts.zip_with(~ends, texts.str.strip_suffix(letters).str.strip_chars_end())
    return texts, factor
