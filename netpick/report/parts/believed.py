"""What validation rows changed: calibration errors of every candidate before and after, coverage and width of intervals."""

from __future__ import annotations

from netpick.answers.metrics.calibration import CalibrationError
from netpick.answers.metrics.means import LogLoss
from netpick.answers.metrics.prediction_intervals import IntervalCoverage, IntervalWidth
from netpick.report.components import Column, fold, table
from netpick.report.markup import Child, Html, element
from netpick.report.standings import standings
from netpick.types.results import CandidateResult, RunResults, Score
from netpick.types.words import counted, grouped, interval, percent, significant

AS_STATED = "as stated"


def calibration_details(results: RunResults, entry: CandidateResult) -> Html | None:
    """How far stated confidence was off, and is after calibration."""
    after = entry.test.get(CalibrationError.name)
    if after is None:
        return None
    before = entry.stated.get(CalibrationError.name)
    if before is None:
        words = (
            f"The calibration error of {entry.name} is {_figure(after)}. Its probabilities are used as it states them: no "
            "correction lowered the log loss of validation rows that it was not fitted on."
        )
    else:
        words = (
            f"The calibration error of {entry.name} is {_figure(before)} {AS_STATED} and {_figure(after)} after calibration "
            f"({entry.calibration}), which was learned on validation rows and is part of the model."
        )
    head = [Column(title="Candidate")]
    head += [
        Column(title=title, number=True)
        for title in ("Error as stated", "Error", "95\u00a0% interval", "Log loss as stated", "Log loss")
    ]
    head += [Column(title="Calibration")]
    rows = [_calibration_row(one) for one in standings(results) if CalibrationError.name in one.test]
    caption = f"Calibration error and log loss before and after calibration, on {counted(after.n, 'test row')}"
    return element(
        "div",
        element("h3", "Calibration"),
        element("p", words),
        fold("Calibration of every candidate", table(caption, head, rows)),
    )


def interval_details(results: RunResults, entry: CandidateResult) -> Html | None:
    """How many truths the interval holds, and how wide it is."""
    held = entry.test.get(IntervalCoverage.name)
    if held is None:
        return element(
            "p", "There are too few validation rows to say how wide an interval around a prediction would have to be."
        )
    words = (
        f"Predictions come with an interval that was made to hold 90\u00a0% of the rows ({entry.calibration}). It holds "
        f"{percent(held.value, 1)} of the {counted(held.n, 'test row')} ({percent(held.low, 1)} to {percent(held.high, 1)})."
    )
    head = [Column(title="Candidate")]
    head += [
        Column(title=title, number=True)
        for title in ("Coverage of 90\u00a0%", "95\u00a0% interval", "Mean width", "95\u00a0% interval")
    ]
    head += [Column(title="Interval")]
    rows = [_interval_row(one) for one in standings(results) if IntervalCoverage.name in one.test]
    return element(
        "div",
        element("h3", "Prediction intervals"),
        element("p", words),
        fold("Intervals of every candidate", table("Coverage and width of 90\u00a0% intervals", head, rows)),
    )


def _calibration_row(one: CandidateResult) -> list[Child]:
    error, loss = one.test[CalibrationError.name], one.test.get(LogLoss.name)
    before = (one.stated.get(CalibrationError.name), one.stated.get(LogLoss.name))
    return [
        one.name,
        _value(before[0] or error),
        _value(error),
        interval(error, 3),
        _value(before[1] or loss),
        _value(loss),
        one.calibration or AS_STATED,
    ]


def _interval_row(one: CandidateResult) -> list[Child]:
    held, width = one.test[IntervalCoverage.name], one.test[IntervalWidth.name]
    return [
        one.name,
        percent(held.value, 1),
        f"{percent(held.low, 1)} to {percent(held.high, 1)}",
        significant(width.value, 3),
        f"{significant(width.low, 3)} to {significant(width.high, 3)}",
        one.calibration,
    ]


def _figure(score: Score) -> str:
    return f"{grouped(score.value, 3)} ({interval(score, 3)})"


def _value(score: Score | None) -> str:
    return grouped(score.value, 3) if score else "–"
