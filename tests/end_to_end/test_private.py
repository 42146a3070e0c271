"""Secrets planted in data of every kind, and looked for in every file of a run: with --private nowhere, else where docs/privacy.md
says."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from PIL import Image
from safetensors.numpy import load as load_arrays
from small_texts import small_text

import netpick
from netpick.errors import RequestError, UnseenValues

ROWS = 600
RATE = 4_000
CITY, WORD = "Zwickau-Planitz", "xylothenia"
FOLDER, FILE, ARTIST = "clinic-of-dr-mabuse", "patients-in-may", "Photographer-Unnamed"
EVERY_CODE = tuple(f"D{number:03d}" for number in range(100))


@dataclass(frozen=True)
class Kept:
    """The files of a run by name, those inside of zips with the zip's name before theirs."""

    folder: Path
    contents: dict[str, bytes]

    def holding(self, secret: str) -> set[str]:
        """Names of files that hold it, however JSON or HTML would write it."""
        written = {secret, json.dumps(secret)[1:-1], html.escape(secret)}
        return {name for name, data in self.contents.items() if any(text.encode() in data for text in written)}


def read_run(run: Path) -> Kept:
    contents: dict[str, bytes] = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file()):
        name = str(path.relative_to(run))
        contents[name] = path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                contents |= {f"{name}/{member}": archive.read(member) for member in archive.namelist()}
            del contents[name]
        if path.suffix == ".parquet":
            contents[name] = pl.read_parquet(path).write_csv().encode()
        if path.suffix == ".html":  # but for the library that draws
            contents[name] = b"".join(part for part in contents[name].split(b"<script") if len(part) < 1 << 20)
    return Kept(run, contents)


def patients() -> pl.DataFrame:
    """Every number, note and telephone number is one that no other row has; a rare word and a rare city are in three rows of 600."""
    rng = np.random.default_rng(5)
    salary = (20_000 + rng.permutation(ROWS) * 137.31 + rng.random(ROWS)).round(2)
    feeling = rng.choice(["well", "ill"], ROWS)
    ward = rng.choice(["north", "south", "east"], ROWS)
    filler = ["the", "patient", "said", "that", "lunch", "was", "cold", "and", "slept", "until", "noon"]
    rare = (0, 17, 131)
    wards = [CITY if row in rare else str(ward[row]) for row in range(ROWS)]
    notes = []
    for row, word in enumerate(feeling):
        said = [telephone(row), "rang", *rng.choice(filler, 9), word, WORD if row in rare else "again"]
        notes.append(" ".join(map(str, said)))
    return pl.DataFrame({"salary": salary, "ward": wards, "note": notes, "feeling": feeling})


def telephone(row: int) -> str:
    return f"+49 1520 {5_550_000 + 7 * row}"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / FOLDER / f"{FILE}.csv"
    path.parent.mkdir()
    patients().write_csv(path)
    return path


def fitted(data: object, out: Path, **options: object) -> Kept:
    netpick.fit(data, out=out, steps=4, models="mlp", accept=EVERY_CODE, **options)  # type: ignore[arg-type]
    return read_run(out)


@pytest.fixture(scope="module")
def open_run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return fitted(table, tmp_path_factory.mktemp("open") / "run", target="feeling")


@pytest.fixture(scope="module")
def private_run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return fitted(table, tmp_path_factory.mktemp("private") / "run", target="feeling", private=True)


def shown_numbers(kept: Kept) -> list[str]:
    """Salaries that stand in any of the files, as whole numbers."""
    found = {number for data in kept.contents.values() for number in re.findall(rb"(?<![\d.])\d{5,6}\.\d+", data)}
    return [text for text in numbers() if text.encode() in found]


def numbers() -> list[str]:
    return [str(value) for value in patients()["salary"]]


def test_a_private_run_holds_no_secret(private_run: Kept) -> None:
    assert {"model.netpick/model.json", "report.html", "report.json", "plan.json"} <= set(private_run.contents)
    assert not {"predictions.parquet", "results.zip/results.json"} & set(private_run.contents)
    for secret in (CITY, WORD, FOLDER, FILE):
        assert private_run.holding(secret) == set(), secret
    for row, note in enumerate(patients()["note"]):
        assert private_run.holding(note) == private_run.holding(telephone(row)) == set()
    assert shown_numbers(private_run) == []


