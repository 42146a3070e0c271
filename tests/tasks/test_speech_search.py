"""Transcripts searched with n-grams: what is likelier as a sentence is preferred where the sound leaves a choice, and only there."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from pydantic import TypeAdapter

from netpick.answers.transcripts import collapsed
from netpick.tasks.speech.language import Language, fit_language
from netpick.tasks.speech.searching import searched_state
from netpick.tasks.speech.state import TranscribeState, new_state
from netpick.types import Array

TEXTS = ["the cat sat on the mat", "a dog ran to the cat", "the dog sat"] * 20


@pytest.fixture(scope="module")
def state() -> TranscribeState:
    return new_state("words", TEXTS, "characters")


@pytest.fixture(scope="module")
def language(state: TranscribeState) -> Language:
    made = fit_language([state.numbers_of(text) for text in TEXTS], state.num_symbols, long=False)
    assert made is not None
    return made


def steps_of(state: TranscribeState, text: str, *, seed: int, loud: float = 4.0) -> Array:
    """Log-probabilities (T, V) of someone who says it among noise."""
    path = [part for number in state.numbers_of(text) for part in (0, number)] + [0]
    scores = np.random.default_rng(seed).normal(size=(len(path), state.num_symbols))
    scores[np.arange(len(path)), path] += loud
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), dtype=np.float32)


def test_without_language_the_search_finds_the_likeliest_transcript(state: TranscribeState, language: Language) -> None:
    """Held to all transcripts of up to three symbols of five steps, each with the sum over all ways to say it."""
    few = 5
    steps = np.log(np.random.default_rng(4).dirichlet(np.ones(few), 5)).astype(np.float32)
    steps = np.pad(steps, ((0, 0), (0, state.num_symbols - few)), constant_values=-30.0)
    chances: dict[tuple[int, ...], float] = {}
    for path in product((0, 3, 4), repeat=5):
        frames = np.full((1, 5, few), -9.0)
        frames[0, np.arange(5), list(path)] = -0.1
        said = tuple(collapsed(frames)[0])
        chances[said] = chances.get(said, 0.0) + math.exp(sum(float(steps[t, s]) for t, s in enumerate(path)))
    assert tuple(language.searched(steps, state.num_symbols)) == max(chances, key=lambda said: chances[said])


def test_what_is_heard_badly_is_mended_by_what_is_usually_said(state: TranscribeState, language: Language) -> None:
    wrong = {"plain": 0, "searched": 0}
    heavy = replace(language, weight=0.6, bonus=1.0)
    for seed in range(12):
        frames = steps_of(state, "the dog ran to the mat", seed=seed, loud=2.5)
        wrong["plain"] += state.spelled(collapsed(frames[None])[0]) != "the dog ran to the mat"
        wrong["searched"] += state.spelled(heavy.searched(frames, state.num_symbols)) != "the dog ran to the mat"
    assert wrong["plain"] >= 10
    assert wrong["searched"] <= 4


def test_a_language_is_taken_where_validation_rows_gain_by_it(state: TranscribeState) -> None:
    frames = np.stack([steps_of(state, "the dog sat on the mat", seed=seed, loud=2.5) for seed in range(8)])
    texts = ["the dog sat on the mat"] * 8
    chosen = searched_state(state, frames, texts, TEXTS)
    assert chosen.language is not None
    restored = TypeAdapter(TranscribeState).validate_json(TypeAdapter(TranscribeState).dump_json(chosen))
    assert restored == chosen
    assert restored.heard(frames) == chosen.heard(frames)
    clear = np.stack([steps_of(state, "a cat", seed=seed, loud=20.0) for seed in range(3)])
    assert searched_state(state, clear, ["a cat"] * 3, TEXTS) is state


def test_forged_languages_are_refused(language: Language, state: TranscribeState) -> None:
    with pytest.raises(ValueError, match="n-grams"):
        replace(language, orders=language.orders[::-1]).require(state.num_symbols)
    with pytest.raises(ValueError, match="n-grams"):
        language.require(state.num_symbols - 3)
    with pytest.raises(ValueError, match=r".+"):
        replace(state, language=replace(language, orders=(replace(language.orders[0], keys="%"),)))
