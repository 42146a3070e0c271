"""Clips: videos and folders of frames to equally many frames, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moving_digits import write_video
from PIL import Image

from netpick.data.decode import start_decoding
from netpick.data.decoders import clip_frames
from netpick.data.decoders.base import DecodeRequest, UnreadableFileError
from netpick.data.decoders.clip import ClipDecoder
from netpick.data.decoders.clip_frames import ClipShape, Sampler, in_order, look_at, read_clip
from netpick.errors import DataError, RequestError
from netpick.types import Array, ArrayColumn, FileColumn, Source

FRAMES = 20
SHAPE = ClipShape(frames=8, channels=1, height=32, width=48)


def moving_bar(frames: int = FRAMES, step: int = 2) -> Array:
    """(T, 32, 48): a bright bar of six pixels that starts at the left and moves right."""
    clip = np.zeros((frames, 32, 48), np.uint8)
    for moment, frame in enumerate(clip):
        frame[:, step * moment : step * moment + 6] = 255
    return clip


def places(frames: Array) -> list[int]:
    """Where the bar of each frame (T, 1, H, W) begins, in pixels."""
    return [int((frame[0, 16] > 128).argmax()) for frame in frames]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    write_video(moving_bar(), tmp_path / "bar.mp4")
    return tmp_path / "bar.mp4"


def frame_folder(folder: Path, clip: Array) -> Path:
    folder.mkdir(parents=True)
    for moment, frame in enumerate(clip):
        Image.fromarray(frame).save(folder / f"f_{moment}.png")  # f_10 comes after f_9, not after f_1
    return folder


def source_of(paths: list[str], root: Path) -> Source:
    column = FileColumn(name="clip", root=root, paths=paths, kind="clip")
    return Source(
        name="clips", origin=str(root), layout="clip_folder", columns={"clip": column}, num_rows=len(paths),
        fingerprint="0" * 64, row_names=paths,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ending", "codec"),
    [(".mp4", "libx264"), (".mov", "libx264"), (".mkv", "libx264"), (".avi", "mpeg4"), (".webm", "libvpx-vp9")],
)
def test_frames_of_every_format_are_evenly_spaced_from_first_to_last(ending: str, codec: str, tmp_path: Path) -> None:
    path = tmp_path / f"bar{ending}"
    write_video(moving_bar(), path, codec)
    frames, seen, _ = read_clip(path, SHAPE)
    assert frames.shape == (8, 1, 32, 48)
    assert frames.dtype == np.uint8
    assert seen == FRAMES
    expected = 2 * np.linspace(0, FRAMES - 1, 8).round()
    assert np.abs(np.array(places(frames)) - expected).max() <= 2
    assert look_at(path).size == (48, 32)
    assert look_at(path).grey
    assert FRAMES <= look_at(path).frames <= FRAMES + 1


def test_the_format_is_told_by_the_first_bytes(video: Path) -> None:
    renamed = video.with_name("bar.avi")
    video.rename(renamed)
    assert read_clip(renamed, SHAPE)[1] == FRAMES


def test_a_folder_of_frames_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    frames, seen, _ = read_clip(frame_folder(tmp_path / "bar", moving_bar()), SHAPE)
    assert seen == FRAMES
    assert places(frames) == (2 * np.linspace(0, FRAMES - 1, 8).round()).tolist()
    assert look_at(tmp_path / "bar").frames == FRAMES


def test_what_a_file_was_is_kept_because_it_may_give_the_label_away(video: Path, tmp_path: Path) -> None:
    assert read_clip(video, SHAPE).format == "MP4 48 x 32, 10 frames a second"
    assert read_clip(frame_folder(tmp_path / "bar", moving_bar()), SHAPE).format == "PNG frames"
    decoded = start_decoding(source_of([video.name], tmp_path)).finish().columns["clip"]
    assert decoded.formats == ["MP4 48 x 32, 10 frames a second"]  # type: ignore[union-attr]


def test_a_short_clip_repeats_frames(tmp_path: Path) -> None:
    write_video(moving_bar(3), tmp_path / "short.mp4")
    frames, seen, _ = read_clip(tmp_path / "short.mp4", SHAPE)
    assert seen == 3
    assert len(frames) == 8
    assert sorted(places(frames)) == places(frames)


def test_a_clip_that_lies_on_its_side_is_turned() -> None:
    frame = av.VideoFrame.from_ndarray(moving_bar()[5], "gray")
    upright = clip_frames._pixels(frame, SHAPE)
    assert upright.shape == (1, 32, 48)

    class Turned:
        rotation, width, height = 90, frame.width, frame.height
        reformat = frame.reformat

    turned = clip_frames._pixels(Turned(), ClipShape(frames=1, channels=1, height=48, width=32))  # type: ignore[arg-type]
    assert np.array_equal(turned[0], np.rot90(upright[0]))


def test_colour_is_seen_and_kept(tmp_path: Path) -> None:
    clip = np.zeros((6, 32, 48, 3), np.uint8)
    clip[..., 0] = 200
    write_video(clip, tmp_path / "red.mp4")
    assert not look_at(tmp_path / "red.mp4").grey
    frames, _, _ = read_clip(tmp_path / "red.mp4", ClipShape(frames=2, channels=3, height=32, width=48))
    assert frames[:, 0].mean() > 150
    assert frames[:, 1:].mean() < 50


@given(length=st.integers(1, 700), wanted=st.integers(1, 16))
def test_whatever_its_length_a_clip_is_sampled_evenly(length: int, wanted: int) -> None:
    sampler = Sampler(wanted)
    for number in range(length):
        sampler.add(np.array([number]) if sampler.wants_next() else None)
    chosen = np.array([int(frame[0]) for frame in sampler.chosen()])
    assert len(chosen) == wanted
    ideal = np.linspace(0, length - 1, wanted)
    assert np.abs(chosen - ideal).max() <= max(1.0, length / wanted / 4)
    assert chosen[0] == 0
    assert (np.diff(chosen) >= 0).all()


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["f_10.png", "f_9.png", "f_1.png", "g_2.png", "f_010.png"]
    assert sorted(names, key=in_order)[:3] == ["f_1.png", "f_9.png", "f_10.png"]


# --- what cannot be read ---------------------------------------------------------------------------------------------


def reason(path: Path) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read_clip(path, SHAPE)
    return str(caught.value)


def test_damaged_files_have_a_reason_each(video: Path, tmp_path: Path) -> None:
    whole = video.read_bytes()
    contents = {
        "empty": b"",
        "text": b"#EXTM3U\nhttp://localhost/secret.ts\n",
        "cut": whole[: len(whole) // 2],
        "noise": whole[:120] + np.random.default_rng(0).bytes(3_000),
    }
    said = {}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        said[name] = reason(tmp_path / name)
    assert said["empty"] == "the file is empty (0 bytes)"
    assert said["text"] == "it is no MP4, MOV, AVI, MKV, WebM or MPEG video by its first bytes"
    assert "nvalid data" in said["cut"]
    assert said["noise"]
    assert reason(tmp_path / "absent.mp4") == "there is no such file"
    (tmp_path / "nothing").mkdir()
    assert reason(tmp_path / "nothing") == "the folder holds no pictures"


def test_a_film_that_was_cut_off_is_no_whole_film(tmp_path: Path) -> None:
    write_video(np.random.default_rng(0).integers(0, 256, (30, 32, 48)).astype(np.uint8), tmp_path / "a.avi", "mpeg4")
    whole = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    assert reason(tmp_path / "cut.avi")


def test_a_damaged_frame_is_named(tmp_path: Path) -> None:
    folder = frame_folder(tmp_path / "bar", moving_bar(8))
    (folder / "f_3.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    assert reason(folder).startswith("f_3.png: ")


def test_sound_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert reason(path) == "it holds no pictures, only sound or nothing"


def test_limits_hold_before_anything_is_decoded(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_frames, "MAX_FRAMES", 10)
    assert reason(video) == "it has 20 frames, and at most 10 are read; cut it into clips"
    monkeypatch.setattr(clip_frames, "MAX_SECONDS", 1)
    assert reason(video) == "it lasts 2 s, and at most 1 s are read; cut it into clips"
    monkeypatch.setattr(clip_frames, "MAX_PIXELS", 1_000)
    assert reason(video) == "its frames of 48 x 32 pixels are larger than the 1,000 pixels that are read"


def test_a_film_that_takes_too_long_is_given_up(video: Path) -> None:
    shape = ClipShape(frames=4, channels=1, height=16, width=16)
    assert len(read_clip(video, shape, most_seconds=60.0).frames) == 4
    with pytest.raises(UnreadableFileError, match="it takes longer than 0 s to decode"):
        read_clip(video, shape, most_seconds=0.0)


def test_a_header_that_promises_no_end_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(moving_bar(), tmp_path / "bar.webm", "libvpx-vp9")
    monkeypatch.setattr(clip_frames, "MAX_FRAMES", 10)
    assert reason(tmp_path / "bar.webm") == "it has more than 10 frames; cut it into clips"


# --- a whole column --------------------------------------------------------------------------------------------------


def test_a_column_gets_one_shape_and_unreadable_rows_leave(tmp_path: Path) -> None:
    for number in range(4):
        write_video(moving_bar(12), tmp_path / f"{number}.mp4")
    (tmp_path / "1.mp4").write_bytes(b"no video")
    decoded = start_decoding(source_of([f"{n}.mp4" for n in range(4)], tmp_path)).finish()
    column = decoded.columns["clip"]
    assert isinstance(column, ArrayColumn)
    assert column.values.shape == (3, 12, 1, 32, 48)
    assert column.decoding == {"frames": 12, "channels": 1, "height": 32, "width": 48}
    assert decoded.row_names == ["0.mp4", "2.mp4", "3.mp4"]
    assert [(row.row, row.path) for row in decoded.unreadable] == [(1, "1.mp4")]
    (note,) = [note for note in decoded.notes if note.subject == "clips"]
    assert note.text == (
        "4 clips of 12 frames of 48 x 32 pixels, grey (3 looked at): every frame is kept, at their size."
    )


def test_large_clips_of_many_lengths_are_brought_to_one_size_and_that_is_said(tmp_path: Path) -> None:
    for number, (frames, side) in enumerate([(30, 64), (40, 128), (10, 128)]):
        write_video(np.zeros((frames, side, 160), np.uint8), tmp_path / f"{number}.mp4")
    decoded = start_decoding(source_of(["0.mp4", "1.mp4", "2.mp4"], tmp_path)).finish()
    assert decoded.columns["clip"].values.shape == (3, 16, 1, 48, 48)  # type: ignore[union-attr]
    texts = [note.text for note in decoded.notes]
    assert "16 frames are taken from each, evenly spaced from the first to the last, and brought to 48 x 48" in texts[0]
    assert texts[1] == "1 clip has fewer than 16 frames and repeats some."


def test_new_clips_are_decoded_as_those_of_training(video: Path) -> None:
    like = {"frames": 5, "channels": 3, "height": 16, "width": 24}
    source = source_of([video.name], video.parent)
    decoded = ClipDecoder().start(source, "clip", DecodeRequest(like=like)).finish()
    assert decoded.column.values.shape == (1, 5, 3, 16, 24)


def test_when_nothing_can_be_read_the_first_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"None of the 1 clips of .* can be read \(a\.mp4: it is no MP4, MOV"):
        start_decoding(source_of(["a.mp4"], tmp_path)).finish()


def test_more_than_the_memory_limit_lies_in_a_file(video: Path) -> None:
    source = source_of([video.name] * 3, video.parent)
    in_memory = start_decoding(source).finish().columns["clip"]
    on_disk = start_decoding(source, DecodeRequest(memory_limit=1_000)).finish().columns["clip"]
    assert isinstance(in_memory, ArrayColumn)
    assert isinstance(on_disk, ArrayColumn)
    assert isinstance(on_disk.values, np.memmap)
    assert np.array_equal(on_disk.values, in_memory.values)


def test_sizes_out_of_range_are_refused(video: Path) -> None:
    with pytest.raises(RequestError, match=r"An image size of \(0, 0\) cannot be used for clips"):
        start_decoding(source_of([video.name], video.parent), DecodeRequest(image_size=0))


def test_the_number_of_workers_does_not_matter(tmp_path: Path) -> None:
    paths = []
    for number in range(20):
        write_video(moving_bar(8, step=1 + number % 4), tmp_path / f"{number}.mp4")
        paths.append(f"{number}.mp4")
    source = source_of(paths, tmp_path)
    one, four = (start_decoding(source, DecodeRequest(workers=count)).finish().columns["clip"] for count in (1, 4))
    assert np.array_equal(one.values, four.values)  # type: ignore[union-attr]
