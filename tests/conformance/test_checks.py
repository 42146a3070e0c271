"""Every check has a code, a page, a sample that sets it off, one that passes, and data that it is not for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as field_of_dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netpick.answers.answered import AnsweredTexts, codes_of
from netpick.answers.metrics.intervals import wilson
from netpick.checks import CHECKS, RESULT_CHECKS, CheckContext, outcomes, run_checks, run_result_checks
from netpick.checks.base import FinishedContest
from netpick.tasks.row_groups import row_groups
from netpick.types import (
    Array,
    ArrayColumn,
    Field,
    FileColumn,
    Finding,
    Schema,
    Source,
    Split,
    TableColumn,
    UnreadableRow,
)
from netpick.types.results import CandidateResult, Comparison, HalfTime, HistoryPoint, Score

PAGES = Path(__file__).resolve().parents[2] / "docs" / "checks"
NUM_ROWS = 1000
SEVERITIES = ("info", "warning", "severe")


def field(name: str, kind: str | None, role: str = "feature", **more: object) -> Field:
    return Field(name=name, kind=kind, role=role, reason="said", num_missing=0, num_distinct=NUM_ROWS, **more)  # type: ignore[arg-type]


def context(
    columns: dict[str, Array], fields: list[Field], target: Array, task: str = "classify", **source: object
) -> CheckContext:
    n = len(target)
    tables = {name: TableColumn(name=name, values=pl.Series(name, values)) for name, values in columns.items()}
    data = Source(
        name="sample",
        origin="sample",
        layout="csv",
        columns=tables,
        num_rows=n,
        fingerprint="0",
        **source,  # type: ignore[arg-type]
    )
    schema = Schema(fields=fields, task=task)
    rows = np.random.default_rng(0).permutation(n)
    return CheckContext(
        source=data,
        schema=schema,
        train=rows[: int(0.6 * n)],
        validation=rows[int(0.6 * n) : int(0.7 * n)],
        test=rows[int(0.7 * n) :],
        target=target,
        labels=("no", "yes") if task == "classify" else (),
        row_groups=row_groups(data, schema),
    )


def clean() -> CheckContext:
    generator = np.random.default_rng(0)
    target = generator.integers(0, 2, NUM_ROWS)
    columns = {
        "size": generator.normal(size=NUM_ROWS) + target,
        "weight": generator.normal(size=NUM_ROWS),
        "answer": np.where(target == 1, "yes", "no"),
    }
    fields = [field("size", "number"), field("weight", "number"), field("answer", "boolean", "target")]
    return context(columns, fields, target)


def translated(swapped: int) -> CheckContext:
    """Sentences in two languages, the first of which have their sides swapped."""
    generator = np.random.default_rng(3)
    words = {"the": "der", "cat": "Kater", "sees": "sieht", "a": "ein", "dog": "Hund", "old": "alt", "hears": "hoert"}
    texts = [[str(word) for word in generator.choice(list(words), 6)] for _ in range(NUM_ROWS)]
    sides = [[" ".join(text) for text in texts], [" ".join(words[word] for word in text) for text in texts]]
    for row in range(swapped):
        sides[0][row], sides[1][row] = sides[1][row], sides[0][row]
    columns = {name: np.array(side, dtype=object) for name, side in zip(("en", "de"), sides, strict=True)}
    fields = [field("en", "text"), field("de", "text", "target")]
    made = context(columns, fields, np.zeros((NUM_ROWS, 1), dtype=np.int32), task="translate")
    return replace(made, row_groups=None)


def images(values: Array, target: Array) -> CheckContext:
    """Images instead of the table; nothing else changes."""
    base = clean()
    column = ArrayColumn(name="image", values=values, kind="image")
    source = replace(base.source, columns={"image": column}, num_rows=len(values), layout="image_folder")
    schema = replace(base.schema, fields=[field("image", "image")])
    return replace(base, source=source, schema=schema, target=target, row_groups=row_groups(source, schema))


def with_column(base: CheckContext, name: str, values: Array, kind: str = "number") -> CheckContext:
    columns = {**base.source.columns, name: TableColumn(name=name, values=pl.Series(name, values))}
    fields = [*base.schema.fields, field(name, kind)]
    return replace(base, source=replace(base.source, columns=columns), schema=replace(base.schema, fields=fields))


def noise_images() -> CheckContext:
    base = clean()
    pixels = np.random.default_rng(1).integers(0, 256, (NUM_ROWS, 1, 5, 5), dtype=np.uint8)
    return images(pixels, base.target)


def copied_images() -> CheckContext:
    base = noise_images()
    column = base.source.columns["image"]
    assert isinstance(column, ArrayColumn)
    pixels = column.values.copy()
    pixels[base.test[:100]] = pixels[base.train[:100]]
    return images(pixels, base.target)


def running_text(copied: int) -> CheckContext:
    """Blocks of a text, so many of whose test blocks stand in the training text too."""
    base = clean()
    symbols = np.random.default_rng(2).integers(1, 40, (NUM_ROWS, 64))
    symbols[base.test[:copied]] = symbols[base.train[:copied]]
    return replace(base, schema=replace(base.schema, task="next"), target=symbols, labels=(), row_groups=None)


def regression() -> CheckContext:
    base = clean()
    target = np.random.default_rng(2).normal(size=(NUM_ROWS, 1))
    return replace(base, schema=replace(base.schema, task="regress"), target=target, labels=())


def spelled(labels: list[str]) -> CheckContext:
    base = clean()
    cells = np.array(labels)[np.arange(NUM_ROWS) % len(labels)]
    columns = {**base.source.columns, "answer": TableColumn(name="answer", values=pl.Series("answer", cells))}
    return replace(base, source=replace(base.source, columns=columns))


def with_field(base: CheckContext, changed: Field) -> CheckContext:
    fields = [changed if f.name == changed.name else f for f in base.schema.fields]
    return replace(base, schema=replace(base.schema, fields=fields))


def unreadable(count: int) -> CheckContext:
    base = noise_images()
    rows = [UnreadableRow(row=i, path=f"cats/{i}.jpg", reason="truncated") for i in range(count)]
    return replace(base, source=replace(base.source, unreadable=rows))


def uneven(share: float) -> CheckContext:
    base = clean()
    return replace(base, target=(np.arange(NUM_ROWS) < share * NUM_ROWS).astype(np.int64))


def few_test_rows() -> CheckContext:
    base = clean()
    return replace(base, test=base.test[:30])


def sounds(formats: list[str]) -> CheckContext:
    """Sounds whose files had these formats, by class."""
    base = noise_images()
    column = base.source.columns["image"]
    assert isinstance(column, ArrayColumn)
    changed = replace(column, formats=[formats[label] for label in base.target.tolist()])
    return replace(base, source=replace(base.source, columns={"image": changed}))


def spoken(speakers: Array) -> CheckContext:
    base = with_column(clean(), "speaker", speakers)
    return with_field(base, field("speaker", None, "group"))


def new_speakers() -> CheckContext:
    """Twelve speakers are tested on, and twenty others learned from."""
    base = clean()
    names = np.array([f"s{number % 20}" for number in range(NUM_ROWS)])
    names[base.test] = [f"t{number % 12}" for number in range(len(base.test))]
    return spoken(names)


def texts(change: dict[int, str | None]) -> CheckContext:
    """A thousand different texts, but for some; nothing else is learned from."""
    cells = [change.get(row, f"the text of row {row} and no other") for row in range(NUM_ROWS)]
    base = with_column(clean(), "note", cells, "text")  # type: ignore[arg-type]
    schema = replace(base.schema, fields=[f for f in base.schema.fields if f.name not in ("size", "weight")])
    return replace(base, schema=schema, row_groups=row_groups(base.source, schema))


def smooth_images(seed: int = 1, side: int = 16) -> Array:
    """Pictures (N, 1, side, side) of soft spots, no two alike."""
    coarse = np.random.default_rng(seed).random((NUM_ROWS, 5, 5))
    grid = np.linspace(0, 4, side)
    low = np.minimum(grid.astype(int), 3)
    part = grid - low
    lines = coarse[:, low] * (1 - part)[:, None] + coarse[:, low + 1] * part[:, None]
    both = lines[:, :, low] * (1 - part) + lines[:, :, low + 1] * part
    return (255 * both[:, None]).astype(np.uint8)


def changed_images() -> CheckContext:
    """A third of the test pictures are mirrored and brightened copies."""
    base = clean()
    pixels = smooth_images()
    copies = pixels[base.train[:100]][..., ::-1].astype(np.int64) * 0.9 + 20
    pixels[base.test[:100]] = copies.astype(np.uint8)
    return images(pixels, base.target)


def written(words: int = 12) -> list[str]:
    generator = np.random.default_rng(5)
    names = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "nrstlm"]
    return [" ".join(generator.choice(names, words)) for _ in range(NUM_ROWS)]


def texts_of(cells: list[str]) -> CheckContext:
    return texts(dict(enumerate(cells)))


def changed_texts() -> CheckContext:
    base, cells = clean(), written()
    for a, b in zip(base.test[:30].tolist(), base.train[:30].tolist(), strict=True):
        cells[a] = cells[b].title().replace(" ", ", ", 2) + "!"
    return texts_of(cells)


def series_column(values: Array) -> CheckContext:
    base = clean()
    column = ArrayColumn(name="series", values=values.astype(np.float32), kind="series")
    source = replace(base.source, columns={"series": column}, layout="ts")
    schema = replace(base.schema, fields=[field("series", "series")])
    return replace(base, source=source, schema=schema, row_groups=row_groups(source, schema))


def noise_series() -> Array:
    steps = np.random.default_rng(2).normal(size=(NUM_ROWS, 40, 2))
    return np.asarray(np.cumsum(steps, axis=1))


def changed_series() -> CheckContext:
    base, values = clean(), noise_series()
    noise = np.random.default_rng(3).normal(size=(60, 40, 2))
    values[base.test[:60]] = 1.3 * values[base.train[:60]] + 0.02 * noise
    return series_column(values)


def numbered(left_out: bool) -> CheckContext:
    """A column counts rows that were collected class by class, more or less."""
    base = clean()
    generator = np.random.default_rng(4)
    order = np.argsort(base.target + 0.3 * generator.normal(size=NUM_ROWS))
    numbers = np.empty(NUM_ROWS, dtype=np.int64)
    numbers[order] = np.arange(NUM_ROWS) + 5000
    changed = with_column(base, "case", numbers)
    return with_field(changed, field("case", None, "left_out")) if left_out else changed


def named_files(names: list[str]) -> CheckContext:
    """Pictures whose files have these names, by class; the files themselves are not there."""
    base = noise_images()
    paths = [f"{label}/{names[label]}_{row:04}.png" for row, label in enumerate(base.target.tolist())]
    return replace(base, files={"image": FileColumn(name="image", root=Path("nowhere"), paths=paths)})


def tickets(alike: bool) -> CheckContext:
    """Two to three rows have a ticket in common, and, or not, their class."""
    base = clean()
    generator = np.random.default_rng(6)
    if alike:
        ranks = np.argsort(np.argsort(base.target * 1.0 + 0.1 * generator.random(NUM_ROWS)))
    else:
        ranks = generator.permutation(NUM_ROWS)
    cells = np.array([f"A/{rank // 3} x" for rank in ranks])
    return with_field(with_column(base, "ticket", cells, "category"), field("ticket", None, "left_out"))


def dated(backwards: bool) -> CheckContext:
    base = clean()
    days = np.empty(NUM_ROWS, dtype=np.int64)
    days[base.learned] = np.arange(len(base.learned)) + (2000 if backwards else 0)
    days[base.test] = np.arange(len(base.test)) + (0 if backwards else 2000)
    return with_column(base, "seen", days.astype("datetime64[D]"), "datetime")


def torn() -> CheckContext:
    """Forty pairs of rows are equal but for their label."""
    base = clean()
    columns = dict(base.source.columns)
    target = base.target.copy()
    a, b = base.train[:40], base.train[40:80]
    for name in ("size", "weight"):
        values = columns[name].values.to_numpy().copy()  # type: ignore[union-attr]
        values[b] = values[a]
        columns[name] = TableColumn(name=name, values=pl.Series(name, values))
    target[b] = 1 - target[a]
    source = replace(base.source, columns=columns)
    return replace(base, source=source, target=target, row_groups=row_groups(source, base.schema))


def mislabelled(count: int) -> CheckContext:
    """Two heaps far apart, and rows in the wrong one."""
    base = clean()
    generator = np.random.default_rng(7)
    columns = {name: generator.normal(size=NUM_ROWS) + 6 * base.target for name in ("size", "weight")}
    target = base.target.copy()
    target[base.train[:count]] = 1 - target[base.train[:count]]
    made = context(columns, [field("size", "number"), field("weight", "number")], target)
    return made


def moved(by: float) -> CheckContext:
    base = clean()
    values = base.source.columns["weight"].values.to_numpy().copy()  # type: ignore[union-attr]
    values[base.test] += by
    return with_cells(base, "weight", values)


def with_cells(base: CheckContext, name: str, values: Array) -> CheckContext:
    columns = {**base.source.columns, name: TableColumn(name=name, values=pl.Series(name, values))}
    return replace(base, source=replace(base.source, columns=columns))


def far_off() -> CheckContext:
    base = clean()
    values = base.source.columns["weight"].values.to_numpy().copy()  # type: ignore[union-attr]
    values[[3, 77]] = 4000.0
    return with_cells(base, "weight", values)


def flat_channel() -> CheckContext:
    values = noise_series()
    values[..., 1] = 7.0
    return series_column(values)


def two_units() -> CheckContext:
    base = clean()
    generator = np.random.default_rng(8)
    heights = generator.normal(170, 9, NUM_ROWS)
    heights[generator.permutation(NUM_ROWS)[:200]] /= 2.54
    return with_cells(base, "size", heights)


def lagged(lag: int) -> CheckContext:
    base = regression()
    return with_column(base, "hint", np.roll(base.target[:, 0], -lag) * 2 + 1)


def filled_for(share: float) -> CheckContext:
    """Filled in so many of the rows of class 1 and in no others."""
    base = clean()
    chosen = (base.target == 1) & (np.random.default_rng(9).random(NUM_ROWS) < share)
    return with_column(base, "refund", np.where(chosen, 1.0, np.nan) * np.random.default_rng(1).random(NUM_ROWS))


def holes() -> CheckContext:
    gone = np.random.default_rng(9).random(NUM_ROWS) < 0.3
    return with_column(clean(), "refund", np.where(gone, np.nan, np.random.default_rng(1).random(NUM_ROWS)))


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Data with the fault, its severity and words of the evidence; data that the check is not for, and that pass it."""

    faulty: CheckContext
    severity: str
    words: str
    not_for: CheckContext | None
    passes: CheckContext = field_of_dataclass(default_factory=clean)