def test_without_it_they_are_where_the_page_on_privacy_says(open_run: Kept) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "privacy.md").read_text()
    told = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| a ")}
    files = {
        "a rare category": open_run.holding(CITY),
        "a rare word": open_run.holding(WORD),
        "a whole note": {name for cell in patients()["note"] for name in open_run.holding(cell)},
        "a telephone number": {name for row in range(ROWS) for name in open_run.holding(telephone(row))},
        "a path": open_run.holding(FOLDER),
        "a number": {name for cell in numbers() for name in open_run.holding(cell)},
    }
    for what, found in files.items():
        said = set(re.findall(r"`([^`]+)`", told[what]))
        places = {re.sub(r"^models/[^/]+\.netpick/", "model.netpick/", name) for name in found}
        assert places <= said, what
        assert said - {"report.html", "results.zip/results.json"} <= places, (
            what
        )  # which rows the report shows is another matter


def test_rows_that_prove_a_model_are_those_of_training_or_generated(open_run: Kept, private_run: Kept) -> None:
    """The encoded rows of `check.safetensors`: real ones without --private, none of them with it."""
    for kept, real in ((open_run, True), (private_run, False)):
        checks = [load_arrays(data) for name, data in kept.contents.items() if name.endswith("/check.safetensors")]
        salaries = [check["input.vector"][:, 0] for check in checks if "input.vector" in check]
        record = json.loads(kept.contents["model.netpick/model.json"])
        known = encoded_salaries(record)
        same = [bool(np.isin(np.round(values, 5), np.round(known, 5)).all()) for values in salaries]
        assert same == [real] * len(same)
        assert len(same) >= 2
        assert (record["learned"] is not None) is real


def encoded_salaries(record: dict[str, object]) -> np.ndarray:
    """All salaries as the model's own encoder writes them."""
    from netpick.columns.kinds import KINDS
    from netpick.disk.strict import from_parsed
    from netpick.types import TableColumn

    encoder = next(e for e in record["encoders"] if e["column"] == "salary")  # type: ignore[attr-defined]
    kind = KINDS[encoder["kind"]]
    state = from_parsed(kind.State, encoder["state"])
    return kind.encode(TableColumn(name="salary", values=patients()["salary"]), state)[:, 0]


def test_a_private_regression_shows_no_value_of_its_target(table: Path, tmp_path: Path) -> None:
    kept = fitted(table, tmp_path / "run", target="salary", private=True)
    assert shown_numbers(kept) == []
    report = json.loads(kept.contents["report.json"])
    names = {entry["name"] for entry in report["baselines"]}
    assert "random forest" not in names
    assert "boosted trees" in names
    assert any("random forest" in note["text"] for note in report["data"]["notes"])


def test_private_models_answer_and_are_loaded_as_others_are(private_run: Kept) -> None:
    files = [private_run.folder / "model.netpick", *sorted((private_run.folder / "models").glob("*.netpick"))]
    assert len(files) >= 4
    for path in files:
        with pytest.warns(UnseenValues, match="of 'ward'"):  # rare words are not kept
            assert len(netpick.load(path).predict(patients().head(5))) == 5


@pytest.mark.parametrize("private", [False, True])
def test_what_a_picture_carries_beside_its_pixels_never_travels(tmp_path: Path, private: bool) -> None:
    rng = np.random.default_rng(1)
    for label in ("dark", "light"):
        (tmp_path / FOLDER / label).mkdir(parents=True)
        for number in range(40):
            pixels = rng.integers(0, 100, (12, 12, 3)) + (100 if label == "light" else 0)
            exif = Image.Exif()
            exif[0x013B], exif[0x010E] = ARTIST, "52.5200N 13.4050E"
            buffer = io.BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", exif=exif)
            (tmp_path / FOLDER / label / f"{FILE}-{number}.jpg").write_bytes(buffer.getvalue())
    kept = fitted(str(tmp_path / FOLDER), tmp_path / "run", private=private)
    assert kept.holding(ARTIST) == kept.holding("52.5200N") == set()
    if private:
        assert kept.holding(FILE) == kept.holding(FOLDER) == set()
        assert b"data:image/png" not in kept.contents["report.html"]
        assert not any("nearest-neighbours" in name for name in kept.contents)
    else:
        assert kept.holding(FILE) == {"predictions.parquet", "report.html", "results.zip/results.json"}


def pixels_in_cells() -> tuple[pl.DataFrame, np.ndarray]:
    """A table whose cells are pictures, "70 80 82 ...", beside a number, and the pictures."""
    rng = np.random.default_rng(3)
    pictures = rng.integers(0, 120, (200, 8, 8)).astype(np.uint8)
    pictures[::2, :4] += 100
    cells = [" ".join(map(str, picture.ravel().tolist())) for picture in pictures]
    weights = (50 + rng.permutation(200) * 0.37 + rng.random(200)).round(3)
    labels = ["bright" if row % 2 == 0 else "dark" for row in range(200)]
    return pl.DataFrame({"scan": cells, "weight": weights, "state": labels}), pictures


