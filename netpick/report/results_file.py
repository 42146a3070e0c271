"""The results of a finished run in a file of their own, RUN/results.zip, from which its report is written again.

An uncompressed zip of JSON, arrays and a manifest of their checksums. It holds what the report shows: of the rows those few that it
names or pictures, and the predictions of those that it shows in detail.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from safetensors.numpy import save as save_arrays

from netpick.disk.files import write_whole
from netpick.disk.strict import RefusedError, manifest_of, open_archive, parse_json, write_archive
from netpick.disk.strict.bundle import MANIFEST
from netpick.disk.strict.tensors import arrays_of, header_of
from netpick.disk.strict.values import from_parts, to_parts
from netpick.errors import RequestError
from netpick.report.standings import best_baseline, shown_in_detail
from netpick.tasks import TASKS
from netpick.types.results import Answered, CandidateResult, RunResults

RESULTS = "results.zip"
FORMAT = 1
JSON, ARRAYS = "results.json", "arrays.safetensors"
MEMBERS = {JSON: 64 << 20, ARRAYS: 2 << 30}  # and how many bytes each may have


def keep_results(folder: Path, results: RunResults) -> None:
    """Writes what the report shows. Raises OSError."""
    shown = {entry.name: entry.test_predictions for entry in _detailed(results)}
    # Of forecasts, which may have millions of numbers, `results.forecast` holds all that is drawn.
    few = slice(0, 0 if results.forecast is not None else None)
    predictions = {name: None if one is None else one.take(few) for name, one in shown.items()}
    plain, arrays = to_parts({"results": _without_predictions(results), "predictions": predictions})
    contents = {JSON: json.dumps(plain, allow_nan=False).encode(), ARRAYS: save_arrays(arrays)}
    archive = BytesIO()
    write_archive(archive, {MANIFEST: manifest_of(FORMAT, contents), **contents})
    write_whole(folder / RESULTS, archive.getvalue())


def read_results(folder: Path) -> RunResults:
    """What `keep_results` wrote. Raises RequestError where there is none, or it is damaged."""
    path = folder / RESULTS
    if not path.is_file():
        raise RequestError(
            f"{folder} holds no results to write a report from: there is no {RESULTS}. A run that was interrupted goes on with `netpick "
            f"resume {folder}`; a private run, or one of an older version, keeps the report that it has."
        )
    try:
        with open_archive(path, MEMBERS, FORMAT) as archive:
            plain = parse_json(archive.read(JSON), MEMBERS[JSON])
            content = archive.read(ARRAYS)
        arrays = arrays_of(content, header_of(content), finite=False)
        if not isinstance(plain, dict) or set(plain) != {"results", "predictions"}:
            raise RefusedError("it holds something else than results")
        results = from_parts(RunResults, plain["results"], arrays)
        if results.target.task not in TASKS:
            raise RefusedError("its task is none of this version")
        typed = TASKS[results.target.task].answer.typed
        predictions = from_parts(Mapping[str, typed | None], plain["predictions"], arrays)  # type: ignore[type-abstract, valid-type]
        return _with_predictions(results, predictions)
    except RefusedError as error:
        raise RequestError(f"{path} cannot be read ({error}). Train again with `netpick fit`.") from None


def _detailed(results: RunResults) -> list[CandidateResult]:
    """Whose predictions the report shows."""
    return [entry for entry in (shown_in_detail(results), best_baseline(results)) if entry is not None]


def _without_predictions(results: RunResults) -> RunResults:
    def bare(entry: CandidateResult) -> CandidateResult:
        return replace(entry, test_predictions=None, validation_predictions=None)

    truth = results.test_truth if results.forecast is None else np.zeros((len(results.test_truth), 0))
    return replace(_each(results, bare), test_truth=truth, learned=None)


def _with_predictions(results: RunResults, said: Mapping[str, Answered | None]) -> RunResults:
    return _each(results, lambda entry: replace(entry, test_predictions=said.get(entry.name)))


def _each(results: RunResults, change: Callable[[CandidateResult], CandidateResult]) -> RunResults:
    """The results with every entry changed."""
    blend = results.blend
    return replace(
        results,
        candidates=[change(entry) for entry in results.candidates],
        baselines=[change(entry) for entry in results.baselines],
        blend=None if blend is None else replace(blend, result=change(blend.result)),
    )
