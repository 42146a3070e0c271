"""Small data sets of every kind, drawn anew from fixed seeds: for tests and tools that need some data and no particular ones."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import soundfile
from mixed_table import write_mixed_table
from moving_digits import drawn_digits, moving_digits, write_frames, write_videos
from PIL import Image
from small_pairs import small_pairs
from small_tags import as_conll, tagged_sentences
from small_texts import small_text


def table(folder: Path) -> object:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(160, 2)).round(3)
    place = generator.choice(["sea", "hill", "town"], 160)
    label = np.where(x[:, 0] + (place == "sea") > 0, "yes", "no")
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "place": place, "label": label}).write_csv(folder / "table.csv")
    return str(folder / "table.csv")


def numbers(folder: Path) -> object:
    x = np.random.default_rng(1).normal(size=(160, 3)).round(3)
    y = (40 + 3 * x[:, 0] - x[:, 1] * x[:, 2] + np.random.default_rng(9).normal(size=160)).round(2)
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "target": y}).write_csv(folder / "numbers.csv")
    return str(folder / "numbers.csv")


def images(folder: Path) -> object:
    generator = np.random.default_rng(2)
    for index in range(90):
        kind = ("dark", "light")[index % 2]
        pixels = generator.integers(0, 150, (14, 14, 3)) + 80 * (index % 2) * (np.arange(14) > 7)[:, None, None]
        (folder / "images" / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / kind / f"{index:03}.png")
    return str(folder / "images")


def texts(folder: Path) -> object:
    generator = np.random.default_rng(3)
    words = ["the", "a", "day", "was", "it", "long", "road", "seen"]
    rows = []
    for index in range(160):
        of_feeling = (["bad", "poor", "cold"], ["good", "fine", "warm"])[(index + (generator.random() < 0.2)) % 2]
        text = [*generator.choice(words, generator.integers(3, 14)), generator.choice(of_feeling)]
        rows.append(json.dumps({"text": " ".join(generator.permutation(text)), "label": ("bad", "good")[index % 2]}))
    (folder / "texts.jsonl").write_text("\n".join(rows))
    return str(folder / "texts.jsonl")


def sounds(folder: Path) -> object:
    generator = np.random.default_rng(4)
    for index in range(70):
        kind, hertz = (("low", 300), ("high", 900))[index % 2]
        wave = np.sin(2 * np.pi * hertz * np.arange(1_000 + 20 * index) / 4_000)
        (folder / "sounds" / kind).mkdir(parents=True, exist_ok=True)
        path = folder / "sounds" / kind / f"{index:03}.wav"
        soundfile.write(path, (0.3 * wave + 0.02 * generator.normal(size=len(wave))).astype(np.float32), 4_000)
    return str(folder / "sounds")


def clips(folder: Path) -> object:
    made, labels = moving_digits(drawn_digits(12), 60, directions=2, frames=4, side=16, seed=0)
    write_videos(made, labels, folder / "clips")
    return str(folder / "clips")


def series(folder: Path) -> object:
    generator = np.random.default_rng(5)
    y = generator.integers(0, 2, 120)
    x = generator.normal(size=(120, 24, 2)) + np.sin(np.arange(24) * (1 + y[:, None]) / 3)[..., None]
    return x.astype(np.float32), y


def columns(folder: Path) -> object:
    """A column of each kind that tables have, with gaps, and three classes."""
    generator = np.random.default_rng(10)
    count = 240
    size = generator.gamma(2, 30, count).round(1)
    kind = generator.choice(["flat", "house", "loft"], count, p=[0.5, 0.3, 0.2])
    score = size / 60 + (kind == "house") + 0.4 * generator.normal(size=count)
    days = [date(2022, 1, 3) + timedelta(days=int(day)) for day in generator.integers(0, 600, count)]
    frame = pl.DataFrame({
        "size": [None if row % 17 == 3 else value for row, value in enumerate(size.tolist())],
        "kind": [None if row % 23 == 5 else value for row, value in enumerate(kind.tolist())],
        "listed": days,
        "lift": generator.choice(["yes", "no"], count),
        "price": np.array(["low", "middle", "high"])[np.digitize(score, [1.0, 1.9])],
    })  # fmt: skip
    frame.write_csv(folder / "columns.csv")
    return str(folder / "columns.csv")


def labels(folder: Path) -> object:
    """Two labels of a row, each of which holds or not."""
    x = np.random.default_rng(11).normal(size=(200, 3)).round(3)
    frame = pl.DataFrame(
        {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "warm": x[:, 0] > 0, "wet": x[:, 1] + x[:, 2] > 0.3}
    )
    frame.write_csv(folder / "labels.csv")
    return str(folder / "labels.csv")


def measures(folder: Path) -> object:
    """Two numbers to say of each row."""
    generator = np.random.default_rng(12)
    x = generator.normal(size=(220, 3)).round(3)
    first = 40 + 3 * x[:, 0] - x[:, 1] * x[:, 2] + 0.5 * generator.normal(size=220)
    second = np.exp(1 + 0.5 * x[:, 1]) + 0.1 * generator.normal(size=220)
    named = {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "weight": first.round(2), "cost": second.round(3)}
    pl.DataFrame(named).write_csv(folder / "measures.csv")
    return str(folder / "measures.csv")


def pictures(folder: Path) -> object:
    """Grey pictures of 12 x 12 pixels as arrays; those of one class are brighter in the middle."""
    generator = np.random.default_rng(13)
    y = generator.integers(0, 2, 150)
    x = generator.integers(0, 120, (150, 12, 12)).astype(np.uint8)
    x[y == 1, 3:7, 3:7] += 90
    return x, y


def waves(folder: Path) -> object:
    """Series of unequal lengths in a .ts file."""
    generator = np.random.default_rng(14)
    lines = ["@problemName waves", "@univariate true", "@equalLength false", "@classLabel true slow fast", "@data"]
    for row in range(120):
        steps = int(generator.integers(18, 30))
        curve = np.sin(np.arange(steps) * (0.3 if row % 2 else 0.9)) + 0.2 * generator.normal(size=steps)
        lines.append(",".join(f"{value:.3f}" for value in curve) + (":slow" if row % 2 else ":fast"))
    (folder / "waves.ts").write_text("\n".join(lines) + "\n")
    return str(folder / "waves.ts")


def symbols(folder: Path) -> object:
    """Strings of symbols in which a motif tells the class."""
    generator = np.random.default_rng(15)
    strands = []
    for row in range(160):
        letters = generator.choice(list("ACGT"), int(generator.integers(20, 32)))
        place = int(generator.integers(0, 14))
        letters[place : place + 5] = list(("TATAA", "GGCGC")[row % 2])
        strands.append("".join(letters.tolist()))
    pl.DataFrame({"strand": strands, "site": ["tata" if row % 2 == 0 else "box" for row in range(160)]}).write_csv(
        folder / "symbols.csv"
    )
    return str(folder / "symbols.csv")


def frames(folder: Path) -> object:
    """Clips as folders of frames."""
    made, directions = moving_digits(drawn_digits(12), 60, directions=2, frames=4, side=16, seed=0)
    write_frames(made, directions, folder / "frames")
    return str(folder / "frames")


def mixed(folder: Path) -> object:
    """Pictures beside numbers."""
    return str(write_mixed_table(drawn_digits(12), np.repeat(np.arange(10), 5), folder / "mixed", 160))


def load(folder: Path) -> object:
    """One series with a day's rhythm, an hour a step."""
    generator = np.random.default_rng(16)
    hours = pl.datetime_range(pl.datetime(2024, 3, 1), pl.datetime(2024, 3, 18), "1h", eager=True)
    values = 10 + 2 * np.sin(2 * np.pi * np.arange(len(hours)) / 24) + 0.3 * generator.normal(size=len(hours))
    pl.DataFrame({"time": hours, "load": values.round(3)}).write_csv(folder / "load.csv")
    return str(folder / "load.csv")


