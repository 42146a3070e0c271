"""Refusals are sent a moment later, in their order, and none is forgotten."""

from __future__ import annotations

import asyncio

from netpick.serve.refusals import HELD_SECONDS, Refusals


async def sent() -> tuple[list[int], list[int], float]:
    """What was sent at once, what after a while, and when the first was."""
    loop, refusals, numbers, times = asyncio.get_running_loop(), Refusals(), list[int](), list[float]()
    refusals.start(loop)
    all_sent = asyncio.Event()

    def send(number: int) -> None:
        numbers.append(number)
        times.append(loop.time())
        if number == 9:
            all_sent.set()

    began = loop.time()
    for number in range(10):
        refusals.send_later(lambda number=number: send(number))  # type: ignore[misc]
        await asyncio.sleep(0.002 if number % 3 == 0 else 0)
    at_once = list(numbers)
    await all_sent.wait()
    assert len(refusals) == 0
    return at_once, numbers, times[0] - began


def test_refusals_wait_and_go_in_their_order() -> None:
    at_once, numbers, first = asyncio.run(sent())
    assert at_once == numbers[: len(at_once)]
    assert numbers == list(range(10))
    assert first >= 0.9 * HELD_SECONDS
