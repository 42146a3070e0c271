"""netpick's forecasts as a scikit-learn estimator: the rows that `predict` gets follow those that `fit` got.

from netpick import NetpickForecaster
cross_val_score(NetpickForecaster(horizon=12), X, y, cv=TimeSeriesSplit(test_size=12))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl
from sklearn.base import RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from netpick.api.estimators import _Contest
from netpick.errors import DataError, RequestError
from netpick.tasks.forecast.state import Forecast, ForecastState
from netpick.tasks.forecast.times import read_times
from netpick.tasks.forecast.timesteps import MISSING
from netpick.types import Array, TableColumn
from netpick.types.words import quoted

TARGET = "target"


class NetpickForecaster(RegressorMixin, _Contest):  # type: ignore[misc]
    """The network, or the baseline, that a contest recommends for a forecast; see `_Contest` for what all estimators share.

    Rows are steps, in the order of time. X holds what is known of a step ahead: its date, its price. A frame may have one column of dates
    or times, or `time_column` names it. `predict` answers for rows that follow the last one of `fit`; more of them than the horizon
    are forecast in stretches, each from the forecasts before it. After fitting there is `history_`, the rows of `fit` with their target.
    """

    def __init__(
        self,
        *,
        horizon: int | None = None,
        context: int | None = None,
        windows: int | None = None,
        point: Literal["mean", "median"] | None = None,
        quantiles: Sequence[float] = (),
        holidays: str | None = None,
        time_column: str | None = None,
        models: str | Sequence[str] | None = None,
        budget: str | float | None = None,
        steps: int | None = None,
        trials: int = 1,
        prefer: Literal["any", "network"] = "any",
        metric: str | None = None,
        margin: float | None = None,
        seed: int = 0,
        device: str = "auto",
        threads: int | None = None,
        out: str | None = None,
    ) -> None:
        self.horizon = horizon
        self.context = context
        self.windows = windows
        self.point = point
        self.quantiles = quantiles
        self.holidays = holidays
        self.time_column = time_column
        self.models = models
        self.budget = budget
        self.steps = steps
        self.trials = trials
        self.prefer = prefer
        self.metric = metric
        self.margin = margin
        self.seed = seed
        self.device = device
        self.threads = threads
        self.out = out

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False  # what is known ahead is known of every step
        return tags

    def fit(self, X: object, y: object) -> NetpickForecaster:
        """X: (N, F) what is known of each step ahead, numbers or a frame; y: (N,) numbers. Raises ValueError for what cannot be learned."""
        frame, numbers = self._rows(X, reset=True, y=y)
        if TARGET in frame.columns:
            raise DataError(f"X holds a column '{TARGET}', which is the name that y gets. Rename it.")
        target = pl.Series(TARGET, np.asarray(numbers, dtype=np.float64))
        time = self._time(frame)
        self._contest(
            frame,
            target,
            Forecast.name,
            known=[name for name in frame.columns if name != time],
            time_column=() if time is None else time,
            kinds={TARGET: "number"},
        )
        self.history_ = frame.with_columns(target)
        return self

    def forecast(self, X: object) -> pl.DataFrame:
        """Of each row of X its `prediction`, and the quantiles beside it: low, median and high unless others were asked for.

        Beyond the horizon quantiles do not widen by the uncertainty of the forecasts that they start from.
        """
        check_is_fitted(self, "model_")
        ahead = self._rows(X, reset=False)[0].cast(self.history_.drop(TARGET).schema)
        horizon, time = self._state.horizon, self._time(self.history_)
        if ahead.height < horizon and len(ahead.columns) > (time is not None):
            raise DataError(
                f"X has n_samples={ahead.height}, but {horizon} steps are forecast at once, and what is known ahead is needed of each. "
                f"Pass {horizon} rows or more, or fit with horizon={ahead.height}."
            )
        order = np.arange(ahead.height) if time is None else self._order(ahead[time])
        rows, made = ahead[order], pl.DataFrame(schema={"prediction": pl.Float64})
        for start in starts(rows.height, horizon):
            known = pl.concat([self.history_, _with_target(rows[:start], made["prediction"][:start])])
            asked = rows[start : start + horizon]
            answers = self.model_.predict(pl.concat([known, _with_target(asked, None)]))
            told = answers[: asked.height] if time is None else self._dated(answers, asked[time])
            told = told.select(pl.selectors.by_dtype(pl.Float64))
            made = pl.concat([made, told[made.height - start :]], how="diagonal")
        return made[np.argsort(order)]

    def predict(self, X: object) -> Array:
        """(N,) numbers, of the N rows that follow those of `fit`."""
        return self.forecast(X)["prediction"].to_numpy().astype(np.float64)

    @property
    def _state(self) -> ForecastState:
        state = self.model_.parts.task_state
        assert isinstance(state, ForecastState)
        return state

    def _time(self, frame: pl.DataFrame) -> str | None:
        """The column of times: the one that was named, else the only one that holds dates or times."""
        if self.time_column is not None and self.time_column not in frame.columns:
            raise RequestError(
                f"X has no column '{self.time_column}', but time_column names it. Its columns are {quoted(frame.columns)}."
            )
        found = [name for name, kind in frame.schema.items() if kind.is_temporal()]
        return self.time_column or (found[0] if len(found) == 1 else None)

    def _order(self, times: pl.Series) -> Array:
        """The order of rows by time, all of which have to follow those of `fit`."""
        moments, past = _moments(times), self.history_[times.name]
        if len(moments) and moments.min() <= _moments(past).max():
            raise DataError(
                f"X begins at {times.min()!s}, but the rows of `fit` end at {past.max()!s}. Pass rows that follow."
            )
        return np.argsort(moments, kind="stable")

    def _dated(self, answers: pl.DataFrame, times: pl.Series) -> pl.DataFrame:
        """The answers of the rows at these times, which must be among the steps that were forecast."""
        steps = {text: place for place, text in enumerate(answers[times.name].to_list())}
        asked = self._state.step.text(_moments(times))
        strange = next((text for text in asked if text not in steps), None)
        if strange is not None:
            first, last = answers[times.name][0], answers[times.name][-1]
            raise DataError(
                f"X asks for {strange}, but the steps that follow the rows of `fit` are {first} to {last}, {self._state.step.words}. "
                "Pass the rows that follow, each once and none left out."
            )
        return answers[[steps[text] for text in asked]]


def starts(rows: int, horizon: int) -> list[int]:
    """Where stretches of one horizon begin so that they reach all rows; the last one may begin within the one before."""
    whole = list(range(0, rows - horizon + 1, horizon)) or [0]
    return whole if whole[-1] + horizon >= rows else [*whole, rows - horizon]


def _with_target(rows: pl.DataFrame, values: pl.Series | None) -> pl.DataFrame:
    """Rows with a target that is not known (None), or that was forecast."""
    return rows.with_columns((pl.lit(None, pl.Float64) if values is None else values).alias(TARGET))


def _moments(times: pl.Series) -> Array:
    """(N,) times in microseconds. Raises DataError for cells that hold none."""
    read = read_times({times.name: TableColumn(name=times.name, values=times)}, (times.name,))
    if read is None or (read[0] == MISSING).any():
        raise DataError(
            f"Column '{times.name}' holds cells that are no dates or times, but it is the time. Correct them, or name another: time_column."
        )
    return read[0]