SAMPLES = {
    "D001": Sample(
        faulty=copied_images(),
        severity="severe",
        words="100 of 300 test images or series (33.3%) are also among those to learn from: row ",
        not_for=replace(clean(), row_groups=None),
    ),
    "D002": Sample(
        faulty=with_column(clean(), "paid", clean().target * 7.0 + np.random.default_rng(3).random(NUM_ROWS)),
        severity="severe",
        words="Column 'paid' alone tells all of the target beyond guessing, on 300 training rows.",
        not_for=replace(clean(), train=clean().train[:50]),
    ),
    "D003": Sample(
        faulty=uneven(0.007),
        severity="warning",
        words="Fewer than 10 training rows are of 'yes'",
        not_for=regression(),
    ),
    "D004": Sample(
        faulty=spelled(["yes", "no", "Yes."]),
        severity="warning",
        words="Column 'answer' holds 'Yes.' (333 rows) and 'yes' (334 rows): they count as different classes.",
        not_for=regression(),
    ),
    "D005": Sample(
        faulty=with_field(clean(), replace(field("weight", None, "left_out"), reason="constant: every cell is '1'")),
        severity="info",
        words="Not learned from: 'weight': constant: every cell is '1'.",
        not_for=None,
    ),
    "D006": Sample(
        faulty=unreadable(12),
        severity="severe",
        words="12 of 1,012 files (1.19%) cannot be read: cats/0.jpg (truncated); ",
        not_for=clean(),
        passes=noise_images(),
    ),
    "D007": Sample(
        faulty=uneven(0.05),
        severity="warning",
        words="always saying 'no' is right that often.",
        not_for=regression(),
    ),
    "D008": Sample(
        faulty=few_test_rows(),
        severity="warning",
        words="With 30 test rows, a score of 90 % may stand for anything from 74% to 97%.",
        not_for=None,
    ),
    "D009": Sample(
        faulty=with_field(clean(), field("size", "number", stray=((4, "n/a"), (9, "12 kg")))),
        severity="warning",
        words="Column 'size' is of kind number, but holds 'n/a' in row 5, '12 kg' in row 10; read as missing.",
        not_for=None,
    ),
    "D010": Sample(
        faulty=sounds(["WAV 16 bit, 8,000 Hz", "FLAC 16 bit, 44,100 Hz"]),
        severity="severe",
        words="files of 'yes' are FLAC 16 bit, 44,100 Hz, but 0 of ",
        not_for=clean(),
        passes=sounds([".png", ".png"]),
    ),
    "D011": Sample(
        faulty=spoken(np.array([f"s{number % 7}" for number in range(NUM_ROWS)])),
        severity="warning",
        words="300 of 300 test rows (100%) share their 'speaker' with rows to learn from (7 of 7 tested on)",
        not_for=clean(),
        passes=new_speakers(),
    ),
    "D014": Sample(
        faulty=texts({3: "  ", 8: None}),
        severity="warning",
        words="2 of 1,000 texts in 'note' (0.20%) are empty: row 4, row 9.",
        not_for=clean(),
        passes=texts({}),
    ),
    "D029": Sample(
        faulty=texts({5: "yes " * 5_000}),
        severity="info",
        words="1 of 1,000 texts in 'note' (0.1%) have more than 4,096 words (at most 5,000): row 6.",
        not_for=clean(),
        passes=texts({5: "yes " * 4_000}),
    ),
    "D030": Sample(
        faulty=running_text(100),
        severity="warning",
        words="33.3% of the test text stand in passages of 60 symbols and more that the text to learn from holds too: row ",
        not_for=clean(),
        passes=running_text(0),
    ),
    "D031": Sample(
        faulty=translated(100),
        severity="warning",
        words="100 of 1,000 pairs seem to have their sides swapped, by their frequent words: row ",
        not_for=clean(),
        passes=translated(0),
    ),
    "D015": Sample(
        faulty=texts({5: "Call me", 6: "call  ME ", 7: "call me"}),
        severity="info",
        words="2 of 1,000 rows repeat the text of an earlier one, case and blanks aside: row 7, row 8.",
        not_for=clean(),
        passes=texts({}),
    ),
    "D012": Sample(
        faulty=lagged(3),
        severity="severe",
        words="Column 'hint' is 'answer' 3 rows later, in the order of the file (700 rows looked at).",
        not_for=noise_images(),
        passes=regression(),
    ),
    "D013": Sample(
        faulty=filled_for(0.5),
        severity="warning",
        words="Column 'refund' is filled in 165 rows, 165 of which are of 'yes' (55.3% of all rows) (of 600 training rows).",
        not_for=clean(),
        passes=holes(),
    ),
    "D016": Sample(
        faulty=changed_images(),
        severity="severe",
        words="of 300 test images (33.3%) are nearly the same as one that is learned from, resized, saved anew, mirrored",
        not_for=clean(),
        passes=images(smooth_images(), clean().target),
    ),
    "D017": Sample(
        faulty=changed_texts(),
        severity="warning",
        words="30 of 300 test texts (10.0%) are nearly the same as one that is learned from, but for case",
        not_for=clean(),
        passes=texts_of(written()),
    ),
    "D018": Sample(
        faulty=changed_series(),
        severity="severe",
        words="of 300 test series (20.0%) are nearly the same as one that is learned from",
        not_for=clean(),
        passes=series_column(noise_series()),
    ),
    "D019": Sample(
        faulty=numbered(left_out=False),
        severity="severe",
        words="Column 'case' numbers the rows, and rows next to each other in it have the same class",
        not_for=replace(clean(), schema=replace(clean().schema, task="multilabel")),
    ),
    "D020": Sample(
        faulty=named_files(["scan", "photo"]),
        severity="warning",
        words="324 of 324 files of 'no' are named like scan_0, but 0 of 376 of the other classes.",
        not_for=clean(),
        passes=named_files(["img", "img"]),
    ),
    "D021": Sample(
        faulty=tickets(alike=True),
        severity="warning",
        words="share their 'ticket' with rows that are learned from (334 different ones), and rows of one have targets",
        not_for=clean(),
        passes=tickets(alike=False),
    ),
    "D022": Sample(
        faulty=dated(backwards=True),
        severity="severe",
        words="the later one by 'seen' (700 and 300 rows): the past is predicted from the future.",
        not_for=clean(),
        passes=dated(backwards=False),
    ),
    "D023": Sample(
        faulty=torn(),
        severity="warning",
        words="80 of 700 rows to learn from (11.43%) have the same features as a row with another label, in 40 groups",
        not_for=regression(),
    ),
    "D024": Sample(
        faulty=mislabelled(20),
        severity="warning",
        words="20 of 700 rows (2.86%) have a label that hardly any of the 10 rows most like them shares",
        not_for=replace(clean(), schema=replace(clean().schema, task="multilabel")),
        passes=mislabelled(0),
    ),
    "D025": Sample(
        faulty=moved(1.0),
        severity="warning",
        words="'weight' is 0.8964 in the middle of the test rows, -0.06465 before (distance 0.38).",
        not_for=replace(clean(), test=clean().test[:20]),
    ),
    "D026": Sample(
        faulty=far_off(),
        severity="warning",
        words="Column 'weight' holds 4000 (row 4), 4000 (row 78) in 2 rows; the middle is ",
        not_for=noise_images(),
    ),
    "D027": Sample(
        faulty=flat_channel(),
        severity="warning",
        words="1 of 2 channels of 'series' have one value throughout: 2 (7).",
        not_for=clean(),
        passes=series_column(noise_series()),
    ),
    "D028": Sample(
        faulty=two_units(),
        severity="warning",
        words="(2.52 times as much), like inches and centimetres: row ",
        not_for=noise_images(),
    ),
}


