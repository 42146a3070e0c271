"""What the data is: size, layout, classes, pictures, columns, and what was inferred."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from netpick.report.components import Charts, Column, code, facts, fold, pill, section, table
from netpick.report.markup import Child, Html, element
from netpick.report.measures import answer_of
from netpick.report.parts.classes import class_counts, samples, target_charts
from netpick.types import Field, Note
from netpick.types.results import RunResults
from netpick.types.words import counted, grouped, listed, percent

MOST_COLUMNS = 30
PLURALS = {"category": "categories", "series": "series", "datetime": "dates and times"}


def data_section(results: RunResults, charts: Charts) -> Html:
    """Everything about the rows before any network saw them."""
    return section(
        "data",
        "What the data is",
        facts(_facts(results)),
        samples(results),
        _targets(results, charts),
        _columns(results),
        _notes([*results.source.notes, *results.schema.notes]),
        _unreadable(results),
    )


def _targets(results: RunResults, charts: Charts) -> Html | None:
    answer = answer_of(results)
    if answer.one_class or answer.any_labels:
        return class_counts(results)
    return target_charts(results, charts) if answer.quantities and not results.private else None


# --- facts -----------------------------------------------------------------------------------------------------------


def _facts(results: RunResults) -> list[tuple[Child, Child]]:
    source, schema = results.source, results.schema
    kinds = Counter(f.kind for f in schema.features if f.kind)
    inputs = listed([counted(n, kind, PLURALS.get(kind, "")) for kind, n in kinds.most_common()]) or "none"
    left_out = sum(f.role == "left_out" for f in schema.fields)
    columns = counted(source.num_columns, "column") + (f", {left_out} left out" if left_out else "")
    answer = answer_of(results)
    inputs = "the text before each symbol" if answer.sequences else inputs
    task = answer.purpose(len(results.target.labels))
    target = listed(list(results.target.names))
    return [
        ("Source", source.origin),
        ("Layout", source.layout.replace("_", " ")),
        (f"{answer.unit.capitalize()}s", grouped(source.num_rows)),
        ("Columns", columns),
        ("Inputs", inputs),
        ("Target", f"{target} {results.target.unit_note}".strip()),
        ("Task", task),
    ]


def _notes(notes: Sequence[Note]) -> Html | None:
    if not notes:
        return None
    items = [
        element(
            "li",
            element("strong", note.subject[:1].upper() + note.subject[1:]),
            ": ",
            note.text,
            element("span", " Override: ", code(note.override), class_="override") if note.override else None,
        )
        for note in notes
    ]
    return element("div", element("h3", "What was inferred"), element("ul", items, class_="notes"))


def _unreadable(results: RunResults) -> Html | None:
    rows = results.source.unreadable
    if not rows:
        return None
    cells = [[one.path, grouped(one.row), one.reason] for one in rows[:50]]
    columns = [Column(title="File"), Column(title="Row", number=True), Column(title="Reason")]
    title = f"{counted(len(rows), 'file')} could not be read and {'is' if len(rows) == 1 else 'are'} left out"
    return fold(title, table("Unreadable files" + (", the first 50" if len(rows) > 50 else ""), columns, cells))


# --- columns ---------------------------------------------------------------------------------------------------------


def _columns(results: RunResults) -> Html | None:
    fields = results.schema.fields
    if not any(f.stray or f.role not in ("feature", "target") for f in fields) and not results.source.tables:
        return None  # pictures or series and their classes: all of it has been said above
    left_out = [f for f in fields if f.role == "left_out"]
    kept = [f for f in fields if f.role != "left_out"]
    stray = [f for f in fields if f.stray]
    head = [
        Column(title="Column"),
        Column(title="Kind"),
        Column(title="Distinct", number=True),
        Column(title="Missing", number=True),
        Column(title="Examples", kind="wide"),
    ]
    rows = [_field_row(f, results.source.num_rows) for f in kept]
    first = table("Columns in use", head, rows[:MOST_COLUMNS], style="quiet")
    rest = fold(
        f"{counted(len(rows) - MOST_COLUMNS, 'more column')}", table("Further columns", head, rows[MOST_COLUMNS:])
    )
    reasons = [[f.name, f.reason] for f in left_out]
    out = table("Columns left out", [Column(title="Column"), Column(title="Reason")], reasons[:200])
    return element(
        "div",
        element("h3", "Columns"),
        first,
        rest if len(rows) > MOST_COLUMNS else None,
        (fold(f"{counted(len(left_out), 'column')} left out", out) if len(left_out) > 8 else out) if left_out else None,
        [_stray(f) for f in stray],
    )


def _field_row(field: Field, num_rows: int) -> list[Child]:
    role = pill(field.role) if field.role in ("target", "group", "time") else None
    missing = f"{grouped(field.num_missing)} ({percent(field.num_missing / max(1, num_rows))})"
    return [
        element("span", element("span", field.name, class_="name", title=field.reason), role),
        field.kind or "–",
        grouped(field.num_distinct),
        missing if field.num_missing else "0",
        ", ".join(field.examples[:4]),
    ]


def _stray(field: Field) -> Html:
    cells = [f"{text!r} in row {grouped(row)}" for row, text in field.stray]
    return element(
        "p",
        element("strong", field.name),
        f" is read as {field.kind}; {counted(len(field.stray), 'cell')} do{'es' * (len(field.stray) == 1)} not fit and "
        f"count{'s' * (len(field.stray) == 1)} as missing: {listed(cells, 5)}.",
    )
