"""What `predict` answers: rows, events of long recordings, or known steps beside their forecasts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netpick.cli.console import show_unlike
from netpick.saved import asked
from netpick.saved.use import Model, heeded

if TYPE_CHECKING:
    import polars as pl


def answered(model: Model, data: object, *, events: bool, observed: bool, strict: bool) -> pl.DataFrame:
    """The table of answers; what is unlike the training data is said on standard error."""
    if events:
        from netpick.saved.events import find_events

        return find_events(model, data)
    source = model.read(data)
    show_unlike(source)
    if not observed:
        return model.predict(heeded(source, strict=strict))
    examples = asked.new_examples(model.parts, heeded(source, strict=strict))
    table, said = asked.observed(model.parts, examples, model.engine)
    sys.stderr.write(f"{said}\n")
    return table