def found(code: str, sample: CheckContext) -> list[Finding]:
    result = CHECKS[code].run(sample)
    assert result is not None
    return result


@pytest.mark.parametrize("code", CHECKS)
def test_it_finds_its_fault(code: str) -> None:
    sample = SAMPLES[code]
    (finding,) = [f for f in found(code, sample.faulty) if sample.words in f.evidence]
    assert (finding.code, finding.title, finding.severity) == (code, CHECKS[code].title, sample.severity)
    assert finding.advice.endswith(".")
    assert len(finding.rows) <= 36
    assert SEVERITIES.index(finding.severity) <= SEVERITIES.index(CHECKS[code].most_severe)


@pytest.mark.parametrize("code", CHECKS)
def test_it_passes_clean_data(code: str) -> None:
    said = [] if code != "D011" else ["info"]  # whom the score is for is worth saying in either case
    assert [f.severity for f in found(code, SAMPLES[code].passes)] == said


@pytest.mark.parametrize("code", [code for code, sample in SAMPLES.items() if sample.not_for])
def test_not_applying_is_not_passing(code: str) -> None:
    not_for = SAMPLES[code].not_for
    assert not_for is not None
    assert CHECKS[code].run(not_for) is None


def test_running_all_of_them_sorts_them_in_three() -> None:
    findings, not_applicable, passed = run_checks(few_test_rows())
    assert [f.code for f in findings] == ["D008"]
    assert not_applicable == [
        "D006",
        "D010",
        "D011",
        "D013",
        "D014",
        "D015",
        "D016",
        "D017",
        "D018",
        "D020",
        "D021",
        "D022",
        "D027",
        "D029",
        "D030",
        "D031",
    ]
    assert sorted([*not_applicable, *passed, "D008"]) == sorted(CHECKS)


