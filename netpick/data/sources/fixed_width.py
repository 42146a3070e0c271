"""Tables whose cells stand below each other and are parted by nothing but blanks: where lines are cut."""

from __future__ import annotations

import itertools
import re

import polars as pl

LOOKED_AT = 400  # lines
FEWEST_LINES = 6
APART = "  "  # never within a cell
NARROW = 1  # blanks between columns that could as well stand between two words of a cell
FILLED = 0.6  # share of the cells that hold something
LINED_UP = 0.8  # share of the lines that have two blanks in a row, or are as long as the others
NUMBER = re.compile(r"[-+(]?[$€£]?[-+]?\d[\d.,/:-]*[%)]?")
OTHER_MARKS = ("\t", "|", ";")  # that would part cells
LONGEST = 4_000  # characters of a line


def find_columns(lines: list[str]) -> tuple[int, ...]:
    """Before which characters lines are cut; () where cells are not lined up."""
    lines = [line for line in lines[:LOOKED_AT] if line.strip()]
    if (
        len(lines) < FEWEST_LINES
        or max(map(len, lines)) > LONGEST
        or any(m in line for line in lines for m in OTHER_MARKS)
    ):
        return ()
    lined_up = sum("  " in line.strip() or len(line) == len(lines[0]) for line in lines)
    if lined_up < LINED_UP * len(lines):
        return ()
    fields = _fields(lines)
    if len(fields) < 2:
        return ()
    cells = [[line[start:end].strip() for start, end in fields] for line in lines]
    if any(APART in cell for row in cells for cell in row):
        return ()
    filled = sum(bool(cell) for row in cells for cell in row)
    if filled < FILLED * len(cells) * len(fields) or not all(cells[0]):
        return ()
    if not any(_are_numbers([row[place] for row in cells[1:]]) for place in range(len(fields))):  # prose
        return ()
    return tuple(
        before + 1 if start - before > NARROW and _are_numbers([row[place] for row in cells[1:]]) else start
        for place, ((_, before), (start, _)) in enumerate(itertools.pairwise(fields), 1)
    )  # longer numbers than those seen reach further to the left, longer words to the right


def _fields(lines: list[str]) -> list[tuple[int, int]]:
    """From where to where something stands in any line; of neighbours with one blank between, one without a name joins the first."""
    width = max(map(len, lines))
    used = [any(line[place : place + 1].strip() for line in lines) for place in range(width)]
    fields: list[tuple[int, int]] = []
    for place, is_used in enumerate(used):
        if is_used and place and used[place - 1] and fields:
            fields[-1] = (fields[-1][0], place + 1)
        elif is_used:
            fields.append((place, place + 1))
    joined = fields[:1]
    for start, end in fields[1:]:
        named = lines[0][start:end].strip() and lines[0][joined[-1][0] : joined[-1][1]].strip()
        if start - joined[-1][1] <= NARROW and not named:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _are_numbers(cells: list[str]) -> bool:
    """Whether most cells of a column are filled, all of these with numbers."""
    filled = [cell for cell in cells if cell]
    return len(filled) > len(cells) / 2 and all(NUMBER.fullmatch(cell) for cell in filled)


def parted(text: str, cuts: tuple[int, ...], separator: str) -> str:
    """The text with a separator between its cells, and no blanks around them; a line that is written across a cut stays whole."""
    lines = pl.Series("line", text.split("\n"), dtype=pl.String)
    across = lines.str.strip_chars() == ""
    cells = []
    for start, end in zip((0, *cuts), (*cuts, None), strict=True):
        cell = lines.str.slice(start, None if end is None else end - start)
        if end is not None:
            across |= lines.str.slice(end - 1, 2).str.contains(r"^\S\S")
        cells.append(cell.str.strip_chars().alias(str(start)))
        across |= cells[-1].str.contains(APART, literal=True)
    joined = pl.select(pl.concat_str(cells, separator=separator)).to_series()
    return "\n".join(joined.zip_with(~across, lines).to_list())
