"""Several runs beside each other: what is compared, what is not and why; the page and the board in a real browser."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_diabetes, load_iris

import netpick
from netpick.api.pages import write_comparison
from netpick.serve.board import FinishedRun, comparison_page, read_run
from netpick.serve.board.pairing import by_test_rows, winners_in_pairs
from netpick.serve.board.plans import differing
from netpick.serve.board.watching import MOST_LINE, Watcher, new_events

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def iris() -> pl.DataFrame:
    loaded = load_iris()
    columns = {f"c{i}": loaded.data[:, i] for i in range(4)}
    return pl.DataFrame({**columns, "species": [str(loaded.target_names[i]) for i in loaded.target]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of one table, the third split otherwise, and one of other data."""
    runs = tmp_path_factory.mktemp("runs")
    for name, options in {
        "short": {"models": "mlp,transformer", "steps": 15},
        "long": {"models": "mlp", "steps": 150},
        "other": {"models": "mlp", "steps": 15, "seed": 1},
    }.items():
        netpick.fit(iris(), "species", prefer="network", out=runs / name, **options)  # type: ignore[arg-type]
    values, target = load_diabetes(return_X_y=True)
    frame = pl.DataFrame({**{f"x{i}": values[:, i] for i in range(4)}, "progress": target})
    netpick.fit(frame, "progress", models="mlp", steps=15, prefer="network", out=runs / "diabetes")
    return runs


def read(folder: Path, *names: str) -> list[FinishedRun]:
    return [read_run(folder / name) for name in names]


# --- what is compared ------------------------------------------------------------------------------------------------


def test_runs_on_the_same_test_rows_are_compared_in_pairs(folder: Path) -> None:
    runs = read(folder, "short", "long", "other", "diabetes")
    groups, apart = by_test_rows(runs)
    assert [[run.label for run in group.runs] for group in groups] == [["short", "long"], ["other"], ["diabetes"]]
    (pair,) = winners_in_pairs(groups[0])
    assert (pair.a, pair.b, pair.metric) == ("short", "long", "accuracy")
    scores = [
        next(e for e in run.report.candidates if e.name == run.report.verdict.winner).test["accuracy"]
        for run in runs[:2]
    ]
    assert scores[0].value is not None
    assert scores[1].value is not None
    assert pair.difference == pytest.approx(scores[0].value - scores[1].value)
    assert pair.low <= pair.difference <= pair.high
    assert groups[0].n == scores[0].n == 30
    whys = {one.run.label: one.why for one in apart}
    assert "other test rows of the same data" in whys["other"]
    assert "may have learned from" in whys["other"]
    assert whys["diabetes"] == "other data: data (150 rows) and data (442 rows)"


@pytest.mark.parametrize("task", ["regress", "forecast", "multilabel"])
def test_other_tasks_are_compared_by_the_scores_of_their_reports(task: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(240, 3))
    columns = {f"x{i}": x[:, i] for i in range(3)}
    data: dict[str, tuple[pl.DataFrame, list[str], dict[str, Any]]] = {
        "regress": (pl.DataFrame({**columns, "a": x @ [1, 2, 3], "b": x[:, 0] ** 2}), ["a", "b"], {}),
        "multilabel": (
            pl.DataFrame({**columns, "up": x[:, 0] + x[:, 2] > 0, "out": x[:, 1] + x[:, 2] > 0.5}),
            ["up", "out"],
            {},
        ),
        "forecast": (
            pl.DataFrame(
                {"day": pl.date_range(pl.date(2023, 1, 1), pl.date(2023, 8, 28), eager=True), "sales": x[:, 0]}
            ),
            ["sales"],
            {"horizon": 3},
        ),
    }
    frame, target, options = data[task]
    for name, steps in (("one", 5), ("two", 60)):
        netpick.fit(
            frame, target, task=task, models="mlp", steps=steps, prefer="network", out=tmp_path / name, **options
        )
    runs = read(tmp_path, "one", "two")
    groups, apart = by_test_rows(runs)
    assert not apart
    (pair,) = winners_in_pairs(groups[0])
    values = [next(e for e in run.report.candidates).test[groups[0].metric].value for run in runs]
    assert values[0] is not None
    assert values[1] is not None
    sign = -1 if task == "forecast" else 1
    assert pair.difference == pytest.approx(sign * (values[0] - values[1]), abs=1e-5)
    assert "Contest" in comparison_page(runs)