@pytest.mark.parametrize("code", [*CHECKS, *RESULT_CHECKS])
def test_it_has_a_page_that_explains_it(code: str) -> None:
    check = CHECKS.get(code) or RESULT_CHECKS[code]
    page = (PAGES / f"{code}.md").read_text("utf-8")
    assert page.startswith(f"# {code}: {check.title}\n")
    for heading in ("What it means", "Why it matters", "How it is found", "What to do"):
        assert f"\n## {heading}\n" in page
    assert check.code == code


def test_the_index_tells_every_check_and_no_other() -> None:
    checks = (*CHECKS.values(), *RESULT_CHECKS.values())
    lines = [line for line in (PAGES / "README.md").read_text("utf-8").splitlines() if line.startswith("| [")]
    assert lines == [f"| [{c.code}]({c.code}.md) | {c.title} | {c.most_severe} |" for c in checks]


def test_every_page_is_of_a_check() -> None:
    assert {path.stem for path in PAGES.glob("[A-Z][0-9]*.md")} == {*CHECKS, *RESULT_CHECKS}


# --- results ---------------------------------------------------------------------------------------------------------


def history(validation: list[float], train: list[float]) -> list[HistoryPoint]:
    return [
        HistoryPoint(
            step=10 * (i + 1), seconds=1.0, train_loss=t, validation_loss=v, validation_score=0.5, learning_rate=0.1
        )
        for i, (v, t) in enumerate(zip(validation, train, strict=True))
    ]


