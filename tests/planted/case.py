"""What a planted case is, and the data that leaks are planted in."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from netpick.cli.demo import demo_data

Array = npt.NDArray[Any]
Generator = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Data with a fault, as `look` takes them."""

    data: object
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a case may write, and where it finds real data (None without them)."""

    folder: Path
    shared: Path | None
    seed: int

    @property
    def generator(self) -> Generator:
        return np.random.default_rng(self.seed)

    @property
    def real(self) -> Path:
        assert self.shared is not None
        return self.shared


@dataclass(frozen=True, kw_only=True)
class Case:
    """One planted fault: which check has to speak up."""

    name: str
    kind: str  # of column that it is about
    code: str
    make: Callable[[Place], Planted]
    shared: bool  # needs the real data
    unseen: bool  # kept aside while the checks were made


Recipe = Callable[..., Planted]


def cases(
    kind: str, code: str, recipe: Recipe, seen: list[tuple[Any, ...]], unseen: list[tuple[Any, ...]]
) -> list[Case]:
    """One case a setting. A setting's strings that name real data make the case need them."""
    made = []
    for hidden, settings in ((False, seen), (True, unseen)):
        for setting in settings:
            words = " ".join(str(part) for part in setting)
            made.append(
                Case(
                    name=f"{recipe.__name__.strip('_').replace('_', ' ')} {words}".strip(),
                    kind=kind,
                    code=code,
                    make=_bound(recipe, setting),
                    shared=any(part in REAL for part in setting),
                    unseen=hidden,
                )
            )
    return made


def _bound(recipe: Recipe, setting: tuple[Any, ...]) -> Callable[[Place], Planted]:
    return lambda place: recipe(place, *setting)


# --- data to plant in ------------------------------------------------------------------------------------------------

REAL = {"adult", "telco", "titanic", "housing", "mnist", "photos", "xrays", "sms", "reviews", "spoken", "beijing", "ett", "temperatures", "gunpoint", "vowels", "italy"}  # fmt: skip
TABLES = {
    "adult": ("tables/adult_train.csv", "income"),
    "telco": ("tables/telco_churn.csv", "Churn"),
    "titanic": ("tables/titanic.csv", "Survived"),
    "housing": ("tables/california_housing.csv", "median_house_value"),
}


def table(place: Place, name: str, rows: int = 3_000) -> tuple[pl.DataFrame, str]:
    """A table in random order, and its target."""
    if name in TABLES:
        path, target = TABLES[name]
        frame = pl.read_csv(place.real / path, infer_schema_length=10_000, null_values=["", "NA"])
    elif name == "made":
        frame, target = made_table(place.generator, rows), "outcome"
    elif name == "made numbers":
        frame, target = made_table(place.generator, rows, numbers=True), "outcome"
    else:
        data = demo_data(name)
        assert isinstance(data, pl.DataFrame)
        frame, target = data, "target"
    return frame.sample(min(rows, len(frame)), shuffle=True, seed=place.seed), target


def made_table(generator: Generator, rows: int, *, numbers: bool = False) -> pl.DataFrame:
    """Numbers, categories and a date that tell an outcome in part."""
    age, income = generator.normal(45, 12, rows), generator.lognormal(10, 0.6, rows)
    region = generator.choice(["north", "south", "east", "west"], rows)
    visits = generator.poisson(4, rows)
    score = (age - 45) / 12 + 0.8 * np.log(income / 22_000) + (region == "north") + 0.2 * (visits - 4)
    score = score + generator.normal(size=rows)
    outcome = np.round(50 + 10 * score, 3) if numbers else np.where(score > 0.25, "yes", "no")
    born = np.datetime64("1980-01-01") + generator.integers(0, 9_000, rows)
    return pl.DataFrame(
        {"age": age, "income": income, "region": region, "visits": visits, "born": born, "outcome": outcome}
    )


def codes_of(frame: pl.DataFrame, target: str) -> Array:
    """The classes of a target as numbers."""
    return frame[target].cast(pl.String).rank("dense").fill_null(1).to_numpy().astype(np.int64) - 1


def parts(frame: pl.DataFrame, share: float = 0.3) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows to learn from, and test rows."""
    border = round((1 - share) * len(frame))
    return frame[:border], frame[border:]


def pictures(place: Place, name: str, rows: int = 1_200) -> tuple[Array, Array]:
    """Grey pictures (n, h, w) uint8 and their classes, in random order."""
    if name == "mnist":
        with gzip.open(place.real / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
            images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
        with gzip.open(place.real / "mnist" / "t10k-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
    elif name == "xrays":
        with np.load(place.real / "pneumonia" / "pneumoniamnist.npz") as stored:
            images, labels = stored["train_images"], stored["train_labels"].ravel()
    elif name == "spots":
        images, labels = spots(place.generator, rows)
    else:
        images, labels = demo_data("digits")
    order = place.generator.permutation(len(images))[:rows]
    return images[order].copy(), labels[order].astype(np.int64)


def spots(generator: Generator, rows: int, side: int = 32) -> tuple[Array, Array]:
    """Soft landscapes, in half of which there is a bright bar."""
    grid = np.linspace(0, 6, side)
    low = np.minimum(grid.astype(int), 5)
    part = grid - low
    coarse = generator.random((rows, 7, 7)) * 160
    lines = coarse[:, low] * (1 - part)[:, None] + coarse[:, low + 1] * part[:, None]
    images = lines[:, :, low] * (1 - part) + lines[:, :, low + 1] * part + generator.normal(0, 6, (rows, side, side))
    labels = generator.integers(0, 2, rows)
    for i in np.flatnonzero(labels):
        top, left = generator.integers(2, side - 12, 2)
        images[i, top : top + 3, left : left + 10] += 70
    return np.clip(images, 0, 255).astype(np.uint8), labels


def photo_paths(place: Place, count: int) -> dict[str, list[Path]]:
    """Photographs of cats and of dogs."""
    chosen = {}
    for name in ("cat", "dog"):
        paths = sorted((place.real / "cats_dogs" / name).iterdir())
        order = place.generator.permutation(len(paths))[:count]
        chosen[name] = [paths[i] for i in order]
    return chosen


def texts(place: Place, name: str, rows: int = 2_000) -> pl.DataFrame:
    """Texts and labels in random order, without repeated ones."""
    if name == "sms":
        lines = (place.real / "sms_spam" / "sms.tsv").read_text("utf-8").splitlines()
        pairs = [line.split("\t", 1) for line in lines if "\t" in line]
        frame = pl.DataFrame({"text": [p[1] for p in pairs], "label": [p[0] for p in pairs]})
    elif name == "reviews":
        lines = (place.real / "sst2" / "train.tsv").read_text("utf-8").splitlines()
        pairs = [line.rsplit("\t", 1) for line in lines if "\t" in line]
        frame = pl.DataFrame({"text": [p[0] for p in pairs], "label": [f"mood {p[1]}" for p in pairs]})
    else:
        generator = place.generator
        words = [a + b + c for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ai") for c in "nrstlmk"]
        labels = generator.integers(0, 2, rows)
        weights = np.ones((2, len(words)))
        weights[1, :60] = 4
        cells = [
            " ".join(generator.choice(words, generator.integers(8, 20), p=weights[label] / weights[label].sum()))
            for label in labels
        ]
        frame = pl.DataFrame({"text": cells, "label": np.where(labels == 1, "left", "right")})
    frame = frame.unique("text", keep="first", maintain_order=True)
    return frame.sample(min(rows, len(frame)), shuffle=True, seed=place.seed)
