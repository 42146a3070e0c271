"""Folders that come from elsewhere, and names that were laid out beforehand: nothing is written or read through them."""

from __future__ import annotations

import json
import os
import resource
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netpick.cli.console import write_table
from netpick.disk.files import append_lines, locked, mapped, write_through, write_whole
from netpick.disk.strict import RefusedError, require_plain
from netpick.errors import RequestError, shown
from netpick.saved.export.folder import readme
from netpick.saved.parts import read_parts
from netpick.saved.predictions import without_formulas
from netpick.serve.board.watching import Watcher, new_events
from netpick.serve.forms import file_of
from netpick.training.keeping import read_request
from tests.hostile.samples import samples

SECRET = b"precious"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere.txt"
    path.write_bytes(SECRET)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


def test_a_name_that_was_laid_out_beforehand_is_not_written_through(elsewhere: Path, folder: Path) -> None:
    """`.NAME.partial` used to be the name of what was written first; links under any name that could be guessed."""
    for name in ("answers.csv", ".answers.csv.partial"):
        (folder / name).symlink_to(elsewhere)
    write_table(pl.DataFrame({"a": [1]}), folder / "answers.csv")
    assert elsewhere.read_bytes() == SECRET
    assert not (folder / "answers.csv").is_symlink()
    assert (folder / "answers.csv").read_text() == "a\n1\n"
    assert sorted(path.name for path in folder.iterdir()) == [".answers.csv.partial", "answers.csv"]


@pytest.mark.parametrize("write", [write_through, lambda path, content: append_lines(path, [content.decode()])])
def test_nothing_is_written_through_a_link(elsewhere: Path, folder: Path, write: Callable[[Path, bytes], None]) -> None:
    (folder / "link").symlink_to(elsewhere)
    (folder / "dangling").symlink_to(folder.parent / "new")
    os.mkfifo(folder / "pipe")
    for name in ("link", "dangling", "pipe"):
        with pytest.raises(OSError, match=name):
            write(folder / name, b"overwritten")
    assert elsewhere.read_bytes() == SECRET
    assert not (folder.parent / "new").exists()


def test_a_second_name_is_left_as_it_is_and_read_on(elsewhere: Path, folder: Path) -> None:
    """A run folder that was copied by `cp -al` goes on, and the run that it was copied from stays what it was."""
    (folder / "events.jsonl").hardlink_to(elsewhere)
    (folder / "plan.json").hardlink_to(elsewhere)
    require_plain(folder)
    append_lines(folder / "events.jsonl", [" line\n"], through=True)
    append_lines(folder / "events.jsonl", ["another\n"])
    write_whole(folder / "plan.json", b"new")
    with pytest.raises(OSError, match="plan"):
        write_through(folder / "plan.json", b"overwritten")
    assert elsewhere.read_bytes() == SECRET
    assert (folder / "events.jsonl").read_bytes() == SECRET + b" line\nanother\n"
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "plan.json"]


def test_a_mapped_array_takes_the_place_of_a_link(elsewhere: Path, folder: Path) -> None:
    (folder / "array").symlink_to(elsewhere)
    mapped(folder / "array", (2, 2), "float32")[:] = 1.0
    assert elsewhere.read_bytes() == SECRET


def test_whole_files_replace_links_and_not_what_they_lead_to(elsewhere: Path, folder: Path) -> None:
    (folder / "file").symlink_to(elsewhere)
    write_whole(folder / "file", b"new")
    assert elsewhere.read_bytes() == SECRET
    assert (folder / "file").read_bytes() == b"new"


def link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def link_to_a_folder(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere.parent)


def pipe(path: Path, elsewhere: Path) -> None:
    os.mkfifo(path)