def test_only_what_differs_in_the_plans_is_listed(folder: Path) -> None:
    rows = dict(differing(read(folder, "short", "long")))
    assert rows["asked for: steps"] == ["15", "150"]
    assert rows["mlp: steps"] == ["15", "150"]
    assert rows["candidate transformer"] == ["in the contest", "–"]
    assert "asked for: models" in rows
    assert not any(key in rows for key in ("seed", "split", "asked for: seed", "mlp: settings.width", "mlp: step_ms"))
    assert not any(key.startswith("transformer: ") for key in rows)
    seeds = dict(differing(read(folder, "short", "other")))
    assert seeds["seed"] == ["0", "1"]
    assert differing(read(folder, "short", "short")) == []


# --- the page --------------------------------------------------------------------------------------------------------


class Links(HTMLParser):
    """Every address that a page names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]


def test_the_page_says_who_is_ahead_and_asks_no_network(folder: Path, tmp_path: Path) -> None:
    out = write_comparison([folder / name for name in ("short", "long", "other", "diabetes")], tmp_path / "all.html")
    text = out.read_text("utf-8")
    assert "4 runs side by side" in text
    assert "Not comparable" in text
    assert "In accuracy on the same 30 test rows" in text
    links = Links()
    links.feed(text)
    assert all(link.startswith(("#", "data:")) for link in links.found)


def test_names_from_a_run_are_text(folder: Path, tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    shutil.copytree(folder / "short", tmp_path / "evil")
    shutil.copytree(folder / "short", tmp_path / "good")
    for name in ("report.json", "request.json"):
        path = tmp_path / "evil" / name
        path.write_text(path.read_text().replace("transformer", json.dumps(evil)[1:-1]))
    page = comparison_page(read(tmp_path, "evil", "good"))
    assert "<img" not in page
    assert "&lt;img" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: (run / "report.json").unlink(), "holds no finished run .* netpick resume"),
        (lambda run: (run / "report.json").write_text('{"version": 1, "version": 1}'), "cannot be read"),
        (lambda run: (run / "report.json").write_text('{"version": 9}'), "its version is 9, and this netpick reads 1"),
        (lambda run: (run / "report.json").write_text("[" * 100_000), "cannot be read"),
        (lambda run: (run / "report.json").write_text('{"version": 1, "netpick": 7}'), "cannot be read"),
        (shutil.rmtree, "There is no run folder"),
    ],
    ids=["missing", "twice", "newer", "deep", "fields", "gone"],
)
def test_damaged_runs_are_refused_in_words(folder: Path, tmp_path: Path, change: Any, words: str) -> None:
    shutil.copytree(folder / "short", tmp_path / "copy")
    change(tmp_path / "copy")
    with pytest.raises(netpick.RequestError, match=words):
        write_comparison([folder / "long", tmp_path / "copy"], tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()


def test_damaged_predictions_only_cost_the_pairs(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "short", tmp_path / "short")
    (tmp_path / "short" / "predictions.parquet").write_bytes(b"PAR1 no")
    _, apart = by_test_rows([read_run(folder / "long"), read_run(tmp_path / "short")])
    assert apart[0].why == "short has no readable predictions.parquet"


def test_a_page_needs_its_ending(folder: Path) -> None:
    with pytest.raises(netpick.RequestError, match=r"a page ends in .html"):
        write_comparison([folder / "short"], "out.pdf")


# --- runs in progress ------------------------------------------------------------------------------------------------


def line(step: int, score: float = 0.5, candidate: str = "cnn") -> bytes:
    data = {"candidate": candidate, "step": step, "steps": 100, "validation_score": score, "metric": "accuracy"}
    return (
        json.dumps({"seconds": 1.5, "stage": "train", "text": f"{candidate}: step {step}", "data": data}).encode()
        + b"\n"
    )


def test_events_are_read_on_from_where_one_was(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(1) + line(2) + b'{"seconds": 2, "sta')
    events, following = new_events(tmp_path, 0)
    assert [event["data"]["step"] for event in events] == [1, 2]
    assert new_events(tmp_path, following) == ([], following)
    with path.open("ab") as file:
        file.write(
            b'ge": "train", "text": "", "data": {}}\nnot json\n{"data": 7}\n'
            + b'"'
            + b"x" * MOST_LINE
            + b'"\n'
            + line(3)
        )
    events, following = new_events(tmp_path, following)
    assert [event["data"].get("step") for event in events] == [None, 3]
    assert following == path.stat().st_size
    path.write_bytes(line(9))  # shorter than before: another run began
    assert [event["data"]["step"] for event in new_events(tmp_path, following)[0]] == [9]
    assert new_events(tmp_path / "nothing", 0) == ([], 0)


def test_a_run_is_in_progress_until_it_is_silent_or_done(folder: Path, tmp_path: Path) -> None:
    going = tmp_path / "going"
    going.mkdir()
    (going / "events.jsonl").write_bytes(line(1))
    shutil.copytree(folder / "short", tmp_path / "done")
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / "events.jsonl").write_bytes(line(1))
    (tmp_path / "failed" / "failed.json").write_text("{}")
    (tmp_path / "notes").mkdir()
    (tmp_path / "link").symlink_to(folder / "long")
    watcher = Watcher(tmp_path)
    assert {run.name: run.state for run in watcher.runs()} == {
        "going": "running",
        "done": "finished",
        "failed": "failed",
    }
    assert watcher.runs()[0].name == "going"
    os.utime(going / "events.jsonl", (1, 1))
    assert watcher.run("going").state == "interrupted"  # type: ignore[union-attr]
    assert watcher.run("../done") is None
    assert [run.name for run in Watcher(going).runs()] == ["going"]


# --- the board -------------------------------------------------------------------------------------------------------


@dataclass
class Board:
    """A board in a process of its own."""

    port: int

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@contextmanager
def board_of(folder: Path) -> Iterator[Board]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "netpick.cli", "board", str(folder), "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        found = re.fullmatch(r"http://127.0.0.1:(\d+)/\n", process.stdout.readline())
        assert found is not None, process.communicate()
        yield Board(int(found[1]))
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
        assert said == ""


@pytest.fixture(scope="module")
def watched(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs, and one in progress."""
    place = tmp_path_factory.mktemp("watched") / "runs"
    shutil.copytree(folder, place)
    (place / "going").mkdir()
    (place / "going" / "events.jsonl").write_bytes(line(10, 0.6) + line(20, 0.7) + line(10, 0.65, "rnn"))
    return place


