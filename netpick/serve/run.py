"""Starting and stopping: models are loaded, a socket is opened, and SIGTERM lets accepted requests end before the process does."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import json
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import uvicorn

from netpick.errors import RequestError, near_matches
from netpick.saved.folder import exported_beside, is_exported, read_exported, sha256_of
from netpick.saved.parts import peek_record
from netpick.saved.use import ENGINES, Model, candidate_of, load
from netpick.serve.app import make_app
from netpick.serve.door import Door
from netpick.serve.models import served_model
from netpick.serve.options import ServeOptions, is_loopback
from netpick.serve.protocol import protocol_for
from netpick.serve.served import ServedModel
from netpick.serve.service import Service

LAME_SECONDS = 0.3  # that idle connections stay open after SIGTERM: a request may be on its way
SWITCH_SECONDS = (
    0.0002  # of two threads that want the interpreter; Python waits 5 ms, which is as long as a whole batch
)
BACKLOG = 4096
DOORS = 8  # copies of the listening socket; one more costs 3 us a connection
LEAVE_SECONDS = 0.01

log = logging.getLogger("netpick.serve")


def load_models(paths: Sequence[Path], options: ServeOptions) -> list[ServedModel]:
    """The models, each with a name of its own. Raises RequestError, ModelFileError."""
    if options.engine not in ENGINES:
        raise RequestError(f"There is no engine '{options.engine}'.{near_matches(options.engine, ENGINES)}")
    served: list[ServedModel] = []
    taken: set[str] = set()
    for path in paths:
        place = path / "model.netpick" if path.is_dir() and (path / "model.netpick").is_file() else path
        if options.candidate is not None:
            place = candidate_of(path, options.candidate)
        name = base = _name(place)
        number = 2
        while name in taken:
            name = f"{base}-{number}"
            number += 1
        taken.add(name)
        identity = sha256_of(place) if place.is_file() else ""
        model = _load(place, options.engine)
        model = model if options.beam is None else model.with_beam(options.beam)
        served.append(served_model(name, place, model, options.limits, identity))
    return served


def _load(path: Path, engine: str) -> Model:
    """On onnxruntime where the model was exported, which answers single rows several times as fast; else on torch."""
    threads = max(1, _cores() - 1)  # the event loop needs one
    folder = path if is_exported(path) else None
    if folder is None and engine in ("auto", "onnx"):
        try:
            folder = exported_beside(path)
        except RequestError:
            if engine == "onnx":
                raise
    if folder is not None and engine != "torch":
        try:
            parts, graph = read_exported(folder, threads=threads)
        except RequestError:
            if engine == "onnx" or folder == path:
                raise
        else:
            return Model(parts=parts, engine=graph)
    if not peek_record(path).is_network:
        return load(path, engine)
    model = load(path, "torch")
    import torch

    torch.set_num_threads(threads)
    return model


def _name(path: Path) -> str:
    """What a model is called in addresses: adult for adult.netpick, demo-digits for demo-digits/model.netpick."""
    plain = path.absolute()
    while plain.name in ("model.netpick", "onnx", "model"):
        plain = plain.parent
    told = plain.stem.removesuffix("-onnx") if plain.suffix == ".netpick" else plain.name.removesuffix("-onnx")
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in told).strip("-.")
    return safe[:60] or "model"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class Server(uvicorn.Server):
    """uvicorn's server with a drain of its own: nothing that was sent on an open connection is lost."""

    def __init__(
        self, config: uvicorn.Config, service: Service, listener: socket.socket, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._service, self._listener, self._ready = service, listener, ready

    def serve_until_stopped(self) -> None:
        """On copies of the listening socket: the loop takes in one connection of each a turn, and a turn may be long."""
        self.run(sockets=[self._listener.dup() for _ in range(DOORS)])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C stop the server, which then exits with 0: a stop that was asked for is no failure."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._service.start(asyncio.get_running_loop())
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            self._check_time(time.monotonic())
        return await super().on_tick(counter)

    def _check_time(self, now: float) -> None:
        unread = 0
        for connection in list(self.server_state.connections):
            connection.check_time(now)  # type: ignore[union-attr]
            unread += connection.unread  # type: ignore[union-attr]
        self._service.unread = unread

    async def _take_in_last(self) -> None:
        """Takes in whom the system has accepted for us, and closes the socket with nobody left before it."""
        waiting = []
        with contextlib.suppress(OSError):  # BlockingIOError: nobody is left
            while True:
                waiting.append(self._listener.accept()[0])
        self._listener.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            connection.setblocking(False)
            await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return made

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.draining = True
        log.info("stopping", extra={"connections": len(self.server_state.connections)})
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        await asyncio.sleep(LEAVE_SECONDS)  # the loop lets go of its copies; clients still find the socket open
        await self._take_in_last()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        ends = time.monotonic() + self._service.limits.drain_seconds
        lame = time.monotonic() + LAME_SECONDS
        while self.server_state.connections and time.monotonic() < ends and not self.force_exit:
            await asyncio.sleep(0.02)
            now = time.monotonic()
            if now > lame:
                for connection in list(self.server_state.connections):
                    connection.close_if_idle()  # type: ignore[union-attr]
                    connection.check_time(now)  # type: ignore[union-attr]
        for task in self.server_state.tasks:
            task.cancel()
        self._service.stop()
        counters = self._service.counters
        log.info("stopped", extra={"requests": counters.begun, "answered": counters.ended})


def serve(paths: Sequence[Path], options: ServeOptions, say: Callable[[str], None]) -> None:
    """Serves until it is told to stop. `say` gets lines for people. Raises NetpickError before anything is answered."""
    started = time.perf_counter()
    _start_logging()
    models = load_models(paths, options)
    _warm()
    listener = _listen(options)
    port = listener.getsockname()[1]
    service = Service(models, replace(options, port=port))  # cookies are told apart by the port

    def ready() -> None:
        seconds = time.perf_counter() - started
        for served in service.models.values():
            say(f"{served.name}: {served.model.parts.record.title}, on {served.model.engine.name}")
        if not is_loopback(options.host):
            say(
                f"{options.host} can be reached from other machines, and HTTP is not encrypted: requests and the token can be read "
                "on the way. Put a gateway with TLS in front."
            )
        say(f"Ready after {seconds:.1f} s. Open {address(options, port)}  (Ctrl-C stops it)")
        log.info("ready", extra={"port": port, "models": list(service.models), "seconds": round(seconds, 3)})

    config = uvicorn.Config(
        Door(service, make_app(service)),
        http=protocol_for(service),
        loop=_loop(),
        lifespan="off",
        ws="none",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=int(options.limits.header_seconds) + 5,  # ours is kept by check_time
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()  # what stays for good is not looked through again in the middle of an answer
    _allow_connections(options.limits.connections)
    Server(config, service, listener, ready).serve_until_stopped()


def _warm() -> None:
    """Lets polars make its threads and its first use now: a first use without free descriptors would break it for good."""
    buffer = io.BytesIO()
    pl.read_csv(b"a,b\n1,x\n").write_csv(buffer)


def address(options: ServeOptions, port: int) -> str:
    """Where to open the page."""
    host = "localhost" if is_loopback(options.host) or options.host in ("0.0.0.0", "::") else options.host
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/" + ("?token=TOKEN" if options.token else "")


def _listen(options: ServeOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.host, options.port))
        listener.listen(BACKLOG)
    except OSError as error:
        raise RequestError(
            f"{options.host}:{options.port} cannot be listened on: {error.strerror or error}. Pass another --port (0 takes a free "
            "one) or --host."
        ) from None
    listener.setblocking(False)
    return listener


def _loop() -> str:
    try:
        import uvloop  # noqa: F401
    except ImportError:
        return "asyncio"
    return "uvloop"


def _allow_connections(wanted: int) -> None:
    """Each takes a file descriptor; systems allow fewer than they can until asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + 256
    if soft < needed:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard)
            )


class _Lines(logging.Formatter):
    """One JSON object a line. What a request held is never among them."""

    STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in self.STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _where(record.exc_info[1])
        return json.dumps(line, default=str)


def _where(error: BaseException) -> dict[str, object]:
    """An error's type and places, without its words: they may quote what a client sent."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "at": [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[-8:]]}


def _start_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    for name in ("netpick.serve", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False
