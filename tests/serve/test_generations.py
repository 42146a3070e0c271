"""Texts that are continued side by side: turns, places, ends. The engine's lock is held where the order of events matters."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from quick_models import quick_model
from small_texts import small_text

from netpick.saved.generating import Sampling, read_prompt
from netpick.serve.faults import Fault
from netpick.serve.generations import Generation, Generations
from netpick.serve.models import served_model
from netpick.serve.options import Limits
from netpick.serve.served import ServedModel

MOST = 4


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    path = tmp_path_factory.mktemp("texts") / "story.txt"
    path.write_text(small_text(120))
    return served_model("story", path, quick_model(path, models="mlp"), Limits())


async def ended(one: Generation) -> str:
    """Its text, once it has ended."""
    while one.ended is None:
        await one.news.wait()
        one.news.clear()
    return "".join(one.written)


def with_generations(work: Callable[[Generations, threading.Lock], Awaitable[None]]) -> None:
    lock = threading.Lock()
    generations = Generations(lock, MOST)
    generations.start()
    try:
        asyncio.run(asyncio.wait_for(work(generations, lock), 20))
    finally:
        generations.stop()


def begin(generations: Generations, served: ServedModel, *, tokens: int = 30, seconds: float = 60) -> Generation:
    prompt = read_prompt(served.model, "the cat ")
    return generations.begin(served, prompt, Sampling(tokens=tokens, seed=2), seconds)


def test_texts_side_by_side_are_those_of_one_by_one(served: ServedModel) -> None:
    async def work(generations: Generations, lock: threading.Lock) -> None:
        alone = "".join(served.model.generate("the cat ", tokens=30, seed=2))
        several = [begin(generations, served) for _ in range(MOST)]
        assert [await ended(one) for one in several] == [alone] * MOST
        assert {(one.ended, one.symbols) for one in several} == {("length", 30)}

    with_generations(work)


def test_as_many_as_may_be_are_open_and_who_leaves_makes_room(served: ServedModel) -> None:
    async def work(generations: Generations, lock: threading.Lock) -> None:
        with lock:  # nothing is drawn meanwhile
            several = [begin(generations, served, tokens=1_000) for _ in range(MOST)]
            with pytest.raises(Fault) as refused:
                begin(generations, served)
            assert (refused.value.code, refused.value.status) == ("too_many_texts", 503)
            assert refused.value.headers["retry-after"] == "2"
            for one in several:
                one.drop()
        for one in several:
            await ended(one)
        assert {one.ended for one in several} == {"left"}
        assert max(one.symbols for one in several) <= 1  # the one that was being drawn
        last = begin(generations, served)
        assert len(await ended(last)) == 30

    with_generations(work)


def test_a_text_ends_at_its_deadline_with_what_was_drawn(served: ServedModel) -> None:
    async def work(generations: Generations, lock: threading.Lock) -> None:
        late = begin(generations, served, seconds=-1)
        assert await ended(late) == ""
        assert (late.ended, late.symbols) == ("time", 0)

    with_generations(work)
