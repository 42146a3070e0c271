"""The page of a served model in a real browser: a row is given, answered, explained, a CSV comes back; nothing leaves the host."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import polars as pl
import pytest
from served_models import Served, digits, png, shop, table, texts, wav, whistle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@dataclass
class Visit:
    """An opened page, and what the browser had to say about it."""

    page: Page
    host: str
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def finish(self) -> None:
        """No console error, no request off the host, no sideways scrolling; then the page is closed."""
        assert self.problems == []
        assert [
            url
            for url in self.requests
            if urlsplit(url).scheme not in ("blob", "data") and urlsplit(url).netloc != self.host
        ] == []
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        self.page.context.close()


@pytest.fixture
def visit(browser: Browser, server: Served) -> Callable[..., Visit]:
    def go(model: str, width: int = 1200, scheme: Any = "light") -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme, accept_downloads=True
        )
        seen = Visit(page=context.new_page(), host=f"localhost:{server.port}")
        seen.page.on("console", lambda m: seen.problems.append(m.text) if m.type in ("error", "warning") else None)
        seen.page.on("pageerror", lambda error: seen.problems.append(str(error)))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.set_default_timeout(15_000)
        seen.page.goto(server.url)
        seen.page.wait_for_selector("#ask")
        if model != "table":
            seen.page.select_option("#models", model)
            seen.page.locator("#about dd", has_text=model).first.wait_for()
        return seen

    return go


def explain(page: Page) -> None:
    page.get_by_role("button", name="Explain").click()
    page.wait_for_selector("#explanation figure.explained")
    assert page.locator("#explanation figure.explained").count() >= 1


def has_count(page: Page, selector: str, count: int) -> None:
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_count(count, timeout=15_000)


def no_serious_fault(page: Page) -> None:
    """axe-core finds nothing serious or critical."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(page).response["violations"]
    serious = [
        (v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_a_row_of_a_table_is_answered_explained_and_a_csv_comes_back(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    seen = visit("table")
    page = seen.page
    page.get_by_role("button", name="Example row").click()
    page.wait_for_selector("#answer .said")
    page.get_by_label("age").fill("150")
    page.get_by_label("job").select_option("pilot")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Answer", exact=True).click()
    page.wait_for_selector("#answer .unlike")
    assert page.locator("#answer .said").inner_text() in ("yes", "no")
    assert "Age is 150, but all training rows lie in 17 to 89." in page.locator("#answer").inner_text()
    assert "called from 54.0 % on" in page.locator("#answer").inner_text()
    explain(page)
    frame = table().drop("rich").head(30)
    frame.write_csv(tmp_path / "people.csv")
    page.set_input_files("#csv", tmp_path / "people.csv")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "back.csv")
    with (tmp_path / "back.csv").open() as file:
        back = list(csv.DictReader(file))
    assert len(back) == 30
    assert {row["prediction"] for row in back} <= {"yes", "no"}
    assert download.value.suggested_filename == "people-predictions.csv"
    no_serious_fault(page)
    seen.finish()


def test_a_wrong_csv_is_refused_in_words(visit: Callable[..., Visit], tmp_path: Path) -> None:
    seen = visit("table", 390, "dark")
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    seen.page.set_input_files("#csv", tmp_path / "wrong.csv")
    seen.page.wait_for_selector("#table-answer [role=alert]")
    assert "The CSV has no column 'age'" in seen.page.locator("#table-answer").inner_text()
    no_serious_fault(seen.page)
    # The browser itself writes a line for every refused request; there is no other.
    assert [text for text in seen.problems if "422" not in text] == []
    seen.problems.clear()
    seen.finish()


def test_pictures_are_dropped_drawn_and_explained(visit: Callable[..., Visit]) -> None:
    seen = visit("digits", 390, "dark")
    page = seen.page
    images, _ = digits()
    page.set_input_files(
        "#files", [{"name": f"{i}.png", "mimeType": "image/png", "buffer": png(images[i])} for i in (0, 1)]
    )
    has_count(page, "#answer .row-answer", 2)
    board = page.locator("canvas.board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 110, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 112, box["y"] + 190, steps=4)
    page.mouse.up()
    has_count(page, "#answer .row-answer", 1)
    assert page.locator("#answer .chances li").count() == 10
    explain(page)
    no_serious_fault(page)
    seen.finish()


def test_a_series_is_drawn_pasted_and_explained(visit: Callable[..., Visit]) -> None:
    seen = visit("curves")
    page = seen.page
    page.get_by_role("textbox", name="Series").fill("1\n2\n3")
    page.get_by_role("button", name="Answer", exact=True).click()
    page.wait_for_selector("#answer [role=alert]")
    assert "exactly 24" in page.locator("#answer").inner_text()
    seen.problems.clear()  # the browser's line about status 422
    page.locator("canvas.curve").scroll_into_view_if_needed()
    box = page.locator("canvas.curve").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 20, steps=5)
    page.mouse.up()
    page.wait_for_selector("#answer .said")
    assert len(page.get_by_role("textbox", name="Series").input_value().split("\n")) == 24
    explain(page)
    no_serious_fault(page)
    seen.finish()


def test_a_text_is_typed_and_explained(visit: Callable[..., Visit], tmp_path: Path) -> None:
    seen = visit("texts", 390)
    page = seen.page
    page.get_by_role("textbox", name="Text").fill("the film was lovely")
    page.get_by_role("button", name="Answer", exact=True).click()
    page.wait_for_selector("#answer .said")
    explain(page)
    texts().drop("label").head(8).write_csv(tmp_path / "reviews.csv")
    page.set_input_files("#csv", tmp_path / "reviews.csv")
    page.wait_for_selector("#download")
    no_serious_fault(page)
    seen.finish()


def test_a_sound_is_dropped_recorded_and_explained(visit: Callable[..., Visit]) -> None:
    seen = visit("sounds", scheme="dark")
    page = seen.page
    page.set_input_files(
        "#files", [{"name": "up.wav", "mimeType": "audio/wav", "buffer": wav(whistle(rising=True, take=2))}]
    )
    page.wait_for_selector("#answer .said")
    explain(page)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(400)
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector("#answer .said")
    assert "recorded.wav" in page.locator(".chosen").inner_text()
    no_serious_fault(page)
    seen.finish()


def test_a_history_is_pasted_and_forecast(visit: Callable[..., Visit]) -> None:
    seen = visit("shop", 390)
    page = seen.page
    history = shop().with_columns(pl.col("sales").round(2))
    page.get_by_label("or paste it").fill(history.write_csv())
    page.get_by_role("button", name="Forecast").click()
    page.wait_for_selector("#answer svg.plot-area")
    page.get_by_text("The numbers").click()
    assert page.locator("#answer tbody tr").count() == 7
    assert "2023-08-29" in page.locator("#answer tbody").inner_text()
    explain(page)
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#answer svg.plot-area").count() == 0
    page.get_by_role("button", name="Example history").click()
    page.wait_for_selector("#answer svg.plot-area")
    assert len(page.get_by_label("or paste it").input_value().splitlines()) == 22
    page.get_by_role("button", name="Clear").click()
    page.locator("canvas.curve").scroll_into_view_if_needed()
    box = page.locator("canvas.curve").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 40, steps=5)
    page.mouse.up()
    page.wait_for_selector("#answer svg.plot-area")
    assert page.get_by_label("or paste it").input_value().startswith("day,sales\n2023-")
    no_serious_fault(page)
    seen.finish()


def test_the_keyboard_suffices_and_the_card_stands_beside(visit: Callable[..., Visit]) -> None:
    seen = visit("prices")
    page = seen.page
    page.get_by_label("size").fill("100")
    page.get_by_label("rooms").fill("4")
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer .said")
    assert "price" in page.locator("#answer .said").inner_text()
    assert "95 % interval" in page.locator("#scores").inner_text()
    assert "It answers with one of the classes it learned" in page.locator("#limits").inner_text()
    page.get_by_text("What it was trained on").click()
    assert page.locator("#card-text table").is_visible()
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 21, 24)"
    assert "curl" in page.locator("#curl").inner_text()
    no_serious_fault(page)
    seen.finish()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_prompt_is_continued_and_stopped(visit: Callable[..., Visit], width: int, scheme: str) -> None:
    seen = visit("story", width, scheme)
    page = seen.page
    page.get_by_label("Prompt").fill("<b>the old man</b> ")
    page.get_by_label("Characters to add").fill("60")
    page.get_by_label("Seed").fill("7")
    page.get_by_role("button", name="Continue").click()
    page.locator("#answer", has_text="Made up by the model").wait_for()
    first = page.locator(".continued").inner_text()
    assert first.startswith("<b>the old man</b> ")
    assert "Seed 7." in page.locator("#answer").inner_text()
    assert "5 characters of the prompt did not occur in training" in page.locator("#answer").inner_text()
    page.get_by_role("button", name="Continue").click()
    page.locator("#answer", has_text="Made up by the model").wait_for()
    assert page.locator(".continued").inner_text() == first
    no_serious_fault(page)
    page.get_by_label("Characters to add").fill("1000")
    page.evaluate("() => { document.getElementById('another').click(); document.getElementById('stop').click(); }")
    page.locator("#answer", has_text="Stopped.").wait_for()
    assert page.locator("#stop").is_disabled()
    page.get_by_label("Temperature").fill("-1")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_selector("#answer [role=alert]")
    assert "0 (always the likeliest) to 100 was expected" in page.locator("#answer").inner_text()
    assert [problem for problem in seen.problems if "422" not in problem] == []
    seen.problems.clear()
    seen.finish()
