"""Faults of tables: numbers, categories, dates."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from planted.case import Array, Case, Place, Planted, cases, codes_of, parts, table

# --- the target in another form --------------------------------------------------------------------------------------


def copy_of_the_class(place: Place, name: str, slips: float) -> Planted:
    frame, target = table(place, name)
    codes = codes_of(frame, target)
    wrong = place.generator.random(len(codes)) < slips
    codes = np.where(wrong, (codes + 1) % (codes.max() + 1), codes)
    return Planted(data=frame.with_columns(pl.Series("status code", codes * 10 + 3)), options={"target": (target,)})


def several_codes_a_class(place: Place, name: str, codes: int) -> Planted:
    frame, target = table(place, name)
    letters = np.array([f"{chr(65 + i % 26)}{i * 37 % 100}" for i in range(codes * 20)])
    chosen = codes_of(frame, target) * codes + place.generator.integers(0, codes, len(frame))
    return Planted(data=frame.with_columns(pl.Series("ward", letters[chosen])), options={"target": (target,)})


def number_in_another_form(place: Place, name: str, form: str) -> Planted:
    frame, target = table(place, name)
    value = frame[target].to_numpy().astype(float)
    forms = {
        "unit": value * 0.453 + 12,
        "logarithm": np.log(value - value.min() + 1),
        "rounded": np.round(value, -int(np.log10(value.std())) + 0),
        "noise": value + 0.03 * value.std() * place.generator.normal(size=len(value)),
        "square": (value - value.min()) ** 2,
        "rank": np.argsort(np.argsort(value)).astype(float),
    }
    return Planted(data=frame.with_columns(pl.Series("assessed", forms[form])), options={"target": (target,)})


def number_in_bins(place: Place, name: str, bins: int, words: bool) -> Planted:
    frame, target = table(place, name)
    value = frame[target].to_numpy().astype(float)
    places = np.searchsorted(np.quantile(value, np.linspace(0, 1, bins + 1)[1:-1]), value, "right")
    cells = np.array([f"band {chr(97 + i)}" for i in range(bins)])[places] if words else places * 5 + 1
    return Planted(data=frame.with_columns(pl.Series("band", cells)), options={"target": (target,), "task": "regress"})


def coarser_classes(place: Place, classes: int, groups: int) -> Planted:
    generator = place.generator
    label = generator.integers(0, classes, 3_000)
    frame = pl.DataFrame(
        {
            "length": generator.normal(size=3_000) + label * 0.5,
            "width": generator.normal(size=3_000) - label * 0.3,
            "family": np.array(["cats", "dogs", "birds", "fish"])[label % groups],
            "species": np.array([f"species {i}" for i in range(classes)])[label],
        }
    )
    return Planted(data=frame, options={"target": ("species",)})


def later_or_earlier_target(place: Place, name: str, lag: int) -> Planted:
    generator = place.generator
    if name == "temperatures":
        frame = pl.read_csv(place.real / "time_series" / "daily_min_temperatures.csv").rename({"Temp": "target"})
        frame = frame.with_columns(pl.Series("wind", generator.normal(size=len(frame))))
    else:
        n = 2_500
        steps = np.convolve(generator.normal(size=n + 20), np.ones(5) / 5, "same")[:n] * 10
        frame = pl.DataFrame(
            {
                "day": [date(2015, 1, 1) + timedelta(days=i) for i in range(n)],
                "rain": generator.exponential(2, n),
                "load": steps + generator.normal(size=n),
                "target": steps + 40,
            }
        )
        if name == "classes":
            frame = frame.with_columns(
                pl.when(pl.col("target") > 40).then(pl.lit("up")).otherwise(pl.lit("down")).alias("target")
            )
    shifted = frame["target"].shift(-lag)
    hint = shifted if name == "classes" else shifted * 1.8 + 32
    task = "classify" if name == "classes" else "regress"
    return Planted(data=frame.with_columns(hint.alias("hint")), options={"target": ("target",), "task": task})


# --- known only afterwards -------------------------------------------------------------------------------------------


def filled_afterwards(place: Place, name: str, what: str, share: float) -> Planted:
    frame, target = table(place, name)
    generator = place.generator
    codes = codes_of(frame, target)
    rarest = int(np.bincount(codes).argmin())
    chosen = (codes == rarest) & (generator.random(len(codes)) < share)
    cells: dict[str, list[object]] = {
        "number": [float(v) for v in generator.normal(100, 20, len(codes))],
        "date": [date(2021, 1, 1) + timedelta(days=int(d)) for d in generator.integers(0, 700, len(codes))],
        "category": [str(v) for v in generator.choice(["by post", "by phone", "online"], len(codes))],
    }
    column = pl.Series("closing", [cell if keep else None for cell, keep in zip(cells[what], chosen, strict=True)])
    return Planted(data=frame.with_columns(column), options={"target": (target,)})


def missing_afterwards(place: Place, name: str) -> Planted:
    """Empty for one class only: the rest were asked."""
    frame, target = table(place, name)
    codes = codes_of(frame, target)
    rarest = int(np.bincount(codes).argmin())
    values = place.generator.normal(5, 1, len(codes))
    gone = (codes == rarest) & (place.generator.random(len(codes)) < 0.7)
    column = pl.Series("answer", [None if empty else float(v) for v, empty in zip(values, gone, strict=True)])
    return Planted(data=frame.with_columns(column), options={"target": (target,)})


def filled_for_large_numbers(place: Place, name: str) -> Planted:
    frame, target = table(place, name)
    value = frame[target].to_numpy().astype(float)
    large = value > np.quantile(value, 0.8)
    cells = [float(v) if keep else None for v, keep in zip(place.generator.normal(size=len(value)), large, strict=True)]
    return Planted(data=frame.with_columns(pl.Series("surcharge", cells)), options={"target": (target,)})


# --- numbers and names of rows ---------------------------------------------------------------------------------------


def numbered_by_class(place: Place, name: str, noise: float, gaps: bool) -> Planted:
    """A counter of cases that were entered class by class, more or less; the file itself is shuffled."""
    frame, target = table(place, name)
    generator = place.generator
    codes = codes_of(frame, target)
    order = np.argsort(codes + noise * generator.normal(size=len(codes)))
    numbers = np.empty(len(codes), dtype=np.int64)
    numbers[order] = 10_000 + np.cumsum(generator.integers(1, 4 if gaps else 2, len(codes)))
    return Planted(data=frame.with_columns(pl.Series("case", numbers)), options={"target": (target,)})


def named_by_class(place: Place, name: str) -> Planted:
    """As above, but the counter is part of a name, which is left out."""
    frame, target = table(place, name)
    codes = codes_of(frame, target)
    order = np.argsort(codes + 0.2 * place.generator.normal(size=len(codes)))
    numbers = np.empty(len(codes), dtype=np.int64)
    numbers[order] = np.arange(len(codes)) + 1
    names = pl.Series("record", [f"REC-{number:06}" for number in numbers])
    return Planted(data=frame.with_columns(names), options={"target": (target,)})


def bunches(place: Place, name: str, length: int) -> Planted:
    """Rows of one class stand together in bunches."""
    frame, target = table(place, name)
    codes = codes_of(frame, target)
    generator = place.generator
    order = np.argsort(codes, kind="stable")
    blocks = [order[i : i + length] for i in range(0, len(order), length)]
    mixed = np.concatenate([blocks[i] for i in generator.permutation(len(blocks))])
    return Planted(data=frame[mixed], options={"target": (target,)})


def same_thing_again(place: Place, column: str, rows_each: int, strength: float) -> Planted:
    """Rows of one device or ticket have like outcomes and come several times."""
    generator = place.generator
    n = 2_400
    thing = generator.integers(0, n // rows_each, n)
    mood = generator.normal(size=n)[thing]
    score = strength * mood + generator.normal(size=n)
    frame = pl.DataFrame(
        {
            "heat": generator.normal(size=n) + 0.2 * score,
            "speed": generator.normal(size=n),
            column: [f"{'QX' if t % 2 else 'LM'}{(t * 7919) % 100_003:06}-{t % 7}" for t in thing],
            "target": np.where(score > 0, "fails", "works"),
        }
    )
    return Planted(data=frame, options={"target": ("target",)})


def same_patient_in_given_parts(place: Place, share: float) -> Planted:
    generator = place.generator
    n = 2_000
    frame = pl.DataFrame(
        {
            "patient_id": generator.integers(1, 500, n),
            "pressure": generator.normal(120, 12, n),
            "pulse": generator.normal(70, 8, n),
            "target": generator.choice(["ill", "well"], n),
        }
    )
    learned, test = parts(frame)
    fresh = generator.random(len(test)) > share
    test = test.with_columns(
        pl.when(pl.Series(fresh)).then(pl.col("patient_id") + 1_000).otherwise(pl.col("patient_id")).alias("patient_id")
    )
    return Planted(data=learned, options={"target": ("target",), "test": test})


# --- the split -------------------------------------------------------------------------------------------------------


def copies_in_test(place: Place, name: str, share: float) -> Planted:
    frame, target = table(place, name)
    learned, test = parts(frame.unique(maintain_order=True))
    count = round(share * len(test))
    return Planted(data=learned, options={"target": (target,), "test": pl.concat([test[count:], learned[:count]])})


def given_parts_backwards(place: Place, name: str) -> Planted:
    frame, target = table(place, name)
    days = [date(2018, 1, 1) + timedelta(days=i // 4) for i in range(len(frame))]
    learned, test = parts(frame.with_columns(pl.Series("noted", days[::-1])))
    order = place.generator.permutation(len(learned))
    return Planted(data=learned[order], options={"target": (target,), "test": test})


def random_split_of_a_process(place: Place, smooth: int) -> Planted:
    """Rows with dates, out of order in the file, of something that changes slowly."""
    generator = place.generator
    n = 2_000
    level = np.convolve(generator.normal(size=n + smooth), np.ones(smooth) / np.sqrt(smooth), "valid")[:n]
    frame = pl.DataFrame(
        {
            "measured": [date(2012, 1, 1) + timedelta(days=i) for i in range(n)],
            "humidity": generator.normal(50, 10, n),
            "output": level * 3 + generator.normal(size=n),
        }
    )
    return Planted(
        data=frame.sample(n, shuffle=True, seed=place.seed), options={"target": ("output",), "task": "regress"}
    )


def drifted(place: Place, name: str, how: str) -> Planted:
    frame, target = table(place, name)
    learned, test = parts(frame)
    generator = place.generator
    first = next(c for c in frame.columns if frame[c].dtype.is_numeric() and c != target)
    text = [c for c in frame.columns if frame[c].dtype == pl.String and c != target and 2 <= frame[c].n_unique() <= 20]
    value = test[first]
    spread = float(frame[first].std() or 1)  # type: ignore[arg-type]
    if how == "shift":
        test = test.with_columns((value + 0.8 * spread).alias(first))
    elif how == "scale":
        test = test.with_columns((value * 2.5).alias(first))
    elif how == "missing":
        gone = generator.random(len(test)) < 0.4
        test = test.with_columns(pl.when(pl.Series(gone)).then(None).otherwise(value).alias(first))
    elif how == "categories":
        cells = [frame[text[0]].drop_nulls()[0]] * len(test)
        keep = generator.random(len(test)) < 0.5
        mixed = [a if k else b for a, b, k in zip(test[text[0]].to_list(), cells, keep, strict=True)]
        test = test.with_columns(pl.Series(text[0], mixed))
    elif how == "target":
        codes = codes_of(frame, target)[len(learned) :]
        rarest = int(np.bincount(codes).argmin())
        test = test.filter(pl.Series((codes != rarest) | (generator.random(len(codes)) < 0.3)))
    else:  # columns no longer go together
        numbers = [c for c in frame.columns if frame[c].dtype.is_numeric() and c != target]
        test = test.with_columns([pl.Series(c, generator.permutation(test[c].to_numpy())) for c in numbers])
    return Planted(data=learned, options={"target": (target,), "test": test})


# --- labels ----------------------------------------------------------------------------------------------------------


def flipped_labels(place: Place, name: str, share: float) -> Planted:
    frame, target = table(place, name)
    generator = place.generator
    cells = frame[target].to_list()
    others = sorted({str(c) for c in cells})
    for i in generator.permutation(len(cells))[: max(3, round(share * len(cells)))]:
        cells[i] = others[(others.index(str(cells[i])) + 1 + generator.integers(0, len(others) - 1)) % len(others)]
    return Planted(data=frame.with_columns(pl.Series(target, [str(c) for c in cells])), options={"target": (target,)})


def slipped_targets(place: Place, share: float) -> Planted:
    """Prices with a point forgotten, of things whose price the columns tell."""
    generator = place.generator
    n = 2_000
    size, rooms, age = generator.uniform(30, 200, n), generator.integers(1, 7, n), generator.uniform(0, 90, n)
    price = 900 * size + 8_000 * rooms - 400 * age + generator.normal(0, 6_000, n) + 60_000
    price[generator.random(n) < share] *= generator.choice([0.1, 3.0])
    frame = pl.DataFrame({"size": size, "rooms": rooms, "age": age, "price": price})
    return Planted(data=frame, options={"target": ("price",)})


def torn_rows(place: Place, name: str, share: float) -> Planted:
    frame, target = table(place, name)
    count = round(share * len(frame))
    again = frame[:count]
    labels = sorted({str(v) for v in frame[target].to_list()})
    other = [labels[(labels.index(str(v)) + 1) % len(labels)] for v in again[target].to_list()]
    frame = frame.with_columns(pl.col(target).cast(pl.String))
    both = pl.concat([frame, frame[:count].with_columns(pl.Series(target, other))])
    return Planted(data=both.sample(len(both), shuffle=True, seed=place.seed), options={"target": (target,)})


def few_of_a_class(place: Place, name: str, rows: int) -> Planted:
    frame, target = table(place, name)
    frame = frame.with_columns(pl.col(target).cast(pl.String))
    cells = frame[target].to_list()
    cells[:rows] = ["odd"] * rows
    return Planted(data=frame.with_columns(pl.Series(target, cells)), options={"target": (target,)})


def uneven(place: Place, name: str, share: float) -> Planted:
    frame, target = table(place, name)
    codes = codes_of(frame, target)
    rarest = int(np.bincount(codes).argmin())
    count = round(share * (codes != rarest).sum() / (1 - share))
    keep = np.concatenate([np.flatnonzero(codes != rarest), np.flatnonzero(codes == rarest)[:count]])
    return Planted(data=frame[place.generator.permutation(keep)], options={"target": (target,)})


def misspelt_labels(place: Place, name: str, how: str) -> Planted:
    frame, target = table(place, name)
    cells = [str(v) for v in frame[target].to_list()]
    changed = {"case": str.upper, "stop": lambda v: v + ".", "blank": lambda v: " " + v}[how]
    marked = place.generator.random(len(cells)) < 0.1
    cells = [changed(c) if m else c for c, m in zip(cells, marked, strict=True)]
    return Planted(data=frame.with_columns(pl.Series(target, cells)), options={"target": (target,)})


# --- cells -----------------------------------------------------------------------------------------------------------


def _float_column(frame: pl.DataFrame, target: str) -> tuple[str, Array]:
    first = next(c for c in frame.columns if frame[c].dtype.is_numeric() and c != target and frame[c].n_unique() > 30)
    return first, frame[first].cast(pl.Float64).fill_null(frame[first].median()).to_numpy().copy()  # type: ignore[arg-type]


def far_numbers(place: Place, name: str, how: str, count: int) -> Planted:
    frame, target = table(place, name)
    first, values = _float_column(frame, target)
    at = place.generator.permutation(len(values))[:count]
    if how == "thousandfold":
        values[at] *= 1_000
    else:
        values[at] = float(how)
    return Planted(data=frame.with_columns(pl.Series(first, values)), options={"target": (target,)})


def stray_cells(place: Place, name: str, word: str) -> Planted:
    frame, target = table(place, name)
    first, values = _float_column(frame, target)
    cells = [f"{v:.3f}" for v in values]
    for number, i in enumerate(place.generator.permutation(len(cells))[: max(2, len(cells) // 100)]):
        cells[i] = f"{word}{number}"  # one word again and again would be a word for what is missing
    return Planted(data=frame.with_columns(pl.Series(first, cells)), options={"target": (target,)})


def two_units(place: Place, what: str, share: float) -> Planted:
    generator = place.generator
    n = 2_000
    columns = {
        "heights": (generator.normal(172, 9, n), lambda v: v / 2.54),
        "weights": (generator.normal(75, 11, n), lambda v: v * 2.2046),
        "distances": (generator.lognormal(2, 0.18, n), lambda v: v * 1_000),
        "temperatures": (generator.normal(21, 5, n), lambda v: v * 1.8 + 32),
        "durations": (generator.gamma(30, 1, n), lambda v: v * 60),
        "shares": (generator.beta(12, 18, n), lambda v: v * 100),
    }
    values, change = columns[what]
    other = generator.random(n) < share
    values = np.where(other, change(values), values)
    return _with_measured(place, pl.Series("measured", values))


def written_units(place: Place, units: str, share: float) -> Planted:
    one, other = units.split("/")
    generator = place.generator
    values = generator.normal(60, 8, 1_500)
    second = generator.random(1_500) < share
    cells = [f"{v * 2.2:.0f} {other}" if s else f"{v:.1f} {one}" for v, s in zip(values, second, strict=True)]
    return _with_measured(place, pl.Series("measured", cells))


def _with_measured(place: Place, column: pl.Series) -> Planted:
    generator = np.random.default_rng(place.seed + 1)
    n = len(column)
    frame = pl.DataFrame({"pulse": generator.normal(70, 9, n), "age": generator.uniform(18, 80, n)})
    label = generator.choice(["ill", "well"], n)
    return Planted(data=frame.with_columns(column, pl.Series("target", label)), options={"target": ("target",)})


CASES: list[Case] = [
    *cases("category", "D002", copy_of_the_class, [("made", 0.0), ("adult", 0.0), ("wine", 0.0)], [("telco", 0.0), ("breast_cancer", 0.0), ("made", 0.004), ("titanic", 0.0)]),
    *cases("category", "D002", several_codes_a_class, [("made", 5), ("telco", 8)], [("adult", 12), ("titanic", 3)]),
    *cases("number", "D002", number_in_another_form, [("housing", "unit"), ("made numbers", "logarithm"), ("made numbers", "noise")], [("housing", "rank"), ("diabetes", "unit"), ("housing", "square"), ("made numbers", "rounded")]),
    *cases("number", "D002", number_in_bins, [("housing", 5, True), ("made numbers", 3, False), ("diabetes", 4, True)], [("housing", 2, False), ("made numbers", 12, True), ("diabetes", 3, False)]),
    *cases("category", "D002", coarser_classes, [(6, 3)], [(9, 2), (4, 2)]),
    *cases("number", "D012", later_or_earlier_target, [("temperatures", 1), ("series", -7), ("classes", 2)], [("temperatures", -1), ("series", 24), ("classes", -5), ("series", 1)]),
    *cases("number", "D013", filled_afterwards, [("made", "number", 1.0), ("telco", "number", 0.4)], [("adult", "number", 0.6), ("titanic", "number", 0.9)]),
    *cases("datetime", "D013", filled_afterwards, [("telco", "date", 0.7)], [("made", "date", 1.0), ("adult", "date", 0.3)]),
    *cases("category", "D013", filled_afterwards, [("made", "category", 0.5)], [("telco", "category", 0.8)]),
    *cases("number", "D013", missing_afterwards, [("made",)], [("telco",), ("adult",)]),
    *cases("number", "D013", filled_for_large_numbers, [("housing",)], [("made numbers",)]),
    *cases("number", "D019", numbered_by_class, [("made", 0.2, False), ("telco", 0.3, True)], [("adult", 0.4, True), ("breast_cancer", 0.2, False)]),
    *cases("category", "D019", named_by_class, [("telco",)], [("made",), ("titanic",)]),
    *cases("number", "D019", bunches, [("made", 20)], [("telco", 8), ("adult", 40)]),
    *cases("category", "D021", same_thing_again, [("device", 6, 2.0), ("machine no", 3, 2.5)], [("serial", 10, 1.5), ("plate", 4, 2.0)]),
    *cases("category", "D011", same_patient_in_given_parts, [(1.0,)], [(0.3,)]),
    *cases("number", "D001", copies_in_test, [("housing", 0.1), ("breast_cancer", 0.6)], [("adult", 0.03), ("made", 0.25), ("diabetes", 0.5)]),
    *cases("datetime", "D022", given_parts_backwards, [("made",)], [("telco",), ("housing",)]),
    *cases("datetime", "D022", random_split_of_a_process, [(30,)], [(10,), (80,)]),
    *cases("number", "D025", drifted, [("made", "shift"), ("housing", "missing"), ("breast_cancer", "scale")], [("housing", "shift"), ("made", "missing"), ("titanic", "scale"), ("breast_cancer", "together")]),
    *cases("category", "D025", drifted, [("telco", "categories"), ("made", "target")], [("adult", "categories"), ("telco", "target")]),
    *cases("number", "D024", flipped_labels, [("breast_cancer", 0.05), ("wine", 0.06)], [("breast_cancer", 0.1), ("iris", 0.05)]),
    *cases("number", "D024", slipped_targets, [(0.02,)], [(0.01,)]),
    *cases("number", "D023", torn_rows, [("breast_cancer", 0.05), ("made", 0.02)], [("telco", 0.1), ("wine", 0.1)]),
    *cases("category", "D003", few_of_a_class, [("made", 6)], [("adult", 4)]),
    *cases("category", "D007", uneven, [("made", 0.02)], [("telco", 0.04)]),
    *cases("category", "D004", misspelt_labels, [("made", "stop")], [("telco", "case"), ("made", "blank")]),
    *cases("number", "D026", far_numbers, [("made", "-9999", 12), ("housing", "thousandfold", 3), ("breast_cancer", "999", 5)], [("telco", "99999", 20), ("adult", "-999", 8), ("diabetes", "thousandfold", 2), ("made", "thousandfold", 1)]),
    *cases("number", "D009", stray_cells, [("made", "n/k")], [("housing", "unknown")]),
    *cases("number", "D028", two_units, [("heights", 0.3), ("temperatures", 0.4), ("distances", 0.1)], [("weights", 0.3), ("durations", 0.5), ("shares", 0.2), ("heights", 0.07)]),
    *cases("category", "D028", written_units, [("kg/lb", 0.3)], [("cm/in", 0.05)]),
]  # fmt: skip
