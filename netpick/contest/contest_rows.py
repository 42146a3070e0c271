"""What a contest's rows are: rows of the data as they are, or windows of series. The contest asks; only this file tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from netpick.answers.horizon import conformal_stretch
from netpick.columns.encode import Encoder, encode, fit_encoders, input_specs
from netpick.columns.kinds import KINDS
from netpick.columns.kinds.cells import as_moderate_numbers, series_of
from netpick.columns.store import Allocator, Store
from netpick.contest.prepare import Prepared
from netpick.tasks.forecast.parts import SeriesParts
from netpick.tasks.learned import learned_rows
from netpick.types import Array, Column, Examples, Inputs, LearnedRows, Note, Rows
from netpick.types.results import ForecastInfo

if TYPE_CHECKING:
    from netpick.tasks.forecast.windows import Windows


@dataclass(frozen=True)
class PlainRows:
    """A row is a row of the data: its columns are encoded once, by encoders fitted on training rows."""

    prepared: Prepared

    @cached_property
    def encoders(self) -> tuple[Encoder, ...]:
        prepared = self.prepared
        return fit_encoders(prepared.source, prepared.schema, prepared.split.train, private=prepared.private)

    @property
    def inputs(self) -> Inputs:
        return input_specs(self.encoders)

    @property
    def notes(self) -> list[Note]:
        """What the kinds learned of their columns."""
        return [note for encoder in self.encoders for note in KINDS[encoder.kind].notes(encoder.column, encoder.state)]

    def store(self, allocator: Allocator) -> Store:
        return encode(self.prepared.source.columns, self.encoders, allocator)

    @property
    def target(self) -> Array:
        """What networks learn."""
        return self.prepared.task.answer.target(self.prepared.truth, self.prepared.state)

    @property
    def columns(self) -> Mapping[str, Column]:
        """Raw columns, for baselines that read texts as they are."""
        return {f.name: self.prepared.source.columns[f.name] for f in self.prepared.schema.features}

    def numbers(self, rows: Rows) -> Mapping[str, Array]:
        """Raw columns of numbers of these rows, NaN where missing, for baselines."""
        named = {
            e.column: series_of(self.prepared.source.columns[e.column]) for e in self.encoders if e.kind == "number"
        }
        return {
            name: as_moderate_numbers(series.gather(pl.Series(rows))).to_numpy()
            for name, series in named.items()
            if series is not None
        }

    @property
    def windows(self) -> Windows | None:
        """For the baselines of forecasts."""
        return None

    @property
    def trained_twice(self) -> bool:
        """Whether validation rows may be learned from in the end.

        Not where they are given as such, nor where they lie between training and test in time. The model of all rows, which folds
        are judged beside, is tested by none.
        """
        split = self.prepared.split
        if split.folds > 1:
            return True
        return split.method not in ("none", "time") and not split.validation_given

    @property
    def learnable(self) -> Rows:
        """What the second training learns from."""
        return self.prepared.known_rows

    @property
    def num_scores(self) -> int:
        """Classes, labels or values that the primary metric is about."""
        return self.prepared.task.answer.num_outputs(self.prepared.state)

    @property
    def scored_numbers(self) -> int:
        """Numbers a row that scoring reads, which is what its time grows with."""
        return max(2, len(self.prepared.target.labels))

    @property
    def groups_columns(self) -> bool:
        """Whether one can ask what each group of columns adds."""
        return True

    @property
    def explained(self) -> bool:
        """Whether the report explains one of them."""
        return True

    def test_groups(self, rows: Rows) -> Array | None:
        """Which test rows belong to one entity, when the split kept entities together."""
        group = next((f for f in self.prepared.schema.fields if f.role == "group"), None)
        if self.prepared.split.method != "group" or group is None:
            return None
        series = series_of(self.prepared.source.columns[group.name])
        assert series is not None
        return np.asarray(series.rank("dense").fill_null(0).to_numpy()[rows], dtype=np.int64)

    def calibrated(self, answered: Array) -> Any:
        """The task's state for one network or baseline, given its answers for the validation rows: its probabilities and
        intervals are made to hold there."""
        task, plain, rows = self.prepared.task, self.prepared.state, self.prepared.split.validation
        return task.answer.calibrated(task.answer.decode(answered, plain), self.prepared.truth[rows], plain)

    def learned(self, store: Store) -> LearnedRows:
        """What the model file keeps of the rows that were learned from and chosen on."""
        split = self.prepared.split
        seen = np.concatenate([split.train, split.validation, self.prepared.copied])
        return learned_rows(store.arrays, split.train, split.validation, np.setdiff1d(split.test, seen))

    def info(self, rows: Rows) -> ForecastInfo | None:
        """What the report shows of a forecast."""
        return None


@dataclass(frozen=True)
class WindowRows(PlainRows):
    """A row is a window of a series: views that exist already, with intervals made to hold on validation windows."""

    @property
    def parts(self) -> SeriesParts:
        assert self.prepared.series is not None
        return self.prepared.series

    @cached_property
    def encoders(self) -> tuple[Encoder, ...]:
        return self.parts.windows.encoders

    @property
    def inputs(self) -> Inputs:
        return self.parts.windows.inputs

    @property
    def notes(self) -> list[Note]:
        return []

    def store(self, allocator: Allocator) -> Store:
        return self.parts.windows.store

    @property
    def target(self) -> Array:
        return self.parts.windows.target

    @property
    def windows(self) -> Windows:
        return self.parts.windows

    @property
    def trained_twice(self) -> bool:
        """The newest windows are worth most, and all of them end before the test part begins."""
        return True

    @property
    def learnable(self) -> Rows:
        return self.parts.learnable

    @property
    def num_scores(self) -> int:
        return self.parts.num_scores

    @property
    def scored_numbers(self) -> int:
        """Four numbers a step and target, eight metrics without resampling."""
        return max(2, int(self.prepared.truth.shape[1]) // 3)

    @property
    def groups_columns(self) -> bool:
        return False

    @property
    def explained(self) -> bool:
        return False

    def test_groups(self, rows: Rows) -> Array | None:
        return self.parts.windows.test_groups(rows)

    def calibrated(self, answered: Array) -> Any:
        """Intervals are widened or narrowed to what held on the validation windows."""
        windows, rows = self.parts.windows, self.prepared.split.validation
        stretch = conformal_stretch(answered, windows.target[rows], windows.state)
        return replace(windows.state, stretch=stretch)

    def info(self, rows: Rows) -> ForecastInfo | None:
        return self.parts.windows.info(rows)


ROWS: Mapping[Examples, type[PlainRows]] = {"rows": PlainRows, "windows": WindowRows}


def rows_of(prepared: Prepared) -> PlainRows:
    """The rows of a contest."""
    return ROWS[prepared.task.examples](prepared)
