"""What the recommended network goes by, on one validation row, and the command that shows it for any others."""

from __future__ import annotations

import shlex

from netpick.report.components import Charts, section
from netpick.report.explained import figure_html
from netpick.report.markup import Html, element
from netpick.report.parts.use import run_folder
from netpick.report.standings import best_network
from netpick.types.results import RunResults


def explain_section(results: RunResults, charts: Charts) -> Html | None:
    """A few figures about one row; nothing where there are none."""
    del charts
    explained = results.explained
    if explained is None or not explained.figures:
        return None
    model = shlex.quote(f"{run_folder(results).rstrip('/')}/model.netpick")
    network = best_network(results)
    lead = element(
        "p",
        f"One of the validation rows, {explained.row}: {network.name if network else 'the network'} says {explained.said}; the data say {explained.truth}. It describes "
        "this network, not the world: what it goes by need not be what causes anything. Other rows, every layer, and all "
        "mistakes one by one: ",
        element("code", f"netpick explain {model} DATA"),
    )
    return section("explain", "What it goes by", lead, [Html(figure_html(figure)) for figure in explained.figures])
