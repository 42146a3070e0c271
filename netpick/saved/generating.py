"""Text that goes on from a prompt, symbol by symbol, by any model of a text: a network, an n-gram model or their blend.

What is drawn is a pure function of the model's probabilities, the seed and the place: the same noise decides whatever engine gives the
probabilities. Each symbol is read once. As in the blocks that a score is made of, a symbol is drawn from C + 1 to C + T of those before it:
where more have been read, reading begins anew with the last C + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from netpick.errors import RequestError
from netpick.saved.playing import prompt_text, require_output, write_music
from netpick.saved.readers import Reader
from netpick.saved.use import Model
from netpick.tasks.text.goes_on import GoesOn
from netpick.tasks.text.levels import END, UNKNOWN
from netpick.types import Array

MOST_TOKENS = 20_000
MOST_PROMPT = 1 << 20  # characters
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


def _prompt(state: GoesOn, text: str, most: int) -> Prompt:
    try:
        numbers = state.prompt(text.replace("\r\n", "\n").replace("\r", "\n"))
    except ValueError as error:
        raise RequestError(f"In the prompt, {error}.") from None
    total, remarks = len(numbers), list[str]()
    if total > most:
        numbers = np.array(state.recent(numbers.tolist(), most), dtype=np.int32)
    if unknown := int((numbers == UNKNOWN).sum()):
        what, are = (state.nouns[0], "is") if unknown == 1 else (state.nouns[1], "are")
        remarks.append(f"{unknown:,} {what} of the prompt did not occur in training and {are} read as unknown.")
    if total > (seen := min(most, state.most_read)):
        remarks.append(f"Only the last {seen:,} of the {total:,} {state.nouns[1]} of the prompt are read.")
    return Prompt(numbers=numbers, text=state.text_of(numbers.tolist()), remarks=tuple(remarks))


def generate(model: Model, prompt: Prompt, sampling: Sampling) -> Iterator[str]:
    """The text behind the prompt, a piece a symbol; empty where a character is not whole yet."""
    return continued(model.engine.reader, model.parts.task_state, prompt, sampling)


def of_file(model: Model, prompt: str, output: Path | None) -> str:
    """A prompt as its user typed it: of music the chords of a file where it names one. Raises RequestError where `output` cannot be written."""
    task = model.parts.task
    if output is not None:
        require_output(output, heard=task.answer.heard)
    return prompt_text(prompt, model.parts.task_state.voices) if task.answer.heard else prompt


def written_to(model: Model, text: str, output: Path | None) -> list[Path]:
    """Files of the music that was made, where it is to be written."""
    return [] if output is None else write_music(text, output, model.parts.task_state.voices)


def continued(begin: Begin, state: GoesOn, prompt: Prompt, sampling: Sampling) -> Iterator[str]:
    """The same for anything that reads a text."""
    reader, count = begin(), 0
    numbers = [END, *prompt.numbers.tolist()]  # a text begins behind the end of a line
    unread = state.recent(numbers, state.most_read)
    writer = state.writer(prompt.numbers)
    for place in range(sampling.tokens):
        if count + state.taken(unread) > state.most_read:
            reader, count, unread = begin(), 0, state.recent(numbers, state.read_again)
        chances = reader.read(np.array(unread, dtype=np.int32))
        count += state.taken(unread)
        unread = [drawn(chances, state, sampling, place)]
        numbers += unread
        yield writer.added(unread[0], last=place + 1 == sampling.tokens)
        if state.ends and unread[0] == END:
            return


def drawn(chances: Array, state: GoesOn, sampling: Sampling, place: int) -> int:
    """One symbol of (V,) probabilities: the largest of their logarithms with Gumbel noise (Maddison et al. 2014)."""
    chances = np.asarray(chances, dtype=np.float64).copy()
    chances[list(state.never)] = 0.0
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
