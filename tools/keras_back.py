"""Imports the stored models of Keras and exports them back, into a folder that Keras then loads: `make keras`.

python tools/keras_back.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from netpick.api.importing import import_model
from netpick.api.pages import write_export
from tests.keras_files import model_names, written


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (name for name in model_names() if name.endswith(".keras")):
        form = {"traps": "image"}.get(name.partition(".")[0])
        model = import_model(written(folder, name), form=form).path
        write_export(model, "keras", folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
