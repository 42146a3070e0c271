"""The API's documentation as OpenAPI 3.1, with the fields and an example of the model that is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from netpick import __version__
from netpick.data.decoders import DECODERS
from netpick.saved.generating import Sampling
from netpick.serve.continuing import STREAM
from netpick.serve.describe import example_body, row_schema
from netpick.serve.faults import CODES
from netpick.serve.options import Limits
from netpick.serve.sentences import TOKENS_SCHEMA, ServedSentences
from netpick.serve.served import ServedModel
from netpick.serve.service import Service
from netpick.serve.v2 import DTYPES, inputs_of

# What a path is for, in the order in which a newcomer should meet them.
ANSWERS: Mapping[str, str] = {
    "/": "The page",
    "/predict": "Answers for rows: JSON, a form, files, or a CSV",
    "/explain": "What the network goes by, for one row",
    "/generate": "A text that is continued, as server-sent events",
    "/schema": "What the model reads, what it is worth, and its card",
    "/models": "The models of this server",
    "/health/live": "Whether the server runs",
    "/health/ready": "Whether it takes requests",
    "/metrics": "Counts and durations in Prometheus' format",
    "/openapi.json": "This document",
    "/v2": "The Open Inference Protocol",
}
ERROR = {"$ref": "#/components/schemas/Error"}
V2_ERROR = {"$ref": "#/components/schemas/InferenceError"}


def operation(service: Service, method: str, path: str) -> dict[str, Any]:
    """What FastAPI is told of a route."""
    v2 = path.startswith("/v2")
    action = path.rpartition("/")[2]
    faults = {status: _content(V2_ERROR if v2 else ERROR) for status in _statuses(method, path)}
    extra: dict[str, Any] = {}
    served = service.first
    if action == "generate":
        extra["requestBody"] = _prompt_body(service.limits)
    elif method == "post":
        extra["requestBody"] = _infer_body(served) if action == "infer" else _rows_body(served, csv=action == "predict")
    summary = ANSWERS.get(path) or {
        "infer": "Answers for tensors, a column each",
        "ready": "Whether a model takes requests",
    }.get(action)
    shown = not path.startswith(("/page", "/openapi")) and path != "/"
    if action == "generate":
        shown = any(one.continues() is not None for one in service.models.values())
    return {
        "response_model": None,
        "include_in_schema": shown,
        "summary": summary,
        "responses": {200: _success(path, action, served), **faults},
        "openapi_extra": extra,
    }


def document(app: FastAPI, service: Service) -> dict[str, Any]:
    """The whole document."""
    description = get_openapi(
        title=f"netpick: {service.first.model.parts.record.title}",
        version=__version__,
        description="Every error is typed: a code for programs, a sentence for people, and the field and row where one is to blame.",
        routes=app.routes,
    )
    schemas = description.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas |= {"Error": _error(), "InferenceError": _inference_error(), "Row": row_schema(service.first)}
    if service.gate.needs_token:
        description["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        description["security"] = [{"token": []}]
    names = list(service.models)
    for path, methods in description["paths"].items():
        parameters = []
        if "{model}" in path:
            parameters.append(
                {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "enum": names}}
            )
        if "{version}" in path:
            parameters.append(
                {"name": "version", "in": "path", "required": True, "schema": {"type": "string", "enum": ["1"]}}
            )
        for described in methods.values():
            described["parameters"] = parameters
            described["responses"].pop("422", None) if "requestBody" not in described else None
    return description


def _statuses(method: str, path: str) -> tuple[int, ...]:
    found: tuple[int, ...] = (401, 403)
    if "{model}" in path or "{name}" in path:
        found += (404,)
    if method == "post":
        found += (400, 408, 413, 415, 422, 429, 500, 503)
    if path.endswith(("explain", "generate")):
        found += (501,)
    if path.endswith("ready"):
        found += (503,)
    return tuple(sorted(set(found)))


def _content(schema: Mapping[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"description": "Refused, and why.", "content": {kind: {"schema": schema}}}


def _success(path: str, action: str, served: ServedModel) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    content: dict[str, Any] = {}
    if path == "/metrics":
        return {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    if action == "generate":
        return {
            "description": "Events: start, pieces of text, end.",
            "content": {STREAM: {"schema": {"type": "string"}}},
        }
    if action == "predict":
        schema = _predictions(served)
        content["text/csv"] = {"schema": {"type": "string"}}
    elif action == "explain":
        schema = _figures()
    elif action == "infer":
        schema = _inferred()
        content["application/octet-stream"] = {
            "schema": {"type": "string", "contentMediaType": "application/octet-stream"}
        }
    elif action in ("live", "ready") and "models" not in path:
        schema = {"type": "object", "properties": {action: {"const": True}}, "required": [action]}
    return {"description": "Answered.", "content": {"application/json": {"schema": schema}, **content}}


def _rows_body(served: ServedModel, *, csv: bool) -> dict[str, Any]:
    rows = {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Row"},
        "minItems": 1,
        "maxItems": served.limits.rows,
    }
    json_body: dict[str, Any] = {"schema": {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}}
    example = example_body(served)
    if example is not None:
        json_body["examples"] = {"a history" if served.example_history else "a row": {"value": example}}
    content: dict[str, Any] = {"application/json": json_body}
    if served.reads_one_file:
        kind = {"image": "image/png", "audio": "audio/wav"}.get(served.encoders[0].kind, "video/mp4")
        binary = {"type": "string", "contentMediaType": kind}
        files = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
        form = {"type": "object", "properties": {"files": files}, "required": ["files"]}
        content |= {"multipart/form-data": {"schema": form}, kind: {"schema": binary}}
    elif csv and not any(encoder.kind in DECODERS for encoder in served.encoders):
        content["text/csv"] = {"schema": {"type": "string"}}
    return {"required": True, "content": content}


def _prompt_body(limits: Limits) -> dict[str, Any]:
    """The fields of a prompt, with what each is where it is left out."""
    kinds = {int: "integer", float: "number"}
    settings = asdict(Sampling())
    properties = {name: {"type": kinds[type(value)], "default": value} for name, value in settings.items()}
    bounds: dict[str, dict[str, float]] = {
        "tokens": {"minimum": 1, "maximum": limits.new_symbols},
        "temperature": {"minimum": 0, "maximum": 100},
        "top_k": {"minimum": 0},
        "top_p": {"exclusiveMinimum": 0, "maximum": 1},
        "seed": {"minimum": 0, "exclusiveMaximum": 1 << 63},
    }
    schema = {
        "type": "object",
        "properties": {
            "prompt": {"type": "string", "default": ""},
            **{name: {**said, **bounds[name]} for name, said in properties.items()},
        },
        "additionalProperties": False,
    }
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _infer_body(served: ServedModel) -> dict[str, Any]:
    tensor = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "enum": [i["name"] for i in inputs_of(served)]},
            "datatype": {"type": "string", "enum": ["BYTES", *DTYPES]},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 6},
            "data": {"type": "array"},
            "parameters": {"type": "object"},
        },
        "required": ["name", "datatype", "shape"],
    }
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "maxLength": 256},
            "inputs": {"type": "array", "items": tensor, "minItems": 1},
            "outputs": {"type": "array", "items": {"type": "object", "required": ["name"]}},
            "parameters": {"type": "object"},
        },
        "required": ["inputs"],
    }
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _predictions(served: ServedModel) -> dict[str, Any]:
    warnings = {
        "type": "array",
        "items": {"type": "string"},
        "description": "What is unlike anything in the training data.",
    }
    answer = served.answer_kind.json_schema(served.model.labels, served.model.parts.task_state)
    beside = TOKENS_SCHEMA if isinstance(served, ServedSentences) else {}
    row = {**beside, **answer, "warnings": warnings}
    items = {"type": "object", "properties": row, "required": list(row)}
    return {
        "type": "object",
        "properties": {
            "model": {"type": "string"},
            "predictions": {"type": "array", "items": items},
            "threshold": {"type": "number", "description": "From which probability on the second class is called."},
            "coverage": {"type": "number", "description": "The share of rows whose truth lies between low and high."},
        },
        "required": ["model", "predictions"],
    }


def _figures() -> dict[str, Any]:
    text = {"type": "string"}
    figure = {"type": "object", "properties": {"title": text, "html": text}, "required": ["title", "html"]}
    return {
        "type": "object",
        "properties": {"model": text, "figures": {"type": "array", "items": figure}},
        "required": ["model", "figures"],
    }


def _inferred() -> dict[str, Any]:
    text = {"type": "string"}
    output = {
        "type": "object",
        "properties": {
            "name": text,
            "datatype": text,
            "shape": {"type": "array", "items": {"type": "integer"}},
            "data": {"type": "array"},
        },
        "required": ["name", "datatype", "shape"],
    }
    return {
        "type": "object",
        "properties": {"model_name": text, "outputs": {"type": "array", "items": output}},
        "required": ["model_name", "outputs"],
    }


def _error() -> dict[str, Any]:
    details = {
        "code": {"type": "string", "enum": sorted(CODES)},
        "message": {"type": "string"},
        "field": {"type": "string"},
        "row": {"type": "integer"},
    }
    inner = {"type": "object", "properties": details, "required": ["code", "message"], "additionalProperties": False}
    return {"type": "object", "properties": {"error": inner}, "required": ["error"], "additionalProperties": False}


def _inference_error() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "error": text,
            "code": {"type": "string", "enum": sorted(CODES)},
            "field": text,
            "row": {"type": "integer"},
        },
        "required": ["error", "code"],
        "additionalProperties": False,
    }