def shops(folder: Path) -> object:
    """Two series with a week's rhythm, two targets, one covariate that is known ahead and one that is not, and a gap."""
    generator = np.random.default_rng(17)
    days = [date(2023, 1, 1) + timedelta(days=day) for day in range(200)]
    parts = []
    for shop, level in (("north", 100.0), ("south", 2000.0)):
        promotion = generator.random(200) < 0.2
        week = 1 + 0.3 * np.sin(2 * np.pi * np.arange(200) / 7)
        sales = level * (week + 0.5 * promotion + 0.03 * generator.normal(size=200))
        visits = 0.3 * sales + 5 * generator.normal(size=200)
        named = {"day": days, "shop": [shop] * 200, "sales": sales.round(2), "visits": visits.round(1)}
        weather = generator.choice(["sun", "rain"], 200)
        parts.append(pl.DataFrame({**named, "promotion": promotion, "weather": weather}))
    whole = pl.concat(parts)
    whole.filter(~((pl.col("day") == date(2023, 3, 3)) & (pl.col("shop") == "south"))).write_csv(folder / "shops.csv")
    return str(folder / "shops.csv")


def spare_parts(folder: Path) -> object:
    """Daily demand of two parts, which nobody asks for on most days."""
    generator = np.random.default_rng(23)
    days = [date(2023, 1, 1) + timedelta(days=day) for day in range(160)]
    parts = [
        pl.DataFrame(
            {"day": days, "part": [part] * 160, "sold": generator.poisson(mean, 160) * (generator.random(160) < 0.3)}
        )
        for part, mean in (("hinge", 3.0), ("lock", 8.0))
    ]
    pl.concat(parts).write_csv(folder / "parts.csv")
    return str(folder / "parts.csv")


