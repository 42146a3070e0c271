"""`netpick explain` in a real process, its page in a real browser, and what it says of real digits."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_digits

import netpick
from netpick.cli import commands as cli
from netpick.explain import images
from netpick.explain.reading import read_subject
from netpick.explain.walk import stages_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from command_line import command_here
from quick_models import quick_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def digits() -> tuple[Any, Any]:
    loaded = load_digits()
    return np.round(loaded.images * (255 / 16)).astype(np.uint8), loaded.target


def words(rows: int = 240) -> pl.DataFrame:
    generator = np.random.default_rng(0)
    good, bad = ["lovely", "bright", "warm", "clever"], ["dull", "slow", "awful", "stale"]
    texts, labels = [], []
    for row in range(rows):
        said = " ".join(generator.choice(good if row % 2 else bad, 2))
        texts.append(f"the film of {generator.integers(1950, 2020)} was {said} and rather long")
        labels.append("yes" if row % 2 else "no")
    return pl.DataFrame({"text": texts, "liked": labels})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    """A run on a small table with a column of each kind."""
    generator = np.random.default_rng(0)
    frame = pl.DataFrame({"size": generator.normal(size=200), "kind": generator.choice(["a", "b"], 200)})
    frame = frame.with_columns(price=pl.col("size") * 2 + (pl.col("kind") == "a"))
    folder = tmp_path_factory.mktemp("explain")
    frame.with_columns(cheap=pl.col("price") < 0).drop("price").write_csv(folder / "houses.csv")
    return netpick.fit(
        folder / "houses.csv", target="cheap", models="mlp", prefer="network", steps=80, out=folder / "run"
    )


def typed(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    """The exit code of the command line in this process, and what it said."""
    monkeypatch.setattr(sys, "argv", ["netpick", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


def test_the_command_writes_a_page_about_a_table(run: netpick.Run) -> None:
    folder = run.folder.parent
    done = command_here("explain", "run", "houses.csv", "--rows", "2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "explanation.html"
    page = (folder / "explanation.html").read_text("utf-8")
    assert "What each column adds" in page
    assert "What is taken for what" in page


def test_one_row_by_its_values_and_refusals_in_one_paragraph(
    run: netpick.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run.folder.parent
    monkeypatch.chdir(folder)
    code, said = typed(("explain", "run", "size=-2", "kind=b", "--out", "one.html"), capsys, monkeypatch)
    assert (code, said.strip()) == (0, "one.html")
    assert "What each cell adds" in (folder / "one.html").read_text("utf-8")
    for arguments, expected in (
        (("run", "houses.csv", "--out", "page.pdf"), "a page ends in .html"),
        (("run", "size=1"), "no column 'kind'"),
        (("elsewhere", "houses.csv"), "There is no model file"),
        (("run", "nothing.csv"), "nothing.csv"),
    ):
        code, said = typed(("explain", *arguments), capsys, monkeypatch)
        assert code == 2, said
        assert expected in said
        assert "Traceback" not in said
    assert not (folder / "page.pdf").exists()


def test_the_report_of_a_run_explains_one_row(run: netpick.Run) -> None:
    explained = run.results.explained
    assert explained is not None
    assert explained.truth in ("true", "false")
    report = (run.folder / "report.html").read_text("utf-8")
    assert "What it goes by" in report
    assert "What each cell adds" in report
    assert f"netpick explain {run.folder}/model.netpick DATA" in report or "netpick explain RUN/model.netpick" in report


# --- real digits -----------------------------------------------------------------------------------------------------


def idx(path: Path) -> Any:
    content = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(content[3])]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def test_occlusion_and_grad_cam_agree_on_a_hundred_digits(shared_data: Path) -> None:
    folder = shared_data / "mnist"
    train = idx(folder / "train-images-idx3-ubyte.gz")[:12_000], idx(folder / "train-labels-idx1-ubyte.gz")[:12_000]
    test, truth = idx(folder / "t10k-images-idx3-ubyte.gz")[:100], idx(folder / "t10k-labels-idx1-ubyte.gz")[:100]
    model = quick_model((train[0], train[1].astype(np.int64)), models="cnn", steps=250)
    subject = read_subject(model, (test, truth.astype(np.int64)))
    said = subject.predictions().probabilities
    assert said is not None
    assert (said.argmax(axis=1) == subject.truth).mean() > 0.95
    agreements = []
    for row in range(100):
        batch, target = images.float_images(subject.batch([row]), "grid"), subject.target_of(row)
        stages = stages_of(subject, batch, subject.trunk("grid"), target)
        agreements.append(images.regions(subject, batch, "grid", target, stages).agreement)
    assert np.median(agreements) > 0.5
    assert np.mean(np.array(agreements) > 0.5) > 0.8
    assert np.quantile(agreements, 0.05) > 0.2


# --- a real browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages about pictures, texts and a table, all with mistakes."""
    from netpick.explain import explain

    folder = tmp_path_factory.mktemp("pages")
    made = {
        "pictures": (quick_model(digits(), models="cnn", steps=25), tuple(part[:150] for part in digits())),
        "texts": (
            quick_model(words(), models="rnn", steps=8, target=("liked",), kinds=(("text", "text"),)),
            words(80),
        ),
    }
    for name, (model, data) in made.items():
        (folder / f"{name}.html").write_text(explain(model, data, rows=2).html(), encoding="utf-8")
    return folder


def visit(browser: Browser, path: Path, width: int, scheme: Any) -> tuple[Page, list[str]]:
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else problems.append(asked.url))
    page.goto(path.as_uri())
    return page, problems


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("pictures", 1280, "light"), ("pictures", 390, "dark"), ("texts", 1280, "dark"), ("texts", 390, "light")],
)
def test_a_page_is_quiet_accessible_and_no_wider_than_the_screen(
    browser: Browser, pages: Path, name: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, problems = visit(browser, pages / f"{name}.html", width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 21, 24)"
    assert dark == (scheme == "dark")
    assert page.locator("figure.explained").count() > 5
    found = Axe().run(page).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")
    ] == []
    assert problems == []
    page.context.close()


def test_a_cell_of_the_matrix_opens_its_examples_by_keyboard(browser: Browser, pages: Path) -> None:
    page, problems = visit(browser, pages / "pictures.html", 1280, "light")
    link = page.locator(".matrix a").first
    where = link.get_attribute("href")
    assert where is not None
    assert not page.locator(where).is_visible()
    link.focus()
    page.keyboard.press("Enter")
    assert page.locator(where).is_visible()
    assert page.locator(f"{where} img").count() > 0
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    assert problems == []
    page.context.close()
