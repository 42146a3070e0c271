"""POST /generate: a prompt that is continued, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

First an event `start` with the seed and what is to be said of the prompt, then messages with pieces of the text, then an event `end` that
says why it ends: `length`, `time` or `failed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from pydantic_core import from_json, to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from netpick.errors import RequestError, near_matches
from netpick.saved.generating import Prompt, Sampling, expected, read_prompt
from netpick.serve.faults import refuse, require_few, shown
from netpick.serve.gate import Headers
from netpick.serve.generations import Generation
from netpick.serve.options import Limits
from netpick.serve.served import ServedModel

STREAM = "text/event-stream"
LONGEST_SYMBOL = 16  # characters that are looked at for each symbol of a prompt that may be read
WORDS: Mapping[type, str] = {str: "a text", int: "a whole number", float: "a number"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is continued, and how."""

    prompt: Prompt
    sampling: Sampling


def read_body(served: ServedModel, headers: Headers, body: bytes) -> Asked:
    """{"prompt", "tokens"?, "temperature"?, "top_k"?, "top_p"?, "seed"?}. Raises Fault."""
    if served.continues() is None:
        task = served.model.parts.task
        refuse(
            "not_supported",
            f"'{served.name}' does something else ({task.name}), but generating continues a text. Ask a model that was trained on one.",
        )
    kind = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if kind != "application/json":
        refuse(
            "unsupported_type",
            f"A body of type '{kind[:60]}' was sent, but application/json was expected. With curl: -H 'Content-Type: application/json'.",
        )
    given = _fields(body, served.limits)
    text = given.pop("prompt", "")
    return Asked(prompt=_prompt(served, text), sampling=Sampling(**given))


def _fields(body: bytes, limits: Limits) -> dict[str, Any]:
    """The body's fields, each of its type and within its range. Raises Fault."""
    require_few(body, limits)
    try:
        content = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        refuse("invalid_json", f"The body is no JSON ({str(error)[:120]}).")
    if not isinstance(content, dict):
        refuse("invalid_value", f'The body is {shown(content)}, but an object was expected: {{"prompt": "..."}}.')
    types: dict[str, type] = {"prompt": str, **{name: type(value) for name, value in asdict(Sampling()).items()}}
    for name, value in content.items():
        if name not in types:
            refuse("invalid_value", f"There is no field {shown(name)}.{near_matches(name[:40], types)}", field=name)
        words = _expected(name, value, types[name], limits)
        if words is not None:
            refuse("invalid_value", f"'{name}' is {shown(value)}, but {words} was expected.", field=name)
    return content


def _expected(name: str, value: Any, kind: type, limits: Limits) -> str | None:
    """What a field should hold, in words, where it holds something else."""
    if type(value) not in ((int, float) if kind is float else (kind,)):  # a bool is no number here
        return WORDS[kind]
    if kind is str:
        return None
    return f"1 to {limits.new_symbols:,}" if name == "tokens" and value > limits.new_symbols else expected(name, value)


def _prompt(served: ServedModel, text: str) -> Prompt:
    """The prompt's end. Raises Fault."""
    most = served.limits.prompt
    end = text[-LONGEST_SYMBOL * most :]
    try:
        read = read_prompt(served.model, end, most)
    except RequestError as error:
        refuse("invalid_value", str(error), field="prompt")
    if len(end) == len(text):
        return read
    remark = f"The prompt has {len(text):,} characters; what stands before its last {len(end):,} was left out."
    return replace(read, remarks=(remark, *read.remarks))


class TextStream(Response):
    """The events of one text."""

    def __init__(self, served: ServedModel, asked: Asked, generation: Generation) -> None:
        super().__init__(media_type=STREAM, headers={"x-accel-buffering": "no"})  # nginx would keep them together
        self._generation = generation
        settings = {one.name: getattr(asked.sampling, one.name) for one in fields(Sampling)}
        self._start = {"model": served.name, **settings, "warnings": list(asked.prompt.remarks)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends pieces as they are drawn, several as one where they came together; ends the drawing with the client."""
        generation = self._generation
        leaving = asyncio.ensure_future(_left(receive))
        leaving.add_done_callback(lambda _: generation.drop())
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send(_message(_event(self._start, "start")))
            while not generation.dropped:
                await generation.news.wait()
                generation.news.clear()
                ended = generation.ended
                text = "".join(generation.written.popleft() for _ in range(len(generation.written)))
                if text and not generation.dropped:
                    await send(_message(_event({"text": text})))
                if ended is not None:
                    last = {"reason": ended, "tokens": generation.symbols}
                    await send({**_message(_event(last, "end")), "more_body": False})
                    return
        finally:
            generation.drop()
            leaving.cancel()


async def _left(receive: Receive) -> None:
    """Until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(content: Mapping[str, object], name: str | None = None) -> bytes:
    """JSON has no line breaks, so one line of data holds it."""
    return (b"" if name is None else b"event: %b\n" % name.encode()) + b"data: %b\n\n" % to_json(content)


def _message(event: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": event, "more_body": True}
