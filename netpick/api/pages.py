"""Pages, graphs and reports written from what a run left: `netpick explain`, `export`, `report`, and comparisons of runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from netpick.data.sources.base import AS_FOUND, ReadOptions
from netpick.disk.files import write_whole
from netpick.errors import RequestError


def write_explanation(
    model: str | os.PathLike[str],
    data: object,
    out: str | os.PathLike[str],
    *,
    rows: int = 4,
    candidate: str | None = None,
    read: ReadOptions = AS_FOUND,
) -> Path:
    """A page of what the model goes by on these rows. Raises NetpickError before anything is written.

    data: what Model.predict takes; rows: how many are explained one by one; read: how a file of rows is written.
    """
    from netpick.explain import explain
    from netpick.saved.use import load

    target = _page(Path(out), "explanation.html")
    page = explain(replace(load(Path(model), candidate=candidate), given=read), data, rows=rows).html()
    write_whole(target, page.encode("utf-8", "replace"))
    return target


def write_export(
    model: str | os.PathLike[str],
    to: str = "onnx",
    out: str | os.PathLike[str] | None = None,
    *,
    module: Any = None,
    candidate: str | None = None,
    samples: bool = False,
) -> Path:
    """The model as an ONNX graph in a folder that is used without torch, written once its answers equal torch's.

    module: the torch.nn.Module of a model that was trained with one of your own. samples: of a model of sounds, also writes
    samples.onnx, which takes samples. to="keras": an imported network as a .keras file. Raises RequestError for other formats and
    for networks that ONNX has no words for, ModelFileError when answers differ.
    """
    from netpick.saved.export import export_model
    from netpick.saved.use import candidate_of

    if candidate is not None:
        model = candidate_of(Path(model), candidate)
    if to == "keras":
        from netpick.saved.export.keras import export_keras

        return export_keras(Path(model), None if out is None else Path(out))
    return export_model(Path(model), to, None if out is None else Path(out), module=module, samples=samples).folder


def write_report(run: str | os.PathLike[str], out: str | os.PathLike[str] | None = None) -> Path:
    """Writes the report of a finished run again, from what its folder holds; the page that `fit` wrote, byte for byte.

    out: another place than RUN/report.html. Raises RequestError where the folder holds no results.
    """
    from netpick.report import page_bytes
    from netpick.report.results_file import read_results

    folder = Path(run)
    target = folder / "report.html" if out is None else _page(Path(out), "report.html")
    write_whole(target, page_bytes(read_results(folder)))
    return target


def _page(target: Path, example: str) -> Path:
    """Raises RequestError where a page cannot be written under that name."""
    if target.suffix.lower() not in (".html", ".htm"):
        raise RequestError(f"{target} cannot be written: a page ends in .html. Pass --out {example}.")
    return target


def write_comparison(runs: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> Path:
    """A page that shows several finished runs side by side. Raises NetpickError before anything is written.

    Runs that were tested on the same rows are compared in pairs; of others it says why they are not comparable.
    """
    from netpick.serve.board import comparison_page, labels_of, read_run

    folders, target = [Path(run) for run in runs], _page(Path(out), "comparison.html")
    distinct = list({folder.resolve(): folder for folder in folders}.values())
    read = [read_run(folder, label) for folder, label in zip(distinct, labels_of(distinct), strict=True)]
    write_whole(target, comparison_page(read).encode("utf-8", "replace"))
    return target
