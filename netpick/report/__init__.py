"""Results -> report.json, report.html, and the model's card: pure functions, nothing is trained, read or printed here."""

from __future__ import annotations

from netpick.report.as_json import to_json
from netpick.report.html import page_bytes, to_html
from netpick.report.markdown import to_markdown

__all__ = ["page_bytes", "to_html", "to_json", "to_markdown"]
