"""What users may rely on: the public names, the commands, and the examples in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netpick
from tools.cli_docs import page

ROOT = Path(__file__).resolve().parent.parent


def test_public_names() -> None:
    assert netpick.__all__ == [
        "DataError",
        "FindingError",
        "Interrupted",
        "Model",
        "ModelFileError",
        "NetpickError",
        "RequestError",
        "Run",
        "TrainingError",
        "__version__",
        "fit",
        "load",
        "look",
        "resume",
    ]
    assert all(getattr(netpick, name) is not None for name in netpick.__all__)
    with pytest.raises(AttributeError, match="no attribute 'train_everything'"):
        _ = netpick.train_everything


def test_the_page_on_the_command_line_is_up_to_date() -> None:
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == page(), "run `make docs`"


def test_the_readme_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(example, {"__name__": "readme"})  # noqa: S102
    assert (tmp_path / "report.html").exists()
    assert "accuracy" in capsys.readouterr().out


def test_every_option_of_the_readme_exists() -> None:
    help_page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    options = set(re.findall(r"--[a-z][a-z-]+", (ROOT / "README.md").read_text("utf-8")))
    assert {option for option in options if option not in help_page} == set()
