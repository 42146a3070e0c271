"""What a forecast is of: targets, covariates, season, horizon, context, scales; from a table to windows and their split.

Everything that is inferred is said, with the option that overrides it. Scales, seasons and encoders come from the steps
before the test part, those that are learned from where they could tell anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netpick.columns.encode import Encoder
from netpick.columns.kinds import KINDS
from netpick.errors import DataError, RequestError, near_matches
from netpick.tasks.examples.base import ExampleRequest
from netpick.tasks.forecast.borders import BorderRequest, Borders, find_borders, learnable_before, split_windows
from netpick.tasks.forecast.holidays import DAY, PREFIX, require_country
from netpick.tasks.forecast.relative import covariate_numbers, relative_names
from netpick.tasks.forecast.roles import Roles, fields_of, refuse_constant, roles_of
from netpick.tasks.forecast.scales import scaled_by
from netpick.tasks.forecast.seasons import find_season
from netpick.tasks.forecast.short_series import least_history, padded
from netpick.tasks.forecast.state import ForecastState, Hierarchy, Resampling
from netpick.tasks.forecast.stated import beyond_validation, with_stated
from netpick.tasks.forecast.steps import known_end, step_values
from netpick.tasks.forecast.timeline import Timeline, TimelineRequest, make_timeline
from netpick.tasks.forecast.timesteps import CYCLES, calendar_names, usual_horizon
from netpick.tasks.forecast.windows import Windows, make_windows
from netpick.tasks.schema import refuse_unbounded
from netpick.types import Array, Note, Rows, Schema, Source, Split, TableColumn

CONTEXT_PER_HORIZON = 3.5  # ETTh1's usual 336 hours for 96
LEAST_SEASONS = 2  # that a window covers where the history allows it
LONGEST_SEASON = 100  # steps; a longer one, such as the year of daily data, is better told by the calendar
MOST_CONTEXT = 2_000
FEWEST_WINDOWS = 3  # horizons behind the context, below which a series counts as short


@dataclass(frozen=True, kw_only=True)
class SeriesParts:
    """A table as windows to learn from."""

    schema: Schema
    windows: Windows
    split: Split
    learnable: Rows  # all windows that end before the test part
    by_quantiles: bool = False  # the quantile loss decides the contest

    @property
    def num_scores(self) -> int:
        """How many scales the errors are on: one target of one series can be scored in its own units."""
        return len(self.windows.state.targets) * len(self.windows.state.ids)


def series_parts(
    source: Source,
    request: ExampleRequest,
    resampling: Resampling | None = None,
    hierarchy: Hierarchy | None = None,
) -> SeriesParts:
    """Understands the table and makes its windows. Raises DataError or RequestError with the fix.

    resampling: how its rows became steps, where they were none. hierarchy: which of its rows are sums.
    """
    check_names(source, request)
    kept = {name: column for name, column in source.columns.items() if name not in request.drop}
    left = replace(source, columns=kept)
    zeros = None if hierarchy is None else hierarchy.zeros  # sums have rows where single series have none
    asked_of = TimelineRequest(time=request.time, ids=request.ids, targets=request.target, zeros=zeros)
    timeline = make_timeline(left, asked_of)
    roles = roles_of(left, timeline, request)
    notes = [*timeline.notes]
    for name in roles.targets:
        refuse_unbounded(name, kept[name], is_target=True)
    values = step_values(timeline, kept, roles.targets)
    refuse_constant(timeline, roles.targets, values)
    notes += _of_targets(timeline, roles, values, request)
    state = with_stated(_sized(timeline, roles, values, request, notes), request, notes)
    longer = _with_short_series(timeline, state, notes)
    state = replace(state, resampling=resampling, hierarchy=hierarchy, begun=longer is not timeline)
    timeline = longer
    values = step_values(timeline, kept, roles.targets)
    asked = BorderRequest(horizon=state.horizon, context=state.context, split=request.split, origins=request.windows)
    borders = find_borders(timeline, asked, known_end(timeline, values))
    state = scaled_by(timeline, state, values, borders, notes)
    by_quantiles = state.amounts and request.point is None
    if by_quantiles:
        text = "amounts of several series: the quantile loss (WQL) decides, in which large series count most"
        notes.append(Note(subject="metric", text=text, override="--point"))
    state = replace(state, calendar=(*_calendar(timeline, state, borders), *_holidays(timeline, request, notes)))
    encoders = _encoders(left, timeline, roles, borders, private=request.private)
    changing = [name for name in (*roles.covariates, *roles.known) if name not in roles.static]
    numbers = {n: covariate_numbers(timeline, kept, n) for n in changing if roles.kinds[n] == "number"}
    state = replace(state, relative=relative_names(timeline, numbers, timeline.positions < borders.validation))
    windows = make_windows(timeline, kept, state, encoders)
    split = split_windows(windows, borders, request.split)
    notes += filter(None, [beyond_validation(state, len(split.validation))])
    schema = Schema(fields=tuple(fields_of(source, roles, timeline, request)), task="forecast", notes=tuple(notes))
    return SeriesParts(
        schema=schema,
        windows=windows,
        split=split,
        learnable=learnable_before(windows, borders),
        by_quantiles=by_quantiles,
    )


def _of_targets(timeline: Timeline, roles: Roles, values: Array, request: ExampleRequest) -> list[Note]:
    """Cells of the targets that are missing, and which targets there are where none was named."""
    notes = []
    last = known_end(timeline, values)
    missing = int(np.isnan(values[(timeline.rows >= 0) & (timeline.positions < last)]).sum())
    if missing:
        text = f"{missing:,} cells of the targets filled forward as inputs, counted in no score"
        notes.append(Note(subject="missing", text=text))
    if not request.target and len(roles.targets) > 1:
        text = f"all {len(roles.targets)} number columns ({', '.join(roles.targets[:8])})"
        notes.append(Note(subject="target", text=text, override="--target"))
    return notes


def check_names(source: Source, request: ExampleRequest) -> None:
    kinds = [name for name, _ in request.kinds]
    for name in (*request.target, *request.drop, *request.known, *request.time, *request.ids, *kinds):
        if name not in source.columns:
            raise RequestError(f"There is no column '{name}' in {source.name}.{near_matches(name, source.columns)}")
    for option, value in (
        ("--horizon", request.horizon),
        ("--context", request.context),
        ("--windows", request.windows),
    ):
        if value is not None and value < 1:
            raise RequestError(f"{option} {value} was asked for, but it counts steps. Pass 1 or more.")


def _encoders(
    source: Source, timeline: Timeline, roles: Roles, borders: Borders, *, private: bool
) -> tuple[Encoder, ...]:
    """Kinds of the covariates, fitted on the rows before the validation part."""
    early = timeline.rows[(timeline.positions < borders.validation) & (timeline.rows >= 0)]
    rows = np.sort(early)
    return tuple(
        Encoder(
            column=name,
            kind=roles.kinds[name],
            state=KINDS[roles.kinds[name]].learn(_dense(source.columns[name]), rows, private=private),
        )
        for name in (*roles.covariates, *roles.known)
    )


def _dense(column: object) -> TableColumn:
    """Without missing cells: they are filled forward, so that no second output has to tell them apart."""
    assert isinstance(column, TableColumn)
    filled = column.values.fill_null(strategy="forward").fill_null(strategy="backward")
    return TableColumn(name=column.name, values=filled)


# --- sizes -----------------------------------------------------------------------------------------------------------


def _sized(
    timeline: Timeline, roles: Roles, values: Array, request: ExampleRequest, notes: list[Note]
) -> ForecastState:
    """Season, horizon and context."""
    longest = int(timeline.lengths.max())
    step = timeline.step
    season, why = find_season(timeline, values)
    horizon = request.horizon
    if horizon is None:
        planned = _planned_steps(timeline, values) if roles.known else 0
        horizon = max(1, planned or min(usual_horizon(step, season), longest // 8))
        why_so = ", as far as is known ahead" if planned else ""
        notes.append(Note(subject="horizon", text=f"{horizon} {step.noun}{why_so}", override="--horizon"))
    least = 3 * horizon + (request.context or 1)
    if longest < least:
        what = "series has" if len(timeline.ids) == 1 else f"longest of {len(timeline.ids):,} series has"
        if longest == 1 and timeline.id_columns:
            raise DataError(
                f"Column '{','.join(timeline.id_columns)}' names {len(timeline.ids):,} series with one row each, but a "
                "forecast needs many rows of a series. Name another column with --id COLUMN, or leave this one out with "
                f"--drop {timeline.id_columns[0]}."
            )
        fits = max(1, (longest - (request.context or 1)) // 4)
        raise RequestError(
            f"A horizon of {horizon:,} {step.noun} is too long for the history: the {what} {longest:,} {step.noun}, but one "
            f"horizon each to learn from, to choose on and to test on, and a context before them, take {least:,}. Pass "
            f"--horizon {fits} or less{', or a shorter --context' if request.context and request.context > 1 else ''}."
        )
    context = request.context or _context(horizon, season, longest)
    if request.context is None:
        notes.append(Note(subject="context", text=f"{context:,} {step.noun} before the origin", override="--context"))
    if why:
        notes.append(Note(subject="season", text=why))
    return ForecastState(
        targets=roles.targets,
        time_columns=timeline.time_columns,
        id_columns=timeline.id_columns,
        ids=timeline.ids,
        step=step,
        horizon=horizon,
        context=context,
        season=season,
        log=(False,) * len(roles.targets),
        location=(),
        scale=(),
        deviation=(),
        naive=(),
        covariates=roles.covariates,
        known=roles.known,
        static=roles.static,
        zeros=timeline.zeros,
    )


def _planned_steps(timeline: Timeline, values: Array) -> int:
    """Steps with a row behind the last known target, in most of the series that have any."""
    known: Array = np.asarray(~np.isnan(values).all(axis=1))
    counts = []
    for start, end in zip(timeline.starts[:-1], timeline.starts[1:], strict=True):
        steps = np.flatnonzero(known[start:end])
        if len(steps) and int(end - start) - int(steps[-1]) > 1:
            counts.append(int(end - start) - int(steps[-1]) - 1)
    return int(np.median(counts)) if counts else 0


def _with_short_series(timeline: Timeline, state: ForecastState, notes: list[Note]) -> Timeline:
    """Series that have few windows or none begin earlier, so that they have some."""
    least = least_history(state.context, state.season)
    needed = state.context + FEWEST_WINDOWS * state.horizon
    longer = padded(timeline, needed, np.full(len(timeline.ids), state.context - least))
    few = int((timeline.lengths < needed).sum())
    if longer is not timeline:
        none = int((timeline.lengths < least + state.horizon).sum())
        text = f"{few:,} of {len(timeline.ids):,} begin with their first season repeated, so that windows have {least:,} known steps or more"
        if none:
            text += f"; {none:,} are too short to learn from and are forecast by what the others teach"
        notes.append(Note(subject="short series", text=text, override="--context"))
    return longer


def _calendar(timeline: Timeline, state: ForecastState, borders: Borders) -> tuple[str, ...]:
    """The cycles that the steps that are learned from show often enough.

    Several targets share their weights but not their hours and weekdays: they get only what a window cannot show them. (With
    all cycles the networks of ETTh1 lost 3 % of their score.)
    """
    begin, end = timeline.times(np.array([timeline.first.min(), borders.validation])).tolist()
    names = calendar_names(state.step, end - begin)
    if len(state.targets) == 1 or timeline.step.counted:
        return names
    seen = timeline.times(np.array([timeline.first.min(), timeline.first.min() + state.context]))
    shown = float(seen[1] - seen[0]) / LEAST_SEASONS
    return tuple(name for name in names if CYCLES[name] > shown)


def _holidays(timeline: Timeline, request: ExampleRequest, notes: list[Note]) -> tuple[str, ...]:
    """Whether a day is a holiday of the country that was named."""
    if request.holidays is None:
        return ()
    step = timeline.step
    if step.unit not in ("duration", "weekday") or step.size > DAY:
        raise RequestError(
            f"--holidays {request.holidays} was passed, but the steps are {step.words}: holidays are of days. Leave it out."
        )
    require_country(request.holidays)
    notes.append(Note(subject="holidays", text=f"public holidays of {request.holidays} are known ahead"))
    return (f"{PREFIX}{request.holidays}",)


def _context(horizon: int, season: int, longest: int) -> int:
    """About 3.5 horizons in whole seasons, two seasons at least, and never more than the history has to spare."""
    seasonal = 1 < season <= min(LONGEST_SEASON, longest / 8)
    wanted = max(CONTEXT_PER_HORIZON * horizon, LEAST_SEASONS * season if seasonal else 0, 8)
    if seasonal:
        wanted = int(wanted // season) * season if wanted >= season else wanted
    spare = (longest - 3 * horizon) // 2
    return int(max(1, min(wanted, spare, MOST_CONTEXT)))
