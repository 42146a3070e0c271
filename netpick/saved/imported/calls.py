"""What the layers of a graph read, as Keras 3 writes it and as Keras 1 and 2 did, and in which order they follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from netpick.disk.strict import RefusedError

NEUTRAL: tuple[Any, ...] = (None, False)  # of a setting that this version does not know


class named:
    """Puts the layer's name before what is wrong with it."""

    def __init__(self, name: str, kind: str) -> None:
        self.words = f"its layer '{name[:80]}' ({kind[:60]})"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RefusedError):
            raise RefusedError(f"{self.words} {error}") from None


def neutral(name: str, value: Any) -> bool:
    """Whether a setting that this version does not know is not set."""
    return (
        any(value is one for one in NEUTRAL) or (name == "groups" and value == 1) or name.endswith(("_shape", "_spec"))
    )


def calls(layer: Mapping[str, Any], name: str) -> tuple[list[str], dict[str, Any]]:
    """The layers that a layer of a graph reads, and what is set where it is called."""
    made = layer.get("inbound_nodes") or []
    if not isinstance(made, list):
        raise RefusedError(f"its layer '{name[:80]}' does not say what it reads")
    if len(made) > 1:
        raise RefusedError(
            f"its layer '{name[:80]}' is used {len(made)} times (shared), and layers that are used once are read"
        )
    if not made:
        return [], {}
    with named(name, str(layer.get("class_name"))):
        if isinstance(made[0], dict):
            return _call(layer, made[0])
        return _old_call(made[0])


def _call(layer: Mapping[str, Any], call: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """One call as Keras 3 writes it."""
    given, extra = call.get("args"), call.get("kwargs")
    if not isinstance(given, list) or not isinstance(extra, dict):
        raise RefusedError("does not say what it reads")
    reads, constants = list[str](), list[Any]()
    for one in given[0] if len(given) == 1 and isinstance(given[0], list) else given:
        (reads if _is_tensor(one) else constants).append(_history(one) if _is_tensor(one) else one)
    settings: dict[str, Any] = {}
    if constants:
        if layer.get("class_name") != "NotEqual" or len(constants) != 1 or type(constants[0]) not in (int, float):
            raise RefusedError(f"computes with the constant {str(constants[0])[:60]}. Use a Rescaling layer instead")
        settings["other"] = constants[0]
    for key in ("query", "value", "key"):
        if _is_tensor(extra.get(key)):
            reads.append(_history(extra[key]))
    if _is_tensor(extra.get("mask")):
        settings |= {"mask": _history(extra["mask"]), "args": tuple(reads)}
        reads.append(settings["mask"])
    _require_plain({k: v for k, v in extra.items() if k not in ("query", "value", "key", "mask")}, settings)
    if extra.get("mask") is not None and "mask" not in settings:
        raise RefusedError("is called with several masks")
    return reads, settings


def _old_call(call: Any) -> tuple[list[str], dict[str, Any]]:
    """One call as Keras 1 and 2 write it: [name, node, tensor, settings] for each input."""
    if isinstance(call, list) and len(call) in (3, 4) and isinstance(call[0], str):
        call = [call]
    if not isinstance(call, list) or not call:
        raise RefusedError("does not say what it reads")
    reads, settings = list[str](), dict[str, Any]()
    for one in call:
        if not isinstance(one, list) or len(one) not in (3, 4) or not isinstance(one[0], str):
            raise RefusedError("reads something that is no output of a layer")
        if one[0] == "_CONSTANT_VALUE" or one[2] != 0:
            raise RefusedError("reads a constant, or one of several outputs of a layer")
        reads.append(one[0])
        extra = one[3] if len(one) == 4 else {}
        if not isinstance(extra, dict):
            raise RefusedError("does not say what it reads")
        for key in ("query", "value", "key"):
            if isinstance(extra.get(key), list) and extra[key]:
                reads.append(str(extra[key][0]))
        _require_plain({k: v for k, v in extra.items() if k not in ("query", "value", "key")}, settings)
    return reads, settings


def _require_plain(extra: Mapping[str, Any], settings: dict[str, Any]) -> None:
    """Raises RefusedError for what a call sets and this version does not know."""
    for name, value in extra.items():
        if name == "use_causal_mask" and isinstance(value, bool):
            settings[name] = value
        elif name not in ("training", "name") and not neutral(name, value):
            raise RefusedError(f"is called with {name[:60]}, which this version does not know")


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _history(value: Mapping[str, Any]) -> str:
    config = value.get("config")
    history = config.get("keras_history") if isinstance(config, dict) else None
    if not isinstance(history, list) or len(history) != 3 or not isinstance(history[0], str):
        raise RefusedError("reads something that is no output of a layer")
    if history[2] != 0:
        raise RefusedError("reads one of several outputs of a layer")
    return history[0]


def in_order(reads: Mapping[str, Sequence[str]], last: str) -> Iterator[str]:
    """Names of what `last` needs, each behind what it reads. Raises RefusedError for circles and for names that are not there."""
    state: dict[str, int] = {}
    stack = [(last, False)]
    while stack:
        name, ready = stack.pop()
        if ready:
            state[name] = 2
            yield name
            continue
        if state.get(name) == 2:
            continue
        if name not in reads:
            raise RefusedError(f"a layer of it reads '{name[:80]}', which it does not have")
        if state.get(name) == 1:
            raise RefusedError(f"its layer '{name[:80]}' reads what comes of itself")
        state[name] = 1
        stack.append((name, True))
        for read in reads[name]:
            if state.get(read) == 1:
                raise RefusedError(f"its layer '{name[:80]}' reads what comes of itself")
            if state.get(read) != 2:
                stack.append((read, False))
