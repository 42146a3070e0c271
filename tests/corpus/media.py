"""Broken and hostile sounds, clips and series."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus.build import (
    FRACTIONS,
    clips,
    clips_with,
    cut,
    file,
    flipped,
    hours,
    load_table,
    packed,
    png,
    sound,
    sounds,
    sounds_with,
    ts,
    video,
    wav,
    wav_header,
)
from corpus.case import Case
from corpus.folders import case, link_to, pipe_in, then, within

FINE = "it reads as it is"
FLIPPED = "a flipped bit of a sample, of padding or of a comment is no damage that a decoder could see"


def call(
    name: str, content: Any, code: int | tuple[int, ...] = 3, *words: str, why: str = "", called: str = "broken.wav"
) -> Case:
    """Whole sounds and one that is not: finding D006 names it."""
    return case("sounds", name, sounds_with(content, called), code, *(words or ("D006", called)), why=why)


def float_wav(value: float) -> bytes:
    data = struct.pack("<f", value) * 400
    return wav_header(len(data), bits=32, kind=3) + data


def all_broken(folder: Path) -> Path:
    for label in ("owl", "wren"):
        for i in range(6):
            file(f"calls/{label}/{i}.wav", b"RIFFrubbish")(folder)
    return folder / "calls"


def flat(folder: Path) -> Path:
    for i in range(12):
        file(f"calls/{i}.wav", wav(400, tone=300 + i))(folder)
    return folder / "calls"


SOUNDS = (
    case("sounds", "control", sounds, 0, why=FINE),
    case("sounds", "all broken", all_broken, 2, "12 sounds", "owl/0.wav"),
    case("sounds", "no class folders", flat, 2, "12 sounds", "calls/CLASS/sound.wav"),
    call("empty", b""),
    call("header only", wav()[:44]),
    call("no samples", wav_header(0)),
    call("RIFF only", b"RIFF"),
    call("a text", b"this is no sound"),
    call("zeros", b"\0" * 4_000),
    call("PNG called wav", png()),
    call("claims 4 GB of samples", wav_header(2**32 - 45) + b"\0" * 800, 0, why="so says a program that wrote into a pipe and did not know the length"),
    call("claims 65,535 channels", wav_header(800, channels=65_535) + b"\0" * 800),
    call("claims no channels", wav_header(800, channels=0) + b"\0" * 800),
    call("claims 65 channels", wav_header(65 * 400, channels=65) + b"\0" * 65 * 400),
    call("claims 4 GHz", wav_header(800, rate=2**32 - 1) + b"\0" * 800),
    call("claims 0 Hz", wav_header(800, rate=0) + b"\0" * 800),
    call("claims 1 Hz", wav_header(800, rate=1) + b"\0" * 800),
    call("claims 3 bits a sample", wav_header(800, bits=3) + b"\0" * 800, (0, 3), "broken.wav", why="as libsndfile reads it"),
    call("claims an unknown format", wav_header(800, kind=0x1234) + b"\0" * 800),
    call("NaN samples", float_wav(float("nan"))),
    call("infinite samples", float_wav(float("inf"))),
    call("huge samples", float_wav(3e38), 0, why="how loud a sound is does not count"),
    call("tiny samples", float_wav(1e-42), 0, why="next to silence is a sound"),
    call("silence", wav_header(800) + b"\0" * 800, 0, why="silence is a sound, and that is said"),
    call("one sample", wav_header(2) + b"\1\0", 0, why="a short sound is a sound"),
    call("chunks of odd length", wav()[:36] + b"LIST\x03\0\0\0abc" + wav()[36:], (0, 3), "broken.wav", why="as libsndfile reads it"),
    call("a chunk that claims 2 GB", wav()[:36] + b"LIST\xff\xff\xff\x7fabcd" + wav()[36:]),
    call("a thousand chunks", wav()[:36] + b"junk\0\0\0\0" * 20_000 + wav()[36:], (0, 3), "broken.wav", why="as libsndfile reads it"),
    call("two hours of silence in FLAC", lambda: sound("FLAC", 1), 0, why=FINE, called="broken.flac"),
    call("raw called au", b".snd" + struct.pack(">IIIII", 24, 2**32 - 1, 3, 8000, 1) + b"\0" * 800, 0, why="files of other endings are left out", called="broken.au"),
    call("AIFF of nothing", b"FORM\0\0\0\x04AIFF", 3, called="broken.aiff"),
    call("AIFF of 2**31 frames", b"FORM\0\0\0\x2eAIFFCOMM\0\0\0\x12\0\1\x7f\xff\xff\xff\0\x10\x40\x0b\xfa\0\0\0\0\0\0\0SSND\0\0\0\x08\0\0\0\0\0\0\0\0", 3, called="broken.aiff"),
    call("OGG of rubbish", b"OggS" + b"\0" * 200, 3, called="broken.ogg"),
    call("MP3 of rubbish", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"\xff\xfb\x90\0" * 3, 3, called="broken.mp3"),
    *(call(f"WAV cut to {share:.0%}", cut(lambda: wav(4_000), share)) for share in FRACTIONS[:3]),
    *(call(f"FLAC cut to {share:.0%}", cut(lambda: sound("FLAC"), share), (0, 3), "broken.flac", why="what is cut off is noticed where it is more than a tenth", called="broken.flac") for share in FRACTIONS),
    *(call(f"OGG cut to {share:.0%}", cut(lambda: sound("OGG", 20_000), share), (0, 3), "broken.ogg", why="an Ogg file does not say how long it is", called="broken.ogg") for share in FRACTIONS),
    *(call(f"WAV with flipped bits {seed}", flipped(lambda: wav(100), seed, 6), (0, 3), "broken.wav", why=FLIPPED) for seed in range(6)),
    *(call(f"FLAC with flipped bits {seed}", flipped(lambda: sound("FLAC"), seed), (0, 3), "broken.flac", why=FLIPPED, called="broken.flac") for seed in range(6)),
    *(call(f"OGG with flipped bits {seed}", flipped(lambda: sound("OGG"), seed), (0, 3), "broken.ogg", why=FLIPPED, called="broken.ogg") for seed in range(4)),
    *(call(f"MP3 with flipped bits {seed}", flipped(lambda: sound("MP3", 9_000), seed, 9), (0, 3), "broken.mp3", why=FLIPPED, called="broken.mp3") for seed in range(4)),
    case("sounds", "link out of the folder", then(file("secret.wav", wav()), within(sounds, link_to("../../secret.wav", "owl/link.wav"))), 2, "link.wav", "outside"),
    case("sounds", "pipe among them", within(sounds, pipe_in("owl/pipe.wav")), 0, why="a pipe is no file, and left out"),
    case("sounds", "sparse sound of 50 GB", within(sounds, lambda root: os.truncate(root / "owl" / "3.wav", 50 << 30)), (0, 3), "3.wav", why="what its header promises is there"),
)  # fmt: skip


def clip(
    name: str, content: Any, code: int | tuple[int, ...] = 3, *words: str, why: str = "", called: str = "broken.mp4"
) -> Case:
    return case("clips", name, clips_with(content, called), code, *(words or ("D006", called)), why=why)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def mp4_of(place: bytes, offset: int, new: bytes) -> Callable[[], bytes]:
    """A whole MP4 in which some bytes behind a box's name say something else."""

    def make() -> bytes:
        data = bytearray(video())
        start = data.index(place) + offset
        data[start : start + len(new)] = new
        return bytes(data)

    return make


