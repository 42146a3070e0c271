"""Whether anybody still waits for what this thread does: asked between pieces of work, wherever there are pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_check: ContextVar[Callable[[], None] | None] = ContextVar("netpick_check", default=None)


@contextmanager
def wanted_while(check: Callable[[], None]) -> Iterator[None]:
    """Within the block, `still_wanted` calls this; it raises once nobody waits any more."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def still_wanted() -> None:
    """Raises Fault once nobody waits for the answer. Does nothing where no request is being answered."""
    check = _check.get()
    if check is not None:
        check()
