"""The routes, their documentation, and the page. Requests to a model usually never get here: protocol.py takes them first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from netpick import __version__
from netpick.errors import near_matches
from netpick.serve import v2
from netpick.serve.continuing import Asked, TextStream, read_body
from netpick.serve.describe import schema_of
from netpick.serve.door import PAGE_HEADERS, held_body
from netpick.serve.faults import Fault, refuse
from netpick.serve.openapi import ANSWERS, document, operation
from netpick.serve.replies import JSON, Reply, reply_of
from netpick.serve.served import ServedModel
from netpick.serve.service import Route, Service

PAGE = Path(__file__).parent / "page"
OTHER_STYLES = {
    "report.css": Path(__file__).parent.parent / "report" / "page.css",
    "explain.css": Path(__file__).parent.parent / "report" / "explained.css",
}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
Handler = Callable[[Request], Awaitable[Response]]


def make_app(service: Service) -> FastAPI:
    """The application of a server."""
    app = FastAPI(
        title="netpick", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.add_exception_handler(HTTPException, _http_fault)
    app.add_exception_handler(Fault, _fault)

    def get(path: str, handler: Handler, name: str) -> None:
        app.add_api_route(path, handler, methods=["GET"], name=name, **operation(service, "get", path))

    def post(path: str, handler: Handler, name: str) -> None:
        app.add_api_route(path, handler, methods=["POST"], name=name, **operation(service, "post", path))

    async def api(request: Request) -> Response:
        return _json(document(app, service))

    async def models(request: Request) -> Response:
        return _json(
            {"models": [{"name": s.name, "title": s.model.parts.record.title} for s in service.models.values()]}
        )

    async def schema(request: Request) -> Response:
        return _json(schema_of(_served(service, request)))

    async def live(request: Request) -> Response:
        return _json({"live": True})

    async def ready(request: Request) -> Response:
        if service.draining:
            refuse("stopping", "The server is stopping: it answers what it has and takes nothing more.")
        if not await service.answers():
            refuse("out_of_time", "The server runs, but a model does not answer. Its log says more; restart it.")
        return _json({"ready": True})

    async def metrics(request: Request) -> Response:
        return Response(service.counters.text(), media_type=PROMETHEUS)

    _add_page(get, service)
    get("/openapi.json", api, "openapi")
    get("/models", models, "models")
    get("/schema", schema, "schema")
    get("/models/{model}/schema", schema, "model_schema")
    get("/health/live", live, "live")
    get("/health/ready", ready, "ready")
    get("/metrics", metrics, "metrics")
    for action in ("predict", "explain"):
        post(f"/{action}", _asking(service, action), action)
        post(f"/models/{{model}}/{action}", _asking(service, action), f"model_{action}")
    post("/generate", _continuing(service), "generate")
    post("/models/{model}/generate", _continuing(service), "model_generate")
    _add_v2(get, post, service)
    return app


def _add_page(get: Callable[..., None], service: Service) -> None:
    """The routes of the page and of its files."""
    pages = page_files()

    async def page(request: Request) -> Response:
        token = request.query_params.get("token")
        if service.gate.needs_token and token is not None:
            return _opened(service, token)
        return Response(pages["index.html"], media_type=TYPES[".html"], headers=dict(PAGE_HEADERS))

    async def page_file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in pages:
            refuse("not_found", f"There is no page file '{name[:60]}'.")
        return Response(pages[name], media_type=TYPES[Path(name).suffix])

    get("/", page, "page")
    get("/page/{name}", page_file, "page_file")


def _add_v2(get: Callable[..., None], post: Callable[..., None], service: Service) -> None:
    """The routes of the Open Inference Protocol."""

    async def server(request: Request) -> Response:
        return _json(v2.server_metadata(__version__))

    async def live(request: Request) -> Response:
        return _json({"live": True})

    async def ready(request: Request) -> Response:
        if service.draining:
            refuse("stopping", "The server is stopping.")
        if not await service.answers():
            refuse("out_of_time", "The server runs, but a model does not answer.")
        return _json({"ready": True})

    async def metadata(request: Request) -> Response:
        return _json(v2.model_metadata(_served(service, request)))

    async def model_ready(request: Request) -> Response:
        return _json({"name": _served(service, request).name, "ready": True})

    get("/v2", server, "v2_server")
    get("/v2/health/live", live, "v2_live")
    get("/v2/health/ready", ready, "v2_ready")
    for version in ("", "/versions/{version}"):
        get(f"/v2/models/{{model}}{version}", metadata, f"v2_model{bool(version)}")
        get(f"/v2/models/{{model}}{version}/ready", model_ready, f"v2_model_ready{bool(version)}")
        post(f"/v2/models/{{model}}{version}/infer", _asking(service, "infer"), f"v2_infer{bool(version)}")


def _asking(service: Service, action: str) -> Handler:
    async def ask(request: Request) -> Response:
        served = _served(service, request)
        label = request.scope["route"].path
        route = Route(action, served.name, label)
        headers = dict(request.scope["headers"])
        client = "" if request.client is None else request.client.host
        fault = service.early(route, headers, client)
        if fault is None:
            async with held_body(request.receive, service, client) as body:
                outcome = body if isinstance(body, Fault) else await service.answer(route, headers, body, client)
        else:
            outcome = fault
        return _response(reply_of(outcome, v2=route.is_v2) if isinstance(outcome, Fault) else outcome)

    return ask


def _continuing(service: Service) -> Handler:
    async def go_on(request: Request) -> Response:
        served = _served(service, request)
        headers = dict(request.scope["headers"])
        client = "" if request.client is None else request.client.host
        fault = service.early(Route("generate", served.name, request.scope["route"].path), headers, client)
        if fault is not None:
            return _response(reply_of(fault))
        async with held_body(request.receive, service, client) as body:
            asked: Asked | Fault = (
                body if isinstance(body, Fault) else await service.read_aside(partial(read_body, served, headers, body))
            )
        if isinstance(asked, Fault):
            return _response(reply_of(asked))
        seconds = service.limits.answer_seconds
        return TextStream(served, asked, service.texts.begin(served, asked.prompt, asked.sampling, seconds))

    return go_on


def _served(service: Service, request: Request) -> ServedModel:
    name = request.path_params.get("model")
    version = request.path_params.get("version", "1")
    if name is None:
        return service.first
    if name not in service.models or version != "1":
        what = f"version '{version[:20]}' of model '{name[:60]}'" if name in service.models else f"model '{name[:60]}'"
        refuse("not_found", f"There is no {what} here.{near_matches(name[:60], service.models)}")
    return service.models[name]


def _opened(service: Service, given: str) -> Response:
    """The page's first visit with the token: from then on a cookie carries it, and the address no longer shows it."""
    if not service.gate.is_token(given):
        raise Fault(code="unauthorized", message="This is not the server's token. Open the page as /?token=TOKEN.")
    response = Response(status_code=303, headers={"location": "/", **dict(PAGE_HEADERS)})
    response.set_cookie(service.gate.cookie, given, httponly=True, samesite="strict", path="/")
    return response


