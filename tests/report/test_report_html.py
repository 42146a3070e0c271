"""report.html: well-formed, closed to the outside, escaped, readable without pictures and scripts."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from report_samples import HOSTILE, SAMPLES, hostile, images, tiny

from netpick.report import pictures, to_html
from netpick.report.figures import plain
from netpick.report.markup import VOID, Html, element, json_block, markup
from netpick.types import Finding

RAW = ("script", "style")


class Page(HTMLParser):
    """A page taken apart; complains when an element is closed that is not open."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.raw: list[tuple[dict[str, str | None], str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in RAW:
            self.raw.append((self.elements[-1][1], data))
        else:
            self.text.append(data)

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name in names]

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


@cache
def rendered(name: str) -> str:
    return to_html(SAMPLES[name]())


@cache
def page(name: str) -> Page:
    return Page(rendered(name))


each = pytest.mark.parametrize("name", SAMPLES)


@each
def test_it_is_well_formed_and_pure(name: str) -> None:
    assert page(name).open == []
    assert rendered(name).startswith('<!doctype html>\n<html lang="en">')
    assert to_html(SAMPLES[name]()) == rendered(name)


@each
def test_it_asks_for_nothing_and_runs_only_its_own_scripts(name: str) -> None:
    seen = page(name)
    for _, attributes in seen.elements:
        for key in ("src", "href", "action", "srcset", "data", "xlink:href", "formaction", "background", "poster"):
            value = attributes.get(key) or "#"
            assert value.startswith(("#", "data:")), value
        assert not [key for key in attributes if key.startswith("on")], attributes
    policy = next(m["content"] or "" for m in seen.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    code = [text for attributes, text in seen.raw if attributes.get("type") is None and "content" not in attributes]
    packed = next(text for attributes, text in seen.raw if attributes.get("id") == "plotly")
    scripts = [gzip.decompress(base64.b64decode(packed)).decode(), *(text for text in code if "use strict" in text)]
    assert len(seen.all("script")) == 3  # data, plotly, ours
    assert len(scripts) == policy.count("'sha256-") == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


@each
def test_it_can_be_read_without_seeing_it(name: str) -> None:
    seen = page(name)
    names = Counter(tag for tag, _ in seen.elements)
    assert names["main"] == names["h1"] == names["nav"] == names["footer"] == 1
    assert names["caption"] == names["table"]
    assert all(image.get("alt") for image in seen.all("img"))
    assert all(svg.get("aria-hidden") == "true" or svg.get("aria-label") for svg in seen.all("svg"))
    plots = [d for d in seen.all("div") if d.get("class") == "plot"]
    assert all(plot["role"] == "img" and plot["aria-label"] for plot in plots)
    assert names["th"] == sum(th.get("scope") in ("col", "row") for th in seen.all("th"))
    levels = [int(tag[1]) for tag, _ in seen.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    identifiers = [a["id"] for _, a in seen.elements if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    assert {link["href"] for link in seen.all("a")} <= {f"#{i}" for i in identifiers}
    assert all(section["aria-labelledby"] in identifiers for section in seen.all("section"))


@each
def test_every_chart_has_its_drawing_and_a_table(name: str) -> None:
    seen = page(name)
    charts = json.loads(next(text for attributes, text in seen.raw if attributes.get("id") == "charts"))
    placed = [d["data-chart"] for d in seen.all("div") if d.get("class") == "plot"]
    assert sorted(charts) == sorted(str(key) for key in placed)
    assert all(view["data"] for chart in charts.values() for view in chart["views"])
    assert rendered(name).count("The same as a table") >= len([key for key in charts if not key.startswith("loss-")])


def test_the_sections_stand_in_order() -> None:
    found = [s["id"] for s in page("images").all("section")]
    assert found == ["data", "split", "contest", "learning", "winner", "findings", "plan", "use"]


def test_names_from_data_are_only_ever_text() -> None:
    text = rendered("hostile")
    assert "<img src=x" not in text
    seen = page("hostile")
    assert HOSTILE in "".join(seen.text)
    charts = json.loads(next(raw for attributes, raw in seen.raw if attributes.get("id") == "charts"))
    assert "<" not in json.dumps([v["data"] for c in charts.values() for v in c["views"]])


def test_when_no_network_finished_the_page_says_so_and_shows_the_baseline() -> None:
    words = page("hostile").words
    assert "No network finished" in words
    assert "2 candidates failed" in words
    assert "The best baseline in detail" in words
    assert "there is no model file" in words


def test_when_nothing_at_all_finished_it_still_renders() -> None:
    some = hostile()
    nothing = replace(some, baselines=[], source=replace(some.source, pictured=False))
    text = Page(to_html(nothing)).words
    assert "none finished" in text
    assert "in detail" not in text


def test_the_headline_carries_the_answer() -> None:
    run = images(500, 100)
    words = Page(to_html(run)).words
    assert run.verdict.sentence in words
    for part in (
        "Best network: cnn",
        "Best baseline: nearest neighbours",
        "Test rows500",
        "opened once",
        "of a budget of 1 min",
    ):
        assert part in words.replace("\u00a0", " ")


def test_a_failed_candidate_is_shown_with_its_reason() -> None:
    words = page("images").words
    assert "1 candidate failed" in words
    assert "the loss became NaN at step 41" in words


def test_a_second_look_at_the_test_rows_is_told() -> None:
    assert "The test rows were opened 2 times" in page("binary").words


def test_the_threshold_says_what_it_trades() -> None:
    words = page("binary").words
    for part in (
        "False negatives (missed)",
        "False positives (false alarms)",
        "At 0.31, chosen",
        "Cost of all mistakes",
    ):
        assert part in words


def test_left_out_columns_notes_and_findings_are_there() -> None:
    words = page("binary").words
    for part in (
        "a different value in every row: an identifier",
        "--separator ';'",
        "D003",
        "Pass --drop 'capital gain'",
        "'n/a' in row 811",
    ):
        assert part in words


def test_many_classes_have_a_matrix_up_to_thirty_and_a_list_beyond() -> None:
    assert 'class="matrix quiet tight"' in to_html(images(3000, 100, classes=30))
    many = to_html(images(3000, 100, classes=45))
    assert 'class="matrix' not in many
    assert "Commonest confusions" in many


def test_the_smallest_run_renders_with_rows_in_findings() -> None:
    found = Finding(code="D009", severity="info", title="One", evidence="Two.", advice="", rows=list(range(20)))
    words = Page(to_html(replace(tiny(), findings=[found]))).words
    assert "row 0, row 1" in words
    assert "and 14 more" in words


def test_every_check_is_there_with_what_became_of_it() -> None:
    words = " ".join(Page(to_html(tiny())).words.split())
    assert "All 3 checks: 1 found something, 1 passed, 1 does not apply" in words
    for code, title, outcome in (("D001", "Copies", "passed"), ("D006", "Files", "does not apply")):
        assert re.search(rf"{code}\s*{title}\s*{outcome}", words)
    assert "All 3 checks" in Page(to_html(replace(tiny(), findings=[]))).words


def test_a_run_that_kept_no_outcomes_of_checks_says_nothing_of_them() -> None:
    assert "checks:" not in Page(to_html(replace(tiny(), checks=()))).words


# --- the parts -------------------------------------------------------------------------------------------------------


def test_markup_escapes_everything_but_itself() -> None:
    assert element("p", "a < b", Html("<b>c</b>"), title='"&') == '<p title="&quot;&amp;">a &lt; b<b>c</b></p>'
    assert element("input", checked=True, disabled=False, value=None) == "<input checked>"
    assert markup(["<", None, [1, Html("<i>")]]) == "&lt;1<i>"
    assert json.loads(str(json_block({"a": "</script>&"}, "x")).split(">", 1)[1].split("</script>")[0]) == {
        "a": "</script>&"
    }
    assert plain("<b>&") == "&lt;b&gt;&amp;"


@each
def test_it_is_small_enough_to_be_mailed(name: str) -> None:
    assert len(rendered(name).encode()) < 3_000_000


def test_images_are_inline_and_small() -> None:
    from PIL import Image

    def decoded(markup_of: str) -> Image.Image:
        data = re.search(r'base64,([^"]+)"', markup_of)
        assert data
        return Image.open(io.BytesIO(base64.b64decode(data[1])))

    random = np.random.default_rng(0)
    small = random.integers(0, 255, (28, 28), dtype=np.uint8)
    assert (np.asarray(decoded(pictures.image(small, "x"))) == small).all()
    large = decoded(pictures.image(random.integers(0, 255, (300, 500, 3), dtype=np.uint8), "x"))
    assert large.size == (128, 77)
    assert decoded(pictures.image(np.zeros((9, 9, 2), np.uint8), "x")).mode == "L"


def test_curves_leave_gaps_where_values_are_missing() -> None:
    series = np.array([[0.0], [1.0], [np.nan], [2.0], [3.0]])
    drawn = pictures.curves([series], "x")
    assert drawn.count("M") == 2
    assert "nan" not in drawn
    assert pictures.curves([np.full((5, 1), np.nan)], "x").count("<path") == 0
    assert pictures.value_range([np.ones((4, 2))]) == (0.5, 1.5)


@pytest.mark.parametrize("scheme", [0, 1])
def test_words_can_be_read_on_their_ground_in_light_and_dark(scheme: int) -> None:
    sheet = files("netpick.report").joinpath("page.css").read_text("utf-8")
    colours = {n: pair[scheme] for n, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", sheet)}

    def contrast(a: str, b: str) -> float:
        light, dark = sorted((luminance(colours[a]), luminance(colours[b])), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    for ink in (
        "ink",
        "soft",
        "accent",
        "blue",
        "orange",
        "green",
        "purple",
        "amber",
        "sky",
        "rose",
        "brown",
        "grey",
        "bad",
    ):
        assert contrast(ink, "paper") >= 4.5, ink
    for kind in ("good", "bad", "warn"):
        assert contrast(kind, f"{kind}-ground") >= 4.5, kind
    assert contrast("soft", "raised") >= 4.5


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
