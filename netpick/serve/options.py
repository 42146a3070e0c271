"""What can be set of a server: where it listens, who may ask, and how much."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from netpick.errors import RequestError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a client may ask for; what is beyond is refused with a sentence before it is read or unpacked."""

    body: int = 20 << 20  # bytes of a request
    rows: int = 10_000  # of one JSON request
    table_rows: int = 200_000  # of one CSV
    answer_values: int = 5_000_000  # of an answer, one a row and class
    containers: int = 400_000  # lists and objects of one JSON body
    items: int = 3_000_000  # values of one JSON body, cells of one CSV
    unread_columns: int = 1_000  # of a CSV, beside those that the model reads
    pixels: int = 25_000_000  # of one picture: unpacked, 75 MB
    request_pixels: int = 100_000_000  # of all pictures of one request
    text: int = 100_000  # characters of one cell
    prompt: int = 4_096  # symbols of a text that is continued; of a longer one its end is read
    new_symbols: int = 1_000  # that are added to it
    texts: int = 4  # that are continued at once
    values: int = 2_000_000  # numbers of one request's series and pictures
    decode_seconds: float = 10.0  # of one video
    parts: int = 200  # of a form
    address: int = 8 << 10  # bytes of a request's target
    headers: int = 32 << 10  # bytes of all headers of a request, trailers included
    header_count: int = 100
    pipelined: int = 16  # requests of one connection that wait for their turn
    connections: int = 4_000
    header_seconds: float = 10.0  # for a request line and its headers to arrive, and between requests on a connection
    body_seconds: float = 30.0  # for a body to arrive
    answer_seconds: float = 30.0  # for an answer to be made, and for it to be taken
    drain_seconds: float = 30.0  # for accepted requests to be answered when the server stops


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Where a server listens, and whom it answers."""

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    no_auth: bool = False
    names: tuple[str, ...] = ()  # further names that this server is called by in Host
    origins: tuple[str, ...] = ()  # other sites whose pages may ask
    log_requests: bool = False
    engine: str = "auto"
    candidate: str | None = None  # of run folders, instead of the recommended one
    beam: int | None = None  # beginnings of a generated text that are followed at once, instead of the model's own
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.token is not None and self.no_auth:
            raise RequestError("--token and --no-auth say opposite things. Pass one of them.")
        if self.token is not None and (len(self.token) < 8 or not self.token.isascii() or not self.token.isprintable()):
            raise RequestError(
                "The token is too easy to guess: at least 8 plain letters and digits were expected. Make one: openssl rand -hex 16"
            )
        if not is_loopback(self.host) and self.token is None and not self.no_auth:
            raise RequestError(
                f"{self.host} can be reached from other machines, so whoever finds the port could use the model. Pass --token "
                "SECRET, or --no-auth if that is meant (behind a gateway that asks for it)."
            )
        if not 0 <= self.port <= 65_535:
            raise RequestError(f"There is no port {self.port}. Pass one from 1 to 65535, or 0 for any that is free.")


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    if host in LOOPBACK:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
