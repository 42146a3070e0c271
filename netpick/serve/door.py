"""The way in for all requests that take no short cut: checks who asks and how much, adds the headers that every answer has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from netpick.serve.faults import Fault
from netpick.serve.gate import said_twice
from netpick.serve.protocol import SECURITY
from netpick.serve.queries import BUSY
from netpick.serve.replies import Reply, reply_of
from netpick.serve.service import Service

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_HEADERS = (
    ("content-security-policy", PAGE_POLICY),
    ("permissions-policy", "microphone=(self), camera=(), geolocation=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
)


class Door:
    """An ASGI application around another."""

    def __init__(self, service: Service, inside: Application) -> None:
        self._service, self._inside = service, inside

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        service, started = self._service, time.perf_counter()
        headers = dict(scope["headers"])
        method, status = scope["method"], 500
        label = "other"

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(n.lower(), v) for n, v in message.get("headers", ())]
                named = {name for name, _ in own}
                extra = (*SECURITY, *service.cross_origin(headers), ("content-security-policy", DATA_POLICY))
                own += [(n.encode(), v.encode("latin-1")) for n, v in extra if n.encode() not in named]
                if service.draining:
                    own.append((b"connection", b"close"))
                message = {**message, "headers": own}
            await send(message)

        try:
            fault = self._refused(scope, headers)
            if fault is not None:
                await send_reply(sending, reply_of(fault, v2=scope["path"].startswith("/v2")))
            elif method == "OPTIONS" and service.cross_origin(headers):
                await send_reply(sending, _PREFLIGHT)
            else:
                if method == "HEAD":  # as GET; uvicorn leaves the body out
                    scope = {**scope, "method": "GET"}
                await self._inside(scope, receive, sending)
                route = scope.get("route")
                label = getattr(route, "path", label)
        finally:
            service.answered(method, label, status, time.perf_counter() - started)

    def _refused(self, scope: MutableMapping[str, Any], headers: dict[bytes, bytes]) -> Fault | None:
        reads = scope["method"] in ("GET", "HEAD", "OPTIONS")
        ambiguous = said_twice(scope["headers"], scope.get("target", b"/"))
        if ambiguous is not None:
            return ambiguous
        if (
            reads
            and scope["path"] == "/"
            and scope["query_string"].startswith(b"token=")
            and self._service.gate.needs_token
        ):
            without = {name: value for name, value in headers.items() if name != b"authorization"}
            fault = self._service.gate.check(without, reads=True)  # the page itself checks the token
            return None if fault is None or fault.code == "unauthorized" else fault
        fault = self._service.gate.check(headers, reads=reads)
        if fault is not None:
            return fault
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._service.limits.body:
            return self._service.too_large(int(length))
        return None


_PREFLIGHT = Reply(
    b"",
    status=204,
    headers=(
        ("access-control-allow-methods", "GET, POST"),
        ("access-control-allow-headers", "content-type, authorization, inference-header-content-length, x-request-id"),
        ("access-control-max-age", "600"),
    ),
)


async def send_reply(send: Send, reply: Reply) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers]
    if reply.status != 204:
        headers.append((b"content-type", reply.content_type.encode()))
    headers.append((b"content-length", str(len(reply.content)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.content})


@asynccontextmanager
async def held_body(receive: Receive, service: Service, client: str) -> AsyncIterator[bytes | Fault]:
    """A body within the limits of size and time, which is accounted for until the end of the block. Time is kept by the
    protocol."""
    pieces: list[bytes] = []
    length, fault, more = 0, None, True
    try:
        while more and fault is None:
            message = await receive()
            if message["type"] != "http.request":
                raise asyncio.CancelledError  # the client has gone
            piece = message.get("body", b"")
            more = message.get("more_body", False)
            if length + len(piece) > service.limits.body:
                fault = service.too_large(length + len(piece))
            elif not service.held.grow(client, length, length + len(piece)):
                fault = BUSY
            else:
                pieces.append(piece)
                length += len(piece)
        yield b"".join(pieces) if fault is None else fault
    finally:
        service.held.release(client, length)
