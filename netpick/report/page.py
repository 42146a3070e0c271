"""How every page that stands alone begins: its title and looks, and a policy that lets it ask no network for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from netpick.report.markup import Html, element


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