def frames(folder: Path, make: Callable[[int], bytes] | None = None) -> Path:
    for label in ("left", "right"):
        for number in range(4):
            for moment in range(6):
                content = make(moment) if make is not None else png(24, 24, shade=moment)
                file(f"moves/{label}/{number}/f_{moment:02d}.png", content)(folder)
    return folder / "moves"


CLIPS = (
    case("clips", "control", clips, 0, why=FINE),
    case("clips", "control, folders of frames", frames, (0, 2), "moves", why=FINE),
    clip("empty", b""),
    clip("a text", b"this is no film"),
    clip("zeros", b"\0" * 5_000),
    clip("a playlist called mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
    clip("a list of files called mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"),
    clip("ftyp only", box(b"ftyp", b"isom\0\0\2\0isom")),
    clip("a box that claims 4 GB", b"\xff\xff\xff\xffftypisom" + b"\0" * 50),
    clip("boxes 2,000 deep", box(b"ftyp", b"isom\0\0\2\0isom") + b"".join(struct.pack(">I", 8 * (2_000 - i)) + b"moov" for i in range(2_000))),
    clip("no samples", lambda: video()[: video().index(b"mdat") - 4]),
    clip("pictures of 65,535 a side", mp4_of(b"mp4v", 28, b"\xff\xff\xff\xff"), (0, 3), "broken.mp4", why="the stream's own header counts"),
    clip("four billion samples", mp4_of(b"stsz", 12, b"\xff\xff\xff\xff")),
    clip("samples that lie nowhere", mp4_of(b"stco", 12, b"\xff\xff\xff\xff")),
    clip("a length of a thousand years", mp4_of(b"mvhd", 20, b"\x7f\xff\xff\xff"), (0, 3), "broken.mp4", why="the tracks' lengths count"),
    clip("sound only", lambda: wav(), 3),
    clip("PNG called mp4", png()),
    *(clip(f"MP4 cut to {share:.0%}", cut(lambda: video(frames=30, side=64), share), 3 if share < 0.9 else (0, 3), "broken.mp4", why="its last bytes are no frames") for share in FRACTIONS),
    *(clip(f"AVI cut to {share:.0%}", cut(lambda: video("avi", frames=30, side=64), share), (0, 3), "broken.avi", why="its index is not needed", called="broken.avi") for share in FRACTIONS),
    *(clip(f"MKV cut to {share:.0%}", cut(lambda: video("matroska", frames=30, side=64), share), (0, 3), "broken.mkv", why="its last bytes are an index", called="broken.mkv") for share in FRACTIONS),
    *(clip(f"MP4 with flipped bits {seed}", flipped(video, seed, 6), (0, 3), "broken.mp4", why=FLIPPED) for seed in range(8)),
    *(clip(f"AVI with flipped bits {seed}", flipped(lambda: video("avi"), seed, 6), (0, 3), "broken.avi", why=FLIPPED, called="broken.avi") for seed in range(5)),
    *(clip(f"MKV with flipped bits {seed}", flipped(lambda: video("matroska"), seed, 6), (0, 3), "broken.mkv", why=FLIPPED, called="broken.mkv") for seed in range(5)),
    case("clips", "link out of the folder", then(file("secret.mp4", b"x"), within(clips, link_to("../../secret.mp4", "left/link.mp4"))), 2, "link.mp4", "outside"),
    case("clips", "pipe among them", within(clips, pipe_in("left/pipe.mp4")), 0, why="a pipe is no file, and left out"),
    case("clips", "sparse film of 50 GB", within(clips, lambda root: os.truncate(root / "left" / "3.mp4", 50 << 30)), (0, 3), "3.mp4", why="all its frames are there"),
)  # fmt: skip


def series(
    name: str, content: Any, code: int | tuple[int, ...] = 2, *words: str, why: str = "", **options: str
) -> Case:
    return case("ts", name, file("data.ts", content), code, *(words or ("data.ts",)), why=why, **options)


HEAD = "@problemName p\n@classLabel true up down\n@data\n"


def with_line(new: str) -> str:
    return ts() + new + "\n"


TS = (
    series("control", ts(), 0, why=FINE),
    series("empty", b""),
    series("header only", HEAD),
    series("no data line", "@problemName p\n@classLabel true up down\n"),
    series("no classes", ts(head="@data\n"), 2, "@classLabel"),
    series("a class that is not listed", with_line("1,2,3,4,5,6,7,8,9,10,11,12:left"), 2, "line 44", "left"),
    series("a word among values", with_line("1,2,x,4:up"), 2, "line 44", "'x'"),
    series("NaN", with_line("1,2,NaN,4,5,6,7,8,9,10,11,12:up"), 0, why="missing steps are filled along the curve"),
    series("infinity", with_line("1,2,inf,4,5,6,7,8,9,10,11,12:up"), 2, "line 44", "inf"),
    series("minus infinity, spelled out", with_line("1,2,-Infinity,4,5,6,7,8,9,10,11,12:up"), 2, "line 44"),
    series("number beyond float32", with_line("1,2,1e39,4,5,6,7,8,9,10,11,12:up"), 2, "line 44", "1e39"),
    series("number beyond float64", with_line("1,2,1e999,4,5,6,7,8,9,10,11,12:up"), 2, "line 44", "1e999"),
    series("integer of 5,000 digits", with_line("1,2," + "9" * 5_000 + ",4,5,6,7,8,9,10,11,12:up"), 2, "line 44"),
    series("underscores in numbers", with_line("1,2,1_0,4,5,6,7,8,9,10,11,12:up"), 2, "line 44", "1_0"),
    series("Arabic digits", with_line("1,2,٣,4,5,6,7,8,9,10,11,12:up"), 2, "line 44"),
    series("empty values", with_line(",,,:up"), 2, "line 44"),
    series("only missing values", with_line("?,?,?,?:up"), 0, why="missing steps are 0 where a whole series is missing"),
    series("all series missing", HEAD + "?,?,?:up\n?,?,?:down\n" * 20, 2, "data.ts"),
    series("no colon", with_line("1,2,3"), 2, "line 44"),
    series("only a colon", with_line(":"), 2, "line 44"),
    series("a thousand colons", with_line(":" * 1_000), 2, "line 44"),
    series("another number of channels", with_line("1,2:3,4:up"), 2, "line 44", "2 channels"),
    series("one series of a million steps", ts() + ",".join(["1"] * 1_000_000) + ":up\n", 2, "data.ts", "1,000,000"),
    series("one series of 20 million steps", lambda: ts() + ",".join(["1"] * 20_000_000) + ":up\n", 2, "data.ts"),
    series("200,000 channels", HEAD + ":".join(["1,2"] * 200_000) + ":up\n" + ":".join(["1,2"] * 200_000) + ":down\n", 2, "'down'"),
    series("a header of astronomic numbers", ts(head=f"@seriesLength {10**30}\n@dimension {10**30}\n@classLabel true up down\n@data\n"), 0, why="the header's numbers are not trusted"),
    series("a million classes", ts(head="@classLabel true up down " + " ".join(f"c{i}" for i in range(1_000_000)) + "\n@data\n"), 0, why="listed classes need no rows"),
    series("100,000 header lines", ts(head="".join(f"@k{i} v\n" for i in range(100_000)) + HEAD), 0, why="they say nothing that counts"),
    series("time stamps", ts(head="@timeStamps true\n@classLabel true up down\n@data\n"), 2, "@timeStamps"),
    series("no number as target", ts(head="@targetLabel true\n@data\n"), 2, "row 1", "'down'"),
    series("infinite target", HEAD.replace("@classLabel true up down", "@targetLabel true") + "1,2,3:1.5\n" * 30 + "1,2,4:inf\n", 2, "inf"),
    series("NaN target", HEAD.replace("@classLabel true up down", "@targetLabel true") + "".join(f"{i},2,3:{i * 1.5}\n" for i in range(60)) + "1,2,4:NaN\n", 0, why="a row without a target is left aside"),
    series("one class", HEAD + "1,2,3:up\n" * 20, 2, "up"),
    series("one row", HEAD + "1,2,3:up\n", 2, "'label'"),
    series("constant series", HEAD + "5,5,5:up\n5,5,5:down\n" * 20, 2, "constant"),
    series("series of one step", HEAD + "".join(f"{i}:{('up', 'down')[i % 2]}\n" for i in range(40)), 0, why="a step is a step"),
    series("old Macintosh line ends", ts().replace("\n", "\r"), 0, why=FINE),
    series("Unicode line separators in a label", ts().replace("up", "u\u2028p"), (0, 2), "data.ts", why="only \\n and \\r end a line"),
    series("Latin-1", ts().replace("up", "süß").encode("latin-1"), 2, "--encoding"),
    series("UTF-16", ts().encode("utf-16"), (0, 2), why="it has its mark"),
    series("mark of UTF-8", b"\xef\xbb\xbf" + ts().encode(), 0, why=FINE),
    series("NUL", ts().replace("1.0", "1\0", 1).encode()),
    series("binary", bytes(range(256)) * 40),
    series("gzip called ts", lambda: packed(ts().encode())),
    series("MPEG transport stream", b"\x47\x40\x00\x10" + b"\xff" * 184),
    series("TypeScript", "export const x: number = 1;\n"),
    series("no such encoding", ts(), 2, "utf-9", encoding="utf-9"),
    series("encoding of bytes", ts(), 2, "zlib", encoding="zlib"),
    *(series(f"cut to {share:.0%}", cut(lambda: ts().encode(), share), (0, 2), why="a row that was cut may still be one") for share in FRACTIONS),
    *(series(f"flipped bits {seed}", flipped(lambda: ts().encode(), seed), (0, 2), "data", why="a flipped bit may make another number") for seed in range(5)),
)  # fmt: skip


def forecast(
    name: str, content: Any, code: int | tuple[int, ...] = 2, *words: str, why: str = "", **options: str
) -> Case:
    return case(
        "forecast", name, file("load.csv", content), code, *(words or ("load",)), why=why, **{"horizon": "6", **options}
    )


def times(change: dict[int, str], count: int = 120) -> list[str]:
    made = hours(count)
    for row, text in change.items():
        made[row] = text
    return made


FORECASTS = (
    forecast("control", load_table(), 0, why=FINE),
    forecast("two rows at one time", load_table(times=times({7: hours()[3]})), 2, "Rows 4 and 8"),
    forecast("a time that is none", load_table(times=times({7: "yesterday"})), 2, "row 8"),
    forecast("a missing time", load_table(times=times({7: ""})), 2, "row 8"),
    forecast("no times", load_table(times=[""] * 120), 0, why="the rows are the steps as they stand, and that is said"),
    forecast("one time off the grid", load_table(times=times({50: "2024-03-03 02:17"})), 2, "Row 51"),
    forecast("a hole of a thousand years", load_table(times=times({119: "3024-03-01 00:00"})), 2),
    forecast("a hole of ten million years", load_table(times=times({119: "9999-12-31 23:00"})), 2),
    forecast("the ends of time", load_table(times=times({0: "0001-01-01 00:00", 119: "9999-12-31 23:00"})), 2),
    forecast("years before the calendar", load_table(times=[t.replace("2024", "0000") for t in hours()]), (0, 2), why="a year is a year"),
    forecast("years of five digits", load_table(times=[t.replace("2024", "12024") for t in hours()]), 0, why="no year that can be read: the rows are the steps as they stand, and that is said"),
    forecast("steps of a microsecond", load_table(times=[f"2024-03-01 00:00:00.{i:06d}" for i in range(120)]), 0, why="a step is a step"),
    forecast("a microsecond and a year", load_table(times=[*(f"2024-03-01 00:00:00.{i:06d}" for i in range(119)), "2025-03-01 00:00:00.000000"]), 2),
    forecast("irregular", load_table(times=[f"2024-03-{1 + i * i % 28:02d} {i % 24:02d}:{i * 7 % 60:02d}" for i in range(120)]), 2),
    forecast("too short", load_table(12), 2, "12 hours"),
    forecast("one row", load_table(1), 2),
    forecast("constant", "time,load\n" + "".join(f"{t},5\n" for t in hours()), 2),
    forecast("all missing", "time,load\n" + "".join(f"{t},\n" for t in hours()), 2),
    forecast("mostly missing", "time,load\n" + "".join(f"{t},{i if i % 40 == 0 else ''}\n" for i, t in enumerate(hours())), (0, 2), "21 steps", why="gaps are filled forward"),
    forecast("infinity", "time,load\n" + "".join(f"{t},{'inf' if i == 70 else i * i % 997}\n" for i, t in enumerate(hours())), 2, "row 71", "inf"),
    forecast("near the largest number", "time,load\n" + "".join(f"{t},{(i * i % 997) * 1e305:.3e}\n" for i, t in enumerate(hours())), 2, "'load'"),
    forecast("words as values", "time,load\n" + "".join(f"{t},w{i % 5}\n" for i, t in enumerate(hours())), 2),
    forecast("a stray word", "time,load\n" + "".join(f"{t},{'broken' if i == 70 else i * i % 997}\n" for i, t in enumerate(hours())), (0, 2), why="a stray cell is missing"),
    forecast("zones that differ", load_table(times=[f"{t.replace(' ', 'T')}:00{('+01:00', '+02:00')[i % 2]}" for i, t in enumerate(hours())]), 2),
    forecast("zones of 99 hours", load_table(times=[f"{t.replace(' ', 'T')}:00+99:99" for t in hours()]), (0, 2), why="an offset is an offset"),
    forecast("horizon of a million", load_table(), 2, "1,000,000", horizon="1000000"),
    forecast("horizon of nothing", load_table(), 2, "horizon", horizon="0"),
    forecast("horizon below nothing", load_table(), 2, "horizon", horizon="-5"),
    forecast("context of a billion", load_table(), 2, "context", context="1000000000"),
    forecast("time column that is not there", load_table(), 2, "'tme'", time="tme"),
    forecast("time column of values", load_table(), 2, "load", time="load"),
    forecast("id column that is not there", load_table(), 2, "'shop'", id="shop"),
    forecast("id column of a value each", load_table(), 2, "load", id="load"),
    forecast("target that is the time", load_table(), 2, "time", target="time"),
    forecast("split at a date that is none", load_table(), 2, "nonsense", split="time:nonsense"),
    forecast("split before all times", load_table(), 2, "--split", split="time:1900-01-01,1900-02-01"),
    forecast("year, month and day of nonsense", "year,month,day,load\n" + "".join(f"{2000 + i},{1 + i % 12},{1 + i % 31},{i % 7}\n" for i in range(120)), 2, "load"),
    forecast("years of 18 digits", "year,month,load\n" + "".join(f"{10**17 + i},{1 + i % 12},{i % 7}\n" for i in range(120)), 2, "year", time="year,month"),
)  # fmt: skip

CASES = (*SOUNDS, *CLIPS, *TS, *FORECASTS)
