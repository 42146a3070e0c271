"""Values of pictures as bytes: 0..255, 0..1, -1..1, 10 to 16 bits, or any other range, which a model then keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netpick.errors import DataError
from netpick.types import Array

ROUNDING = 1e-3  # by which values may leave 0..1 and -1..1
BITS = (10, 12, 14, 16)
LOOKED_AT = 64  # pictures
GRID = 0.02  # of a step of a byte, by which values that were bytes may be off


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """From which value to which the bytes 0 to 255 stand."""

    low: float
    high: float
    words: str = ""  # what becomes of the values; empty for bytes

    @property
    def decoding(self) -> dict[str, float]:
        """What a kind keeps of it."""
        return {"low": self.low, "high": self.high}


BYTES = Pixels(low=0.0, high=255.0)


def usual_range(x: Array) -> Pixels | None:
    """The range of values that are pixels by what they are; None for any other numbers."""
    if x.dtype == np.uint8:
        return BYTES
    if x.dtype == np.bool_:
        return Pixels(low=0.0, high=1.0, words=" Its booleans become 0 and 255.")
    low, high = float(x.min()), float(x.max())
    if not np.isfinite(low) or not np.isfinite(high):
        return None
    if x.dtype.kind in "ui":
        if low < 0:
            return None
        if high <= 255:
            return BYTES
        bits = next((bits for bits in BITS if high < 2**bits), None)
        words = f" Its values of {bits} bits (0 to {high:,.0f}) become bytes."
        return None if bits is None else Pixels(low=0.0, high=float(2**bits - 1), words=words)
    if high <= 1 + ROUNDING and low >= -ROUNDING:
        return Pixels(low=0.0, high=1.0, words=" Its values in 0..1 become bytes in 0..255.")
    if high <= 1 + ROUNDING and low >= -1 - ROUNDING:
        return Pixels(low=-1.0, high=1.0, words=" Its values in -1..1 become bytes in 0..255.")
    if low >= -0.5 and high <= 255.5:
        whole = bool((x == np.round(x)).all())
        return Pixels(low=0.0, high=255.0, words="" if whole else " Its values in 0..255 are rounded to bytes.")
    return None


def own_range(x: Array, where: str, shape: tuple[int, ...]) -> Pixels:
    """The range from the least to the largest value. Raises DataError where there is none."""
    known = x[~np.isnan(x)] if x.dtype.kind == "f" else x
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    if low == high or known.size < x.size or not np.isfinite(high - low):
        reach = f"values from {low:.6g} to {high:.6g}" if known.size else "no values but NaN"
        reach += ", and NaN" if 0 < known.size < x.size else ""
        raise DataError(
            f"{where}: X of shape {shape} has {reach}, but pixels in 0..255, 0..1 or -1..1 were expected. Rescale it."
        )
    return Pixels(low=low, high=high, words=f" Its values from {low:.4g} to {high:.4g} become bytes in 0..255.")


def were_bytes(x: Array, pixels: Pixels) -> bool:
    """Whether the values are those that bytes become: multiples of 1/255 of the range. Looks at some pictures."""
    some = x[:: max(1, len(x) // LOOKED_AT)].astype(np.float64)
    steps = (some - pixels.low) * (255.0 / (pixels.high - pixels.low))
    off = np.abs(steps - np.round(steps))
    return bool((off <= GRID).mean() > 0.99) and bool(np.ptp(some) > 0)


def to_bytes(x: Array, pixels: Pixels) -> Array:
    """uint8 of the same shape; values outside of the range become its ends."""
    if x.dtype == np.uint8:
        return x
    if pixels.low == 0 and pixels.high == 255 and x.dtype.kind in "ui":
        return x.astype(np.uint8)
    scaled = np.subtract(x, np.float32(pixels.low), dtype=np.float32)
    np.multiply(scaled, np.float32(255.0 / (pixels.high - pixels.low)), out=scaled)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
