"""Recordings of 30 seconds made of spoken digits, and how many of their events are found in time.

    python -m bench.events make FOLDER      # FOLDER/recordings/*.wav and FOLDER/truth.csv, of takes 0 to 4; FOLDER/learn: all others
    netpick fit FOLDER/learn --label-from "{label}_{speaker}_{take}.wav" --budget 2m --out FOLDER/run
    netpick predict FOLDER/run FOLDER/recordings --events --out FOLDER/found.csv
    python -m bench.events score FOLDER

An event is found when one of the same digit begins within 0.2 s of it.
"""

from __future__ import annotations

import csv
import random
import shutil
import sys
import wave
from pathlib import Path

import numpy as np
import polars as pl

from bench.measure import SHARED_DATA

RECORDINGS, SECONDS, RATE = 20, 30.0, 8_000
PAUSES = (0.15, 1.2)  # seconds between digits
NOISE = 20.0  # of 32,768: a quiet room
NEAR = 0.2  # seconds


def make(folder: Path) -> None:
    """Writes recordings, truth.csv and copies of the takes that are learned from."""
    takes = sorted((SHARED_DATA / "spoken_digits" / "recordings").glob("*.wav"))
    kept = [path for path in takes if int(path.stem.rpartition("_")[2]) < 5]
    (folder / "recordings").mkdir(parents=True)
    (folder / "learn").mkdir()
    for path in sorted(set(takes) - set(kept)):
        shutil.copyfile(path, folder / "learn" / path.name)
    chance, generator = random.Random(0), np.random.default_rng(0)
    with (folder / "truth.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["file", "start", "end", "label"])
        for number in range(RECORDINGS):
            name = f"{number:02}.wav"
            sound = generator.normal(0, NOISE, int(SECONDS * RATE))
            place = chance.uniform(*PAUSES)
            while True:
                take = chance.choice(kept)
                digit = _samples(take)
                start, end = int(place * RATE), int(place * RATE) + len(digit)
                if end > len(sound):
                    break
                sound[start:end] += digit
                out.writerow([name, start / RATE, end / RATE, take.name.partition("_")[0]])
                place = end / RATE + chance.uniform(*PAUSES)
            _write(folder / "recordings" / name, sound)


def _samples(path: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)


def _write(path: Path, samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.clip(-32_768, 32_767).astype("<i2").tobytes())


def score(folder: Path) -> None:
    """Prints how many events were found, and how many rows are none."""
    truth, found = pl.read_csv(folder / "truth.csv"), pl.read_csv(folder / "found.csv")
    hits = 0
    in_time = 0
    for name in truth["file"].unique().to_list():
        left = found.filter(pl.col("file").str.ends_with(name)).to_dicts()
        for event in truth.filter(pl.col("file") == name).to_dicts():
            near = [row for row in left if abs(row["start"] - event["start"]) <= NEAR]
            in_time += bool(near)
            same = [row for row in near if str(row["prediction"]) == str(event["label"])]
            if same:
                hits += 1
                left.remove(same[0])
    print(f"{len(truth)} events: {in_time} found in time, {hits} of them with their digit; {len(found)} rows")
    print(f"recall {hits / len(truth):.3f}, precision {hits / len(found):.3f}")


if __name__ == "__main__":
    {"make": make, "score": score}[sys.argv[1]](Path(sys.argv[2]))
