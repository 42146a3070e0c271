"""Every form of data and every family has an explanation: sentences, cautions, words for the blind, one safe page."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from netpick.errors import DataError
from netpick.explain import Explanation, Figure, explain, explain_one, figure_html, styles
from netpick.explain.explaining import MOST_BYTES, _fitting, chosen_rows
from netpick.explain.mistakes import judged, surest_mistakes
from netpick.explain.reading import read_subject

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from mixed_table import write_mixed_table
from moving_digits import drawn_digits, moving_digits
from quick_models import quick_model

HOSTILE = '</script><img src=x onerror="document.title=1">'


def numbers(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def table() -> pl.DataFrame:
    draw = numbers()
    return pl.DataFrame(
        {
            "a": draw.normal(size=120),
            "kind": draw.choice(["p", "q", HOSTILE], 120),
            "flag": draw.choice([True, False], 120),
            "y": draw.choice(["u", HOSTILE], 120),
        }
    )


def texts() -> pl.DataFrame:
    words = [f"the film was {w} and long {HOSTILE if i % 9 == 0 else ''}" for i, w in enumerate(["good", "bad"] * 50)]
    return pl.DataFrame({"text": [f"{w} {i % 7}" for i, w in enumerate(words)], "y": ["yes", "no"] * 50})


def curves(channels: int = 1) -> tuple[Any, Any]:
    return numbers().normal(size=(60, 40, channels)).astype(np.float32), np.arange(60) % 2


def pictures(colours: int = 1) -> tuple[Any, Any]:
    return numbers().integers(0, 255, (40, colours, 20, 24), dtype=np.uint8), np.arange(40) % 3


def sales() -> pl.DataFrame:
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(200)]
    wave = 10 + 3 * np.sin(np.arange(200) * 2 * np.pi / 7) + numbers().normal(0, 0.3, 200)
    return pl.DataFrame({"day": days, "sales": wave, "rain": numbers(1).normal(size=200)})


TEXT: dict[str, Any] = {"kinds": (("text", "text"),)}
GATES = ("What is remembered", "Gates and state")
CASES: dict[str, tuple[Callable[[], Any], dict[str, Any], tuple[str, ...]]] = {
    "table mlp": (table, {"models": "mlp", "target": ("y",)}, ("What each cell adds",)),
    "table transformer": (table, {"models": "transformer", "target": ("y",)}, ("Attention of the answer",)),
    "table regress": (
        lambda: table().with_columns(y=pl.col("a") * 2),
        {"models": "mlp", "target": ("y",)},
        ("What each cell adds",),
    ),
    "text mlp": (texts, {"models": "mlp", "target": ("y",), **TEXT}, ("Word by word",)),
    "text cnn": (texts, {"models": "cnn", "target": ("y",), **TEXT}, ("Word by word", "Windows that fired")),
    "text lstm": (texts, {"models": "rnn", "target": ("y",), **TEXT}, ("Word by word", *GATES)),
    "text simple": (
        texts,
        {"models": "rnn[cell=simple,bidirectional=false]", "target": ("y",), **TEXT},
        ("The state", "How far gradients reach back"),
    ),
    "text transformer": (
        texts,
        {"models": "transformer", "target": ("y",), **TEXT},
        ("Word by word", "Attention, layer 1"),
    ),
    "text layers": (
        texts,
        {"layers": ("embedding 8, gru 6, dense 4",), "target": ("y",), **TEXT},
        ("Word by word", *GATES),
    ),
    "series cnn": (curves, {"models": "cnn"}, ("Where on the curve", "Windows that fired")),
    "series gru": (lambda: curves(3), {"models": "rnn"}, ("Where on the curve", "Which channels", *GATES)),
    "series transformer": (curves, {"models": "transformer"}, ("Where on the curve", "Attention, layer 1")),
    "image mlp": (pictures, {"models": "mlp"}, ("Where it looked", "What would make it")),
    "image cnn": (
        pictures,
        {"models": "cnn"},
        ("The first layer's kernels", "Where it looked", "From pixels", "What pooling keeps", "What would make it"),
    ),
    "image rnn": (lambda: pictures(3), {"models": "rnn"}, ("Where it looked", *GATES)),
    "image transformer": (lambda: pictures(3), {"models": "transformer"}, ("Attention, head by head",)),
    "image layers": (
        pictures,
        {"layers": ("conv 6 3 relu, maxpool 2, conv 8 3 relu, flatten, dense 8 relu",)},
        ("Where it looked", "What pooling keeps"),
    ),
    "forecast rnn": (sales, {"models": "rnn", "target": ("sales",), "horizon": 7}, ("Which of the past", *GATES)),
    "forecast transformer": (
        sales,
        {"models": "transformer", "target": ("sales",), "horizon": 7},
        ("Which columns", "Attention, layer 1"),
    ),
}


class Checker(HTMLParser):
    """What a page must not have: elements left open, pictures without words, references to elsewhere, foreign handlers."""

    VOID = frozenset({"img", "meta", "link", "br", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "img" and "alt" not in given:
            self.problems.append("img without alt")
        for name, value in attrs:
            if name.startswith("on"):
                self.problems.append(f"{tag} {name}")
            if name in ("src", "href") and not (value or "").startswith(("data:", "#")):
                self.problems.append(f"{tag} {name}={value}")
        if "id" in given:
            if given["id"] in self.ids:
                self.problems.append(f"twice: {given['id']}")
            self.ids.add(given["id"] or "")
        if tag == "a" and (given.get("href") or "").startswith("#"):
            self.links.add((given["href"] or "")[1:])

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}>")


def checked(page: Explanation) -> str:
    """The page's text, after everything was asked of it that every page must have."""
    text = page.html()
    checker = Checker()
    checker.feed(text)
    assert checker.problems == []
    assert checker.open == []
    assert checker.links <= checker.ids
    assert len(text) < 6_000_000
    assert text.count("<script") == 1
    assert "Content-Security-Policy" in text
    assert not re.search(r"https?://(?!www\.w3\.org/)", text)
    for figure in page.figures:
        assert figure.title
        assert figure.alt
        for said in (figure.sentence, figure.caution):
            assert len(said) > 30
            assert said.endswith(".")
            assert "nan" not in said.split()
    return text