@pytest.fixture(scope="module")
def board(watched: Path) -> Iterator[Board]:
    with board_of(watched) as made:
        yield made


def test_the_board_answers_and_every_answer_is_guarded(board: Board) -> None:
    for path, kind in {
        "/": "text/html",
        "/board.js": "text/javascript",
        "/board.css": "text/css",
        "/api/runs": "application/json",
        "/runs/short/report.html": "text/html",
        "/compare?run=short&run=long": "text/html",
        "/api/runs/going/events": "application/json",
    }.items():
        status, headers, body = board.ask(path)
        assert status == 200, path
        assert headers["content-type"].startswith(kind)
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
        assert body
    assert "sandbox" in board.ask("/runs/short/report.html")[1]["content-security-policy"]


def test_the_board_refuses_what_it_is_not_for(board: Board) -> None:
    assert board.ask("/", Host="evil.example")[0] == 403
    assert board.ask("/api/runs", Host="evil.example:8001")[0] == 403
    assert board.ask("/api/runs", Origin="http://evil.example")[0] == 403
    for path in (
        "/runs/..%2F..%2Fetc/report.html",
        "/runs/nothing/report.html",
        "/runs/going/report.html",
        "/etc/passwd",
    ):
        assert board.ask(path)[0] == 404, path
    for method in ("POST", "PUT", "DELETE"):
        assert board.ask("/", method)[0] == 405
    status, _, body = board.ask("/compare?run=short")
    assert (status, body.decode()) == (400, "Choose two or more finished runs on the board, then compare them.")
    for start in ("-1", "x", "9" * 30, "٣", ""):
        assert (
            board.ask(f"/api/runs/going/events?from={start.encode().hex() if not start.isascii() else start}")[0] == 200
        )


