"""The little of YAML that sets of pictures are described in: keys with a word, a list or a mapping of words. Nothing else is read.

No anchors, tags, documents or nested mappings: those are refused, and nothing in a file is ever an instruction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Value = str | list[str] | dict[str, str]
MOST_BYTES = 1 << 20
KEY = re.compile(r"([A-Za-z_][\w.-]*|\d+|'[^']*'|\"[^\"]*\")\s*:(?:\s+(.*))?$")
REFUSED = ("&", "*", "!", "|", ">", "%", "@", "`")


def read_plain_yaml(text: str) -> Mapping[str, Value]:
    """The entries of a file. Raises ValueError with the line for what is not of this subset; nested entries are passed over."""
    made: dict[str, Value] = {}
    key, started = "", 0
    held: list[str] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = _without_comment(raw).rstrip()
        if held:
            held.append(line.strip())
            if _is_closed(" ".join(held)):
                made[key] = _flow(" ".join(held), started)
                held = []
            continue
        if not line.strip() or line.strip() == "---":
            continue
        indented, line = line[:1].isspace(), line.strip()
        if (indented or line.startswith("- ")) and key:
            _add(made, key, line, number)
            continue
        match = KEY.match(line)
        if match is None:
            raise ValueError(f"line {number} is {line[:40]!r}, but 'key: value' was expected")
        key, value = _word(match[1], number), (match[2] or "").strip()
        if value.startswith(("[", "{")):
            if _is_closed(value):
                made[key] = _flow(value, number)
            else:
                held, started = [value], number
            continue
        made[key] = _word(value, number)
    if held:
        raise ValueError(f"the list that begins in line {started} does not end")
    return made


def _add(made: dict[str, Value], key: str, line: str, number: int) -> None:
    known = made.get(key)
    if line.startswith("- "):
        if isinstance(known, dict):
            raise ValueError(f"line {number} is of a list, but {key!r} is a mapping")
        made[key] = [*(known if isinstance(known, list) else []), _word(line[2:].strip(), number)]
        return
    match = KEY.match(line)
    if match is None or isinstance(known, list):
        return  # what is nested deeper is of no interest
    made[key] = {
        **(known if isinstance(known, dict) else {}),
        _word(match[1], number): _word((match[2] or "").strip(), number),
    }


def _flow(text: str, number: int) -> Value:
    inside = text.strip()[1:-1]
    parts = [part.strip() for part in re.findall(r"(?:'[^']*'|\"[^\"]*\"|[^,])+", inside) if part.strip()]
    if text.strip().startswith("["):
        return [_word(part, number) for part in parts]
    pairs = [part.partition(":") for part in parts]
    return {_word(name.strip(), number): _word(value.strip(), number) for name, _, value in pairs}


def _is_closed(text: str) -> bool:
    return text.rstrip().endswith("]" if text.lstrip().startswith("[") else "}")


def _word(text: str, number: int) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.startswith(REFUSED):
        raise ValueError(f"line {number} is {text[:40]!r}, but plain words were expected")
    return text


def _without_comment(line: str) -> str:
    quote = ""
    for place, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and (place == 0 or line[place - 1].isspace()):
            return line[:place]
    return line
