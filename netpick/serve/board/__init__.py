"""Several runs beside each other: one offline page, and a local server that shows the runs of a folder while they go on.

Run folders are read and never written. What lies in them is data from a disk: bounded, parsed strictly, escaped.
"""

from __future__ import annotations

from netpick.serve.board.page import comparison_page
from netpick.serve.board.runs import FinishedRun, labels_of, read_run

__all__ = ["FinishedRun", "comparison_page", "labels_of", "read_run"]
