"""netpick: which neural network fits this data, can its score be believed, and how do I use it?

    import netpick
    run = netpick.fit("photos/", budget="2m")
    run.verdict; run.scores; run.report("report.html"); run.model.predict(["new.jpg"])
    model = netpick.load("photos.netpick")

Names are resolved when they are first used, so that importing netpick imports neither torch nor polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from netpick.api import Run, fit, look
    from netpick.api.continuing import continue_, resume
    from netpick.api.estimators import NetpickClassifier, NetpickRegressor
    from netpick.api.forecaster import NetpickForecaster
    from netpick.api.importing import import_model
    from netpick.contest.prepare import silent
    from netpick.errors import (
        DataError,
        FindingError,
        Interrupted,
        ModelFileError,
        NetpickError,
        RequestError,
        TrainingError,
    )
    from netpick.saved.use import Model, load

_HOMES = {
    "fit": "netpick.api",
    "look": "netpick.api",
    "resume": "netpick.api.continuing",
    "continue_": "netpick.api.continuing",
    "Run": "netpick.api",
    "import_model": "netpick.api.importing",
    "NetpickClassifier": "netpick.api.estimators",
    "NetpickRegressor": "netpick.api.estimators",
    "NetpickForecaster": "netpick.api.forecaster",
    "load": "netpick.saved.use",
    "Model": "netpick.saved.use",
    "silent": "netpick.contest.prepare",
    "NetpickError": "netpick.errors",
    "RequestError": "netpick.errors",
    "DataError": "netpick.errors",
    "ModelFileError": "netpick.errors",
    "FindingError": "netpick.errors",
    "TrainingError": "netpick.errors",
    "Interrupted": "netpick.errors",
}

__all__ = [
    "DataError",
    "FindingError",
    "Interrupted",
    "Model",
    "ModelFileError",
    "NetpickClassifier",
    "NetpickError",
    "NetpickForecaster",
    "NetpickRegressor",
    "RequestError",
    "Run",
    "TrainingError",
    "__version__",
    "continue_",
    "fit",
    "import_model",
    "load",
    "look",
    "resume",
    "silent",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'netpick' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
