"""What a case is, and the limits that hold for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SECONDS = 5.0  # of processor time; a process that waits for something is ended after WALL_SECONDS
WALL_SECONDS = 30.0  # by the clock, since other processes may share the cores
TRAINING_SECONDS = 30.0  # of processor time for `fit` on an input that is rightly accepted
MEGABYTES = 700  # of memory beyond what the process had before it looked at the input
ADDRESSES = 6 << 30  # bytes of addresses, so that a bomb cannot harm the machine

Way = Literal["look", "fit", "api", "predict"]
Make = Callable[[Path], "Path | str | list[str]"]

# Options of the command line by the name of netpick.fit's argument; others leave the API out.
API_NAMES = {
    "--target": "target",
    "--level": "level",
    "--task": "task",
    "--split": "split",
    "--test": "test",
    "--horizon": "horizon",
    "--context": "context",
    "--time": "time_column",
    "--id": "id_column",
    "--label-from": "label_from",
    "--budget": "budget",
    "--layers": "layers",
    "--models": "models",
    "--recipe": "recipe",
    "--masks": "masks",
    "--accept": "accept",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One input. `make` writes it into an empty folder and returns its path (or what is typed behind `predict MODEL`).

    code: right exit codes; `look` may also give 0 where 3 is right, since it accepts all findings. words: what the message
    must hold, the name of the file where nothing is said. why: of a code 0, why the input is rightly accepted.
    """

    name: str
    make: Make
    code: tuple[int, ...] = (2,)
    words: tuple[str, ...] = ()
    why: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None  # the small model that `predict` uses; only that way is gone then
    frame: Callable[[], Any] | None = None  # data from Python: only the API is asked

    @property
    def reader(self) -> str:
        return self.name.partition(":")[0]

    @property
    def ways(self) -> tuple[Way, ...]:
        if self.model is not None:
            return ("predict",)
        if self.frame is not None:
            return ("api",)
        if "--models" in self.options:
            return ("fit", "api")  # looking asks nothing of networks
        return ("look", "fit", "api") if set(self.options) <= set(API_NAMES) else ("look", "fit")


# The cheapest family of what a reader gives, where that is no MLP.
FAMILIES = {"clips": "cnn", "spoken": "cnn", "pairs": "cnn", "masks": "cnn", "boxes": "cnn"}


def family(reader: str) -> str:
    """The cheapest network for what a reader gives."""
    return FAMILIES.get(reader, "mlp")


def nothing(folder: Path) -> Path:
    """The make of cases whose data come from Python."""
    return folder
