"""Faults of texts, sounds, series and forecasts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import soundfile

from netpick.data.sources.base import ReadOptions
from planted.case import Array, Case, Place, Planted, cases, texts

# --- texts -----------------------------------------------------------------------------------------------------------


def faulty_texts(place: Place, name: str, how: str, share: float) -> Planted:
    frame = texts(place, name)
    generator = place.generator
    learned, test = frame[:1_400], frame[1_400:]
    count = round(share * len(test))
    first = learned["text"].to_list()[:count]
    long = [cell for cell in learned["text"].to_list() if len(cell.split()) >= 12][:count]
    rows = dict(learned.select("text", "label").iter_rows())
    if how == "copied":
        changed = {cell.upper(): rows[cell] for cell in first}
    elif how == "punctuation":
        chosen = [cell for cell in learned["text"].to_list() if len(cell.split()) >= 6][:count]
        changed = {
            re.sub(r"[^\w\s]", "", cell).replace(" ", ", ", 2).capitalize() + "!!": rows[cell] for cell in chosen
        }
    elif how == "words":
        changed = {_other_words(cell, generator): rows[cell] for cell in long}
    else:
        raise AssertionError(how)
    copies = pl.DataFrame({"text": list(changed), "label": list(changed.values())})
    return Planted(data=learned, options={"target": ("label",), "test": pl.concat([test[len(copies) :], copies])})


def _other_words(text: str, generator: np.random.Generator) -> str:
    words = text.split()
    for place in generator.permutation(len(words))[: max(1, len(words) // 10)]:
        words[place] = str(generator.choice(["perhaps", "maybe", "indeed", "often", "thus"]))
    return " ".join(words)


def telling_words(place: Place, name: str, word: str) -> Planted:
    """A note that somebody left in the texts of one class."""
    frame = texts(place, name)
    first = sorted(frame["label"].unique().to_list())[0]
    text = pl.when(pl.col("label") == first).then(pl.col("text") + f" {word}").otherwise(pl.col("text"))
    return Planted(data=frame.with_columns(text.alias("text")), options={"target": ("label",)})


def empty_texts(place: Place, name: str, share: float) -> Planted:
    frame = texts(place, name)
    gone = pl.Series(place.generator.random(len(frame)) < share)
    cells = pl.when(gone).then(pl.lit("  ")).otherwise(pl.col("text"))
    return Planted(data=frame.with_columns(cells.alias("text")), options={"target": ("label",)})


def endless_texts(place: Place, name: str, copies: int) -> Planted:
    """Some texts are joined to so many others that they are longer than what is read."""
    frame = texts(place, name)
    cells = frame["text"].to_list()
    for row in range(0, len(cells), 50):
        cells[row] = " ".join(cells[row : row + copies] * (4_200 // copies))
    return Planted(data=frame.with_columns(pl.Series("text", cells)), options={"target": ("label",)})


def repeated_texts(place: Place, name: str, share: float) -> Planted:
    frame = texts(place, name)
    again = frame[: round(share * len(frame))].with_columns(pl.col("text").str.to_uppercase())
    both = pl.concat([frame, again])
    return Planted(data=both.sample(len(both), shuffle=True, seed=place.seed), options={"target": ("label",)})


def torn_texts(place: Place, name: str, share: float) -> Planted:
    frame = texts(place, name)
    labels = sorted(frame["label"].unique().to_list())
    again = frame[: round(share * len(frame))]
    other = [labels[1] if label == labels[0] else labels[0] for label in again["label"].to_list()]
    both = pl.concat([frame, again.with_columns(pl.Series("label", other))])
    return Planted(data=both.sample(len(both), shuffle=True, seed=place.seed), options={"target": ("label",)})


def longer_texts(place: Place, name: str, times: int) -> Planted:
    frame = texts(place, name)
    learned, test = frame[:1_400], frame[1_400:]
    cells = [" ".join([cell] * times) for cell in test["text"].to_list()]
    return Planted(data=learned, options={"target": ("label",), "test": test.with_columns(pl.Series("text", cells))})


def mislabelled_texts(place: Place, name: str, share: float) -> Planted:
    frame = texts(place, name)
    labels = sorted(frame["label"].unique().to_list())
    wrong = place.generator.random(len(frame)) < share
    cells = [labels[1 - labels.index(c)] if w else c for c, w in zip(frame["label"].to_list(), wrong, strict=True)]
    return Planted(data=frame.with_columns(pl.Series("label", cells)), options={"target": ("label",)})


# --- sounds ----------------------------------------------------------------------------------------------------------


def _spoken(place: Place, name: str, count: int) -> list[tuple[str, str, Array, int]]:
    """Sounds: label, speaker, samples, rate. Real spoken digits, or whistles and hums."""
    generator = place.generator
    made = []
    if name == "spoken":
        paths = sorted((place.real / "spoken_digits" / "recordings").glob("*.wav"))
        for i in generator.permutation(len(paths))[:count].tolist():
            label, speaker, _ = paths[i].stem.split("_")
            samples, rate = soundfile.read(paths[i])
            made.append((f"d{label}", speaker, samples, rate))
        return made
    for _ in range(count):
        label = str(generator.choice(["rise", "fall"]))
        n = int(generator.integers(3_200, 4_800))
        base, width = generator.uniform(300, 900), generator.uniform(200, 700)
        way = np.linspace(0, 1, n) if label == "rise" else np.linspace(1, 0, n)
        wobble = np.cumsum(generator.normal(size=n)) * 0.4
        phase = 2 * np.pi * np.cumsum(base + width * way + wobble) / 8_000
        samples = np.sin(phase) + generator.uniform(0.1, 0.5) * np.sin(2 * phase) + 0.05 * generator.normal(size=n)
        loud = np.interp(np.linspace(0, 1, n), np.linspace(0, 1, 6), generator.uniform(0.2, 1, 6))
        made.append((label, f"s{generator.integers(0, 5)}", 0.3 * samples * loud, 8_000))
    return made


def faulty_sounds(place: Place, name: str, how: str, share: float) -> Planted:
    """train/ and test/ folders of sounds; some of the test sounds are copies in slightly different form."""
    sounds = _spoken(place, name, 600)
    generator = place.generator
    learned = 420
    count = round(share * (len(sounds) - learned))
    for number, (label, _, own, rate) in enumerate(sounds):
        samples, ending = own, ".wav"
        part = "train" if number < learned else "test"
        if part == "test" and number - learned < count:
            label, _, samples, rate = sounds[number - learned]
            samples, ending = _other_sound(samples, how, generator)
        path = place.folder / part / label / f"{number:04}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate)
    return Planted(data=place.folder)


def _other_sound(samples: Array, how: str, generator: np.random.Generator) -> tuple[Array, str]:
    if how == "quieter":
        return samples * 0.35, ".wav"
    if how == "shifted":
        return np.concatenate([np.zeros(int(generator.integers(200, 900))), samples]), ".wav"
    if how == "ogg":
        return samples, ".ogg"
    if how == "flac":
        return samples * 0.8, ".flac"
    return samples, ".wav"


def odd_sounds(place: Place, name: str, how: str, share: float) -> Planted:
    """One folder of sounds by class, with a fault in some of them."""
    generator = place.generator
    labels = set()
    for number, (label, speaker, own, rate) in enumerate(_spoken(place, name, 400)):
        labels.add(label)
        samples, ending, stem = own, ".wav", f"{number:04}"
        hit = generator.random() < share
        first = label in ("d0", "fall")
        if how == "silent" and hit:
            samples = np.zeros(len(own))
        elif how == "format" and hit and first:
            ending = ".flac"
        elif how == "length" and hit and first:
            samples = np.concatenate([own, own[::-1], own, own[::-1], own])
        elif how == "speakers":
            stem = f"{speaker}_{number:04}"
        elif how == "labels" and hit:
            label = "d1" if label == "d0" else "d0" if name == "spoken" else ("rise" if label == "fall" else "fall")
        path = place.folder / label / (stem + ending)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate)
    return Planted(data=place.folder)


def noisier_sounds(place: Place, name: str, noise: float) -> Planted:
    generator = place.generator
    for number, (label, _, own, rate) in enumerate(_spoken(place, name, 400)):
        part = "train" if number < 280 else "test"
        samples = own + (noise * np.abs(own).max() * generator.normal(size=len(own)) if part == "test" else 0)
        path = place.folder / part / label / f"{number:04}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.clip(samples, -1, 1), rate)
    return Planted(data=place.folder)


def named_speakers_in_both_parts(place: Place, name: str) -> Planted:
    for number, (label, speaker, samples, rate) in enumerate(_spoken(place, name, 500)):
        place.folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(place.folder / f"{label}_{speaker}_{number:04}.wav", samples, rate)
    read = ReadOptions(label_from="{label}_{speaker}_{index}.wav")
    return Planted(data=place.folder, options={"read": read, "split": "random"})


# --- series ----------------------------------------------------------------------------------------------------------


def _series(place: Place, name: str, count: int = 600) -> tuple[Array, Array]:
    """Series (n, T, C) and their classes."""
    if name != "walks":
        names = {"gunpoint": "GunPoint", "italy": "ItalyPowerDemand", "vowels": "JapaneseVowels"}
        from netpick.data.sources import open_source

        suffix = "_eq" if name == "vowels" else ""
        folder = place.real / "series" / names[name]
        stored = open_source(folder / f"{names[name]}{suffix}_TRAIN.ts")
        values = np.asarray(stored.columns["series"].values)  # type: ignore[union-attr]
        labels = stored.columns[stored.target or ""].values.cast(pl.String).to_numpy()  # type: ignore[union-attr]
    else:
        generator = place.generator
        labels = generator.choice(["calm", "wild"], count)
        steps = generator.normal(size=(count, 50, 3)) * np.where(labels == "wild", 1.6, 1.0)[:, None, None]
        values = np.cumsum(steps, axis=1)
    order = place.generator.permutation(len(values))[:count]
    return values[order].astype(np.float64).copy(), labels[order]


def faulty_series(place: Place, name: str, how: str, share: float) -> Planted:
    values, labels = _series(place, name)
    generator = place.generator
    learned = round(0.65 * len(values))
    count = round(share * (len(values) - learned))
    test = slice(learned, learned + count)
    spread = values.std()
    if how == "copied":
        values[test], labels[test] = values[:count], labels[:count]
    elif how == "noise":
        values[test] = values[:count] + 0.01 * spread * generator.normal(size=values[:count].shape)
        labels[test] = labels[:count]
    elif how == "scaled":
        values[test], labels[test] = 1.5 * values[:count], labels[:count]
    elif how == "moved":
        values[learned:] = values[learned:] * 1.8 + spread
    return Planted(data=(values[:learned], labels[:learned]), options={"test": (values[learned:], labels[learned:])})


def odd_series(place: Place, name: str, how: str, share: float) -> Planted:
    values, labels = _series(place, name)
    generator = place.generator
    chosen = generator.permutation(len(values))[: max(2, round(share * len(values)))]
    kinds = np.unique(labels)
    if how == "spikes":
        steps = generator.integers(0, values.shape[1], len(chosen))
        values[chosen, steps, 0] += 400 * values.std()
    elif how == "sentinel":
        values[chosen, :3, 0] = -9_999
    elif how == "flat":
        values[chosen] = values[chosen, :1]
    elif how == "dead":
        values = np.concatenate([values, np.full((*values.shape[:2], 1), 4.2)], axis=2)
    elif how == "step":
        values[labels == kinds[0], 5, 0] = values.max() + 1
    elif how == "labels":
        labels = labels.copy()
        for i in chosen:
            labels[i] = kinds[(list(kinds).index(labels[i]) + 1) % len(kinds)]
    return Planted(data=(values, labels))


# --- forecasts -------------------------------------------------------------------------------------------------------


def _hourly(place: Place, name: str) -> tuple[pl.DataFrame, str]:
    """A table with a time, covariates and a target."""
    if name == "ett":
        return pl.read_csv(place.real / "time_series" / "ETTh1.csv")[:6_000], "OT"
    if name == "beijing":
        frame = pl.read_csv(
            place.real / "time_series" / "beijing_pollution.csv", null_values=["NA"], infer_schema_length=None
        )[10_000:16_000]
        return frame.drop("No", "cbwd"), "TEMP"
    generator = place.generator
    n = 4_000
    hours = np.arange(n)
    level = 50 + 8 * np.sin(hours * 2 * np.pi / 24) + 5 * np.sin(hours * 2 * np.pi / 168)
    values = level + np.convolve(generator.normal(size=n + 11), np.ones(12) / 4, "valid")
    start = datetime(2021, 3, 1)
    frame = pl.DataFrame(
        {
            "time": [start + timedelta(hours=int(h)) for h in hours],
            "wind": generator.gamma(2, 2, n),
            "sun": np.clip(np.sin(hours * 2 * np.pi / 24), 0, None) * 600 + generator.uniform(0, 5, n),
            "load": np.round(values + generator.normal(0, 0.5, n), 4),
        }
    )
    return frame, "load"


def faulty_forecast(place: Place, name: str, how: str, size: int) -> Planted:
    frame, target = _hourly(place, name)
    options: dict[str, object] = {"target": (target,), "horizon": 24}
    values = frame[target].cast(pl.Float64)
    n = len(frame)
    other = next(c for c in frame.columns if c not in (target, "time", "date", "year", "month", "day", "hour"))
    cells = frame[other].cast(pl.Float64).to_numpy().copy()
    if how == "ahead" or how == "behind":
        frame = frame.with_columns((values.shift(-size if how == "ahead" else size) * 3 + 7).alias("plan"))
    elif how == "known":
        frame = frame.with_columns((values * 0.5 + 1).alias("plan"))
        options["known"] = ("plan",)
    elif how == "repeated":
        own = values.to_numpy().copy()
        own[n - size :] = own[n - 2 * size - 500 : n - size - 500]
        frame = frame.with_columns(pl.Series(target, own))
    elif how == "stuck":
        cells[1_000 : 1_000 + size] = 3.217
        frame = frame.with_columns(pl.Series(other, cells))
    elif how == "sentinel":
        cells[place.generator.permutation(n)[:size]] = -999
        frame = frame.with_columns(pl.Series(other, cells))
    elif how == "spikes":
        own = values.to_numpy().copy()
        own[place.generator.permutation(n)[:size]] *= 1_000
        frame = frame.with_columns(pl.Series(target, own))
    elif how == "level":
        own = values.to_numpy().copy()
        own[round(0.75 * n) :] += size * np.nanstd(own)
        frame = frame.with_columns(pl.Series(target, own))
    elif how == "units":
        temperature = 18 + 5 * np.sin(np.arange(n) / 900) + place.generator.normal(0, 2, n)
        later = np.arange(n) > size
        frame = frame.with_columns(pl.Series("warmth", np.where(later, temperature * 1.8 + 32, temperature)))
    elif how == "constant":
        frame = frame.with_columns(pl.lit(5.0).alias("valve"))
    return Planted(data=frame, options=options)


CASES: list[Case] = [
    *cases("text", "D001", faulty_texts, [("sms", "copied", 0.1)], [("reviews", "copied", 0.05), ("made", "copied", 0.3)]),
    *cases("text", "D017", faulty_texts, [("sms", "punctuation", 0.15), ("made", "words", 0.2)], [("reviews", "punctuation", 0.1), ("reviews", "words", 0.1), ("made", "punctuation", 0.05)]),
    *cases("text", "D002", telling_words, [("sms", "#closed")], [("reviews", "<eos2>"), ("made", "zzz")]),
    *cases("text", "D014", empty_texts, [("made", 0.02)], [("sms", 0.1)]),
    *cases("text", "D015", repeated_texts, [("made", 0.1)], [("reviews", 0.02)]),
    *cases("text", "D029", endless_texts, [("made", 5)], [("reviews", 8)]),
    *cases("text", "D023", torn_texts, [("sms", 0.03)], [("made", 0.05)]),
    *cases("text", "D025", longer_texts, [("reviews", 2)], [("made", 3)]),
    *cases("text", "D024", mislabelled_texts, [("sms", 0.05)], []),
    *cases("audio", "D001", faulty_sounds, [("spoken", "copied", 0.2)], [("whistles", "copied", 0.1)]),
    *cases("audio", "D018", faulty_sounds, [("spoken", "quieter", 0.2), ("whistles", "ogg", 0.3)], [("spoken", "shifted", 0.3), ("spoken", "ogg", 0.15), ("whistles", "quieter", 0.1), ("whistles", "shifted", 0.3)]),
    *cases("audio", "D027", odd_sounds, [("whistles", "silent", 0.03)], [("spoken", "silent", 0.1)]),
    *cases("audio", "D010", odd_sounds, [("whistles", "format", 1.0)], [("spoken", "format", 0.9)]),
    *cases("audio", "D020", odd_sounds, [("whistles", "length", 1.0)], [("spoken", "length", 1.0)]),
    *cases("audio", "D021", odd_sounds, [("spoken", "speakers", 0.0)], []),
    *cases("audio", "D025", noisier_sounds, [("whistles", 0.2)], [("spoken", 0.1)]),
    *cases("audio", "D011", named_speakers_in_both_parts, [("spoken",)], [("whistles",)]),
    *cases("series", "D001", faulty_series, [("walks", "copied", 0.1)], [("vowels", "copied", 0.4)]),
    *cases("series", "D018", faulty_series, [("walks", "noise", 0.2), ("vowels", "scaled", 0.3)], [("walks", "scaled", 0.1), ("vowels", "noise", 0.2), ("gunpoint", "noise", 0.6)]),
    *cases("series", "D025", faulty_series, [("walks", "moved", 1.0)], [("vowels", "moved", 1.0)]),
    *cases("series", "D026", odd_series, [("walks", "spikes", 0.01), ("vowels", "sentinel", 0.03)], [("walks", "sentinel", 0.02), ("italy", "spikes", 0.05)]),
    *cases("series", "D027", odd_series, [("walks", "dead", 0.0), ("vowels", "flat", 0.03)], [("gunpoint", "flat", 0.1), ("vowels", "dead", 0.0)]),
    *cases("series", "D002", odd_series, [("walks", "step", 0.0)], [("vowels", "step", 0.0)]),
    *cases("series", "D024", odd_series, [("vowels", "labels", 0.06)], []),
    *cases("forecast", "D012", faulty_forecast, [("made", "ahead", 1), ("ett", "behind", 3)], [("beijing", "ahead", 6), ("made", "behind", 24), ("ett", "ahead", 12)]),
    *cases("forecast", "D002", faulty_forecast, [("made", "known", 0)], [("ett", "known", 0)]),
    *cases("forecast", "D001", faulty_forecast, [("made", "repeated", 200)], [("ett", "repeated", 400)]),
    *cases("forecast", "D027", faulty_forecast, [("made", "stuck", 150)], [("ett", "stuck", 200)]),
    *cases("forecast", "D026", faulty_forecast, [("made", "sentinel", 10), ("ett", "spikes", 3)], [("beijing", "sentinel", 25), ("made", "spikes", 1)]),
    *cases("forecast", "D025", faulty_forecast, [("made", "level", 4)], [("ett", "level", 3)]),
    *cases("forecast", "D028", faulty_forecast, [("made", "units", 2_500)], [("ett", "units", 1_500)]),
    *cases("forecast", "D005", faulty_forecast, [("made", "constant", 0)], [("beijing", "constant", 0)]),
]  # fmt: skip
