"""Clean sets: published data as people use them. What the checks say about these had better be true, and never severe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from netpick.cli.demo import demo_data
from netpick.data.sources.base import ReadOptions


@dataclass(frozen=True, kw_only=True)
class CleanSet:
    """One set: what `look` is given."""

    name: str
    data: Callable[[Path], object]  # from the folder of real data
    options: dict[str, Any] = field(default_factory=dict)
    shared: bool = True  # needs that folder


def _demo(name: str) -> CleanSet:
    target = {"target": ("target",)} if name != "digits" else {}
    return CleanSet(name=f"scikit-learn {name}", data=lambda _: demo_data(name), options=target, shared=False)


def _path(name: str, path: str, **options: Any) -> CleanSet:
    return CleanSet(name=name, data=lambda root: root / path, options=options)


def _names(root: Path) -> object:
    import polars as pl

    rows = [
        {"name": line, "language": path.stem}
        for path in sorted((root / "names").glob("*.txt"))
        for line in path.read_text("utf-8").split("\n")
        if line.strip()
    ]
    return pl.DataFrame(rows)


def _pneumonia(root: Path) -> object:
    with np.load(root / "pneumonia" / "pneumoniamnist.npz") as parts:
        images = np.concatenate([parts["train_images"], parts["val_images"]])
        labels = np.concatenate([parts["train_labels"], parts["val_labels"]])
    return images, labels.ravel()


CLEAN = (
    *(_demo(name) for name in ("digits", "iris", "wine", "breast_cancer", "diabetes")),
    _path("MNIST", "mnist"),
    _path("cats and dogs", "cats_dogs"),
    CleanSet(name="pneumonia", data=_pneumonia),
    _path("SMS spam", "sms_spam/sms.tsv"),
    _path("SST-2", "sst2/train.tsv"),
    CleanSet(name="names", data=_names, options={"target": ("language",)}),
    _path("spoken digits", "spoken_digits", read=ReadOptions(label_from="{label}_{speaker}_{index}.wav")),
    _path("adult", "tables/adult_train.csv", target=("income",)),
    _path("telco churn", "tables/telco_churn.csv", target=("Churn",)),
    _path("titanic", "tables/titanic.csv", target=("Survived",)),
    _path("California housing", "tables/california_housing.csv", target=("median_house_value",)),
    _path("airline passengers", "time_series/airline_passengers.csv"),
    _path("daily temperatures", "time_series/daily_min_temperatures.csv"),
    _path("Beijing pollution", "time_series/beijing_pollution.csv", target=("pm2.5",), horizon=24),
    _path("Beijing pollution, rows", "time_series/beijing_pollution.csv", target=("pm2.5",), task="regress"),
    _path("ETTh1", "time_series/ETTh1.csv"),
    _path("GunPoint", "series/GunPoint/GunPoint_TRAIN.ts"),
    _path("ItalyPowerDemand", "series/ItalyPowerDemand/ItalyPowerDemand_TRAIN.ts"),
    _path("BasicMotions", "series/BasicMotions/BasicMotions_TRAIN.ts"),
    _path("JapaneseVowels", "series/JapaneseVowels/JapaneseVowels_TRAIN.ts"),
    _path("pen digits", "pen_digits/pendigits.tra"),
)