def candidate(
    name: str,
    validation: list[float] | None = None,
    train: list[float] | None = None,
    score: float = 0.9,
    half: tuple[float, float] = (0.47, 0.9),
    harder: float = 0.0,
) -> CandidateResult:
    """half: loss and score at half time; harder: how much lower the test score is."""
    losses = validation or [1.0, 0.6, 0.5, 0.48, 0.47, 0.465]
    one, tested = (Score(value=s, low=s - 0.05, high=s + 0.05, n=300) for s in (score, score - harder))
    return CandidateResult(
        name=name,
        family="mlp",
        status="ok",
        steps=10 * len(losses),
        history=history(losses, train or losses),
        half_time=HalfTime(
            step=5 * len(losses),
            validation_loss=half[0],
            validation_score=half[1],
            end_step=10 * len(losses),
            end_loss=losses[-1],
            end_score=score,
            loss_error=0.01,
        ),
        validation={"accuracy": one},
        test={"accuracy": tested},
    )


def pair(a: str, b: str, verdict: str) -> Comparison:
    centre = {"better": 0.1, "worse": -0.1, "tie": 0.01}[verdict]
    return Comparison(
        a=a,
        b=b,
        metric="accuracy",
        difference=centre,
        low=centre - 0.05,
        high=centre + 0.05,
        verdict=verdict,  # type: ignore[arg-type]
    )


