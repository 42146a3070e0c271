"""How figures are drawn: pictures as inline PNG, curves as SVG, bars as tables. No script, no file, no request.

Heat maps are drawn with transparency over whatever ground the page has, so that one picture serves light and dark.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netpick.report.components import fold
from netpick.report.markup import Child, Html, element
from netpick.types import Array
from netpick.types.drawings import Bar, Bars, Curves, Drawing, Fold, Line, Panel, Stack, Tiles, Words
from netpick.types.words import significant

FOR, AGAINST = (
    (208, 92, 16),
    (30, 132, 196),
)  # orange speaks for the answer, blue against it; told apart without red or green
MOST_HEIGHT = 240  # pixels of a heat map
CRISP = 64  # pixels a side
STRONGEST = 0.85  # of a heat map's cover
Floats = npt.NDArray[np.float64]


def drawn(drawing: Drawing) -> Html:
    """A drawing as markup."""
    match drawing:
        case Bars():
            return bars(drawing.caption, drawing.heads, drawing.shown)
        case Curves():
            return curves(drawing.lines, drawing.axes, under=drawing.under)
        case Tiles():
            return tiles([(opaque(tile.pixels), tile.label) for tile in drawing.shown], size=drawing.size)
        case Words():
            return marked(drawing.words, drawing.weights)
        case Panel():
            return element("div", element("p", element("b", drawing.title)), drawn(drawing.shown))
        case Fold():
            return fold(drawing.title, drawn(drawing.shown))
        case Stack():
            return element("div", [drawn(part) for part in drawing.parts], class_=drawing.style or None)


# --- words -----------------------------------------------------------------------------------------------------------


def marked(words: Sequence[str], values: Array) -> Html:
    """The text with its words on grounds of their weight."""
    top = float(np.abs(values).max()) or 1.0
    symbols = all(len(word) == 1 for word in words)
    spans = []
    for word, value in zip(words, values, strict=True):
        share = float(abs(value)) / top
        kind = "" if share < 0.08 else "for" if value > 0 else "against"
        spans.append(
            element(
                "span",
                word if word.strip() else "\u00a0",
                class_=kind or None,
                style=f"--a:{0.6 * share:.2f}" if kind else None,
                title=f"{value:+.3g}",
            )
        )
    joined = spans if symbols else [part for one in spans for part in (one, " ")]
    return element("p", joined, class_="words symbols" if symbols else "words")


# --- pictures --------------------------------------------------------------------------------------------------------


def png(pixels: Array, *, crisp: bool = False, alternative: str = "") -> Html:
    """An `img` that carries its bytes. pixels: uint8 (H, W), (H, W, 3) or (H, W, 4)."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=9)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    size = {"width": pixels.shape[1], "height": pixels.shape[0]}
    return element(
        "img", src=f"data:image/png;base64,{data}", alt=alternative, class_="crisp" if crisp else None, **size
    )


def as_pixels(image: Array) -> Array:
    """An image (C, H, W), uint8 or float in 0..1, as uint8 (H, W) or (H, W, 3)."""
    values = image if image.dtype == np.uint8 else np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return values[0] if len(values) != 3 else values.transpose(1, 2, 0)


def picture(image: Array, most: int = 160) -> Html:
    """An image (C, H, W) as an `img`; small ones keep their pixels."""
    return opaque(pictured(image, most))


def opaque(pixels: Array) -> Html:
    """Small pictures with each pixel as it is, larger ones as JPEG, a tenth of the size."""
    if max(pixels.shape[:2]) <= CRISP:
        return png(pixels, crisp=True)
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return element("img", src=f"data:image/jpeg;base64,{data}", alt="", width=pixels.shape[1], height=pixels.shape[0])


def shrunk(pixels: Array, most: int) -> Array:
    """At most so many pixels a side."""
    if max(pixels.shape[:2]) <= most:
        return pixels
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((most, most))
    return np.asarray(image)


def heat(values: Array, *, largest: float | None = None) -> Array:
    """Values (R, C) as a transparent picture (R, C, 4): orange above 0, blue below, denser with their size."""
    top = float(np.abs(values).max()) if largest is None else largest
    share = np.clip(np.abs(values) / top, 0, 1) if top > 0 else np.zeros(values.shape)
    pixels = np.zeros((*values.shape, 4), np.uint8)
    pixels[..., :3] = np.where((values >= 0)[..., None], FOR, AGAINST)
    pixels[..., 3] = np.round(255 * STRONGEST * share)
    return pixels


