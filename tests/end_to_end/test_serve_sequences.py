"""Pages of models whose answers are sequences, in a real browser: tags, a translation, a transcript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from served_models import Served, start
from small_sets import pairs, spoken, tagged

import netpick
from netpick.saved.use import candidate_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TEXTS = {"tagged": "Anna Baker lives in New York.", "pairs": "the old man sees a dog."}
SAID = {
    "tagged": "Gives each word of a text one of 5 tags.",
    "pairs": "Generates fr from a text.",
    "spoken": "Writes down what is said in a recording.",
}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sorted(Path(str(spoken(tmp_path_factory.mktemp("sounds")))).glob("*.wav"))[0]


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory, recording: Path) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("sequences")
    data = {"tagged": str(tagged(folder)), "pairs": str(pairs(folder)), "spoken": str(recording.parent)}
    models = {"tagged": "rnn", "pairs": "rnn[hidden=16,embedding=16]", "spoken": "cnn"}
    files = [folder / f"{name}.netpick" for name in data]
    for file in files:
        run = netpick.fit(data[file.stem], models=models[file.stem], steps=4, out=folder / f"run-{file.stem}")
        file.write_bytes(candidate_of(run.folder, models[file.stem]).read_bytes())
    served = start(files)
    yield served
    assert served.stop() == 0, "".join(served.log[-20:])


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_sequences_are_answered_and_explained_on_the_page(
    browser: Browser, sequences: Served, recording: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page, problems = context.new_page(), list[str]()
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_default_timeout(15_000)
    page.goto(sequences.url)
    for name, said in SAID.items():
        page.select_option("#models", name)
        page.locator("#about dd", has_text=name).first.wait_for()
        assert page.locator("#lead").inner_text() == said
        assert "undefined" not in page.locator("#scores").inner_text()
        if name in TEXTS:
            page.get_by_role("textbox", name="Text").fill(TEXTS[name])
            page.get_by_role("button", name="Answer", exact=True).click()
        else:
            page.set_input_files("#files", recording)
        page.wait_for_selector("#answer .tagged" if name == "tagged" else "#answer .said")
        if name != "pairs":  # a network that has learned nothing may write nothing, and then looked nowhere
            page.get_by_role("button", name="Explain").click()
            page.wait_for_selector("#explanation figure.explained")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert problems == []
    context.close()
