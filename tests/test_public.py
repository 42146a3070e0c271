"""What users may rely on: the public names, the commands, and the examples in the README."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from pathlib import Path

import polars as pl
import pytest
from typer.main import get_command

import netpick
from netpick.cli import doctor
from netpick.cli.commands import app
from netpick.contest.prepare import FitOptions
from netpick.data.sources.base import ReadOptions
from tools.cli_docs import help_of, page

ROOT = Path(__file__).resolve().parent.parent


def test_public_names() -> None:
    assert netpick.__all__ == [
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
    assert all(getattr(netpick, name) is not None for name in netpick.__all__)
    with pytest.raises(AttributeError, match="no attribute 'train_everything'"):
        _ = netpick.train_everything


# Options whose names differ: in Python several columns are one mapping, and two names would hide what Python calls so.
NAMED_OTHERWISE = {"kind": "kinds", "format": "formats", "time": "time_column", "id": "id_column"}


NAMED_IN_PYTHON = {"time": "time_column", "ids": "id_column"}


def test_python_takes_the_options_of_the_command_line() -> None:
    command = get_command(app).commands["fit"]  # type: ignore[attr-defined]
    options = {
        option.opts[0].removeprefix("--").replace("-", "_") for option in command.params if "--" in option.opts[0]
    }
    parameters = set(inspect.signature(netpick.fit).parameters) - {"data", "on_event"}
    assert {NAMED_OTHERWISE.get(name, name) for name in options} == parameters


def test_fit_and_look_take_the_same_options_with_the_same_defaults() -> None:
    """On the command line, in Python, and in the records behind both."""
    commands = get_command(app).commands  # type: ignore[attr-defined]
    fit, look = ({option.name: option for option in commands[name].params} for name in ("fit", "look"))
    assert set(look) <= set(fit)
    for name, option in look.items():
        assert (option.default, option.opts, option.help if name != "data" else "") == (
            fit[name].default, fit[name].opts, fit[name].help if name != "data" else "",
        )  # fmt: skip
    python = {name: one.default for name, one in inspect.signature(netpick.fit).parameters.items()}
    kept = {field.name: field for record in (FitOptions, ReadOptions) for field in fields(record)}
    for name, option in fit.items():
        stands = NAMED_IN_PYTHON.get(name, name)
        if name not in ("data", "target"):
            assert option.default is None or option.default == python[stands], name
            default = kept[name].default if kept[name].default is not MISSING else None
            assert (python[stands] or None) == (default or None), name
    table = {"a": list(range(60)), "day": ["2024-01-01"] * 60, "y": [0, 1] * 30}
    looked = netpick.look(
        pl.DataFrame(table), "y", drop=["day"], kinds={"a": "category"}, missing=["7"], image_size="64"
    )
    assert [(f.name, f.kind) for f in looked.schema.features] == [("a", "category")]
    with pytest.raises(netpick.RequestError, match=r"There is no option 'kind'\. Did you mean kinds"):
        netpick.look(pl.DataFrame(table), "y", kind={"a": "category"})


READING = {"separator", "header", "encoding", "quote", "missing", "not_missing", "format", "sheet"}
KEPT = {"merge", "label_from", "frames", "masks", "classes"}  # by the model file


@pytest.mark.parametrize("name", ["predict", "score", "explain"])
def test_files_of_new_rows_are_read_by_the_options_of_fit(name: str) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    options = {
        command: {o.opts[0].removeprefix("--").replace("-", "_") for o in commands[command].params}
        for command in ("fit", name)
    }
    said = {field.name for field in fields(ReadOptions)} - {"formats"} | {"format"}
    assert said & options["fit"] == READING | KEPT
    assert said & options[name] == READING
    assert {NAMED_OTHERWISE.get(one, one) for one in READING} == set(
        inspect.signature(netpick.Model.reading).parameters
    ) - {"self"}


@pytest.mark.parametrize("name", ["steps", "trials", "workers", "threads"])
def test_python_refuses_the_counts_that_the_command_line_refuses(name: str) -> None:
    with pytest.raises(netpick.RequestError, match=f"--{name} 0 cannot be. Pass 1"):
        netpick.fit({"a": [1, 2]}, **{name: 0})


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


def test_the_examples_of_the_page_on_python_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), flags=re.DOTALL)
    assert len(examples) == 6
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for example in examples:
        exec(example, names)  # noqa: S102
    assert len(list((tmp_path / "runs").iterdir())) == 4
    assert names["curve"]


def test_every_option_of_the_readme_exists() -> None:
    help_page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    options = set(re.findall(r"--[a-z][a-z-]+", (ROOT / "README.md").read_text("utf-8")))
    assert {option for option in options if option not in help_page} == set()


@pytest.mark.parametrize("command", ["fit", "look"])
def test_every_option_stands_in_a_group_of_the_help(command: str) -> None:
    _, _, others = help_of((command,)).partition("Other options:\n")
    assert re.findall(r"^  --(\S+)", others, re.MULTILINE) == ["help"]


def test_doctor_says_what_is_here_and_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor.doctor()
    said = capsys.readouterr().out
    assert said.startswith(f"netpick {netpick.__version__}, Python 3.")
    for part in ("torch", "Devices", "cpu", "cuda", "free", "excel", "holidays", "music", "pretrained"):
        assert part in said
    assert "missing" not in said
    monkeypatch.setattr(doctor, "PARTS", ("torch", "no-such-package"))
    monkeypatch.setattr(doctor, "EXTRAS", {"excel": ("no_such_module", "Excel workbooks")})
    lines = list(doctor.doctor_lines())
    assert "! no-such-package missing: pip install --force-reinstall netpick" in lines
    assert "  excel         not here: Excel workbooks. pip install 'netpick[excel]'" in lines
