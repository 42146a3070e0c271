"""What the files of a private run show of its results: scores, and nothing of single rows."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from netpick.columns.kinds.base import FEWEST_ROWS
from netpick.models.baselines import BASELINES
from netpick.types import CellFormat, Field, Finding, Note
from netpick.types.results import DataInfo, ForecastInfo, RunResults

NAME = "private data"
COMMAND = "not kept (--private)"
EVIDENCE = "Its evidence is not kept (--private); it was shown when the run ended."


def private_note() -> Note:
    """What a private run does otherwise, in words."""
    others = [baseline.name for baseline in BASELINES.values() if baseline.holds_rows]
    return Note(
        subject="private",
        text=(
            f"No file holds rows, paths, or words, categories and quantiles of fewer than {FEWEST_ROWS} rows. Baselines whose models "
            f"hold training rows or pieces of texts are not compared ({', '.join(others)}), and there is no predictions.parquet."
        ),
        override="--private",
    )


def without_rows(results: RunResults) -> RunResults:
    """The results as the files of a private run tell them."""
    fields = [_field(field) for field in results.schema.fields]
    return replace(
        results,
        title=NAME,
        command=COMMAND,
        source=_source(results.source),
        schema=replace(results.schema, fields=fields, notes=(private_note(),)),
        findings=[_finding(finding) for finding in results.findings],
        forecast=None if results.forecast is None else _forecast(results.forecast),
        explained=None,
        continuations=(),
        learned=None,
        private=True,
    )


def _forecast(info: ForecastInfo) -> ForecastInfo:
    """Errors by steps ahead, and no window."""
    none = np.zeros((0, info.horizon, 0, 4))
    errors = {name: replace(shown, windows=none, by_series=None) for name, shown in info.by_candidate.items()}
    return replace(info, shown=(), truth=None, first=None, ids=(), known_steps=None, series=None, by_candidate=errors)


def _source(source: DataInfo) -> DataInfo:
    return replace(
        source,
        name=NAME,
        origin=NAME,
        notes=(),
        unreadable=(),
        formats={name: _format(kept) for name, kept in source.formats.items()},
        pictured=False,
        rows={},
    )


def _format(kept: CellFormat) -> CellFormat:
    """How cells are written, by an example whose digits and words are those of no cell."""
    example = kept.state.get("example")
    if not isinstance(example, str):
        return kept
    masked = re.sub(r"\d", "0", example)
    return replace(kept, state={**kept.state, "example": masked}, words=kept.words.replace(example, masked))


def _field(field: Field) -> Field:
    return replace(field, reason="", examples=(), stray=())


def _finding(finding: Finding) -> Finding:
    return replace(finding, evidence=EVIDENCE, advice="", rows=())
