"""The server that most people would write: FastAPI, pydantic, one row a request, torch at once in the handler.

As fast as such a handler gets without batching: cells are encoded by netpick's own quick ports, not by a data frame.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, Request
from pydantic import create_model

from netpick.models.infer import answers_of
from netpick.saved.use import load
from netpick.serve.models import served_model
from netpick.serve.options import Limits


def make(path: Path) -> FastAPI:
    """An application with POST /predict: a PNG for pictures, {"column": cell, ...} for tables."""
    torch.set_num_threads(1)
    model = load(path, "torch")
    served = served_model("plain", path, model, Limits())
    network, task, labels = model.loaded.network, model.parts.task, model.labels
    network.eval()
    app = FastAPI()

    @torch.no_grad()
    def answer(arrays: dict[str, Any]) -> dict[str, Any]:
        inputs = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
        inputs = {name: value.long() if name == "codes" else value for name, value in inputs.items()}
        chances = answers_of(task.answer.answer, network(inputs))[0].tolist()
        return {"prediction": labels[int(np.argmax(chances))], "probabilities": dict(zip(labels, chances, strict=True))}

    if served.encoders[0].kind == "image":

        @app.post("/predict")
        async def predict_picture(request: Request) -> dict[str, Any]:
            (port,) = served.ports
            block = port.read_file(await request.body())
            assert block is not None
            return answer({"grid": port.encode(block)})
    else:
        cell = {"number": float | None, "category": str | None, "boolean": str | None}
        fields: dict[str, Any] = {f"c{i}": (cell[port.kind], ...) for i, port in enumerate(served.ports)}
        row_type = create_model("Row", **fields)

        async def predict(row: Any) -> dict[str, Any]:
            cells = row.model_dump()
            joined = {port.name: port.join([[cells[f"c{i}"]]]) for i, port in enumerate(served.ports)}
            return answer(served.encoded(joined, 1))

        predict.__annotations__["row"] = row_type  # made above, so that it cannot be named
        app.post("/predict", response_model=None)(predict)

    return app


if __name__ == "__main__":
    uvicorn.run(make(Path(sys.argv[1])), port=int(sys.argv[2]), log_level="error", access_log=False)
