"""HTML from Python values: everything is escaped unless it was built here.

There is one way to make markup, `element`, and it escapes each child and attribute that is not `Html` already; so a class
called `</script><img onerror=...>` can only ever be text. Not a template language: a section is a function that returns
`Html`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

VOID = frozenset({"img", "br", "hr", "meta", "link", "input"})


class Html(str):
    """Text that is markup already and must not be escaped again."""

    __slots__ = ()


Child = str | int | float | None | Iterable[Any]


def markup(child: Child) -> Html:
    """Turns a child into markup: `Html` stays, None vanishes, a list is joined, anything else is escaped text."""
    if child is None:
        return Html("")
    if isinstance(child, Html):
        return child
    if isinstance(child, str | int | float):
        return Html(escape(str(child), quote=False))
    return Html("".join(markup(part) for part in child))


def element(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """An element. Attribute names: `class_` is class, `data_label` is data-label; None and False leave it out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{markup(children)}</{name}>")


def join(parts: Iterable[Child], separator: Child = "") -> Html:
    """Children in a row, with a separator between them."""
    return Html(markup(separator).join(markup(part) for part in parts))


def json_block(value: Mapping[str, Any], identifier: str) -> Html:
    """Data for the page's script, as JSON that cannot end the element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return element("script", Html(safe), type="application/json", id=identifier)
