"""Data without a fault that look like one: good features, long tails, two kinds of things, series that resemble themselves."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from netpick.checks import CHECKS
from netpick.contest.prepare import FitOptions, prepare
from netpick.tasks.examples import Prepared

N = 1_500
Floats = npt.NDArray[np.float64]


def looked(frame: pl.DataFrame, **options: object) -> Prepared:
    return prepare(frame, FitOptions(target=("target",), accept=tuple(CHECKS), **options))  # type: ignore[arg-type]


def codes(frame: pl.DataFrame, **options: object) -> set[str]:
    """Codes of warnings and severe findings."""
    return {f.code for f in looked(frame, **options).findings if f.severity != "info"}


def table(generator: np.random.Generator, **columns: object) -> pl.DataFrame:
    label = generator.integers(0, 2, N)
    made = {"noise": generator.normal(size=N), "hint": generator.normal(size=N) + label}
    return pl.DataFrame({**made, **columns, "target": np.where(label == 1, "ill", "well")})


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(11)


def test_features_that_predict_well_are_no_leaks(generator: np.random.Generator) -> None:
    label = generator.integers(0, 3, N)
    frame = pl.DataFrame(
        {
            "length": label * 2.5 + generator.normal(size=N),  # alone right in nine rows of ten
            "colour": np.where(generator.random(N) < 0.9, np.array(["red", "green", "blue"])[label], "white"),
            "weight": generator.normal(size=N),
            "target": np.array(["a", "b", "c"])[label],
        }
    )
    assert codes(frame) == set()


def test_cells_that_are_missing_more_often_in_one_class_are_no_proof(generator: np.random.Generator) -> None:
    label = generator.integers(0, 2, N)
    gone = generator.random(N) < np.where(label == 1, 0.6, 0.1)
    cells = [None if empty else float(v) for v, empty in zip(generator.normal(size=N), gone, strict=True)]
    frame = pl.DataFrame(
        {"age": generator.normal(size=N), "test": cells, "target": np.where(label == 1, "ill", "well")}
    )
    assert codes(frame) == set()


@pytest.mark.parametrize("tail", ["lognormal", "pareto", "zeros"])
def test_long_tails_are_no_outliers(tail: str, generator: np.random.Generator) -> None:
    drawn: dict[str, Floats] = {
        "lognormal": generator.lognormal(3, 1.5, N),
        "pareto": generator.pareto(1.8, N) + 1,
        "zeros": np.where(generator.random(N) < 0.85, 0.0, generator.lognormal(4, 1, N)),
    }
    assert "D026" not in codes(table(generator, amount=drawn[tail]))


def test_two_kinds_of_things_are_not_two_units(generator: np.random.Generator) -> None:
    """Cats and horses weigh a hundred times as much as each other, but not in the same proportions."""
    horses = generator.random(N) < 0.4
    weight = np.where(horses, generator.normal(480, 30, N), generator.lognormal(np.log(4.2), 0.35, N))
    assert "D028" not in codes(table(generator, weight=weight))
    assert "D028" not in codes(table(generator, count=generator.poisson(3, N).astype(float) * 100 + 5))


def test_counters_that_say_nothing_are_left_alone(generator: np.random.Generator) -> None:
    assert codes(table(generator, ticket=generator.permutation(N) + 1_000)) == set()


def test_series_that_resemble_themselves_hold_no_delayed_target(generator: np.random.Generator) -> None:
    level = np.cumsum(generator.normal(size=N)) * 0.05
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(N)]
    frame = pl.DataFrame({"day": days, "pressure": level + 0.01 * generator.normal(size=N), "target": level})
    assert "D012" not in codes(frame, task="regress")


def test_dates_of_birth_do_not_order_rows(generator: np.random.Generator) -> None:
    born = [date(1950, 1, 1) + timedelta(days=int(d)) for d in generator.integers(0, 18_000, N)]
    assert codes(table(generator, born=born)) == set()


def test_regions_are_no_things_that_come_again(generator: np.random.Generator) -> None:
    regions = generator.choice([f"region {i}" for i in range(30)], N)
    assert codes(table(generator, region=regions)) == set()


def test_classes_that_overlap_have_no_wrong_labels(generator: np.random.Generator) -> None:
    label = (generator.random(N) < 0.3).astype(int)
    frame = pl.DataFrame(
        {
            "a": generator.normal(size=N) + 0.8 * label,
            "b": generator.normal(size=N) + 0.6 * label,
            "target": np.where(label == 1, "ill", "well"),
        }
    )
    assert "D024" not in {f.code for f in looked(frame).findings}


def test_parts_of_one_population_do_not_drift(generator: np.random.Generator) -> None:
    frame = table(generator, **{f"x{i}": generator.standard_t(3, N) for i in range(40)})
    assert "D025" not in codes(frame[:1_000], test=frame[1_000:])


def test_digits_of_many_hands_are_no_copies() -> None:
    from netpick.cli.demo import demo_data

    findings = prepare(demo_data("digits"), FitOptions(accept=tuple(CHECKS))).findings
    assert {f.code for f in findings if f.severity != "info"} == set()


def test_the_smallest_class_weighs_little_but_is_no_trait(tmp_path: object) -> None:
    """Sizes of files follow from what is shown: plain pictures pack better than busy ones."""
    from pathlib import Path

    from PIL import Image

    folder = Path(str(tmp_path))
    generator = np.random.default_rng(3)
    for number in range(240):
        busy = number % 2
        pixels = generator.integers(0, 256, (24, 24)) if busy else np.full((24, 24), generator.integers(0, 256))
        pixels[generator.integers(0, 24), generator.integers(0, 24)] = 255
        path = folder / ("busy" if busy else "plain") / f"{number:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    findings = prepare(folder, FitOptions(accept=tuple(CHECKS))).findings
    assert "D020" not in {f.code for f in findings}
