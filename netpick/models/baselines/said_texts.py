"""The baselines of texts that are made up: the commonest one, and that of the most similar recording."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.columns.forms import FORMS
from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.fitting import sample_rows
from netpick.models.baselines.majority import ALWAYS, Constant
from netpick.types import STRICT, Array, Inputs, InputSpec

PIECES = 32  # of equal length, into which a recording is cut
MOST_HELD = 2_000  # recordings that a new one is compared with
AT_ONCE = 256  # new ones
HELD, SAID = "recordings", "texts"


class CommonestText(Constant):
    """Every row gets the text that most training rows have."""

    name = "commonest text"
    definition = "Always says the text that most training rows have."
    texts = True

    def applies(self, problem: Problem) -> bool:
        return True

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        texts, counts = np.unique(problem.target[problem.train], axis=0, return_counts=True)
        return self._fitted(_trimmed(texts[[int(counts.argmax())]])[0], len(problem.train))

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        _require_texts(fitted.arrays[ALWAYS][None], num_outputs)


@strict_dataclass(config=STRICT, kw_only=True)
class NearestState:
    """The bands of a recording."""

    bands: int = Field(ge=1, le=1 << 12)


class NearestRecording(Baseline):
    """What was said in the training recording that is most similar, both stretched to the same length."""

    name = "nearest recording"
    definition = "Says what was said in the training recording whose course over time is most similar."
    State = NearestState
    texts = holds_rows = True

    def applies(self, problem: Problem) -> bool:
        return _sound(problem.inputs) is not None

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        used = sample_rows(problem, min(MOST_HELD, len(problem.train)))
        held = _courses(problem.given(used))
        return Fitted(
            baseline=self.name,
            state=NearestState(bands=held.shape[1] // PIECES),
            arrays={HELD: held, SAID: _trimmed(problem.target[used]).astype(np.float64)},
            decision=Decision(rows=len(used), iterations=1, full=True),
            remark="" if len(used) == len(problem.train) else f"among {len(used):,} recordings",
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, L) code points."""
        held, courses = fitted.arrays[HELD], _courses(given)
        squares = (held**2).sum(axis=1)
        nearest = [
            (squares - 2 * courses[start : start + AT_ONCE] @ held.T).argmin(axis=1)
            for start in range(0, len(courses), AT_ONCE)
        ]
        return np.asarray(fitted.arrays[SAID][np.concatenate(nearest)])

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        sound, held, said = _sound(inputs), fitted.arrays[HELD], fitted.arrays[SAID]
        if sound is None or sound[1].shape[1] != fitted.state.bands or set(fitted.arrays) != {HELD, SAID}:
            raise ValueError("the recordings are not of such sounds")
        if held.dtype != np.float32 or held.shape != (len(said), PIECES * fitted.state.bands) or not len(held):
            raise ValueError("recordings and texts that do not fit together")
        _require_texts(said, num_outputs)


def _sound(inputs: Inputs) -> tuple[str, InputSpec] | None:
    """The recording among the inputs."""
    frames = [(name, spec) for name, spec in inputs.items() if FORMS[spec.form].trimmed and len(spec.shape) == 2]
    of_frames = [(name, spec) for name, spec in frames if not FORMS[spec.form].indices]
    return of_frames[0] if of_frames else None


def _courses(given: Given) -> Array:
    """(n, PIECES * F) float32: the mean of each piece of a recording and band, without the band's own mean, of length 1."""
    found = _sound(given.inputs)
    assert found is not None
    sounds, lengths = given.arrays[found[0]], np.maximum(given.arrays[f"{found[0]}.lengths"], 1)
    made = np.empty((len(sounds), PIECES, sounds.shape[2]), np.float32)
    for row, (sound, length) in enumerate(zip(sounds, lengths.tolist(), strict=True)):
        starts = np.arange(PIECES) * length // PIECES
        sums = np.add.reduceat(sound[:length].astype(np.float32), np.unique(starts), axis=0)
        sizes = np.diff(np.append(np.unique(starts), length))
        made[row] = (sums / sizes[:, None])[np.searchsorted(np.unique(starts), starts)]
    made -= made.mean(axis=1, keepdims=True)
    flat = made.reshape(len(made), -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), dtype=np.float32)


def _trimmed(codes: Array) -> Array:
    """Texts (n, L) without columns that all of them leave empty; one column at least."""
    used = np.flatnonzero((codes != 0).any(axis=0))
    return np.asarray(codes[:, : int(used[-1]) + 1 if len(used) else 1])


def _require_texts(codes: Array, longest: int) -> None:
    if codes.dtype != np.float64 or codes.ndim != 2 or not 1 <= codes.shape[1] <= max(1, longest):
        raise ValueError("texts that are longer than any that was learned from")
    if not ((codes >= 0) & (codes <= 0x10FFFF) & (codes == np.floor(codes))).all():
        raise ValueError("texts that are none")
