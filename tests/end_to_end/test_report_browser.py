"""report.html in a real browser: quiet console, no requests, charts drawn, no sideways scrolling, light and dark."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netpick.report import to_html

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "report"))
from report_samples import SAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@dataclass
class Visit:
    """An opened report, and what the browser had to say about it."""

    page: Page
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


def written(folder: Path, name: str) -> Path:
    path = folder / f"{name}.html"
    if not path.exists():
        path.write_text(to_html(SAMPLES[name]()), encoding="utf-8")
    return path


def visit(browser: Browser, folder: Path, name: str, width: int, scheme: str) -> Visit:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    seen = Visit(page=context.new_page())
    seen.page.on("console", lambda m: seen.problems.append(m.text) if m.type in ("error", "warning") else None)
    seen.page.on("pageerror", lambda error: seen.problems.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.goto(written(folder, name).as_uri())
    seen.page.wait_for_function("document.querySelectorAll('.plot:not([data-drawn])').length === 0")
    return seen


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("images", 390, "dark"),
        pytest.param("binary", 390, "light", marks=pytest.mark.slow),
        ("regression", 1200, "dark"),
        pytest.param("series", 390, "light", marks=pytest.mark.slow),
        ("multilabel", 1200, "light"),
        ("hostile", 320, "dark"),
    ],
)
def test_it_opens_cleanly(browser: Browser, folder: Path, name: str, width: int, scheme: str) -> None:
    seen = visit(browser, folder, name, width, scheme)
    page = seen.page
    assert seen.problems == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in seen.requests if url.startswith("file:")]) == 1
    plots = page.locator(".plot").count()
    assert plots >= 1
    drawn = "list => list.filter(plot => plot.querySelector('.trace, .bars')).length"
    assert page.locator(".plot").evaluate_all(drawn) == plots
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img").evaluate_all("list => list.filter(i => !i.naturalWidth).length") == 0
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(19, 21, 24)" if scheme == "dark" else "rgb(253, 253, 252)")
    page.context.close()


def test_the_theme_turns_and_the_charts_turn_with_it(browser: Browser, folder: Path) -> None:
    seen = visit(browser, folder, "images", 1200, "light")
    colour = "getComputedStyle(document.querySelector('.xtick text')).fill"
    before = seen.page.evaluate(colour)
    seen.page.get_by_role("button", name="Dark").click()
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 21, 24)"
    assert seen.page.evaluate(colour) != before
    assert seen.page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
    assert seen.problems == []
    seen.page.context.close()


def test_a_switch_shows_the_other_drawing_and_the_keyboard_suffices(browser: Browser, folder: Path) -> None:
    seen = visit(browser, folder, "binary", 1200, "light")
    page = seen.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    button = page.get_by_role("button", name="Calibration")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    assert "share that was >50K" in page.locator("[data-chart=curves] .ytitle").text_content()  # type: ignore[operator]
    assert seen.problems == []
    page.context.close()


def test_a_browser_that_cannot_unpack_the_charts_shows_their_tables(browser: Browser, folder: Path) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(written(folder, "binary").as_uri())
    page.wait_for_selector("html.no-plots")
    assert page.locator(".plot").first.is_hidden()
    page.get_by_role("button", name="Calibration").click()
    page.get_by_role("button", name="Dark").click()
    assert page.locator("table.contest th", has_text="boosted trees").is_visible()
    page.context.close()


def test_without_scripts_the_tables_are_there(browser: Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(written(folder, "binary").as_uri())
    assert page.locator("h2", has_text="The contest").is_visible()
    assert page.locator("table.contest th", has_text="boosted trees").is_visible()
    context.close()
