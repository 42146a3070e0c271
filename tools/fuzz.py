"""Coverage-guided fuzzing (atheris) of every parser of ours: `make fuzz SECONDS=600`, `python tools/fuzz.py SECONDS [TARGET ...]`.

Each target runs in a process of its own with its share of the seconds, seeded from tests/corpus. A crash is any exception but
a NetpickError, more than 5 s for one input, or more than 2 GB. The input that brought it about is kept in runs/fuzz/TARGET/.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "runs" / "fuzz"
UNIT_SECONDS, MEGABYTES = 5, 2_000
LONGEST = 4_096  # bytes of an input
STARTING_SECONDS = 30  # that a process may take to import and to end
Parse = Callable[[bytes], object]


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def reading(reader: str, ending: str) -> Callable[[], Parse]:
    """Whole files through a reader of netpick."""

    def start() -> Parse:
        from netpick.data.sources import READERS, ReadOptions

        path = Path(tempfile.mkdtemp(prefix="netpick-fuzz-")) / f"data{ending}"

        def parse(data: bytes) -> object:
            path.write_bytes(data)
            return READERS[reader].read(path, ReadOptions())

        return parse

    return start


def idx_files() -> Parse:
    from netpick.data.sources.idx import read_idx

    path = Path(tempfile.mkdtemp(prefix="netpick-fuzz-")) / "images-idx3-ubyte"

    def parse(data: bytes) -> object:
        path.write_bytes(data)
        return read_idx(path)

    return parse


def dialects() -> Parse:
    from netpick.data.sources import ReadOptions
    from netpick.data.sources.dialect import detect_dialect, looks_tabular

    def parse(data: bytes) -> object:
        text = text_of(data).replace("\r\n", "\n").replace("\r", "\n")
        return detect_dialect(text, "utf-8", ReadOptions()), looks_tabular(text)

    return parse


def encodings() -> Parse:
    from netpick.data.sources.encodings import detect_encoding, text_encoding

    def parse(data: bytes) -> object:
        given = text_of(data[:12]) if data[:1] == b"\1" else None
        name, _ = detect_encoding(data, whole=True, given=given, path=Path("data.csv"))
        return data.decode(name, "replace"), text_encoding(data, given)

    return parse


def cells() -> Parse:
    import polars as pl

    from netpick.columns.kinds import KINDS
    from netpick.data.sources.cells import ColumnBuilder
    from netpick.types import TableColumn

    def parse(data: bytes) -> object:
        builder = ColumnBuilder(missing=("-999",), as_text=data[:1] == b",")
        builder.add(pl.Series(text_of(data).split("\n"), dtype=pl.String))
        if builder.reread:
            return None
        column = TableColumn(name="x", values=builder.finish().alias("x"))
        return [kind.claim(column) for kind in KINDS.values()]

    return parse


def datetimes() -> Parse:
    import polars as pl

    from netpick.columns.kinds.datetime import format_of, to_days
    from netpick.tasks.forecast.times import read_times
    from netpick.types import TableColumn

    def parse(data: bytes) -> object:
        series = pl.Series("t", text_of(data).split("\n"), dtype=pl.String)
        found = format_of(series)
        return to_days(series, found or ""), read_times({"t": TableColumn(name="t", values=series)}, ("t",))

    return parse


def timelines() -> Parse:
    import polars as pl

    from netpick.data.sources import open_source
    from netpick.tasks.forecast.timeline import TimelineRequest, make_timeline

    def parse(data: bytes) -> object:
        times = text_of(data).split("\n")
        frame = pl.DataFrame({"time": times, "value": [float(i) for i in range(len(times))]})
        return make_timeline(open_source(frame), TimelineRequest(time=("time",)))

    return parse


def name_patterns() -> Parse:
    from netpick.data.sources.name_pattern import parse_pattern, suggested_pattern

    def parse(data: bytes) -> object:
        pattern, _, path = text_of(data).partition("\n")
        known = parse_pattern(pattern)
        return known.values(path), known.is_ambiguous(path), suggested_pattern([path, path])

    return parse


def layers() -> Parse:
    from netpick.models.networks.layers import parse_layers

    return lambda data: parse_layers(text_of(data))


def variants() -> Parse:
    from netpick.models.networks.variants import parse_models, parse_recipe

    def parse(data: bytes) -> object:
        text = text_of(data)
        return parse_recipe(text[1:]) if text[:1] == "!" else parse_models(text)

    return parse


def durations() -> Parse:
    from netpick.contest.quantities import parse_duration

    return lambda data: parse_duration(text_of(data))


def sounds() -> Parse:
    from netpick.data.decoders.base import UnreadableFileError
    from netpick.data.decoders.sound_features import choose_settings, log_mel, read_header, read_sound

    path = Path(tempfile.mkdtemp(prefix="netpick-fuzz-")) / "a.wav"
    settings = choose_settings([])

    def parse(data: bytes) -> object:
        path.write_bytes(data)
        try:
            return read_header(str(path)), log_mel([read_sound(str(path), settings).samples], settings)
        except UnreadableFileError:
            return None

    return parse


def images() -> Parse:
    from netpick.data.decode_worker import UnreadableImageError, decode, hush

    hush()

    def parse(data: bytes) -> object:
        try:
            return decode(data, 1, 8, 8)
        except UnreadableImageError:
            return None

    return parse


def records() -> Parse:
    """Strict JSON, and model.json."""
    import pydantic
    from pydantic import TypeAdapter

    from netpick.disk.strict import RefusedError, parse_json
    from netpick.saved.record import ModelRecord

    adapter = TypeAdapter(ModelRecord)

    def parse(data: bytes) -> object:
        try:
            return parse_json(data, most=LONGEST), adapter.validate_json(data)
        except (RefusedError, pydantic.ValidationError):
            return None

    return parse


def tables(*, names: Iterable[str], model: bool = False) -> Callable[[], list[bytes]]:
    """Seeds: what cases of the corpus write, of readers of these names."""

    def make() -> list[bytes]:
        sys.path.insert(0, str(ROOT / "tests"))
        from corpus.cases import ALL

        found = []
        for case in ALL:
            if case.reader not in names or len(found) >= 80 or "million" in case.name or "GB" in case.name:
                continue
            with tempfile.TemporaryDirectory() as folder:
                try:
                    made = case.make(Path(folder))
                    path = Path(made) if isinstance(made, (str, Path)) else None
                    if path is not None and path.is_file() and 0 < path.stat().st_size <= LONGEST:
                        found.append(path.read_bytes())
                except (OSError, ValueError):
                    continue
        return found

    return make


def texts(*lines: str) -> Callable[[], list[bytes]]:
    return lambda: [line.encode() for line in lines]


def built(*names: str) -> Callable[[], list[bytes]]:
    """Seeds: what functions of tests/corpus/build.py give."""

    def make() -> list[bytes]:
        sys.path.insert(0, str(ROOT / "tests"))
        from corpus import build

        return [getattr(build, name)() for name in names]

    return make


DATES = "\n".join(f"2024-03-{1 + i:02d} 10:00" for i in range(20))
TARGETS: dict[str, tuple[Callable[[], Parse], Callable[[], list[bytes]]]] = {
    "csv": (reading("csv", ".csv"), tables(names=("csv",))),
    "dialect": (dialects, tables(names=("csv",))),
    "cells": (cells, texts("1\n2.5\n\nNA\n007", "yes\nno", "2024-01-02\n2024-01-03", "1,5\n2,5", "a\nb\na")),
    "encodings": (encodings, tables(names=("csv", "texts"))),
    "datetimes": (datetimes, texts(DATES, DATES.replace(" ", "T"), "2024-01\n2024-02", "2024Q1\n2024Q2", "2024-01-01T00:00+01:00")),
    "timelines": (timelines, texts(DATES, "2024-01-31\n2024-02-29\n2024-03-31", "1\n2\n4", DATES.replace("2024", "0001"))),
    "ts": (reading("ts", ".ts"), tables(names=("ts",))),
    "idx": (idx_files, texts("\0\0\x08\x01\0\0\0\x02ab", "\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x02abcd")),
    "npz": (reading("npz", ".npz"), built("plain_npz")),
    "json_lines": (reading("json_lines", ".jsonl"), tables(names=("json lines",))),
    "json": (reading("json_lines", ".json"), tables(names=("json lines",))),
    "arff": (reading("arff", ".arff"), tables(names=("ts",))),
    "libsvm": (reading("libsvm", ".libsvm"), tables(names=("csv",))),
    "fasttext": (reading("fasttext", ".txt"), tables(names=("csv",))),
    "ucr": (reading("ucr", "_TRAIN.tsv"), tables(names=("csv",))),
    "name_patterns": (name_patterns, texts("{label}_{speaker}_{i}.wav\n3_anna_12.wav", "a/{label}/{_}.png\na/b/c.png")),
    "layers": (layers, texts("conv 32 3 relu, maxpool 2, flatten, dense 64 relu", "residual(conv 8 3 same), gru 8", "dropout 0.5")),
    "variants": (variants, texts("mlp,cnn[width=32]", "rnn[cell=gru,layers=2]", "!optimizer=sgd,learning_rate=0.1", "layers[dense 8]")),
    "durations": (durations, texts("90s", "2m", "1.5h", "1e3ms")),
    "sounds": (sounds, built("wav")),
    "images": (images, built("png")),
    "records": (records, texts('{"format": 1, "netpick": "0.1.0"}', "[1, 2.5e3, null]", '{"a": {"b": [true]}}')),
}  # fmt: skip


def child(target: str, seconds: float) -> None:
    """Fuzzes one parser until its time is over; libFuzzer ends the process at the first crash."""
    import atheris

    seeds = KEPT / target / "seeds"
    start, make_seeds = TARGETS[target]
    seeds.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(make_seeds()):
        (seeds / f"given-{number}").write_bytes(seed[:LONGEST])
    with atheris.instrument_imports(include=["netpick"], enable_loader_override=False):
        parse = start()
    from netpick.errors import NetpickError

    def once(data: bytes) -> None:
        try:
            parse(data)
        except NetpickError as error:
            if "\n" in str(error) or not str(error).strip():
                raise AssertionError(f"a message of several paragraphs or none: {str(error)!r}") from error

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = KEPT / target / "found"
    found.mkdir(exist_ok=True)
    options: list[Any] = [
        f"-max_total_time={int(seconds)}", f"-timeout={UNIT_SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-max_len={LONGEST}",
        f"-artifact_prefix={found}{os.sep}", "-print_final_stats=1", "-verbosity=0", str(seeds),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


def main(seconds: float, names: list[str]) -> int:
    """Shares the seconds among the targets, one after the other, and says what was found."""
    share = seconds / len(names)
    broken = []
    for name in names:
        shutil.rmtree(KEPT / name / "found", ignore_errors=True)
        started = time.monotonic()
        command = [sys.executable, __file__, "--child", name, str(share)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2", "PYTHONWARNINGS": "ignore"}
        KEPT.mkdir(parents=True, exist_ok=True)
        with (KEPT / f"{name}.log").open("w") as log:
            try:
                done = subprocess.run(
                    command, stdout=log, stderr=log, env=environment, check=False, timeout=share + 60 + STARTING_SECONDS
                ).returncode
            except subprocess.TimeoutExpired:
                done = -1
        said = (KEPT / f"{name}.log").read_text(errors="replace")
        runs = next((line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line), "?")
        inputs = sorted((KEPT / name / "found").glob("*"))
        print(
            f"{name:14} {runs:>9} inputs in {time.monotonic() - started:4.0f} s: {'fine' if done == 0 else 'BROKEN'}",
            flush=True,
        )
        if done != 0:
            broken.append(name)
            error = [line for line in said.splitlines() if line.strip()][-25:]
            print("    " + "\n    ".join(line[:200] for line in error))
            print(f"    The input: {inputs[0] if inputs else 'none was kept'}; the log: {KEPT / name}.log")
    print(f"{len(names)} parsers, {len(broken)} broken{': ' + ', '.join(broken) if broken else ''}.")
    return 1 if broken else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], float(sys.argv[3]))
    else:
        wanted = sys.argv[2:] or list(TARGETS)
        unknown = [name for name in wanted if name not in TARGETS]
        if unknown:
            sys.exit(f"There is no target {unknown[0]}. Known: {', '.join(TARGETS)}.")
        sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0, wanted))
