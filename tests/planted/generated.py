"""Hundreds of clean sets of every kind, generated: what is in them is true, and no severe finding may say otherwise."""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from planted.case import Array, Generator, Planted, made_table, spots


@dataclass(frozen=True, kw_only=True)
class Clean:
    """One set, made anew from its seed in a folder of its own."""

    name: str
    make: Callable[[Generator, Path], Planted]
    seed: int
    options: dict[str, Any] = field(default_factory=dict)

    def data(self, folder: Path) -> Planted:
        return self.make(np.random.default_rng(self.seed), folder)


def _classes(generator: Generator, _: Path) -> Planted:
    rows = int(generator.integers(110, 3_000))
    return Planted(data=made_table(generator, rows), options={"target": ("outcome",)})


def _numbers(generator: Generator, _: Path) -> Planted:
    rows = int(generator.integers(110, 3_000))
    return Planted(data=made_table(generator, rows, numbers=True), options={"target": ("outcome",)})


def _counts(generator: Generator, _: Path) -> Planted:
    """Visits a week: whole numbers, most of them small, of people in a few groups."""
    rows = int(generator.integers(200, 6_000))
    group = generator.integers(0, int(generator.integers(2, 9)), rows)
    rate = np.exp(generator.normal(0.5, 0.6) + 0.3 * group)
    frame = pl.DataFrame(
        {
            "group": [f"g{number}" for number in group],
            "weekend": generator.choice(["yes", "no"], rows),
            "age": generator.integers(18, 90, rows),
            "hours": generator.integers(0, 24, rows),
            "visits": generator.poisson(rate),
        }
    )
    return Planted(data=frame, options={"target": ("visits",), "task": "regress"})


def _tips(generator: Generator, _: Path) -> Planted:
    """Tips of taxis: who pays in cash leaves none that anybody knows of."""
    rows = int(generator.integers(300, 4_000))
    cash = generator.random(rows) < 0.35
    fare = np.round(generator.lognormal(2.4, 0.5, rows), 2)
    given = np.where(generator.random(rows) < 0.05, 0.0, np.round(fare * generator.normal(0.2, 0.05, rows).clip(0), 2))
    frame = pl.DataFrame(
        {
            "payment": np.where(cash, "cash", "credit card"),
            "fare": fare,
            "passengers": generator.integers(1, 6, rows),
            "tip": np.where(cash, 0.0, given),
        }
    )
    return Planted(data=frame, options={"target": ("tip",)})


def _long_tails(generator: Generator, _: Path) -> Planted:
    """Prices and areas, of which one is far beyond all others."""
    rows = int(generator.integers(300, 3_000))
    area = generator.lognormal(4, 1.0, rows)
    price = area * generator.lognormal(1, 0.5, rows)
    area[0], price[0] = 1e6 * area[0], 1e6 * price[0]
    frame = pl.DataFrame({"area": area, "rooms": generator.poisson(3, rows), "price": price})
    return Planted(data=frame.sample(fraction=1, shuffle=True, seed=1), options={"target": ("price",)})


def _two_kinds(generator: Generator, _: Path) -> Planted:
    """Eruptions of a geyser: short ones and long ones, and how long one waits for the next."""
    rows = int(generator.integers(250, 1_500))
    long = generator.random(rows) < 0.64
    minutes = np.where(long, generator.normal(4.3, 0.4, rows), generator.normal(2.0, 0.25, rows)).clip(1)
    waiting = np.where(long, generator.normal(80, 6, rows), generator.normal(54, 6, rows)).round()
    return Planted(data=pl.DataFrame({"eruptions": minutes, "waiting": waiting}), options={"target": ("waiting",)})


def _gaps(generator: Generator, _: Path) -> Planted:
    rows = int(generator.integers(200, 2_000))
    frame = made_table(generator, rows)
    gone = generator.random(rows) < generator.uniform(0.02, 0.7)
    later = generator.random(rows) < np.where(frame["outcome"] == "yes", 0.5, 0.2)
    cells = pl.Series(generator.normal(size=rows)).set(pl.Series(gone | later), None)
    return Planted(data=frame.with_columns(cells.alias("measured")), options={"target": ("outcome",)})


def _in_time(generator: Generator, _: Path) -> Planted:
    """Days in order, of which each resembles the one before."""
    rows = int(generator.integers(200, 1_500))
    days = [date(2019, 1, 1) + timedelta(days=number) for number in range(rows)]
    level = np.cumsum(generator.normal(size=rows)) * 0.2 + 5 * np.sin(np.arange(rows) / 58)
    frame = pl.DataFrame({"day": days, "wind": generator.gamma(2, 2, rows), "sales": np.round(50 + 4 * level)})
    return Planted(data=frame, options={"target": ("sales",), "task": "regress"})