FAILED = CandidateResult(name="rnn", family="rnn", status="failed", reason="Loss is no number.")
BASELINE = candidate("boosted trees", score=0.85)

RESULT_SAMPLES = {
    "T001": ([FAILED, candidate("cnn")], [], [], "rnn failed: Loss is no number."),
    "T002": (
        [candidate("cnn", [1.0, 0.8, 0.6, 0.5, 0.4], half=(0.5, 0.7)), candidate("mlp", score=0.95)],
        [BASELINE],
        [pair("cnn", "mlp", "worse")],
        "cnn: going on from 25 to 50 steps lowered the loss on the validation rows by 20% (0.5 to 0.4), which is more than "
        "noise; Accuracy went from 0.7 to 0.9. As much again would bring it past mlp.",
    ),
    "T003": (
        [candidate("cnn", [1.0, 0.5, 0.6, 0.7, 0.8], [1.0, 0.5, 0.3, 0.1, 0.05])],
        [],
        [],
        "lowest at step 20 (0.5) and rose to 0.8, while that on the training rows fell to 0.05.",
    ),
    "T004": (
        [replace(candidate("cnn"), test_predictions=AnsweredTexts(codes=codes_of(["", "", "one"] + [""] * 18)))],
        [],
        [],
        "cnn says nothing at all for 95% of the test rows.",
    ),
    "R001": (
        [candidate("cnn")],
        [BASELINE],
        [pair("cnn", "boosted trees", "tie")],
        "The nearest, cnn, differs from boosted trees by +0.01 in Accuracy (-0.04 to 0.06).",
    ),
    "R002": (
        [candidate("cnn"), candidate("mlp", score=0.89)],
        [BASELINE],
        [pair("cnn", "mlp", "tie"), pair("cnn", "boosted trees", "better")],
        "On the test rows cnn cannot be told from 'mlp' in Accuracy",
    ),
    "R003": (
        [candidate("cnn", score=0.94, harder=0.2), candidate("mlp", score=0.8)],
        [candidate("boosted trees", score=0.93, harder=0.15)],
        [pair("cnn", "mlp", "better")],
        "cnn: Accuracy 0.94 (0.89 to 0.99, n = 300) on the validation rows, 0.74 (0.69 to 0.79, n = 300) on the test rows. So do "
        "'boosted trees', 2 of 3 in all. The test part was given with the data.",
    ),
}
COPIED = Score(value=0.7, low=0.6, high=0.8, n=300)
RESULT_SAMPLES["R004"] = (
    [replace(candidate("vae"), barred="4.0% of its rows are exact copies", test={"nearer": COPIED})],
    [BASELINE],
    [],
    "vae: 4.0% of its rows are exact copies.",
)
GIVEN = Split(train=np.arange(9), validation=np.arange(9), test=np.arange(9), sentence="", method="given")


