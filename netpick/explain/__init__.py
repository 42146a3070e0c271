"""What a trained network sees and goes by, on the user's own rows, from the model file alone.

    page = explain(netpick.load("RUN"), "photos/")
    page.html()                                 a whole page that works offline
    explain_one(model, {"age": 31, ...})        the figures for one row; figure_html(figure) is markup without script

Nothing here trains. A figure says what it shows and when not to trust it; the tests check that explanations find what is
known to matter.
"""

from __future__ import annotations

from netpick.explain.explaining import explain, explain_one
from netpick.explain.page import Explanation
from netpick.report.explained import figure_html, styles
from netpick.types.drawings import Figure

__all__ = ["Explanation", "Figure", "explain", "explain_one", "figure_html", "styles"]