def holding_any(kept: Kept, parts: list[bytes]) -> set[str]:
    """Files that hold one of these bytes, as they are, in numbers of four bytes, or packed into a picture that is shown."""
    found = set()
    for name, data in kept.contents.items():
        shown = [base64.b64decode(part) for part in re.findall(rb"data:image/png;base64,([A-Za-z0-9+/=]+)", data)]
        drawn = b"\0".join(np.asarray(Image.open(io.BytesIO(part)).convert("L")).tobytes() for part in shown)
        if any(part in data or part in drawn for part in parts):
            found.add(name)
    return found


@pytest.mark.parametrize("private", [False, True])
def test_pictures_in_cells_are_in_no_file_of_a_private_run(tmp_path: Path, private: bool) -> None:
    table, pictures = pixels_in_cells()
    kept = fitted(table, tmp_path / "run", target="state", private=private)
    raw = [picture.tobytes() for picture in pictures]
    written = [cell[:60].encode() for cell in table["scan"]]  # a cell is quoted from its beginning, if at all
    numbers = [str(weight).encode() for weight in table["weight"]]
    assert bool(holding_any(kept, raw)) is not private
    if private:
        assert holding_any(kept, written) == set()
        shown = {
            number for data in kept.contents.values() for number in re.findall(rb"(?<![\d.])\d{2,3}\.\d{3}(?!\d)", data)
        }
        assert shown & set(numbers) == set()
        assert b"data:image/png" not in kept.contents["report.html"]
    assert len(netpick.load(tmp_path / "run").predict(table.head(3))) == 3


@pytest.mark.parametrize("private", [False, True])
def test_sounds_are_in_no_file_of_a_private_run(tmp_path: Path, private: bool) -> None:
    """Neither their names and tags, nor the spectrograms that networks read."""
    rng = np.random.default_rng(4)
    for label, hertz in (("low", 300), ("high", 900)):
        (tmp_path / FOLDER / label).mkdir(parents=True)
        for take in range(20):
            wave = 0.4 * np.sin(2 * np.pi * hertz * np.arange(1_500) / RATE) + 0.05 * rng.normal(size=1_500)
            with soundfile.SoundFile(
                tmp_path / FOLDER / label / f"{FILE}-{take}.wav", "w", RATE, channels=1, subtype="PCM_16"
            ) as file:
                file.artist, file.comment = ARTIST, "52.5200N 13.4050E"
                file.write(wave)
    kept = fitted(str(tmp_path / FOLDER), tmp_path / "run", private=private)
    assert kept.holding(ARTIST) == kept.holding("52.5200N") == set()
    record = json.loads(kept.contents["model.netpick/model.json"])
    (encoder,) = record["encoders"]
    files = sorted((tmp_path / FOLDER).rglob("*.wav"))
    frames = [part.tobytes() for part in spectrograms(encoder, files)]
    assert bool(holding_any(kept, frames)) is not private
    assert (kept.holding(FILE) == kept.holding(FOLDER) == set()) is private


def spectrograms(encoder: dict[str, object], files: list[Path]) -> list[np.ndarray]:
    """The frames of each sound as the model's network reads them."""
    from netpick.data.decoders.sound_features import SoundSettings, log_mel, read_sound

    settings = SoundSettings.from_mapping(encoder["state"]["decoding"])  # type: ignore[index]
    return [log_mel([read_sound(str(file), settings).samples], settings)[0] for file in files]


def test_a_private_model_of_a_text_holds_no_piece_of_it(tmp_path: Path) -> None:
    lines = [f"{line} ." for line in small_text(400).splitlines()]
    for row in (3, 101, 160):
        lines[row] = f"{WORD} sees a dog . {telephone(row)} rang ."
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / f"{FILE}.txt").write_text("\n".join(lines))
    kept = fitted(tmp_path / FOLDER / f"{FILE}.txt", tmp_path / "run", level="words", private=True)
    for secret in (WORD, FOLDER, FILE, lines[0], *(telephone(row)[-7:] for row in (3, 101, 160))):
        assert kept.holding(secret) == set(), secret
    report = json.loads(kept.contents["report.json"])
    assert {entry["name"] for entry in report["baselines"]} == {"unigram"}
    symbols = json.loads(kept.contents["model.netpick/model.json"])["task_state"]["symbols"]
    assert {"dog", "."} <= set(symbols)
    with pytest.raises(RequestError, match="--level pieces learns pieces of the text"):
        netpick.fit(tmp_path / FOLDER / f"{FILE}.txt", steps=1, level="pieces", private=True, out=tmp_path / "other")
