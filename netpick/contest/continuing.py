"""What every candidate and n-gram model of a text makes of the same beginning, for the report, and what of it is copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from netpick.contest.baselines import Fits
from netpick.contest.rows import Round
from netpick.contest.training import Outcome, networks_of
from netpick.models.networks.text_network import ReadOn
from netpick.saved.generating import Prompt, Sampling, continued, longest_copy
from netpick.saved.readers import BaselineReader, NetworkReader, Reader, in_steps
from netpick.tasks.text.levels import END
from netpick.types import Event
from netpick.types.results import Continuation, RunResults

REAL = "the {} itself"
MOST_LEARNED = 20_000_000  # characters that a copy is looked for in


def with_continuations(results: RunResults, whole: Round, trained: Sequence[Outcome], fits: Fits) -> RunResults:
    """The results with a continuation by each that finished; as they are where texts are not what is answered."""
    prepared = whole.prepared
    if not prepared.task.answer.sequences:
        return results
    whole.on_event(Event(stage="evaluate", text=f"a {prepared.task.answer.noun} goes on, by every candidate"))
    state, learned = prepared.state, _learned(whole)
    prompt, real = _beginning(whole)
    sampling = Sampling(tokens=state.shown[1], seed=whole.terms.options.seed)
    readers: dict[str, Callable[[], Reader]] = {
        name: partial(in_steps, prepared.inputs, partial(NetworkReader, network.eval()))
        for name, network in networks_of(trained).items()
        if isinstance(network, ReadOn)
    }
    readers |= {one.result.name: partial(BaselineReader, one.fit.baseline, one.fit.fitted) for one in fits.outcomes}
    made = [
        Continuation(
            candidate=REAL.format(prepared.task.answer.noun),
            prompt=prompt.text,
            text=real,
            copied=longest_copy(real, learned),
        )
    ]
    for name, begin in readers.items():
        text = "".join(continued(begin, state, prompt, sampling))
        made.append(Continuation(candidate=name, prompt=prompt.text, text=text, copied=longest_copy(text, learned)))
    return replace(results, continuations=made)


def _learned(whole: Round) -> str:
    """The text that was learned from."""
    prepared = whole.prepared
    symbols = prepared.truth[prepared.split.train, 0].ravel()
    return prepared.state.text_of(symbols[-MOST_LEARNED:].tolist())  # type: ignore[no-any-return]


def _beginning(whole: Round) -> tuple[Prompt, str]:
    """The first symbols of a line of the test part, and how it really goes on."""
    state = whole.prepared.state
    symbols = whole.prepared.truth[whole.prepared.sealed.rows, 0].ravel()
    symbols = symbols[symbols > 0]
    least, length = state.shown
    ends = np.flatnonzero(symbols == END)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else np.zeros(1, dtype=np.int64)
    long = [start for start, end in zip(starts.tolist(), ends.tolist(), strict=False) if end - start > 2 * least]
    start = long[0] if long else 0
    numbers = symbols[start : start + least]
    text = state.text_of(numbers.tolist())
    rest = state.text_of(symbols[start : start + least + length].tolist())
    return Prompt(numbers=numbers, text=text), rest[len(text) :]