def finished(
    candidates: list[CandidateResult], baselines: list[CandidateResult], comparisons: list[Comparison]
) -> FinishedContest:
    return FinishedContest(candidates=candidates, baselines=baselines, comparisons=comparisons, split=GIVEN)


@pytest.mark.parametrize("code", RESULT_CHECKS)
def test_it_finds_its_fault_in_results(code: str) -> None:
    candidates, baselines, comparisons, words = RESULT_SAMPLES[code]
    (finding,) = RESULT_CHECKS[code].run(finished(candidates, baselines, comparisons)) or []
    assert (finding.code, finding.title) == (code, RESULT_CHECKS[code].title)
    assert words in finding.evidence
    assert (finding.severity == "severe") == (code == "R004")  # which stops nothing: all is trained


@pytest.mark.parametrize("code", [code for code in RESULT_CHECKS if code != "R004"])
def test_it_passes_a_good_contest(code: str) -> None:
    candidates = [candidate("cnn"), candidate("mlp", score=0.8)]
    comparisons = [
        pair("cnn", "mlp", "better"),
        pair("cnn", "boosted trees", "better"),
        pair("mlp", "boosted trees", "tie"),
    ]
    assert RESULT_CHECKS[code].run(finished(candidates, [BASELINE], comparisons)) == []


