"""What is said: yes and no in several fresh seeds, and connected digits, of known speakers and of new ones.

python -m bench.speech FOLDER     writes the connected digits alone, to be looked at or listened to
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from bench.measure import SHARED_DATA, Section, fit, median, need

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RATE = 8_000
SENTENCES = {"train": 3_000, "valid": 300, "test": 400}
NEW = ("theo", "yweweler")  # speakers that are held out where new ones are asked
DIGITS, LONGEST_PAUSE = (4, 7), 0.1  # of a sentence, and seconds between two
TESTED, CHOSEN = range(5), range(5, 8)  # numbers of the recordings that test and validation sentences are joined of


def connected_digits(folder: Path, *, new_speakers: bool, seed: int = 0) -> Path:
    """Sentences of four to seven digits of one speaker, each a WAV with its transcript beside it, in folders of speakers in
    folders train, valid and test.

    No recording is in two parts. new_speakers: two speakers are tested alone, and learned from in no part.
    """
    generator = np.random.default_rng(seed)
    takes: dict[tuple[str, str], list[Path]] = {}
    for path in sorted((SHARED_DATA / "spoken_digits" / "recordings").glob("*.wav")):
        _, speaker, number = path.stem.split("_")
        takes.setdefault((_part(speaker, int(number), new_speakers), speaker), []).append(path)
    sounds = {path: soundfile.read(path, dtype="float32")[0] for paths in takes.values() for path in paths}
    for part, count in SENTENCES.items():
        speakers = sorted(speaker for where, speaker in takes if where == part)
        for sentence in range(count):
            speaker = speakers[sentence % len(speakers)]
            chosen = generator.choice(len(takes[part, speaker]), generator.integers(DIGITS[0], DIGITS[1] + 1))
            paths = [takes[part, speaker][place] for place in chosen.tolist()]
            _write(folder / part / speaker / f"{sentence:04}", [sounds[path] for path in paths], paths, generator)
    return folder


def _part(speaker: str, number: int, new_speakers: bool) -> str:
    if new_speakers:
        return "test" if speaker in NEW else "valid" if number in CHOSEN else "train"
    return "test" if number in TESTED else "valid" if number in CHOSEN else "train"


def _write(path: Path, sounds: Sequence[np.ndarray], paths: Sequence[Path], generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pieces = []
    for sound in sounds:
        pause = int(generator.uniform(0, LONGEST_PAUSE) * RATE)
        pieces += [sound / max(1e-6, float(np.abs(sound).max())), np.zeros(pause, np.float32)]
    soundfile.write(path.with_suffix(".wav"), 0.9 * np.concatenate(pieces), RATE)
    path.with_suffix(".txt").write_text(" ".join(WORDS[int(one.stem[0])] for one in paths))


def measure_speech(seeds: Sequence[int] = (11, 12, 13, 14, 15)) -> Section:
    """Word error rates: of each family on yes_no in every seed, and of the network chosen on validation rows on connected digits."""
    need(SHARED_DATA / "yes_no")
    rows = []
    for family in ("cnn", "rnn", "transformer"):
        found = [_yes_no(family, seed) for seed in seeds]
        shown = ", ".join(f"{100 * rate:.2f}" for rate in found)
        rows.append([f"yes_no, {family}, 60 s", shown, f"{100 * median(found):.2f}", "1 in every seed"])
    for name, new, goal in (("known speakers", False, "0.8"), ("new speakers", True, "12")):
        found = [_digits(seed, new_speakers=new) for seed in seeds[:3]]
        shown = ", ".join(f"{100 * rate:.2f}" for rate in found)
        rows.append([f"connected digits, {name}, 3m", shown, f"{100 * median(found):.2f}", goal])
    return Section(
        title="What is said",
        columns=["contest", "word error rates by seed, %", "median", "goal, at most"],
        rows=rows,
        note="yes_no: 60 recordings of eight words, split anew by every seed. Connected digits: bench/speech.py joins them of spoken_digits.",
    )


def _yes_no(family: str, seed: int) -> float:
    options = ("--label-from", "{transcript}.wav", "--budget", "60s", "--models", family, "--seed", str(seed))
    with tempfile.TemporaryDirectory() as folder:
        _, report = fit(SHARED_DATA / "yes_no", Path(folder) / "run", *options, "--keep", "best")
    return _rate(report["candidates"][0])


def _digits(seed: int, *, new_speakers: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        data = connected_digits(Path(folder) / "digits", new_speakers=new_speakers, seed=seed)
        _, report = fit(data, Path(folder) / "run", "--budget", "3m", "--seed", str(seed), "--keep", "best")
    networks = [one for one in report["candidates"] if one["status"] == "ok"]
    return _rate(min(networks, key=lambda one: one["validation"]["word_error_rate"]["value"]))


def _rate(entry: dict[str, dict[str, dict[str, float]]]) -> float:
    return float(entry["test"]["word_error_rate"]["value"])


if __name__ == "__main__":
    for kind in ("known", "new"):
        print(connected_digits(Path(sys.argv[1]) / kind, new_speakers=kind == "new"))
