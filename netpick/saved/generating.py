"""Text that goes on from a prompt, symbol by symbol, by any model of a text: a network, an n-gram model or their blend.

What is drawn is a pure function of the model's probabilities, the seed and the place: the same noise decides whatever engine gives the
probabilities. Each symbol is read once. As in the blocks that a score is made of, a symbol is drawn from C + 1 to C + T of those before it:
where more have been read, reading begins anew with the last C + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np

from netpick.errors import RequestError
from netpick.saved.readers import Reader
from netpick.saved.use import Model
from netpick.tasks.text.levels import END, PADDING, UNKNOWN
from netpick.tasks.text.state import NextState, numbers_of, text_of
from netpick.types import Array

MOST_TOKENS = 20_000
MOST_PROMPT = 1 << 20  # characters
HALF = "\N{REPLACEMENT CHARACTER}"  # a character of which bytes are still to come
LEAST_CHANCE = 1e-300
Begin = Callable[[], Reader]  # a text at its beginning


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How symbols are drawn: their probabilities to the power of 1 / temperature, of the likeliest alone where that is said."""

    tokens: int = 200
    temperature: float = 1.0  # 0: always the likeliest
    top_k: int = 0  # of so many of the likeliest; 0: of all
    top_p: float = 1.0  # of the fewest that have this share together
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if (words := expected(field.name, value)) is not None:
                raise RequestError(f"--{field.name.replace('_', '-')} {value:g} cannot be. Pass {words}.")


def expected(name: str, value: float) -> str | None:
    """What a setting of Sampling should be, in words, where its value cannot be."""
    fits, words = {
        "tokens": (1 <= value <= MOST_TOKENS, f"1 to {MOST_TOKENS:,}"),
        "temperature": (0 <= value <= 100, "0 (always the likeliest) to 100"),
        "top_k": (value >= 0, "0 (all) or more"),
        "top_p": (0 < value <= 1, "more than 0, up to 1 (all)"),
        "seed": (0 <= value < 1 << 63, "0 or more"),
    }[name]
    return None if fits else words


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What is continued, as numbers, and what is to be said of it."""

    numbers: Array
    text: str  # as the model reads it
    remarks: tuple[str, ...] = ()


def read_prompt(model: Model, text: str, most: int = MOST_PROMPT) -> Prompt:
    """most: symbols of its end that are looked at. Raises RequestError for a model of anything but texts that go on, and for a prompt that is too long."""
    task, state = model.parts.task, model.parts.task_state
    if not task.answer.sequences:
        raise RequestError(
            f"This model was trained to {task.answer.purpose(len(model.labels))}, but generating continues a text. Train one on a text: "
            "netpick fit TEXT.txt --task next"
        )
    if len(text) > MOST_PROMPT:
        raise RequestError(
            f"The prompt has {len(text):,} characters, but at most {MOST_PROMPT:,} were expected. Pass its end."
        )
    return _prompt(state, text, most)


def _prompt(state: NextState, text: str, most: int) -> Prompt:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    numbers = numbers_of(text.split("\n"), state)[:-1]  # its last line goes on
    total, numbers, remarks = len(numbers), numbers[-most:], []
    if unknown := int((numbers == UNKNOWN).sum()):
        what, are = (state.of.noun, "is") if unknown == 1 else (state.of.plural, "are")
        remarks.append(f"{unknown:,} {what} of the prompt did not occur in training and {are} read as unknown.")
    if total > (seen := min(most, most_read(state))):
        remarks.append(f"Only the last {seen:,} of the {total:,} {state.of.plural} of the prompt are read.")
    return Prompt(numbers=numbers, text=text_of(numbers.tolist(), state), remarks=tuple(remarks))


def generate(model: Model, prompt: Prompt, sampling: Sampling) -> Iterator[str]:
    """The text behind the prompt, a piece a symbol; empty where a character is not whole yet."""
    return continued(model.engine.reader, model.parts.task_state, prompt, sampling)


def most_read(state: NextState) -> int:
    """Symbols that one is drawn from at most."""
    return state.context + state.block


def continued(begin: Begin, state: NextState, prompt: Prompt, sampling: Sampling) -> Iterator[str]:
    """The same for anything that reads a text."""
    reader, count = begin(), 0
    numbers = [END, *prompt.numbers.tolist()]  # a text begins behind the end of a line
    unread = numbers[-most_read(state) :]
    line = Line(prompt.numbers, state)
    for place in range(sampling.tokens):
        if count + len(unread) > most_read(state):
            reader, count, unread = begin(), 0, numbers[-state.context - 1 :]
        chances = reader.read(np.array(unread, dtype=np.int32))
        count += len(unread)
        unread = [drawn(chances, state, sampling, place)]
        numbers += unread
        yield line.added(unread[0], last=place + 1 == sampling.tokens)


class Line:
    """The line that is written, and how much of it was said."""

    def __init__(self, before: Array, state: NextState) -> None:
        """before: the symbols of the text so far."""
        ends = np.flatnonzero(before == END)
        self._state = state
        self._numbers: list[int] = before[ends[-1] + 1 if len(ends) else 0 :].tolist()
        self._said = len(text_of(self._numbers, state))

    def added(self, number: int, *, last: bool) -> str:
        """What one more symbol adds to the text; nothing yet where it is a part of a character, unless it is the last."""
        self._numbers.append(number)
        text = text_of(self._numbers, self._state)
        if text.endswith(HALF) and not last:
            return ""
        added = text[self._said :]
        self._said = len(text)
        if number == END:
            self._numbers, self._said = [], 0
        return added


def drawn(chances: Array, state: NextState, sampling: Sampling, place: int) -> int:
    """One symbol of (V,) probabilities: the largest of their logarithms with Gumbel noise (Maddison et al. 2014)."""
    chances = np.asarray(chances, dtype=np.float64).copy()
    chances[PADDING] = 0.0
    if state.of.spells_all:
        chances[UNKNOWN] = 0.0
    if sampling.temperature == 0:
        return int(chances.argmax())
    logs = np.log(np.maximum(chances, LEAST_CHANCE))
    with np.errstate(over="ignore"):  # of a temperature near 0 all but the likeliest are minus infinity
        logs = (logs - logs.max()) / sampling.temperature
    logs[chances == 0] = -np.inf
    noise = np.random.Generator(np.random.Philox(key=np.array([sampling.seed, place], dtype=np.uint64)))
    noisy = logs - np.log(-np.log(noise.random(len(logs)).clip(1e-300, 1 - 1e-16)))
    if sampling.top_k or sampling.top_p < 1:
        noisy[_left_out(logs, sampling)] = -np.inf
    return int(noisy.argmax())


def _left_out(logs: Array, sampling: Sampling) -> Array:
    """The symbols that are not drawn from; logs: of their probabilities, up to a constant."""
    order = np.argsort(-logs, kind="stable")
    most = sampling.top_k or len(order)
    shares = np.exp(logs[order])
    enough = int(np.searchsorted(np.cumsum(shares / shares.sum()), sampling.top_p * (1 - 1e-12))) + 1
    return order[max(1, min(most, enough)) :]


def longest_copy(text: str, learned: str) -> str:
    """The longest passage of a text that stands in what was learned from, character by character."""
    best, start = "", 0
    for end in range(1, len(text) + 1):
        while start < end and text[start:end] not in learned:
            start += 1
        if end - start > len(best):
            best = text[start:end]
    return best
