"""How every page that stands alone begins: its title and looks, and a policy that lets it ask no network for anything; and what
stands at the end of those with charts."""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from netpick.errors import RequestError
from netpick.report.markup import Html, element, json_block


def page_head(title: str, styles: str, scripts: Sequence[str], version: str) -> Html:
    """The <head> of a page with these inline scripts; `styles` come after those that all pages share.

    version: of the netpick that found what the page shows.
    """
    looks = files("netpick.report").joinpath("page.css").read_text(encoding="utf-8")
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy_of(scripts)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content=f"netpick {version}"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", Html(looks + styles)),
    )


def policy_of(scripts: Sequence[str]) -> str:
    """A Content-Security-Policy that lets these inline scripts run and nothing be asked of any network."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    # Styles may be inline: plotly and the bars set widths and colours that way.
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def chart_scripts() -> list[str]:
    """The scripts of a page with charts: plotly's, which stands in it packed, and the one that unpacks it and draws."""
    return [_plotly(), _drawing()]


def chart_blocks(views: Mapping[str, Any]) -> list[Html]:
    """What a page with charts ends with: their data, plotly's script (gzip, then base64: 2 MB of 4.8), and the one that draws.

    Raises RequestError when plotly's script is not where its package puts it.
    """
    return [
        json_block(views, "charts"),
        element("script", Html(_packed()), type="text/plain", id="plotly"),
        element("script", Html(_drawing())),
    ]


def _drawing() -> str:
    return files("netpick.report").joinpath("page.js").read_text(encoding="utf-8")


@cache
def _packed() -> str:
    return base64.b64encode(gzip.compress(_plotly().encode(), compresslevel=6, mtime=0)).decode()


@cache
def _plotly() -> str:
    """plotly's own bundle. It is found, not imported: importing plotly costs half a second."""
    plotly = importlib.util.find_spec("plotly")
    path = Path(plotly.origin).parent / "package_data" / "plotly.min.js" if plotly and plotly.origin else None
    if path is None or not path.is_file():
        raise RequestError(
            "The report page needs plotly's script, plotly/package_data/plotly.min.js, and it is not installed. "
            "Type: pip install plotly"
        )
    return path.read_text(encoding="utf-8")