def heat_map(values: Array, *, largest: float | None = None) -> Html:
    """Values (R, C) as cells of colour, as wide as there is room, and higher with more lines."""
    height = min(MOST_HEIGHT, max(24, 12 * len(values)))
    return element("div", png(heat(values, largest=largest), crisp=True), class_="heat", style=f"height:{height}px")


def stretched(values: Array, size: tuple[int, int]) -> Array:
    """A map (h, w) at another size (H, W), bilinear."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR), dtype=np.float64)


def overlay(image: Array, values: Array, most: int = 160) -> Html:
    """A heat map (H, W) over the grey picture (C, H, W) that it belongs to."""
    return opaque(overlaid(image, values, most))


def pictured(image: Array, most: int = 160) -> Array:
    """An image (C, H, W) as pixels of at most so many a side."""
    return shrunk(as_pixels(image), most)


def overlaid(image: Array, values: Array, most: int = 160) -> Array:
    """The pixels of `overlay`."""
    pixels = as_pixels(image)
    grey = pixels if pixels.ndim == 2 else np.round(pixels.astype(np.float32) @ (0.299, 0.587, 0.114)).astype(np.uint8)
    base = np.repeat(128 + (grey[..., None].astype(np.float64) - 128) * 0.75, 3, axis=2)
    cover = heat(values)
    alpha = cover[..., 3:].astype(np.float64) / 255
    mixed = np.round(base * (1 - alpha) + cover[..., :3] * alpha).astype(np.uint8)
    return shrunk(mixed, most)


def map_tile(values: Array, most: int = 96) -> Html:
    """A feature map (h, w) from its lowest value (black) to its highest (white)."""
    low, high = float(values.min()), float(values.max())
    scaled = np.zeros(values.shape) if high <= low else (values - low) / (high - low)
    return opaque(shrunk(np.round(255 * scaled).astype(np.uint8), most))


def tiles(parts: Sequence[tuple[Html, str]], *, size: str = "") -> Html:
    """Pictures side by side, each with a line under it. size: "small" or "large"."""
    framed_parts = [element("div", picture, element("small", label) if label else None) for picture, label in parts]
    return element("div", framed_parts, class_=f"row-of-tiles {size}".strip())


# --- bars ------------------------------------------------------------------------------------------------------------


def bars(caption: str, heads: tuple[str, str], shown: Sequence[Bar]) -> Html:
    """Signed bars as a table: name, bar, number."""
    ends = [abs(v) for b in shown for v in (b.value, b.low, b.high) if v is not None and math.isfinite(v)]
    top = max(ends, default=1.0) or 1.0
    signed = any(v < 0 for b in shown for v in (b.value, b.low or 0.0))
    rows = [
        element(
            "tr",
            element("th", bar.name, scope="row"),
            element("td", _bar(bar, top, signed), class_="bar"),
            element("td", bar.text or significant(bar.value, 3), class_="n"),
        )
        for bar in shown
    ]
    head = element(
        "tr",
        element("th", heads[0], scope="col"),
        element("th", element("span", "Bar", class_="unseen"), scope="col"),
        element("th", heads[1], scope="col", class_="n"),
    )
    return element(
        "table", element("caption", caption), element("thead", head), element("tbody", rows), class_="bars quiet"
    )


def _bar(bar: Bar, top: float, signed: bool) -> Html:
    def place(value: float) -> float:
        share = max(-1.0, min(1.0, value / top))
        return 50 + 48 * share if signed else 1 + 96 * max(0.0, share)

    zero, end = place(0.0), place(bar.value)
    parts: list[Child] = [
        element(
            "rect",
            x=f"{min(zero, end):.1f}%",
            y="4",
            width=f"{max(0.4, abs(end - zero)):.1f}%",
            height="12",
            class_="plus" if bar.value >= 0 else "minus",
        )
    ]
    if signed:
        parts.append(element("line", x1=f"{zero:.1f}%", x2=f"{zero:.1f}%", y1="0", y2="20", class_="zero"))
    if bar.low is not None and bar.high is not None:
        low, high = place(bar.low), place(bar.high)
        parts.append(element("line", x1=f"{low:.1f}%", x2=f"{high:.1f}%", y1="10", y2="10", class_="whisk"))
    return element("svg", parts, class_="bar-svg", aria_hidden="true", focusable="false")


# --- curves ----------------------------------------------------------------------------------------------------------

WIDE, HIGH = 480.0, 180.0  # of a drawing's frame in its own units
LEFT, RIGHT, TOP, BOTTOM = 46.0, 8.0, 10.0, 30.0


def curves(
    lines: Sequence[Line],
    axes: tuple[str, str],
    *,
    under: Array | None = None,
    extent: tuple[float, float] | None = None,
    band: tuple[Floats, Floats, Floats] | None = None,
) -> Html:
    """Curves in one frame with the ends of both axes written out.

    under: (T,) signed values drawn as coloured stripes behind the curves, one for each x of the first line. extent: of y.
    band: x, low and high of an interval.
    """
    xs = np.concatenate([line.x for line in lines])
    ys = np.concatenate([line.y for line in lines] + ([band[1], band[2]] if band else []))
    low, high = extent or _range(ys)
    left, right = _range(xs, margin=0.0)
    frame = _Frame(left, right, low, high)
    parts: list[Child] = []
    if under is not None:
        parts.append(_stripes(under, lines[0].x, frame))
    if band is not None:
        path = _points(band[0], band[1], frame) + _points(band[0][::-1], band[2][::-1], frame)
        parts.append(element("polygon", points=" ".join(path), class_="band"))
    for line in lines:
        parts.append(element("polyline", points=" ".join(_points(line.x, line.y, frame)), class_=f"curve {line.kind}"))
        if line.dots:
            parts += [
                element("circle", cx=f"{frame.across(x):.1f}", cy=f"{frame.down(y):.1f}", r="3", class_=line.kind)
                for x, y in zip(line.x, line.y, strict=True)
                if math.isfinite(y)
            ]
    parts.append(_axes(frame, axes))
    return element(
        "svg", parts, viewBox=f"0 0 {WIDE:.0f} {HIGH:.0f}", class_="drawn", aria_hidden="true", focusable="false"
    )


@dataclass(frozen=True)
class _Frame:
    left: float
    right: float
    low: float
    high: float

    def across(self, x: float) -> float:
        return LEFT + (x - self.left) / ((self.right - self.left) or 1) * (WIDE - LEFT - RIGHT)

    def down(self, y: float) -> float:
        share = (y - self.low) / ((self.high - self.low) or 1)
        return HIGH - BOTTOM - min(1.02, max(-0.02, share)) * (HIGH - TOP - BOTTOM)


def _range(values: Floats, margin: float = 0.04) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if high <= low:
        return low - 0.5, high + 0.5
    return low - margin * (high - low), high + margin * (high - low)


def _points(x: Floats, y: Floats, frame: _Frame) -> list[str]:
    return [f"{frame.across(a):.1f},{frame.down(b):.1f}" for a, b in zip(x, y, strict=True) if math.isfinite(b)]


def _stripes(values: Array, x: Floats, frame: _Frame) -> Html:
    """Runs of steps as stripes; a long series has a stripe for several steps."""
    top = float(np.abs(values).max()) or 1.0
    groups = np.array_split(np.arange(len(values)), min(len(values), 160))
    half = (x[1] - x[0]) / 2 if len(x) > 1 else 0.5
    stripes = []
    for group in groups:
        value = float(values[group].mean())
        share = abs(value) / top
        if share < 0.02:
            continue
        start, end = frame.across(float(x[group[0]] - half)), frame.across(float(x[group[-1]] + half))
        start, end = max(start, LEFT), min(end, WIDE - RIGHT)
        stripes.append(
            element(
                "rect",
                x=f"{start:.1f}",
                y=f"{TOP:.0f}",
                width=f"{max(0.5, end - start):.1f}",
                height=f"{HIGH - TOP - BOTTOM:.0f}",
                class_="plus" if value >= 0 else "minus",
                fill_opacity=f"{0.75 * share:.2f}",
            )
        )
    return element("g", stripes)


def _axes(frame: _Frame, axes: tuple[str, str]) -> Html:
    bottom = HIGH - BOTTOM
    texts = [
        element("text", significant(frame.high, 3), x=LEFT - 6, y=TOP + 8, text_anchor="end"),
        element("text", significant(frame.low, 3), x=LEFT - 6, y=bottom, text_anchor="end"),
        element("text", significant(frame.left, 3), x=LEFT, y=bottom + 14),
        element("text", significant(frame.right, 3), x=WIDE - RIGHT, y=bottom + 14, text_anchor="end"),
        element("text", axes[0], x=(LEFT + WIDE) / 2, y=HIGH - 3, text_anchor="middle"),
        element("text", axes[1], x=-(TOP + bottom) / 2, y=11, text_anchor="middle", transform="rotate(-90)"),
    ]
    lines = [
        element("line", x1=LEFT, x2=WIDE - RIGHT, y1=bottom, y2=bottom, class_="axis"),
        element("line", x1=LEFT, x2=LEFT, y1=TOP, y2=bottom, class_="axis"),
    ]
    return element("g", lines, texts)
