"""`netpick generate MODEL`: a text or a piece that goes on, or rows that are made up, as a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netpick.cli import arguments as arg
from netpick.errors import RequestError, shown

if TYPE_CHECKING:
    from netpick.saved.use import Model

USUAL = 100  # rows


def generate(
    model: arg.ModelArgument,
    prompt: arg.Prompt = "",
    tokens: Annotated[int, typer.Option(help="Symbols to add: characters, bytes, words or notes.")] = 200,
    temperature: Annotated[float, typer.Option(help="Below 1 surer, above 1 wilder; 0: always the likeliest.")] = 1.0,
    top_k: Annotated[int, typer.Option("--top-k", help="Draw from so many of the likeliest alone; 0: from all.")] = 0,
    top_p: Annotated[float, typer.Option("--top-p", help="Draw from the fewest that have this share together.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of what is drawn: the same seed gives the same text.")] = 0,
    output: arg.MusicFile = None,
    rows: arg.MadeRows = None,
    given: arg.GivenValues = None,
    out: arg.MadeFile = None,
    candidate: arg.CandidateOption = None,
) -> None:
    """Continue a text or a piece of music with MODEL, or make up rows of a table (--task next, --task music, --task generate)."""
    from netpick.cli.console import show_stream
    from netpick.saved import generating
    from netpick.saved.drawing import makes_rows
    from netpick.saved.use import load

    loaded = load(model, candidate=candidate)
    if makes_rows(loaded) or rows is not None or given:
        _refuse_others({"--prompt": prompt, "--output": output}, "makes up rows", "--rows 1000 --out rows.csv")
        return make_rows(loaded, rows, given or [], out, seed)
    _refuse_others({"--out": out}, "goes on with a text or a piece", "--prompt TEXT, and of music --output PIECE")
    sampling = generating.Sampling(tokens=tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    prompt = generating.of_file(loaded, prompt, output)
    begun = generating.read_prompt(loaded, prompt)
    for remark in begun.remarks:
        sys.stderr.write(f"{shown(remark)}\n")
    text = show_stream(prompt, generating.generate(loaded, begun, sampling))
    for file in generating.written_to(loaded, text, output):
        sys.stderr.write(f"written: {file}\n")


def _refuse_others(given: Mapping[str, object], does: str, instead: str) -> None:
    """Raises RequestError for options of the other things that generate does, which would say nothing here."""
    for name, value in given.items():
        if value:
            raise RequestError(f"{name} was given, but this model {does}. Leave {name} out; it takes {instead}.")


def make_rows(model: Model, rows: int | None, given: Sequence[str], out: Path | None, seed: int) -> None:
    """Writes them, or prints them as CSV."""
    from netpick.cli.console import require_writable, write_table
    from netpick.saved.drawing import draw_rows

    require_writable(out)
    table = draw_rows(model, USUAL if rows is None else rows, values_given(given), seed)
    sys.stderr.write(f"{len(table):,} made-up rows: no real ones, and no promise of anonymity.\n")
    write_table(table, out, "rows")


def values_given(texts: Sequence[str]) -> dict[str, str]:
    """COLUMN=VALUE, several of them. Raises RequestError for anything else."""
    values = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise RequestError(f"--given {text} cannot be read. Pass COLUMN=VALUE, such as --given label=yes.")
        values[name] = value
    return values
