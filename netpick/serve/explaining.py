"""Explanations on demand. They need the network itself, so torch is imported with the first one, and only then."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path

from pydantic_core import to_json

from netpick.errors import RequestError
from netpick.saved.folder import sha256_of
from netpick.saved.parts import NoNetworkError
from netpick.saved.use import Model, load
from netpick.serve import forms
from netpick.serve.calls import FileCall, TextCall
from netpick.serve.faults import refuse
from netpick.serve.replies import Reply
from netpick.serve.served import ServedModel
from netpick.serve.wanted import still_wanted

_networks: dict[Path, Model] = {}
_loading = threading.Lock()


def explain(served: ServedModel, body: bytes, content_type: str) -> Reply:
    """{"figures": [{"title", "html"}, ...]} for the first row of a body as `predict` takes it. Raises Fault."""
    data = _data(served, body, content_type)
    still_wanted()
    model = _network(served)
    from netpick.explain import explain_one, figure_html

    figures = [
        {"title": figure.title, "html": figure_html(figure)} for figure in explain_one(model, data, still_wanted)
    ]
    return Reply(to_json({"model": served.name, "figures": figures}))


def _network(served: ServedModel) -> Model:
    """The model on torch: as it is served, or from the model file that was named. Raises Fault where there is none."""
    if not served.model.parts.record.is_network:
        refuse("not_supported", str(NoNetworkError(served.model.parts.record)))
    if served.model.engine.name == "torch":
        return served.model
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("captum") is None:
        refuse("not_supported", "Explanations need torch and captum, which are not installed beside this server.")
    with _loading:
        if served.path not in _networks:
            if served.path.suffix != ".netpick":
                refuse(
                    "not_supported",
                    "Explanations need the network itself, but this server was given an exported graph. Serve the model file: "
                    "netpick serve RUN/model.netpick",
                )
            if sha256_of(served.path) != served.sha256:
                refuse(
                    "not_supported",
                    "The model file was replaced since the server started, so an explanation would be that of another network. "
                    "Restart the server.",
                )
            try:
                _networks[served.path] = load(served.path, "torch")
            except RequestError as error:
                refuse("not_supported", str(error))
        return _networks[served.path]


def _data(served: ServedModel, body: bytes, content_type: str) -> object:
    """The first row as a source, or the history of a forecast as a frame. Raises Fault."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        parts = forms.read_form(body, content_type, served.limits)
        tables = [part for part in parts if part.is_table]
        if tables:
            return forms.read_table(served, tables[0].data)
        return served.source(forms.rows_of_parts(served, parts))
    if kind == "text/csv":
        return forms.read_table(served, body)
    if kind == "text/plain" and len(served.encoders) == 1 and served.encoders[0].kind == "text":
        return served.source(TextCall(served).read(body))
    if served.reads_one_file and kind.partition("/")[0] in ("image", "audio", "video"):
        return served.source(FileCall(served).read(body))
    return served.asked(body)
