"""What clients see of a server that is asked three times as much as it can answer: a table, small and large pictures, texts, sounds.

    python -m bench.overload [NAMES OF MODELS...]

For each small model of the tests: the highest rate of answers, the times of answers at 70 % of it, and at three times of it how many
are answered and in what time, and how soon the others are refused. wrk and the server run on one machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from quick_models import quick_model
from served_models import RATE, models_once, png, save, wav, whistle

from bench.serve import NETPICK, PORT, THINK, Load, _highest, _server, _wrk

ROW = {"age": 30, "job": "pilot", "hours": 20.5, "member": "y", "since": "2023-05-05"}
TEXT = "the film was very good and it seemed that we saw a lovely place"
JSON = "application/json"


def photos(folder: Path) -> None:
    """A network that takes some milliseconds a picture."""
    pixels = np.random.default_rng(1).integers(0, 255, (120, 96, 96), dtype=np.uint8)
    save(folder / "photos", quick_model((pixels, np.arange(120) % 2), models="cnn"), pixels[:4])


def loads() -> dict[str, Load]:
    """What is sent to each model."""
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    return {
        "table": Load(path="/predict", body=json.dumps({"rows": [ROW]}).encode(), content_type=JSON),
        "digits": Load(path="/predict", body=png(pixels), content_type="image/png"),
        "photos": Load(path="/predict", body=png(np.resize(pixels, (96, 96))), content_type="image/png"),
        "texts": Load(path="/predict", body=json.dumps({"rows": [{"review": TEXT}]}).encode(), content_type=JSON),
        "sounds": Load(path="/predict", body=wav(whistle(True, 3), RATE), content_type="audio/wav"),
    }


def measured(model: Path, load: Load) -> list[str]:
    """A row of the table."""
    with _server([NETPICK, "serve", str(model), "--port", str(PORT)]):
        peak = _highest(load)
        seventy = _wrk(load, max(2, round(0.7 * peak.rate * THINK / 1000)), think=THINK)
        triple = _wrk(load, max(4, round(3 * peak.rate * THINK / 1000)), think=THINK)
    return [
        f"{peak.rate:,.0f}",
        seventy.text,
        f"{100 * triple.rate / peak.rate:.0f} %",
        triple.text,
        f"{triple.p99 / max(seventy.p99, 1e-3):.1f}",
        f"{triple.refused:,.0f}",
        f"{triple.refused_p99:.0f} ms",
        f"{triple.others}",
    ]


def main(names: Sequence[str]) -> None:
    print(
        "| model | answers a second | p50 / p99 at 70 % | goodput at 300 % | p50 / p99 at 300 % | times the p99 | refused a second | "
        "refused within (p99) | other answers |\n|---|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(prefix="netpick-overload-") as folder:
        made = models_once(Path(folder))
        photos(made)
        for name, load in loads().items():
            if not names or name in names:
                print("| " + " | ".join([name, *measured(made / name, load)]) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
