"""What a user of sounds can get wrong ends in one paragraph with exit code 2 or 3."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from netpick.cli.commands import main

Make = Callable[[Path], list[str]]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["netpick", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return int(stop.value.code or 0), captured.err


def sound(path: Path, hertz: float = 440.0, rate: int = 8_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * np.arange(rate // 10) / rate), rate)
    return path


def flat(folder: Path) -> Path:
    for label in ("yes", "no"):
        for index in range(12):
            sound(folder / "words" / f"{label}_{index}.wav", 300 + 10 * index)
    return folder / "words"


def class_folders(folder: Path, endings: tuple[str, str] = ("wav", "wav")) -> Path:
    for label, ending in zip(("owl", "wren"), endings, strict=True):
        for index in range(15):
            sound(folder / "calls" / label / f"{index}.{ending}", 300 + 10 * index)
    return folder / "calls"


def all_broken(folder: Path) -> list[str]:
    for label in ("owl", "wren"):
        for index in range(12):
            (folder / "calls" / label).mkdir(parents=True, exist_ok=True)
            (folder / "calls" / label / f"{index}.mp3").write_bytes(b"no sound at all")
    return ["fit", str(folder / "calls"), "--steps", "5"]


def some_broken(folder: Path) -> list[str]:
    root = class_folders(folder)
    (root / "owl" / "3.wav").write_bytes(b"")
    return ["fit", str(root), "--steps", "2"]


CASES: dict[str, tuple[Make, int, tuple[str, ...]]] = {
    "one folder of sounds": (
        lambda folder: ["fit", str(flat(folder)), "--steps", "5"],
        2,
        (
            "holds 24 sounds in one folder (no_0.wav, ...)",
            'pass how: --label-from "{label}_{index}.wav"; where they say the words',
        ),
    ),
    "a pattern that fits nothing": (
        lambda folder: ["fit", str(flat(folder)), "--label-from", "{label}-{speaker}.wav", "--steps", "5"],
        2,
        ("None of the 24 sounds in", "the first is no_0.wav", "'{label}_{index}'"),
    ),
    "a pattern without a label": (
        lambda folder: ["look", str(flat(folder)), "--label-from", "{word}_{index}.wav"],
        2,
        ("has no field {label}, but it has to say where the class stands.", "Write for example --label-from"),
    ),
    "no sound can be read": (
        all_broken,
        2,
        ("None of the 24 sounds of", "owl/0.mp3: it is no sound that can be read", "Check how they were copied."),
    ),
    "some sounds cannot be read": (
        some_broken,
        3,
        (
            "D006 Unreadable files: 1 of 30 files (3.33%) cannot be read: owl/3.wav (it is empty (0 bytes)).",
            "--accept D006",
        ),
    ),
    "the format gives the class away": (
        lambda folder: ["fit", str(class_folders(folder, ("flac", "wav"))), "--steps", "2"],
        3,
        (
            "D010 The file format gives the class away:",
            "files of 'owl' are FLAC 16 bit, 8,000 Hz, but 0 of",
            "--accept D010",
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_in_one_paragraph(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, code, words = CASES[case]
    arguments = make(tmp_path)
    monkeypatch.chdir(tmp_path)
    got, said = run(arguments, capsys, monkeypatch)
    assert got == code, said
    paragraph = said.strip().splitlines()[-1]
    assert paragraph.startswith("netpick: ")
    for part in words:
        assert part in paragraph
    assert not (tmp_path / "runs").exists()
