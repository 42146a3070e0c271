"""The whole main job on tables in which networks have nothing to find: does it ever say that deep learning helps?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

import netpick
from tests.simulations.contests import Rate

ROWS = 240
STEPS = 25


def classes_of_noise(generator: np.random.Generator) -> pl.DataFrame:
    """Columns of noise, and classes drawn by a coin."""
    x = generator.normal(size=(ROWS, 3)).round(4)
    y = np.where(generator.random(ROWS) < 0.5, "yes", "no")
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "target": y})


def numbers_of_noise(generator: np.random.Generator) -> pl.DataFrame:
    """Columns of noise, and a target that is noise too."""
    x = generator.normal(size=(ROWS, 4)).round(4)
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "target": x[:, 3]})


def rare_classes_of_noise(generator: np.random.Generator) -> pl.DataFrame:
    """The same with one row in eight of the rarer class."""
    x = generator.normal(size=(ROWS, 3)).round(4)
    y = np.where(generator.random(ROWS) < 0.125, "yes", "no")
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "target": y})


def a_line_and_noise(generator: np.random.Generator) -> pl.DataFrame:
    """A target that a line explains as well as anything can, and a column of noise beside it."""
    x = generator.normal(size=(ROWS, 2)).round(4)
    y = (x[:, 0] + 0.5 * generator.normal(size=ROWS)).round(4)
    return pl.DataFrame({"a": x[:, 0], "noise": x[:, 1], "target": y})


def a_class_and_noise(generator: np.random.Generator) -> pl.DataFrame:
    """Classes that a line parts as well as anything can, and a column of noise beside it."""
    x = generator.normal(size=(ROWS, 2)).round(4)
    y = np.where(x[:, 0] + 0.7 * generator.normal(size=ROWS) > 0, "yes", "no")
    return pl.DataFrame({"a": x[:, 0], "noise": x[:, 1], "target": y})


TABLES: dict[str, Callable[[np.random.Generator], pl.DataFrame]] = {
    "noise, and classes by a coin": classes_of_noise,
    "noise, and a rare class by a coin": rare_classes_of_noise,
    "noise, and a number that is noise": numbers_of_noise,
    "a line, and a column of noise": a_line_and_noise,
    "two classes parted by a line, and a column of noise": a_class_and_noise,
}


def noise_fits(name: str, fits: int) -> Rate:
    """How often `fit` says that deep learning helps on such tables."""
    said = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(fits):
            frame = TABLES[name](np.random.default_rng([number, len(name)]))
            run = netpick.fit(
                frame,
                "target",
                models="mlp[members=1,width=32],transformer[width=16,layers=1]",
                steps=STEPS,
                seed=number,
                out=Path(folder) / f"{number}",
            )
            said += run.results.verdict.deep_learning_helps == "yes"
    return Rate(what=name, n=ROWS // 5, networks=2, share=said / fits, draws=fits)