def page_files() -> Mapping[str, bytes]:
    """The page's own files, read once: a closed list, so that no path of a request ever reaches the disk."""
    own = {path.name: path.read_bytes() for path in sorted(PAGE.iterdir()) if path.suffix in TYPES}
    return {**own, **{name: path.read_bytes() for name, path in OTHER_STYLES.items() if path.is_file()}}


def _json(content: object) -> Response:
    return Response(to_json(content, inf_nan_mode="null"), media_type=JSON)


def _response(reply: Reply) -> Response:
    return Response(reply.content, status_code=reply.status, media_type=reply.content_type, headers=dict(reply.headers))


async def _fault(request: Request, error: Exception) -> Response:
    assert isinstance(error, Fault)
    return _response(reply_of(error, v2=request.url.path.startswith("/v2")))


async def _http_fault(request: Request, error: Exception) -> Response:
    """What the router refuses, in the same words as everything else."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        allowed = headers.get("Allow") or headers.get("allow") or "GET"
        fault = Fault(
            code="method_not_allowed",
            message=f"{request.method[:20]} is not answered here. Use {allowed}.",
            headers={"allow": allowed},
        )
    else:
        known = ", ".join(ANSWERS)
        fault = Fault(code="not_found", message=f"There is nothing at {request.url.path[:80]!r}. Known: {known}.")
    return await _fault(request, fault)


def described(service: Service) -> dict[str, Any]:
    """The OpenAPI document, for tools that want it without a server."""
    return document(make_app(service), service)
