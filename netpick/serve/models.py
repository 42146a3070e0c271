"""The models of a server: one class for each way in which requests give examples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from netpick.errors import RequestError
from netpick.saved.use import Model
from netpick.serve.history import ServedHistory
from netpick.serve.options import Limits
from netpick.serve.pairs import ServedPairs
from netpick.serve.sentences import ServedSentences
from netpick.serve.served import ServedModel
from netpick.serve.texts import ServedText

SERVED: Mapping[str, type[ServedModel]] = {
    "rows": ServedModel,
    "recordings": ServedModel,
    "windows": ServedHistory,
    "blocks": ServedText,
    "pieces": ServedText,
    "pairs": ServedPairs,
    "sentences": ServedSentences,
}


def served_model(name: str, path: Path, model: Model, limits: Limits, sha256: str = "") -> ServedModel:
    """A model as the server holds it. path: of the model file or exported folder; sha256: of a model file.

    Raises RequestError for a model whose examples no request can give yet.
    """
    task = model.parts.task
    if task.examples not in SERVED:
        if task.answer.made_up:
            raise RequestError(
                f"{path} makes up rows, which is not served yet. Use netpick generate {path} --rows 1000 instead."
            )
        raise RequestError(
            f"{path} answers {task.answer.plural}, which are not served yet. Use netpick predict {path} NEW_DATA instead."
        )
    return SERVED[task.examples](name, path, model, limits, sha256)
