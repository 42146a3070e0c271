"""What people really have, in ../shared/cases: every input with the reading that a person expects, as values.

    python tools/cases.py [PART OF A NAME]     a line a reading: OK, WRONG, MISSING or TRACEBACK, and the count of each

A reading is added as one line in case_tables.py, case_media.py or case_objects.py; tests/end_to_end/test_cases.py runs them
all. `open` says why one is not met yet.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.data.sources.wide import turned
from netpick.errors import NetpickError
from netpick.tasks import TASKS
from netpick.tasks.forecast.recognise import recognise
from netpick.tasks.forecast.timeline import TimelineRequest, make_timeline
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.types import TEST, TRAIN, VALIDATION, ArrayColumn, FileColumn, Schema, Source, TableColumn
from tools.case_media import MEDIA
from tools.case_objects import OBJECTS
from tools.case_reading import Reading
from tools.case_tables import TABLES

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
READINGS: tuple[Reading, ...] = (*TABLES, *MEDIA, *OBJECTS)


def judge(reading: Reading) -> tuple[str, str]:
    """What became of a reading, and why it is not OK."""
    try:
        data = reading.make() if reading.make is not None else str(CASES / reading.path)
        source = open_source(data, options=_options(reading))
        wrong = _differences(source, reading)
    except NetpickError as error:
        if reading.refuses and reading.refuses in str(error):
            return "OK", ""
        return ("WRONG" if reading.refuses else "MISSING"), str(error)
    except Exception as error:  # noqa: BLE001  (a traceback is what a case may end in)
        return "TRACEBACK", f"{type(error).__name__}: {error}"
    if reading.refuses:
        return "WRONG", "was read, but a refusal was expected"
    return ("WRONG", "; ".join(wrong)) if wrong else ("OK", "")


def _options(reading: Reading) -> ReadOptions:
    words = tuple(name for name, kind in reading.kinds if kind in ("category", "text", "boolean"))
    arrays = tuple((name, kind) for name, kind in reading.kinds if kind in ("image", "series"))
    return replace(reading.options, words=words, arrays=arrays)


def _differences(source: Source, reading: Reading) -> list[str]:
    if reading.step and not reading.target:
        source = turned(source)
    wrong = [*_of_columns(source, reading), *_of_rich_columns(source, reading)]
    notes = list(source.notes)
    if reading.step:
        timeline = make_timeline(source, TimelineRequest())
        notes += timeline.notes
        gaps = int((timeline.rows < 0).sum())
        if (timeline.step.words, gaps) != (reading.step, reading.gaps):
            wrong.append(f"steps {timeline.step.words} with {gaps} gaps, not {reading.step} with {reading.gaps}")
        if (
            reading.task == "forecast"
            and not recognise(source).is_forecast
            and not any(n.subject == "turned" for n in notes)
        ):
            wrong.append("it is not taken for a forecast")
    elif reading.target or reading.roles or reading.task or reading.infers or reading.labels:
        target = tuple(reading.target.split(",")) if reading.target else ()
        schema = infer_schema(source, SchemaOptions(target=target, kinds=reading.kinds))
        notes += schema.notes
        wrong += _of_schema(source, schema, reading)
    if reading.says and not any(reading.says in note.text for note in notes):
        wrong.append(f"nothing says {reading.says!r}")
    return wrong


def _of_rich_columns(source: Source, reading: Reading) -> list[str]:
    """Columns of arrays and files, and given parts."""
    wrong = []
    for name, (kind, shape) in reading.arrays.items():
        column = source.columns.get(name)
        found = (column.kind, column.values.shape) if isinstance(column, ArrayColumn) else (type(column).__name__, ())
        if found != (kind, shape):
            wrong.append(f"{name} is {found}, not {(kind, shape)}")
    for name, paths in reading.files.items():
        column = source.columns.get(name)
        files = list(column.paths[: len(paths)]) if isinstance(column, FileColumn) else [type(column).__name__]
        if files != list(paths):
            wrong.append(f"the files of {name} begin {files}, not {list(paths)}")
        elif isinstance(column, FileColumn):
            lost = [path for path in column.paths if not column.in_zip and not (column.root / path).is_file()]
            wrong += [f"{len(lost)} files of {name} are not there"] if lost else []
    given = source.given_split
    parts = None if given is None else tuple(int((given == part).sum()) for part in (TRAIN, VALIDATION, TEST))
    if reading.parts is not None and parts != reading.parts:
        wrong.append(f"the parts have {parts} rows, not {reading.parts}")
    return wrong


def _of_schema(source: Source, schema: Schema, reading: Reading) -> list[str]:
    wrong = []
    if reading.infers and [f.name for f in schema.targets] != reading.infers.split(","):
        wrong.append(f"the target is {[f.name for f in schema.targets]}, not {reading.infers}")
    kinds = {f.name: f.kind if f.role in ("feature", "target") else f.role for f in schema.fields}
    wrong += [
        f"{name} is {kinds.get(name)}, not {kind}" for name, kind in reading.roles.items() if kinds.get(name) != kind
    ]
    if reading.task and schema.task != reading.task:
        wrong.append(f"the task is {schema.task}, not {reading.task}")
    if reading.labels:
        columns = [c for f in schema.targets if isinstance(c := source.columns[f.name], TableColumn)]
        state = TASKS[schema.task].fit(columns, np.arange(source.num_rows))
        if TASKS[schema.task].answer.labels(state) != reading.labels:
            wrong.append(f"the labels are {TASKS[schema.task].answer.labels(state)}, not {reading.labels}")
    return wrong


def _of_columns(source: Source, reading: Reading) -> list[str]:
    wrong = []
    columns = {name: c.values for name, c in source.columns.items() if isinstance(c, TableColumn)}
    for name, expected in reading.cells.items():
        if name not in columns:
            wrong.append(f"there is no column {name}, but {', '.join(source.columns)}")
            continue
        found = columns[name].head(len(expected)).to_list()
        if found != list(expected):
            wrong.append(f"{name} begins {found}, not {list(expected)}")
    for name, count in reading.values.items():
        if columns[name].drop_nulls().n_unique() != count:
            wrong.append(f"{name} has {columns[name].drop_nulls().n_unique()} values, not {count}")
    return wrong


def main() -> int:
    """Prints every reading's verdict. Exit code 1 when one that is not open is not OK."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    counts: Counter[str] = Counter()
    failed = False
    for reading in READINGS:
        if part not in reading.path:
            continue
        verdict, why = judge(reading)
        counts[verdict] += 1
        failed |= verdict != "OK" and not reading.open
        print(f"{verdict:9} {reading.name}{f': {why}' if why else ''}{f' [{reading.open}]' if reading.open else ''}")
    print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