def spoken(folder: Path) -> object:
    """Recordings of two to four tones, each a word, by four speakers whose tones are higher or lower; a text file beside each."""
    generator = np.random.default_rng(24)
    rate = 4_000
    for index in range(48):
        speaker = index % 4
        words = generator.choice(["low", "high"], generator.integers(2, 5)).tolist()
        pieces = []
        for word in words:
            hertz = {"low": 300, "high": 900}[word] * (0.9 + 0.07 * speaker)
            pieces += [np.sin(2 * np.pi * hertz * np.arange(int(generator.uniform(0.10, 0.16) * rate)) / rate)]
            pieces += [np.zeros(int(generator.uniform(0.05, 0.08) * rate))]
        wave = np.concatenate(pieces)
        (folder / "spoken").mkdir(parents=True, exist_ok=True)
        path = folder / "spoken" / f"speaker{speaker}-{index:03}"
        soundfile.write(path.with_suffix(".wav"), 0.3 * wave + 0.01 * generator.normal(size=len(wave)), rate)
        path.with_suffix(".txt").write_text(" ".join(words).capitalize() + ".")
    return str(folder / "spoken")


def pairs(folder: Path) -> object:
    """Sentences of a toy language in two files, line by line."""
    made = small_pairs(200)
    (folder / "pairs").mkdir(parents=True, exist_ok=True)
    for side, language in enumerate(("en", "fr")):
        (folder / "pairs" / f"all.{language}").write_text("".join(f"{pair[side]}\n" for pair in made))
    return str(folder / "pairs")


def story(folder: Path) -> object:
    """A text of a small grammar, to be continued."""
    (folder / "story.txt").write_text(small_text(400))
    return str(folder / "story.txt")


def tagged(folder: Path) -> object:
    """Sentences whose names of people and places have tags, in three parts."""
    (folder / "tagged").mkdir(parents=True, exist_ok=True)
    for part, count, seed in (("train", 120, 0), ("dev", 40, 1), ("test", 40, 2)):
        (folder / "tagged" / f"names.{part}.conll").write_text(as_conll(tagged_sentences(count, seed)))
    return str(folder / "tagged")


def songs(folder: Path) -> object:
    """Pieces of two voices, a file each: the upper one goes up or down every fourth step, the lower one follows."""
    for number in range(14):
        generator = np.random.default_rng(number)
        moves = np.repeat(np.cumsum(generator.choice([-2, -1, 1, 2], 18)) % 12, 4)[:70]
        low = np.concatenate([moves[:2], moves[:-2]])
        path = folder / "songs" / ("train", "valid", "test")[max(0, number - 11)] / f"{number}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame({"note0": 64 + moves, "note1": 48 + low}).write_csv(path)
    return str(folder / "songs")