def test_the_command_says_what_is_wrong(tmp_path: Path, board: Board) -> None:
    from netpick.serve.board.serving import run_board
    from netpick.serve.options import ServeOptions

    with pytest.raises(netpick.RequestError, match="There is no folder"):
        run_board(tmp_path / "nothing", ServeOptions(port=0), print)
    with pytest.raises(netpick.RequestError, match=f"Port {board.port} cannot be opened .* --port 0"):
        run_board(tmp_path, ServeOptions(port=board.port), print)
    with pytest.raises(netpick.RequestError, match="for this machine alone"):
        run_board(tmp_path, ServeOptions(host="0.0.0.0", no_auth=True), print)


# --- in a browser ----------------------------------------------------------------------------------------------------


@dataclass
class Visit:
    page: Page
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """What axe-core calls serious or critical."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
        found = axe.run(self.page).response["violations"]
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in ("serious", "critical")
        ]


def visit(browser: Browser, address: str, width: int = 1200, scheme: str = "light") -> Visit:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    seen = Visit(page=context.new_page())
    seen.page.on("console", lambda m: seen.problems.append(m.text) if m.type in ("error", "warning") else None)
    seen.page.on("pageerror", lambda error: seen.problems.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.goto(address)
    return seen


def drawn(page: Page) -> None:
    """Waits for the charts, by no script of ours: pages let none run but their own."""
    page.locator(".plot[data-drawn]").first.wait_for()
    page.locator(".plot:not([data-drawn])").first.wait_for(state="detached")


def test_the_comparison_in_a_browser(folder: Path, browser: Browser, tmp_path: Path) -> None:
    path = write_comparison([folder / name for name in ("short", "long", "other", "diabetes")], tmp_path / "all.html")
    seen = visit(browser, path.as_uri())
    drawn(seen.page)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1200
    assert seen.faults() == []
    assert seen.problems == []
    assert seen.requests == [path.as_uri()]


def test_the_board_in_a_browser_follows_a_run(board: Board, browser: Browser, watched: Path) -> None:
    address = f"http://127.0.0.1:{board.port}/"
    seen = visit(browser, address, 390, "dark")
    page = seen.page
    page.wait_for_selector("section.live path")
    assert page.locator(".legend li").all_inner_texts() == ["cnn: 0.7000", "rnn: 0.6500"]
    with (watched / "going" / "events.jsonl").open("ab") as file:
        file.write(line(30, 0.8125))
    page.locator(".legend li", has_text="cnn: 0.8125").wait_for()
    assert page.locator("section.live > p").inner_text() == "cnn: step 30"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert seen.faults() == []
    page.get_by_label("Compare short").check()
    page.get_by_label("Compare long").check()
    page.get_by_role("button", name="Compare the chosen runs").click()
    drawn(page)
    assert "2 runs side by side" in page.title()
    page.goto(address)
    page.get_by_role("link", name="short").click()
    drawn(page)
    assert seen.problems == []
    assert all(request.startswith((address, "data:")) for request in seen.requests)