@pytest.mark.parametrize("name", CASES)
def test_every_form_and_family_has_its_figures(name: str) -> None:
    make, options, wanted = CASES[name]
    data = make()
    model = quick_model(data, **options)
    page = explain(model, data, rows=2)
    titles = [figure.title for figure in page.figures]
    for title in wanted:
        assert any(found.startswith(title) for found in titles), (title, titles)
    checked(page)
    one = data if name.startswith("forecast") else data.head(1) if isinstance(data, pl.DataFrame) else data[0][:1]
    for figure in explain_one(model, one):
        assert "<script" not in figure_html(figure)


def test_clips_and_mixed_rows(tmp_path: Path) -> None:
    from PIL import Image

    clips, labels = moving_digits(drawn_digits(12), 24, frames=5, side=20)
    for number, (clip, label) in enumerate(zip(clips, labels, strict=True)):
        folder = tmp_path / "clips" / label / f"{number}"
        folder.mkdir(parents=True)
        for moment, frame in enumerate(clip):
            Image.fromarray(frame).save(folder / f"{moment:02d}.png")
    model = quick_model(tmp_path / "clips", models="cnn_rnn")
    page = explain(model, tmp_path / "clips", rows=1)
    assert {"Where in the frames", "Which frames"} <= {figure.title for figure in page.figures}
    checked(page)
    mixed = write_mixed_table(drawn_digits(20), np.repeat(np.arange(10), 5), tmp_path / "mixed", 60)
    model = quick_model(mixed, models="cnn", target=("verdict",))
    page = explain(model, mixed, rows=1)
    assert {"What each column adds", "Where it looked"} <= {figure.title for figure in page.figures}
    checked(page)