def sock(path: Path, elsewhere: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(path.parent)  # a name of at most 108 bytes
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


def device(path: Path, elsewhere: Path) -> None:
    """/dev/zero under another name, which never ends."""
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root may make devices")


@pytest.mark.parametrize("place", ["events.jsonl", "plan.json", "checkpoints", "a/b/state.json"])
@pytest.mark.parametrize("make", [link, link_to_a_folder, pipe, sock, device])
def test_a_run_folder_with_anything_but_files_is_not_resumed(
    elsewhere: Path, folder: Path, place: str, make: Callable[[Path, Path], None]
) -> None:
    (folder / "request.json").write_text("{}")
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    make(folder / place, elsewhere)
    with pytest.raises(RequestError, match=f"is not as a run leaves it: {place} (is|has)"):
        read_request(folder)


def test_a_folder_of_files_is_plain_and_one_of_far_too_many_is_not(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "c").write_text("x")
    require_plain(folder)
    deep = folder
    for _ in range(20):
        deep = deep / "d"
    deep.mkdir(parents=True)
    with pytest.raises(RefusedError, match="more than a run ever does"):
        require_plain(folder)


def test_a_file_of_a_terabyte_is_refused_by_its_size(folder: Path) -> None:
    with (folder / "request.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RequestError, match="bytes, and at most"):
        read_request(folder)


def test_the_end_of_a_request_leaves_no_file_where_no_descriptor_is_free() -> None:
    """Python's own temporary folders cannot be looked into then, so what a client sent stayed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with file_of(b"precious", "table.csv") as path:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
            with pytest.raises(OSError, match="Too many open files"):
                path.read_bytes()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not path.parent.exists()


def test_two_cannot_work_in_one_folder(folder: Path) -> None:
    with locked(folder), pytest.raises(RequestError, match="Another netpick works in"), locked(folder):
        pass
    with locked(folder):
        pass


def test_the_board_waits_for_no_pipe_and_shows_names_that_are_no_utf_8(folder: Path, elsewhere: Path) -> None:
    os.mkfifo(folder / "events.jsonl")
    assert new_events(folder, 0) == ([], 0)
    (folder / "events.jsonl").unlink()
    (folder / "events.jsonl").symlink_to(elsewhere)
    assert new_events(folder, 0) == ([], 0)
    runs = folder.parent / "runs"
    strange = Path(os.fsdecode(os.fsencode(runs) + b"/d\xff"))
    strange.mkdir(parents=True)
    (strange / "events.jsonl").write_text("")
    (run,) = Watcher(runs).runs()
    assert run.name == "d\ufffd"
    assert Watcher(runs).run("d\ufffd") is not None


def test_names_cannot_steer_a_terminal() -> None:
    text = "a\x1b]0;owned\x07b\x9b2J\u202ec\nd\te"
    assert shown(text) == "a\\x1b]0;owned\\x07b\\x9b2J\\u202ec\nd\te"


def test_answers_on_a_terminal_are_spelled_and_in_a_pipe_are_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pl.DataFrame({"name\x1b[2J": ["x\x1b]0;owned\x07"]})
    write_table(table, None)
    assert "\x1b[2J" in capsys.readouterr().out
    ours, theirs = os.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        write_table(table, None)
        terminal.flush()
        shown_there = os.read(ours, 4_096)
    os.close(ours)
    assert b"\x1b" not in shown_there
    assert b"name\\x1b[2J" in shown_there
    assert b"x\\x1b]0;owned\\x07" in shown_there


def test_an_exports_readme_holds_no_markup_of_the_data(folder: Path) -> None:
    good = samples(folder)["table"]
    hostile = "[x](javascript:alert(1)) <script>`\n# big\x1b[2J"
    record = {**good.record, "title": hostile, "targets": [hostile]}
    parts = read_parts(json.dumps(record).encode(), "", folder / "m.netpick")
    page = readme(parts, 'a"`b')
    assert "<script>" not in page
    assert "[x](" not in page
    assert "\x1b" not in page
    assert "\n# big" not in page


def test_no_cell_is_a_formula_and_numbers_stay() -> None:
    table = pl.DataFrame({"=a": ["=1+1", "@x", "-5", "+4.5", "-x", "plain", None, "\t=1"], "n": [-1.0] * 8})
    made = without_formulas(table)
    assert made.columns == ["'=a", "n"]
    assert made["'=a"].to_list() == ["'=1+1", "'@x", "-5", "+4.5", "'-x", "plain", None, "'\t=1"]
    assert made["n"].to_list() == [-1.0] * 8