def _texts(generator: Generator, _: Path) -> Planted:
    rows = int(generator.integers(60, 1_200))
    words = [a + b + c for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u") for c in "nrstlmk"]
    labels = generator.integers(0, int(generator.integers(2, 5)), rows)
    weights = np.ones((5, len(words)))
    for label in range(5):
        weights[label, 40 * label : 40 * label + 40] = 6
    cells = [
        " ".join(generator.choice(words, generator.integers(5, 25), p=weights[label] / weights[label].sum()))
        for label in labels
    ]
    frame = pl.DataFrame({"text": cells, "label": [f"topic {label}" for label in labels]})
    return Planted(data=frame, options={"target": ("label",)})


def _pictures(generator: Generator, _: Path) -> Planted:
    images, labels = spots(generator, int(generator.integers(80, 600)), side=24)
    return Planted(data=(images, labels))


def _picture_files(generator: Generator, folder: Path) -> Planted:
    """Photographs cut to whatever size, of classes of uneven size."""
    classes = int(generator.integers(2, 5))
    for label in range(classes):
        (folder / f"class{label}").mkdir(parents=True)
        for number in range(int(generator.integers(12, 80))):
            sides = generator.integers(16, 48, 2)
            pixels = generator.normal(60 + 30 * label, 50, (*sides, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"class{label}" / f"{generator.integers(1 << 40):012x}{number}.png")
    return Planted(data=folder)


def _sounds(generator: Generator, folder: Path) -> Planted:
    """Some dozens of whistles, high and low ones: they differ by nature, wherever one listens."""
    rate, count = 8_000, int(generator.integers(24, 60))
    for label, pitch in (("high", 1_800), ("low", 500)):
        (folder / label).mkdir(parents=True)
        for number in range(count // 2 + 1):
            time = np.arange(int(rate * generator.uniform(0.4, 0.8))) / rate
            tone = np.sin(2 * np.pi * (pitch + generator.normal(0, 60)) * time + generator.uniform(0, 6))
            wave_form = tone * np.hanning(len(time)) * generator.uniform(0.3, 1) + generator.normal(0, 0.02, len(time))
            with wave.open(str(folder / label / f"{number:03}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(rate)
                file.writeframes((8_000 * wave_form).astype(np.int16).tobytes())
    return Planted(data=folder)


def _series(generator: Generator, _: Path) -> Planted:
    """Gestures: curves of a few shapes, of other height and pace each time."""
    rows, steps, channels = int(generator.integers(40, 500)), 60, int(generator.integers(1, 4))
    labels = generator.integers(0, int(generator.integers(2, 5)), rows)
    time = np.linspace(0, 1, steps)[None, :, None]
    pace = (labels[:, None, None] + 1) * generator.normal(2, 0.1, (rows, 1, channels))
    curves = generator.lognormal(0, 0.3, (rows, 1, channels)) * np.sin(2 * np.pi * pace * time)
    curves += generator.normal(0, generator.uniform(0.02, 0.4), curves.shape)
    return Planted(data=(curves.astype(np.float32), labels))


def _periodic(generator: Generator, _: Path) -> Planted:
    """A timetable: the same whole numbers every day or week."""
    period, days = int(generator.choice([24, 7, 12])), 900
    pattern = generator.integers(10, 99, period)
    steps = np.arange(days)
    values = pattern[steps % period] + (generator.integers(0, 2, days) if generator.random() < 0.3 else 0)
    return Planted(data=_hours(steps, values), options={"target": ("load",)})


def _counter(generator: Generator, _: Path) -> Planted:
    """A meter that counts up by the same each hour, of one or several series."""
    count, steps = int(generator.integers(1, 4)), 500
    frames = [
        _hours(np.arange(steps), generator.integers(0, 50) + np.arange(steps)).with_columns(
            pl.lit(f"m{k}").alias("meter")
        )
        for k in range(count)
    ]
    return Planted(data=pl.concat(frames), options={"target": ("load",), "horizon": 12})


def _walks(generator: Generator, _: Path) -> Planted:
    """Prices that walk, and a second column that follows them at once."""
    steps = np.arange(int(generator.integers(300, 2_000)))
    walk = 100 + np.cumsum(generator.normal(size=len(steps)))
    other = 0.6 * walk + np.cumsum(generator.normal(0, 0.5, len(steps)))
    frame = _hours(steps, walk.round(2)).with_columns(pl.Series("other", other.round(2)))
    return Planted(data=frame, options={"target": ("load",)})


def _waves(generator: Generator, _: Path) -> Planted:
    """Two columns that go round in circles, one behind the other."""
    steps = np.arange(900)
    noise = generator.normal(0, 0.002, (2, len(steps)))
    period = int(generator.choice([12, 24, 36]))
    load = np.sin(2 * np.pi * steps / period) + noise[0]
    other = np.cos(2 * np.pi * steps / period) + noise[1]
    return Planted(data=_hours(steps, load).with_columns(pl.Series("other", other)), options={"target": ("load",)})


def _growing(generator: Generator, _: Path) -> Planted:
    """A total that only grows, beside others that do: all of them go along with the date."""
    rows = int(generator.integers(250, 2_500))
    days = [date(2018, 1, 1) + timedelta(days=number) for number in range(rows)]
    totals = {name: np.cumsum(generator.gamma(3, 2, rows)).round(1) for name in ("rain", "visitors", "energy")}
    frame = pl.DataFrame({"day": days, **totals, "wind": generator.gamma(2, 2, rows)})
    return Planted(data=frame, options={"target": ("energy",), "task": "regress", "split": "random"})


def _late_sensor(generator: Generator, _: Path) -> Planted:
    """A sensor that was there from some day on, of a plant whose output grows."""
    rows = int(generator.integers(300, 2_500))
    days = [datetime(2018, 1, 1) + timedelta(hours=6 * number) for number in range(rows)]
    output = np.linspace(10, 90, rows) + generator.normal(0, 1.5, rows)
    cells = pl.Series(generator.normal(20, 3, rows)).scatter(np.arange(int(generator.uniform(0.2, 0.6) * rows)), None)
    frame = pl.DataFrame({"when": days, "sensor": cells, "load": generator.gamma(2, 2, rows), "output": output})
    return Planted(data=frame, options={"target": ("output",), "task": "regress", "split": "random"})


def _few_people(generator: Generator, _: Path) -> Planted:
    """Patients who were seen one after the other; whoever is tested may have been the first."""
    people = int(generator.integers(5, 14))
    sizes = generator.integers(220, 320, people)
    person = np.repeat(np.arange(people), sizes)
    start = np.repeat(generator.permutation(people), sizes)
    days = [date(2020, 1, 1) + timedelta(days=int(30 * s + generator.integers(0, 28))) for s in start]
    frame = made_table(generator, len(person)).with_columns(
        pl.Series("patient_id", [f"p{k}" for k in person]), pl.Series("seen", days)
    )
    return Planted(data=frame, options={"target": ("outcome",)})


def _small_given_parts(generator: Generator, _: Path) -> Planted:
    """Few rows of many classes, of which a handful are given as test rows."""
    rows, classes = int(generator.integers(60, 160)), int(generator.integers(4, 16))
    labels = generator.integers(0, classes, rows)
    part = np.where(generator.permutation(rows) < int(generator.integers(6, 20)), "test", "train")
    frame = pl.DataFrame(
        {
            "width": labels + generator.normal(0, 1, rows),
            "height": generator.normal(0, 1, rows),
            "part": part,
            "species": [f"s{label}" for label in labels],
        }
    )
    return Planted(data=frame, options={"target": ("species",)})


def _one_broken_file(generator: Generator, folder: Path) -> Planted:
    """A hundred pictures and more, of which one came across cut short."""
    planted = _picture_files(generator, folder)
    for label in ("class0", "class1"):
        for number in range(60):
            pixels = generator.normal(90, 50, (20, 20, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"more{number}.png")
    broken = folder / "class0" / "more0.png"
    broken.write_bytes(broken.read_bytes()[:200])
    return planted


def _plan_that_grows(generator: Generator, _: Path) -> Planted:
    """A forecast of a total, with a plan for it that grows as evenly."""
    steps = np.arange(int(generator.integers(400, 1_200)))
    load = 5.0 * steps + generator.normal(0, 2, len(steps))
    plan = (3.0 * steps + 100 + generator.normal(0, 2, len(steps))).round(1)
    frame = _hours(steps, load.round(1)).with_columns(pl.Series("plan", plan))
    return Planted(data=frame, options={"target": ("load",), "horizon": 12, "known": ("plan",)})


def _hours(steps: Array, values: Array) -> pl.DataFrame:
    times = [datetime(2023, 1, 1) + timedelta(hours=int(step)) for step in steps]
    return pl.DataFrame({"time": times, "load": np.asarray(values, np.float64)})


MAKERS: tuple[tuple[Callable[[Generator, Path], Planted], int], ...] = (
    (_classes, 16),
    (_numbers, 16),
    (_counts, 24),
    (_tips, 10),
    (_long_tails, 10),
    (_two_kinds, 10),
    (_gaps, 12),
    (_in_time, 10),
    (_texts, 14),
    (_pictures, 12),
    (_picture_files, 8),
    (_sounds, 12),
    (_series, 16),
    (_periodic, 10),
    (_counter, 6),
    (_walks, 8),
    (_waves, 6),
    (_growing, 12),
    (_late_sensor, 12),
    (_few_people, 20),
    (_small_given_parts, 20),
    (_one_broken_file, 6),
    (_plan_that_grows, 8),
)
GENERATED = [
    Clean(name=f"{maker.__name__.strip('_').replace('_', ' ')} {number}", make=maker, seed=1_000 * kind + number)
    for kind, (maker, count) in enumerate(MAKERS)
    for number in range(count)
]
ONE_EACH = [next(one for one in GENERATED if one.make is maker) for maker, _ in MAKERS]