def test_a_network_of_the_users_own() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(1, 4, 3, padding=1)
            self.last = nn.Linear(4 * 20 * 24, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.first(x).relu().flatten(1))  # type: ignore[no-any-return]

    data = pictures()
    page = explain(quick_model(data, modules=(Own(),)), data, rows=1)
    titles = [figure.title for figure in page.figures]
    assert "Where it looked" in titles
    assert "What looks alike to it" in titles
    assert any("network of your own" in said for said in page.missing)
    checked(page)


def test_what_users_wrote_is_only_ever_text() -> None:
    data = table()
    page = explain(quick_model(data, models="mlp", target=("y",)), data, rows=3)
    text = checked(page)
    assert "<img src=x" not in text
    assert "&lt;/script&gt;&lt;img src=x" in text
    texts_page = checked(explain(quick_model(texts(), models="cnn", target=("y",), **TEXT), texts(), rows=3))
    assert "<img src=x" not in texts_page


def test_without_labels_the_page_says_what_it_lacks() -> None:
    data = table()
    page = explain(quick_model(data, models="mlp", target=("y",)), data.drop("y"), rows=1)
    assert "Where it errs" not in [part.title for part in page.parts]
    assert any("no known answers" in said for said in page.missing)


def test_mistakes_are_counted_grouped_and_open_their_examples() -> None:
    data = pictures()
    model = quick_model(data, models="cnn", steps=10)
    subject = read_subject(model, data)
    found = judged(subject)
    assert found is not None
    wrong = surest_mistakes(found)
    assert found.decided is not None
    assert set(wrong.tolist()) == set(np.flatnonzero(found.decided != subject.truth).tolist())
    text = checked(explain(model, data, rows=4))
    for true, said in {(int(found.truth[i]), int(found.decided[i])) for i in wrong}:
        assert f'href="#taken-{true}-{said}"' in text
        assert f'id="taken-{true}-{said}"' in text
    chosen = chosen_rows(subject, 4)
    assert len(set(chosen)) == 4
    assert chosen[:2] == wrong[:2].tolist()


def test_a_page_that_would_be_too_large_leaves_rows_out_and_says_so() -> None:
    data = pictures()
    parts = list(explain(quick_model(data, models="mlp"), data, rows=3).parts)
    huge = replace(parts[-1].figures[0], drawing="x" * MOST_BYTES)
    kept, said = _fitting([*parts[:-1], replace(parts[-1], figures=(huge,))])
    assert kept == tuple(parts[:-1])
    assert parts[-1].title in said[0]
    assert "--rows" in said[0]


def test_a_figure_is_markup_without_script() -> None:
    figure = Figure(title="<b>", sentence="s", caution="Where it rains.", alt='"a"', drawing="<svg></svg>")
    text = figure_html(figure)
    assert "&lt;b&gt;" in text
    assert 'role="img"' in text
    assert 'aria-label="&quot;a&quot;"' in text
    assert "Do not trust it</b> where it rains." in text
    assert ".explained" in styles()


def test_a_text_may_be_longer_than_any_path() -> None:
    model = quick_model(texts(), models="cnn", target=("y",), **TEXT)
    figures = explain_one(model, "the film was good and long " * 40)
    assert figures[0].title == "Word by word"


def test_no_row_is_an_error() -> None:
    data = table()
    model = quick_model(data, models="mlp", target=("y",))
    with pytest.raises(DataError, match=r"no row|no rows|holds no"):
        explain(model, data.head(0))


def test_explaining_leaves_the_model_as_it_is() -> None:
    data = pictures()
    model = quick_model(data, models="cnn", steps=5)
    for parameter in model.loaded.network.parameters():
        parameter.grad = None
    before = model.predict(data[0])
    weights = {name: value.clone() for name, value in model.loaded.network.state_dict().items()}
    explain(model, data, rows=1)
    assert model.predict(data[0]).equals(before)
    assert all(torch.equal(value, weights[name]) for name, value in model.loaded.network.state_dict().items())
    assert not any(module._forward_hooks for module in model.loaded.network.modules())
    assert all(parameter.grad is None for parameter in model.loaded.network.parameters())
