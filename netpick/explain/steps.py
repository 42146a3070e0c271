"""What the steps of a row are called: words, symbols, times, frames; and how they are written under a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from netpick.models.networks.base import Trunk
from netpick.report.markup import Html, element

MOST_WRITTEN = 40  # steps that have room for their names


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Names of the steps of one row, in the order of the row; `group` neighbouring ones are one step of the network."""

    noun: str  # of the axis: "token", "step", "time (s)"
    names: Sequence[str] = ()
    group: int = 1
    seconds: float = 0.0  # of one step, where steps are times
    item: str = "step"  # what one of them is called

    def name(self, number: int) -> str:
        """A step of the network in words; `number` counts from 0."""
        if self.seconds:
            return f"the sound at {(number + 0.5) * self.group * self.seconds:.2f} s"
        if self.group > 1:
            return f"{self.item}s {number * self.group + 1} to {(number + 1) * self.group}"
        if number < len(self.names):
            return f"'{self.names[number]}' ({self.item} {number + 1})"
        return f"{self.item} {number + 1}"


def group_of(network: nn.Module) -> int:
    """How many neighbouring steps of a row are one step of the network."""
    return max((part.group for part in network.modules() if isinstance(part, Trunk)), default=1)


def step_axis(steps: Steps, count: int) -> Html:
    """The names under the columns of a heat map, where there is room for them; else the first and the last."""
    if steps.group == 1 and len(steps.names) > 0 and count <= MOST_WRITTEN:
        shown = [element("span", name) for name in list(steps.names)[:count]]
        return element("div", shown, class_="axis-names", style=f"grid-template-columns:repeat({count},minmax(0,1fr))")
    last = count * steps.group
    ends = (f"{0.0:.1f} s", f"{last * steps.seconds:.1f} s") if steps.seconds else ("first", f"last of {count}")
    return element(
        "div", element("span", ends[0]), element("span", steps.noun), element("span", ends[1]), class_="axis-ends"
    )
