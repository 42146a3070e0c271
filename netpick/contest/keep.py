"""What a finished run leaves in its folder: model files, predictions, report."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO

from netpick.contest.blending import Mixed
from netpick.contest.newest import Newest
from netpick.contest.planning import Planned
from netpick.contest.private import without_rows
from netpick.contest.rows import Round
from netpick.contest.training import networks_of
from netpick.contest.write_models import Finished, OwnReading, write_models
from netpick.disk.files import write_whole
from netpick.report import page_bytes, to_json, to_markdown
from netpick.report.each_series import FILE, series_table
from netpick.report.results_file import keep_results
from netpick.saved.predictions import predictions_table
from netpick.training.keeping import FINISHED
from netpick.types.results import RunResults


def keep_run(made: Finished, results: RunResults, whole: Round) -> RunResults:
    """Writes the files, each whole or not at all; returns the results with the names of the models that were kept."""
    folder, options = whole.terms.keeper.folder, whole.terms.options
    recommended = results.verdict.winner or next(iter(made.networks))
    results = replace(results, kept=made.names if options.keep == "all" else (recommended,))
    told = without_rows(results) if options.private else results
    cards = {name: to_markdown(told, name) for name in results.kept}
    write_models(folder, recommended, made, told, cards, options.keep)
    if not options.private:
        predictions = BytesIO()
        table = predictions_table(results, whole.prepared.source.row_names, whole.prepared.history)
        table.write_parquet(predictions)
        write_whole(folder / "predictions.parquet", predictions.getvalue())
        if (each := series_table(results)) is not None:
            write_whole(folder / FILE, each.write_csv().encode())
        keep_results(folder, results)
    write_whole(folder / "report.html", page_bytes(told))
    last = folder / FINISHED  # a run that has it is over
    try:
        write_whole(last, json.dumps(to_json(told), indent=1, allow_nan=False).encode())
    except OSError:
        if not last.is_file():  # once it has its name the run is over; only the disk's word for it is missing
            raise
    return results


def finished(newest: Newest, blend: Mixed | None, whole: Round, planned: Planned) -> Finished:
    """What the model files are made of."""
    results, trained, fits = newest.results, newest.trained, newest.fits
    networks, scored = networks_of(trained), {baseline.name for baseline in results.baselines}
    states = {one.result.name: one.state for one in fits.outcomes} | {one.result.name: one.state for one in trained}
    views = {one.result.name: whole.read_by(one.encoding) for one in trained if one.encoding is not None}
    own = {
        name: OwnReading(
            encoders=v.prepared.encoders, inputs=v.prepared.inputs, data=v.data, learned=v.prepared.learned(v.store)
        )
        for name, v in views.items()
    }
    return Finished(
        own=own,
        task=whole.prepared.task,
        states=states,
        encoders=whole.prepared.encoders,
        read=whole.terms.options.read,
        networks={c.name: networks[c.name] for c in results.candidates if c.status == "ok" and c.name in networks},
        plans={c.plan.name: c.plan for c in planned.candidates},
        data=whole.data,
        baselines={o.fit.baseline.name: o.fit for o in fits.outcomes if o.fit.baseline.name in scored},
        problem=fits.problem,
        blend=blend,
        private=whole.terms.options.private,
        newest=newest.learned,
    )
