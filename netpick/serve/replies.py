"""What is sent back: a status, headers and bytes."""

from __future__ import annotations

from dataclasses import dataclass

from netpick.serve.faults import Fault

JSON = "application/json"


@dataclass(frozen=True)
class Reply:
    """An answer on its way out."""

    content: bytes
    content_type: str = JSON
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def reply_of(fault: Fault, *, v2: bool = False) -> Reply:
    """A refusal, in the form of the protocol that was spoken."""
    return Reply(
        content=fault.v2_body if v2 else fault.body,
        status=fault.status,
        headers=tuple(fault.headers.items()),
    )
