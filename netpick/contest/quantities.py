"""Texts that stand for amounts: seconds, bytes, and the size of a picture."""

from __future__ import annotations

from netpick.errors import RequestError


def parse_duration(text: str | float) -> float:
    """Seconds from 90, "90", "90s", "2m", "1.5h". Raises RequestError for anything else."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "ms": 0.001, "min": 60.0, "sec": 1.0}
    if not isinstance(text, str):
        seconds = float(text)
    else:
        digits = text.strip().lower().rstrip("abcdefghijklmnopqrstuvwxyz ")
        unit = text.strip().lower()[len(digits) :].strip() or "s"
        try:
            seconds = float(digits) * units[unit]
        except (ValueError, KeyError):
            raise RequestError(
                f"A budget of '{text}' cannot be read. Pass seconds or minutes, such as 60s, 2m or 1h."
            ) from None
    if not 0 < seconds < 1e7:
        raise RequestError(f"A budget of '{text}' is not possible. Pass seconds or minutes, such as 60s, 2m or 1h.")
    return seconds


def parse_size(text: str | int) -> tuple[int, int]:
    """(height, width) of 64, "64" or "96x64" (width x height). Raises RequestError for anything else."""
    parts = str(text).lower().replace("*", "x").split("x")
    try:
        width, height = int(parts[0]), int(parts[-1])
    except ValueError:
        width = height = 0
    if len(parts) > 2 or not (4 <= width <= 1024 and 4 <= height <= 1024):
        raise RequestError(
            f"An image size of '{text}' cannot be used. Pass 4 to 1024 pixels, such as 64 or 96x64 (width x height)."
        )
    return height, width


def parse_bytes(text: str | int) -> int:
    """Bytes of 1000, "500MB" or "2GB". Raises RequestError for anything else."""
    units = {"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9}
    digits = str(text).strip().lower().rstrip("bkmg ")
    try:
        return int(float(digits) * units[str(text).strip().lower()[len(digits) :].strip()])
    except (ValueError, KeyError):
        raise RequestError(f"A memory limit of '{text}' cannot be read. Pass a size such as 500MB or 2GB.") from None
