"""Who may ask: the Host that this server is called by, pages of its own, and the token.

A host is read in one way only (`authority`). What is not plainly a name or an address with a port, or is said twice, is no request
that can be read: a proxy in front may have read it in another way.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import socket
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from netpick.serve.faults import Fault
from netpick.serve.options import ServeOptions

Headers = Mapping[bytes, bytes]
REMEMBERED = 256  # Host values that were looked at once
ONCE = frozenset((b"host", b"origin", b"authorization", b"content-length", b"content-type", b"content-encoding", b"transfer-encoding",
                  b"inference-header-content-length", b"sec-fetch-site"))  # fmt: skip
SCHEMES = (b"http://", b"https://")
_AUTHORITY = re.compile(rb"(\[[0-9a-fA-F:.]{2,45}\]|[a-zA-Z0-9._-]{1,255})(?::([0-9]{1,5}))?")


def authority(text: bytes) -> tuple[str, int | None] | None:
    """(host, port) of a Host header or of a target's beginning, in lower case; None where it is anything else."""
    parts = _AUTHORITY.fullmatch(text)
    if parts is None or (parts[2] is not None and int(parts[2]) > 65_535):
        return None
    return parts[1].decode().lower().strip("[]"), None if parts[2] is None else int(parts[2])


def said_twice(headers: Iterable[tuple[bytes, bytes]], target: bytes) -> Fault | None:
    """Why a request cannot be read in one way: a header that counts once stands there twice, or the target names another host."""
    seen: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in ONCE and name in seen:
            return Fault(code="invalid_request", message=f"The header {name.decode()} is there twice. Send it once.")
        seen[name] = value
    if target[:1] in (b"/", b"*"):
        return None
    scheme, _, rest = target.partition(b"://")
    named = authority(re.split(rb"[/?#]", rest, maxsplit=1)[0])
    if scheme.lower() not in (b"http", b"https") or named is None or named != authority(seen.get(b"host", b"")):
        return Fault(
            code="invalid_request",
            message="The request's target names another host than its Host header. Send the path alone.",
        )
    return None


class Gate:
    """Checks the headers of a request. Constant time where a secret is compared."""

    def __init__(self, options: ServeOptions) -> None:
        names = {"localhost", options.host.lower(), *(name.lower() for name in options.names)}
        if not options.host.startswith(("127.", "localhost", "::1")):
            names |= (
                {socket.gethostname().lower(), socket.getfqdn().lower()} if options.host in ("0.0.0.0", "::") else set()
            )
        self._names = frozenset(names)
        self._origins = frozenset(origin.rstrip("/").lower() for origin in options.origins)
        self._token = None if options.token is None else _digest(options.token.encode())
        self._hosts: dict[bytes, bool] = {}
        self.cookie = f"netpick_{options.port}"

    @property
    def needs_token(self) -> bool:
        return self._token is not None

    def check(self, headers: Headers, *, reads: bool) -> Fault | None:
        """Why a request is refused, or None. reads: GET and HEAD, which change nothing and use nothing up."""
        host = headers.get(b"host", b"")
        known = self._hosts.get(host)
        if known is None:
            known = self._knows(host)
            if len(self._hosts) < REMEMBERED:
                self._hosts[host] = known
        if not known:
            if host and authority(host) is None:
                return Fault(
                    code="invalid_request",
                    message="The Host header is no name or address with a port, such as localhost:8000.",
                )
            shown = host.decode("latin-1")[:60]
            return Fault(
                code="forbidden",
                message=f"This server is not called {shown!r}. Ask it by its address, or start it with --name for that name.",
            )
        origin = headers.get(b"origin")
        if origin is not None and not self.allows(origin, host):
            return Fault(
                code="forbidden",
                message="The request comes from a page of another site. Start the server with --origin to allow that site.",
            )
        if not reads and origin is None and headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin"):
            return Fault(code="forbidden", message="The request comes from a page of another site.")
        if self._token is not None and not self._has_token(headers):
            return Fault(
                code="unauthorized",
                message="This server answers with its token alone. Send the header Authorization: Bearer TOKEN, or open the page "
                "as /?token=TOKEN.",
                headers={"www-authenticate": 'Bearer realm="netpick"'},
            )
        return None

    def allows(self, origin: bytes, host: bytes) -> bool:
        """Whether pages of an origin may ask: our own, and those that were named."""
        text = origin.lower()
        own = authority(host)
        ours = own is not None and any(text.startswith(s) and authority(text[len(s) :]) == own for s in SCHEMES)
        return ours or text.decode("latin-1") in self._origins

    def is_other_origin(self, origin: bytes) -> bool:
        """Whether an origin is another site that was named; its pages need CORS headers."""
        return origin.decode("latin-1").lower() in self._origins

    def is_token(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(_digest(given.encode()), self._token)

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            token = self._cookie_of(headers)
        assert self._token is not None
        return hmac.compare_digest(_digest(token.strip()), self._token)

    def _cookie_of(self, headers: Headers) -> bytes:
        for pair in headers.get(b"cookie", b"").split(b";"):
            name, _, value = pair.strip().partition(b"=")
            if name == self.cookie.encode():
                return value
        return b""

    def _knows(self, host: bytes) -> bool:
        """An address is always meant for us; a name must be ours, or a page of another site could rebind its own to us."""
        named = authority(host)
        if named is None:
            return False
        if named[0] in self._names:
            return True
        try:
            ip_address(named[0])
        except ValueError:
            return False
        return True


def _digest(text: bytes) -> bytes:
    """Of equal length whatever was sent, so that a comparison's time says nothing of the token's."""
    return hashlib.sha256(text).digest()
