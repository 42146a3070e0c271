"""A loop that works for long before it looks for new requests turns some of them away."""

from __future__ import annotations

import asyncio
import time

from netpick.serve.turns import FEW, TURN_SECONDS, Turns


def work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def asked(seconds: list[float]) -> list[tuple[bool, bool]]:
    """Of turns in which the loop works so long, what their first request and their last one were told."""
    turns, told = Turns(), []
    turns.start(asyncio.get_running_loop())
    for long in seconds:
        first = turns.is_too_long()
        work(long)
        told.append((first, turns.is_too_long()))
        await asyncio.sleep(0)
    return told


def test_the_rest_of_a_long_turn_is_turned_away_once_turns_are_long() -> None:
    long = 1.1 * TURN_SECONDS
    told = asyncio.run(asked([*[long] * (FEW + 1), *[0.0] * (FEW + 1), long]))
    assert [first for first, _ in told] == [False] * len(told)
    assert [last for _, last in told] == [False] * FEW + [True] + [False] * (FEW + 2)
