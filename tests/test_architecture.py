"""The shape of the package, held by reading its source: imports point one way, and nothing dangerous is called.

Change the tables at the top when the design changes; the tests below them stay as they are.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "netpick"

# A room may import itself and the rooms above it in this list.
ROOMS = ("errors", "types", "disk", "data", "columns", "answers", "tasks", "checks", "models", "training", "report", "saved", "explain", "serve", "contest", "api", "cli")  # fmt: skip

# Neighbours in that list, and parts of them, that have nothing to say to each other.
NEVER = {
    "models/networks": {"data", "columns/kinds", "columns/encode", "columns/store", "checks", "tasks/schema", "tasks/split"},
    "models/baselines": {"data", "columns/kinds", "columns/encode", "columns/store", "checks", "tasks/schema", "tasks/split", "models/networks"},
    "answers/metrics": {"data"},
    "report": {"training", "models/networks", "columns/store"},
    "saved/artifact": {"training", "report"},
    "saved/use": {"training", "models/baselines", "report"},
    "saved": {"training"},
    "explain": {"training", "models/baselines"},
    "serve": {"training", "models/baselines", "models/baseline_fits", "saved/export"},
}  # fmt: skip

# What a person waits for before anything trains: importing these parts may not import torch.
WITHOUT_TORCH = ("errors", "types", "disk", "data", "columns", "answers/metrics", "tasks/schema", "tasks/split", "checks", "report",
                 "saved/trial", "saved/parts", "saved/baseline_model", "saved/engines", "saved/onnx_file", "saved/folder", "saved/kept_models",
                 "saved/asked", "saved/use", "serve/board", "cli")  # fmt: skip

# Where one `except Exception` may stand: the edge of the command line, and where a candidate's failure becomes a result.
# Cleaning up and raising again is not meant.
BROAD_EXCEPT = {
    "cli/commands.py": 1,
    "contest/planning.py": 1,
    "contest/search/searching.py": 1,
    "contest/training.py": 1,
    "serve/guard.py": 1,
}

# Tasks, answers and forms multiply, so whoever has to tell them apart asks for a fact (`answer.one_class`, `FORMS[...].padded`) or
# for what they do. By their names they are told apart in these rooms only, and in these files, each with its reason.
TOLD_APART = {
    "tasks": "the room of tasks",
    "answers": "the room of answers",
    "models/baselines/outputs": "what model files have called the outputs of baselines since the first version",
    "models/baselines/frame_average": "the same word, in the state of another baseline",
    "models/networks": "what an architecture makes of each form that it reads is what it is",
    "models/baselines/shrink": "how pictures, clips and sounds become few numbers is what the file is for",
    "contest/candidates": "a module of the user's own reads no windows, and is refused with words",
    "explain/brief": "which figure a report shows of each form; the page itself looks it up in a table",
}
TASK_NAMES = {
    "classify",
    "multilabel",
    "regress",
    "forecast",
    "transcribe",
    "translate",
    "music",
}  # "next" is a word of many other things
ANSWER_NAMES = {"class", "labels", "numbers", "horizon", "symbols", "tags", "notes"}
FORM_NAMES = {
    "vector",
    "codes",
    "tokens",
    "series",
    "grid",
    "spectrogram",
    "clip",
    "window",
    "stream",
    "speech",
    "pair",
    "words",
    "chords",
    "scene",
}
INSTANCES = {
    "FORECAST",
    "NEXT",
    "TAG",
    "TAGS",
    "ONE_CLASS",
    "ANY_LABELS",
    "HORIZON",
    "MUSIC",
    "NOTES",
    "SYMBOLS",
    "TRANSCRIBE",
    "TRANSCRIPTS",
    "TRANSLATE",
    "TRANSLATIONS",
}

# Lines, the last one of them included. What is longer is two ideas, and is split where they meet.
MOST_LINES, MOST_OF_A_CLASS, MOST_OF_A_FUNCTION = 450, 250, 60
STILL_LONGER = {
    "api/__init__.py: fit": "one line a parameter, twice, and what they mean",
    "cli/commands.py: fit": "one line a parameter",
}

WEIGHTS_ONLY = "models/backbones/found"  # reads files whose SHA-256 it knows through torch's reader of tensors
ELSEWHERE = ("csv_reading.py",)  # of bench: asks older commits too, where a module stood elsewhere
FORBIDDEN_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "runpy", "imp"}
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__", "hasattr"}
FORBIDDEN_ATTRIBUTES = {("torch", "load"), ("torch", "save"), ("torch.jit", "load"), ("np", "fromregex")}


@dataclass(frozen=True, eq=False)
class Module:
    """One source file of the package."""

    path: Path
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All of its tree: walked once for all tests."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def names(self) -> frozenset[str]:
        """What can be imported from it, whatever it is kept behind."""
        found = {"__version__", "__file__"}
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
        return frozenset(found)

    @cached_property
    def name(self) -> str:
        return str(self.path.relative_to(PACKAGE))

    @cached_property
    def dotted(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def place(self) -> str:
        """The file without its ending, or the folder whose `__init__` it is: models/networks/rnn, models/networks."""
        return self.dotted.removeprefix("netpick").replace(".", "/").removeprefix("/")

    def within(self, part: str) -> bool:
        return is_within(self.place, part)

    @property
    def room(self) -> str:
        return self.place.partition("/")[0]

    def where(self, node: ast.stmt | ast.expr | ast.excepthandler | ast.keyword) -> str:
        return f"netpick/{self.name}:{node.lineno}"


@cache
def modules() -> tuple[Module, ...]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return tuple(Module(path, ast.parse(path.read_text("utf-8"), str(path))) for path in paths)


@cache
def places() -> frozenset[str]:
    return frozenset(module.place for module in modules())


def is_within(place: str, part: str) -> bool:
    return place == part or place.startswith(f"{part}/")


def room_modules() -> list[Module]:
    return [module for module in modules() if module.place and module.path.name != "__main__.py"]


@cache
def imported_places(module: Module) -> tuple[tuple[str, ast.stmt], ...]:
    return tuple(_imported_places(module))


def _imported_places(module: Module) -> Iterator[tuple[str, ast.stmt]]:
    """Every module of netpick that a file imports, lazily inside functions too, as a place."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("netpick."):
                    yield alias.name.removeprefix("netpick.").replace(".", "/"), node
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.where(node)} imports relatively; write the whole name, netpick.…"
            if node.module == "netpick" or (node.module or "").startswith("netpick."):
                base = (node.module or "").removeprefix("netpick").removeprefix(".").replace(".", "/")
                for alias in node.names:
                    inside = f"{base}/{alias.name}".removeprefix("/")
                    if base or inside in places():
                        yield inside if inside in places() else base, node


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether it catches everything."""
    names = (
        {"BaseException"} if handler.type is None else {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)}
    )
    return bool(names & {"Exception", "BaseException"})


def names_in(node: ast.AST) -> set[str]:
    """Names of variables and attributes."""
    parts = ast.walk(node)
    return {n.attr if isinstance(n, ast.Attribute) else n.id for n in parts if isinstance(n, ast.Attribute | ast.Name)}


def texts_in(node: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def told_apart(module: Module) -> Iterator[ast.expr]:
    """Comparisons with the name of a task, an answer or a form; tables keyed by tasks or answers, and look-ups of one by name."""
    for node in module.nodes:
        if isinstance(node, ast.Compare):
            texts, names = texts_in(node), names_in(node)
            of_answer = any("answer" in name for name in names)
            of_form = any(
                name.rpartition("_")[2] in ("form", "forms") for name in names
            )  # kinds have some of these names too
            if (
                texts & TASK_NAMES
                or names & INSTANCES
                or (texts & ANSWER_NAMES and of_answer)
                or (texts & FORM_NAMES and of_form)
            ):
                yield node
        elif isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            if len(keys & TASK_NAMES) > 1 or len(keys & ANSWER_NAMES) > 1:
                yield node
        elif isinstance(node, ast.Subscript):
            if texts_in(node.slice) & (TASK_NAMES | ANSWER_NAMES) and names_in(node.value) & {"TASKS", "ANSWERS"}:
                yield node
        elif isinstance(node, ast.Call) and any(texts_in(part) & TASK_NAMES for part in node.args):
            yield node


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_imports_point_backwards_along_the_pipeline() -> None:
    wrong = []
    for module in room_modules():
        assert module.room in ROOMS, f"netpick/{module.name} is in no known room: the rooms are {ROOMS}"
        allowed = ROOMS[: ROOMS.index(module.room) + 1]
        never = [part for key, parts in NEVER.items() if module.within(key) for part in parts]
        wrong += [
            f"{module.where(node)} imports {place}"
            for place, node in imported_places(module)
            if place.partition("/")[0] not in allowed or any(is_within(place, part) for part in never)
        ]
    assert not wrong, f"a room may import itself and those before it: {ROOMS}; and never {NEVER}"


def test_what_tests_tools_and_benches_import_is_there() -> None:
    """What moved to another file is asked for there: in code, and in the code that tests hand to other processes."""
    known = {module.dotted: module for module in modules()}
    paths = [path for folder in ("tests", "tools", "bench") for path in sorted((ROOT / folder).rglob("*.py"))]
    wrong = [
        f"{path.relative_to(ROOT)}: from {name} import {part}"
        for path in paths
        if not {".venv", "ideas", *ELSEWHERE} & set(path.parts)
        for name, part in imported_names(path.read_text("utf-8"))
        if name not in known or (f"{name}.{part}" not in known and part not in known[name].names)
    ]
    assert not wrong


def imported_names(text: str) -> Iterator[tuple[str, str]]:
    """(module, name) of each line `from netpick.… import …`."""
    for name, whole in re.findall(r"^ *from (netpick[\w.]*) import (\([^)]*\)|[^\n(]+)$", text, re.MULTILINE):
        parts = re.sub(r"#[^\n]*", "", whole).strip("()").split(",")
        yield from ((name, part.split(" as ")[0].strip()) for part in parts if part.strip())


def test_the_top_level_is_a_table_of_contents() -> None:
    entries = [path for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    assert len(entries) <= 18, sorted(path.name for path in entries)
    arrows = {(m.room, place.partition("/")[0]) for m in room_modules() for place, _ in imported_places(m)}
    assert len({(a, b) for a, b in arrows if a != b}) < 110


def test_tasks_answers_and_forms_are_told_apart_by_name_in_their_own_rooms_only() -> None:
    assert len(TOLD_APART) <= 10
    others = [m for m in modules() if not any(m.within(part) for part in TOLD_APART)]
    wrong = [f"{m.where(node)} {ast.unparse(node)[:80]}" for m in others for node in told_apart(m)]
    assert not wrong, "ask the task's answer for what it does, or for a fact about it (netpick/answers/base.py)"
    used = {part for part in TOLD_APART for m in modules() if m.within(part) and list(told_apart(m))}
    assert set(TOLD_APART) - used <= {"tasks", "answers"}, "an exception that nobody needs any more"


def test_nothing_runs_code_from_data() -> None:
    wrong = [
        module.where(node)
        for module in modules()
        for node in module.nodes
        if runs_code(node) and not (module.within(WEIGHTS_ONLY) and ast.unparse(node) == "torch.load")
    ]
    assert not wrong


def test_weights_of_others_are_read_as_weights_only() -> None:
    (module,) = [module for module in modules() if module.within(WEIGHTS_ONLY)]
    calls = [
        node for node in ast.walk(module.tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert len(calls) == 1
    assert [ast.unparse(k.value) for k in calls[0].keywords if k.arg == "weights_only"] == ["True"]


def runs_code(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in FORBIDDEN_MODULES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] in FORBIDDEN_MODULES
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_NAMES
    if isinstance(node, ast.Attribute):
        return (ast.unparse(node.value), node.attr) in FORBIDDEN_ATTRIBUTES
    if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
        return not (isinstance(node.value, ast.Constant) and node.value.value is False)
    return False


def test_broad_excepts_stand_only_at_the_edges() -> None:
    for module in modules():
        broad = [
            module.where(node)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ExceptHandler) and is_broad(node) and ast.unparse(node.body[-1]) != "raise"
        ]
        assert len(broad) <= BROAD_EXCEPT.get(module.name, 0), broad


def test_no_public_name_of_a_room_hides_one_of_its_modules() -> None:
    """After `from netpick.training.train import train` in an __init__, `netpick.training.train` would be a function or a module."""
    for room in (module for module in modules() if module.path.name == "__init__.py"):
        inside = {path.stem for path in room.path.parent.iterdir() if path.suffix == ".py" or path.is_dir()}
        bound = {node.name for node in room.tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        for node in room.tree.body:
            if isinstance(node, ast.ImportFrom):
                bound |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
            ):
                bound |= set(ast.literal_eval(node.value))
        assert sorted(bound & inside) == [], room.name


def test_a_file_says_what_it_is_for() -> None:
    assert [module.name for module in modules() if not ast.get_docstring(module.tree)] == []


def too_long(module: Module) -> Iterator[str]:
    if module.path.read_text("utf-8").count("\n") > MOST_LINES:
        yield module.name
    for node in module.nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            most = MOST_OF_A_CLASS if isinstance(node, ast.ClassDef) else MOST_OF_A_FUNCTION
            if (node.end_lineno or node.lineno) - node.lineno >= most:
                yield f"{module.name}: {node.name}"


def test_modules_classes_and_functions_are_of_one_idea() -> None:
    assert {place for module in modules() for place in too_long(module)} == set(STILL_LONGER)


def test_importing_netpick_imports_neither_torch_nor_other_heavy_parts() -> None:
    heavy = ("torch", "sklearn", "scipy", "polars", "pyarrow", "pandas", "plotly", "PIL", "rich", "typer")
    done = python(f"import netpick, sys; print([name for name in {heavy!r} if name in sys.modules])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_looking_at_a_table_imports_no_torch() -> None:
    done = python(
        "import sys, netpick, polars\n"
        "from netpick.cli.console import show_look\n"
        "looked = netpick.look(polars.DataFrame({'x': [i * 7 % 31 for i in range(60)], 'y': [0, 1] * 30}), 'y')\n"
        "show_look(looked)\n"
        "assert 'torch' not in sys.modules"
    )
    assert done.returncode == 0, done.stderr
    assert "Networks that fit: mlp, transformer." in done.stdout


def test_importing_every_module_is_quiet_and_what_stands_before_training_imports_no_torch() -> None:
    first = [module.dotted for module in room_modules() if any(module.within(part) for part in WITHOUT_TORCH)]
    names = [module.dotted for module in modules() if module.path.name != "__main__.py"]
    done = python(
        "import importlib, sys, warnings\n"
        "warnings.simplefilter('error')\n"
        f"for name in {first!r}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, name\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
