"""A finished run's report and model cards, written again from its folder alone, are those that it wrote."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from netpick.api.pages import write_report
from netpick.report import to_markdown
from netpick.report.results_file import read_results
from netpick.saved.kept_models import FOLDER, read_index


def check_report_again(folder: Path) -> None:
    """Deletes report.html, and looks at what comes back; reads the cards of all kept models."""
    page = folder / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert write_report(folder) == page
    assert page.read_bytes() == before
    results, index = read_results(folder), read_index(folder)
    files = {} if index is None else {name: folder / FOLDER / file for name, file in index.files.items()}
    recommended = results.kept[0] if index is None else index.recommended
    for name, path in {**files, recommended: folder / "model.netpick"}.items():
        with ZipFile(path) as archive:
            assert archive.read("card.md").decode() == to_markdown(results, name), name