@pytest.mark.parametrize(
    ("loss", "error", "severity"),
    [(0.5, 0.06, None), (0.403, 0.0001, None), (0.39, 0.01, None), (0.5, 0.04, "info"), (0.45, 0.02, "info")],
)
def test_more_time_would_help_only_where_the_last_doubling_did(loss: float, error: float, severity: str | None) -> None:
    cnn = candidate("cnn", [1.0, 0.8, 0.6, 0.5, 0.4])
    assert cnn.half_time is not None
    measured = replace(cnn, half_time=replace(cnn.half_time, validation_loss=loss, loss_error=error))
    contest = finished([measured, candidate("mlp", score=0.95)], [], [pair("cnn", "mlp", "worse")])
    found = RESULT_CHECKS["T002"].run(contest)
    assert [finding.severity for finding in found or []] == ([severity] if severity else [])


@pytest.mark.parametrize("code", [code for code in RESULT_CHECKS if code != "T001"])
def test_results_that_it_is_not_for(code: str) -> None:
    assert RESULT_CHECKS[code].run(finished([FAILED], [], [])) is None


def test_rows_that_were_remembered_in_part_are_a_warning() -> None:
    near = replace(candidate("vae"), test={"nearer": COPIED})
    (finding,) = RESULT_CHECKS["R004"].run(finished([near], [], [])) or []
    assert finding.severity == "warning"
    fine = replace(near, test={"nearer": replace(COPIED, value=0.52, low=0.49)})
    assert RESULT_CHECKS["R004"].run(finished([fine], [], [])) == []


def test_running_all_result_checks() -> None:
    candidates, baselines, comparisons, _ = RESULT_SAMPLES["R001"]
    findings, not_applicable, passed = run_result_checks(finished([*candidates, FAILED], baselines, comparisons))
    assert [f.code for f in findings] == ["T001", "R001"]
    assert sorted([*not_applicable, *passed, "T001", "R001"]) == sorted(RESULT_CHECKS)


def test_what_became_of_each_check() -> None:
    findings, not_applicable, passed = run_checks(few_test_rows())
    made = outcomes(CHECKS.values(), findings, not_applicable)
    assert [(one.code, one.title) for one in made] == [(check.code, check.title) for check in CHECKS.values()]
    assert [one.code for one in made if one.outcome == "found"] == ["D008"]
    assert [one.code for one in made if one.outcome == "passed"] == passed
    assert [one.code for one in made if one.outcome == "does not apply"] == not_applicable


# --- a harder test part ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["random", "group", "none"])
def test_parts_that_are_drawn_differ_by_chance_alone(method: str) -> None:
    candidates, baselines, comparisons, _ = RESULT_SAMPLES["R003"]
    drawn = replace(GIVEN, method=method)  # type: ignore[arg-type]
    contest = replace(finished(candidates, baselines, comparisons), split=drawn)
    assert RESULT_CHECKS["R003"].run(contest) is None


def test_one_network_that_is_worse_on_harder_rows_proves_nothing() -> None:
    candidates = [candidate("cnn", score=0.94, harder=0.2), candidate("mlp", score=0.8)]
    baselines = [candidate("boosted trees", score=0.9), candidate("linear", score=0.85)]
    assert RESULT_CHECKS["R003"].run(finished(candidates, baselines, [pair("cnn", "mlp", "better")])) == []


def test_few_rows_say_nothing_of_how_hard_they_are() -> None:
    candidates, baselines, comparisons, _ = RESULT_SAMPLES["R003"]
    few = [replace(c, test={"accuracy": replace(c.test["accuracy"], n=99)}) for c in candidates]
    assert RESULT_CHECKS["R003"].run(finished(few, baselines, comparisons)) is None


@pytest.mark.parametrize(("rows", "right"), [(100, 0.98), (100, 0.7), (300, 0.9), (1000, 0.95)])
def test_choosing_on_equal_rows_sets_it_off_in_less_than_one_contest_of_a_hundred(rows: int, right: float) -> None:
    """Three networks, each the best of ten evaluations on the validation rows; nine of ten answers are those of all of them."""
    generator = np.random.default_rng(0)
    fired, contests = 0, 1000
    for _ in range(contests):
        shared = generator.random((2, rows)) < right
        entries = []
        for name in ("mlp", "cnn", "rnn"):
            own = np.where(generator.random((10, 2, rows)) < 0.1, generator.random((10, 2, rows)) < right, shared)
            best = own[own[:, 0].mean(axis=1).argmax()]
            parts = [
                Score(value=share, low=wilson(share, rows)[0], high=wilson(share, rows)[1], n=rows)
                for share in best.mean(axis=1).tolist()
            ]
            entry = replace(candidate(name), validation={"accuracy": parts[0]}, test={"accuracy": parts[1]})
            entries.append(entry)
        fired += bool(RESULT_CHECKS["R003"].run(finished(entries, [], [pair("mlp", "cnn", "tie")])))
    assert fired <= contests / 100
