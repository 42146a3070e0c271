"""The board as a local server: it reads run folders, writes nothing, and answers this machine alone.

Host is checked, so that no page of another site can reach it by a name of its own; nothing it sends asks any network.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netpick.errors import RequestError
from netpick.report.page import chart_scripts, policy_of
from netpick.serve.board.index import board_page, script, style
from netpick.serve.board.page import comparison_page
from netpick.serve.board.runs import FinishedRun, read_run
from netpick.serve.board.watching import PAGE, RunSeen, Watcher, new_events
from netpick.serve.gate import Gate, said_twice
from netpick.serve.options import ServeOptions, is_loopback

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

OWN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# A report brings a stricter policy of its own; the sandbox keeps one from a strange folder away from this server.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-scripts"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
MOST_COMPARED = 12
MOST_REPORT = 256 << 20


def make_board(folder: Path, options: ServeOptions) -> Starlette:
    """The application. Every answer has the security headers; every request is checked for the Host that it asks."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    watcher = Watcher(folder)
    compared = policy_of(chart_scripts()) + "; frame-ancestors 'none'"

    def page(text: str, policy: str = OWN_POLICY, status: int = 200) -> Response:
        return HTMLResponse(text, status, headers={"content-security-policy": policy})

    def index(request: Request) -> Response:
        return page(board_page(folder.resolve(), watcher.runs()))

    def report(request: Request) -> Response:
        run = watcher.run(request.path_params["name"])
        path = None if run is None else run.folder / PAGE
        if path is None or path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_REPORT:
            return PlainTextResponse("There is no such report.", 404)
        return page(path.read_text("utf-8", "replace"), REPORT_POLICY)

    def compare(request: Request) -> Response:
        names = list(dict.fromkeys(request.query_params.getlist("run")))[:MOST_COMPARED]
        runs = _chosen(watcher, names)
        if len(runs) < 2:
            return PlainTextResponse("Choose two or more finished runs on the board, then compare them.", 400)
        return page(comparison_page(runs), compared)

    def listing(request: Request) -> Response:
        return JSONResponse({"runs": [_summary(run) for run in watcher.runs()]})

    def events(request: Request) -> Response:
        run = watcher.run(request.path_params["name"])
        if run is None:
            return JSONResponse({"error": "There is no such run."}, 404)
        start = request.query_params.get("from", "0")
        found, following = new_events(
            run.folder, int(start) if start.isascii() and start.isdigit() and len(start) < 19 else 0
        )
        return Response(
            json.dumps({"state": run.state, "events": found, "next": following}, allow_nan=False),
            media_type="application/json",
        )

    texts: dict[str, tuple[Callable[[], str], str]] = {
        "/board.js": (script, "text/javascript"),
        "/board.css": (style, "text/css"),
    }
    routes = [
        Route("/", index),
        Route("/runs/{name}/report.html", report),
        Route("/compare", compare),
        Route("/api/runs", listing),
        Route("/api/runs/{name}/events", events),
        *(Route(path, _text(make, kind)) for path, (make, kind) in texts.items()),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_Door, gate=Gate(options))])


def run_board(folder: Path, options: ServeOptions, announce: Callable[[str], None]) -> None:
    """Serves until the process is told to stop. `announce` gets the address once the port is open.

    Raises RequestError for another address than this machine's, a folder that is not there, or a port that is taken.
    """
    if not is_loopback(options.host):
        raise RequestError(
            f"The board is for this machine alone, and {options.host} can be reached from others. Leave --host out."
        )
    if not folder.is_dir():
        raise RequestError(
            f"There is no folder {folder}. `netpick fit` makes runs in runs/; name another folder: netpick board FOLDER"
        )
    try:
        import uvicorn
    except ImportError:
        raise RequestError(
            "The board needs uvicorn, and it is not installed. Type: pip install uvicorn starlette"
        ) from None
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((options.host, options.port))
        listening.listen(64)  # so that the address answers once it is said
    except OSError as error:
        listening.close()
        raise RequestError(
            f"Port {options.port} cannot be opened ({error.strerror}). Pass another: netpick board --port 0"
        ) from None
    config = uvicorn.Config(
        make_board(folder, options),
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=64,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=2,
        lifespan="off",
    )
    host = f"[{options.host}]" if ":" in options.host else options.host
    announce(f"http://{host}:{listening.getsockname()[1]}/")
    uvicorn.Server(config).run(sockets=[listening])


class _Door:
    """Checks the Host, and adds the headers that every answer has."""

    def __init__(self, inside: Any, gate: Gate) -> None:
        self._inside, self._gate = inside, gate

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.datastructures import MutableHeaders
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            return

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {
                    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
                    **HEADERS,
                }.items():
                    headers.setdefault(name, value)
            await send(message)

        fault = said_twice(scope["headers"], b"/") or self._gate.check(
            dict(scope["headers"]), reads=scope["method"] in ("GET", "HEAD")
        )
        inside = self._inside if fault is None else PlainTextResponse(fault.message, fault.status)
        await inside(scope, receive, sending)


def _text(make: Callable[[], str], kind: str) -> Callable[[Request], Response]:
    from starlette.responses import Response

    return lambda request: Response(make(), media_type=kind)


def _chosen(watcher: Watcher, names: Sequence[str]) -> list[FinishedRun]:
    """Read anew: the board's own copies keep no predictions."""
    runs = [watcher.run(name) for name in names]
    return [read_run(run.folder, run.name) for run in runs if run is not None and run.finished is not None]


def _summary(run: RunSeen) -> dict[str, Any]:
    winner = None if run.finished is None else run.finished.report.verdict.winner
    return {"name": run.name, "state": run.state, "changed": run.changed, "winner": winner}
