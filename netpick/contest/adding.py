"""`--synthetic MODEL`: whether made-up rows beside the real ones help, on the same test rows, in pairs.

Boosted trees learn from the real rows, and from these with some made-up ones: a quarter as many, as many, four times as many. The generator must not
have learned from the test rows; its model file knows enough of what it learned from to tell (tasks/learned.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netpick.answers.answered import AnsweredSamples
from netpick.answers.compare import Contender, Resampler, compare_pairs
from netpick.answers.compare.words import difference_text
from netpick.answers.metrics import METRICS
from netpick.answers.metrics.samples import Useful
from netpick.contest.rows import Round
from netpick.errors import RequestError, near_matches
from netpick.models.likeness import MOST_MADE, Made, useful
from netpick.saved.use import Model, load
from netpick.tasks.examples import Prepared
from netpick.tasks.generate.state import GENERATE, parts_of
from netpick.tasks.learned import overlap
from netpick.types import Event, Note, Source, TableColumn
from netpick.types.results import RunResults

SHARES = (0.25, 1.0, 4.0)  # made-up rows for each real one
MOST_SEEN = (
    0.01  # of the test rows that a generator may have learned from, which chance and copies among real rows explain
)


def generator_of(path: str | None, prepared: Prepared) -> Model | None:
    """The generator of --synthetic, fit for these data. Raises RequestError where it is none, is of other columns or another target, or
    learned from test rows."""
    if path is None:
        return None
    model = load(path)
    if not model.parts.task.answer.made_up:
        raise RequestError(f"--synthetic {path} makes up no rows. Pass a model that was trained with --task generate.")
    state = model.parts.task_state
    targets = [field.name for field in prepared.schema.targets]
    if targets != [state.target]:
        raise RequestError(
            f"--synthetic {path} was judged by '{state.target}', but {', '.join(targets)} is to be predicted. Train one with --task generate "
            f"--target {targets[0]}."
        )
    columns = _columns(model, prepared.source)
    if prepared.folds:
        raise RequestError("--synthetic compares on one test part, but the rows are tested in folds. Add --folds 1.")
    record = model.parts.record
    if record.learned is not None:
        codes = parts_of(GENERATE.encode(columns, state))[0]
        seen = overlap(record.learned, {"record": codes}, prepared.split.test)
        if seen.seen > MOST_SEEN * seen.rows:
            raise RequestError(
                f"--synthetic {path} learned from about {seen.seen:,} of the {seen.rows:,} test rows: what it makes would tell their answers. Train it on "
                "the rows to learn from alone, by the same split and seed, or pass test rows of their own with --test."
            )
    return model


def _columns(model: Model, source: Source) -> list[TableColumn]:
    columns = []
    for one in model.parts.task_state.columns:
        column = source.columns.get(one.column)
        if not isinstance(column, TableColumn):
            raise RequestError(
                f"The made-up rows have a column '{one.column}', but the data have none.{near_matches(one.column, source.columns)} Pass a generator "
                "that was trained on data like these."
            )
        columns.append(TableColumn(name=one.column, values=column.values.alias(one.column)))
    return columns


def with_added_rows(results: RunResults, whole: Round, model: Model | None) -> RunResults:
    """The results with a note on what made-up rows beside the real ones are worth."""
    if model is None:
        return results
    whole.on_event(
        Event(stage="evaluate", text="boosted trees learn from real rows, and from made-up rows beside them")
    )
    note = _note(model, whole.prepared, whole.terms.options.seed)
    schema = replace(results.schema, notes=(*results.schema.notes, note))
    return replace(results, schema=schema, test_openings=len(whole.prepared.sealed.openings))


def _note(model: Model, prepared: Prepared, seed: int) -> Note:
    from netpick.saved.drawing import drawn_rows

    state = model.parts.task_state
    truth = GENERATE.encode(_columns(model, prepared.source), state)
    test = truth[prepared.sealed.open("whether made-up rows beside real ones help")]
    test = test[~np.isnan(test[:, 0])]
    real = Made(*parts_of(truth[np.sort(prepared.known_rows)]))
    counts = [min(round(share * len(real)), MOST_MADE) for share in SHARES]
    codes, places = drawn_rows(model, max(counts), np.random.default_rng([seed, 9]))
    said = {"real rows": useful(real, [test], state, seed)[0]}
    for count in dict.fromkeys(counts):
        both = Made(np.concatenate([real.codes, codes[:count]]), np.concatenate([real.places, places[:count]]))
        said[f"{count:,}"] = useful(both, [test], state, seed, most=len(both))[0]
    contenders = [
        Contender(name=name, predictions=AnsweredSamples(useful=answers, facts=np.zeros((len(test), 0))), decided=None)
        for name, answers in said.items()
    ]
    metric = METRICS[GENERATE.answer.primary(state.num_useful, 0.5)]
    assert isinstance(metric, Useful)
    pairs = compare_pairs(
        metric,
        test,
        contenders,
        [(name, "real rows") for name in said if name != "real rows"],
        Resampler(len(test), seed),
    )
    alone = AnsweredSamples(useful=said["real rows"], facts=np.zeros((len(test), 0)))
    plain = float(metric.values(test, alone, np.ones((1, len(test))), None)[0])
    told = "; ".join(f"with {pair.a} made-up rows {difference_text(pair, sign=True)}" for pair in pairs)
    matters = metric.margin(plain)  # three comparisons: one that is just better may be chance
    helps = [pair for pair in pairs if pair.verdict == "better" and pair.difference > matters]
    harms = [pair for pair in pairs if pair.verdict == "worse" and pair.difference < -matters]
    words = (
        "they help"
        if helps and not harms
        else "they harm"
        if harms and not helps
        else "they do not help by an amount that matters"
    )
    return Note(
        subject="made-up rows",
        text=(
            f"{words}: boosted trees have {metric.inner.label} {plain:.4f} from {len(real):,} real rows alone, n = {len(test):,} test rows; {told} "
            f"(differences in pairs, 95 % intervals). The generator is {model.parts.record.candidate} of {model.parts.record.title}"
        ),
        override="--synthetic",
    )
