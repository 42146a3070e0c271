"""The ideas that test_prices.py adds to a copy of the repository, and all that each of them touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

IDEAS = Path(__file__).parent / "ideas"


@dataclass(frozen=True, kw_only=True)
class Added:
    """One idea: files of tests/end_to_end/ideas and where they go, and texts that are put behind others."""

    row: str  # of CONTRIBUTING's table
    files: Mapping[str, str] = field(default_factory=dict)
    behind: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    suite: str  # the tests of it, in the words of pytest -k

    @property
    def paths(self) -> set[str]:
        """The files that are touched."""
        return {*self.files, *self.behind}

    def add(self, root: Path) -> None:
        """Adds it to the copy in `root`."""
        for name, idea in self.files.items():
            assert not (root / name).exists(), name
            (root / name).write_text((IDEAS / idea).read_text())
        for name, pairs in self.behind.items():
            content = (root / name).read_text()
            for anchor, text in pairs:
                assert content.count(anchor) == 1, (name, anchor, content.count(anchor))
                content = content.replace(anchor, anchor + text)
            (root / name).write_text(content)


KINDS, NETWORKS, ANSWERS, SOURCES = (
    "netpick/columns/kinds",
    "netpick/models/networks",
    "netpick/answers",
    "netpick/data/sources",
)
METRICS, CHECKS, TASKS = "netpick/answers/metrics", "netpick/checks", "netpick/tasks"
OPTIMIZERS, BASELINES, SUITES = "netpick/training/optimizers", "netpick/models/baselines", "tests/conformance"
FUTURE = "from __future__ import annotations\n"
CHANGES = '''

class ChangesHead(StepsHead):
    """Outputs (B, T, O) of how the features change from step to step."""

    geometry, noun = "changes", "change"

    def forward(self, features: Features, row: Tensor) -> Outputs:
        before = functional.pad(features.steps[:, :-1], (0, 0, 1, 0))
        return super().forward(features._replace(steps=features.steps - before), row)
'''
LOG_COSH = '''

def log_cosh(outputs: Tensor, target: Tensor) -> Tensor:
    """As huber, and smooth."""
    return (outputs - target).cosh().log()
'''
FILE = '"x.bars"'
BARS = (
    'lambda folder, change: text_named("x.bars", f"| size | colour |\\n| 1.5 | red |\\n| {3 + change} | |\\n")(folder)'
)

ADDED: Mapping[str, Added] = {
    "hex": Added(
        row="a kind of column",
        files={f"{KINDS}/hexadecimal.py": "hexadecimal.py"},
        behind={
            f"{KINDS}/__init__.py": (
                (FUTURE, "from netpick.columns.kinds.hexadecimal import Hex\n"),
                ("    for kind in (", "Hex(), "),
            ),
            f"{SUITES}/test_kinds.py": (
                (
                    "SAMPLES: dict[str, Callable[[], Column]] = {\n",
                    '"hex": lambda: table("code", [f"#{977 * i:x}" for i in range(N)]),',
                ),
            ),
        },
        suite="test_kinds and hex",
    ),
    "wide_mlp": Added(
        row="an architecture, or a second one of a family",
        files={f"{NETWORKS}/wide_mlp.py": "wide_mlp.py"},
        behind={
            f"{NETWORKS}/__init__.py": (
                (
                    '("mlp", "table"): Entry("tabular_mlp.TabularMlp"),\n',
                    '("wide_mlp", "table"): Entry("wide_mlp.WideMlp"),',
                ),
            )
        },
        suite="test_models and wide_mlp",
    ),
    "order": Added(
        row="an answer",
        files={f"{ANSWERS}/order.py": "order.py"},
        behind={
            f"{ANSWERS}/__init__.py": (
                (FUTURE, "from netpick.answers.order import ORDER\n"),
                ("for answer in (", "ORDER, "),
            ),
            f"{SUITES}/test_answers.py": (
                (
                    "SAMPLES = {\n",
                    '"order": Sample(state=RegressState(names=("a", "b"), mean=(1.7, 2.0), std=(0.1, 1.0)), outputs=rng.normal(size=(N, 2)), truth=rng.normal(size=(N, 2))),',
                ),
            ),
        },
        suite="test_answers and order",
    ),
    "rank": Added(
        row="a task",
        files={f"{TASKS}/rank.py": "rank.py"},
        behind={
            f"{TASKS}/__init__.py": (
                (FUTURE, "from netpick.tasks.rank import Rank\n"),
                ("        Classify(),\n", "        Rank(),\n"),
            ),
            f"{SUITES}/test_tasks.py": (
                (
                    "SAMPLES: dict[str, Callable[[], dict[str, list[object]]]] = {\n",
                    '"rank": lambda: {"y": np.random.default_rng(1).normal(40, 9, N).tolist()},',
                ),
            ),
        },
        suite="test_tasks and rank",
    ),
    "changes": Added(
        row="a head",
        behind={
            f"{NETWORKS}/heads.py": (
                ("        return outputs.index_select(1, place.clamp(max=outputs.shape[1] - 1))\n", CHANGES),
                ("for head in (PooledHead, StepsHead, MapHead", ", ChangesHead"),
            ),
            f"{SUITES}/test_heads.py": (
                (
                    "SHAPES: dict[str, Callable[[Sequence[int]], tuple[int, ...]]] = {\n",
                    '"changes": lambda row: (row[0], row[1], OUTPUTS),',
                ),
            ),
        },
        suite="test_heads and changes and series",
    ),
    "quartic": Added(
        row="a metric",
        files={f"{METRICS}/quartic.py": "quartic.py"},
        behind={
            f"{METRICS}/__init__.py": (
                (FUTURE, "from netpick.answers.metrics.quartic import QuarticError\n"),
                ("        MeanSquaredError(),\n", "QuarticError(),"),
            ),
            f"{SUITES}/test_metrics.py": (
                (
                    "REFERENCES: dict[str, Callable[[Sample, Array], float]] = {\n",
                    '"quartic": _of_values(lambda a, b, sample_weight: np.average(((a - b) ** 4).mean(axis=1), weights=sample_weight)),',
                ),
            ),
        },
        suite="test_metrics and quartic",
    ),
    "log_cosh": Added(
        row="a loss",
        behind={
            f"{ANSWERS}/losses.py": (
                ('    return functional.huber_loss(outputs, target, reduction="none")\n', LOG_COSH),
                ('"huber": huber', ', "log_cosh": log_cosh'),
            ),
        },
        suite="test_tasks and every_loss",
    ),
    "lion": Added(
        row="an optimizer",
        files={f"{OPTIMIZERS}/lion.py": "lion.py"},
        behind={
            f"{OPTIMIZERS}/__init__.py": (
                (FUTURE, "from netpick.training.optimizers.lion import LION\n"),
                ("OPTIMIZERS: Mapping[str, Method] = {", '"lion": LION, '),
            ),
            f"{SUITES}/test_optimizers.py": (("RATES = {", '"lion": 0.003, '),),
        },
        suite="test_optimizers and lion",
    ),
    "middle": Added(
        row="a baseline",
        files={f"{BASELINES}/middle.py": "middle.py"},
        behind={
            f"{BASELINES}/__init__.py": (
                (FUTURE, "from netpick.models.baselines.middle import Middle\n"),
                ("        Mean(),\n", "Middle(),"),
            )
        },
        suite="test_every_baseline and middle",
    ),
    "bars": Added(
        row="a reader",
        files={f"{SOURCES}/bars.py": "bars.py"},
        behind={
            f"{SOURCES}/__init__.py": (
                (FUTURE, "from netpick.data.sources.bars import BarsReader\n"),
                ("        ArffReader(),\n", "BarsReader(),"),
            ),
            f"{SUITES}/test_readers.py": (
                (
                    "MALFORMED: list[tuple[str, str, Make]] = [\n",
                    f'("bars", "ragged", text_named({FILE}, "| a |\\n| 1 | 2 |\\n")),',
                ),
                ("SAMPLES: dict[str, Make] = {\n", f'"bars": {BARS},'),
            ),
        },
        suite="test_readers and bars",
    ),
    "D090": Added(
        row="a check",
        files={f"{CHECKS}/whole.py": "whole.py", "docs/checks/D090.md": "D090.md"},
        behind={
            f"{CHECKS}/__init__.py": (
                (FUTURE, "from netpick.checks.whole import WholeNumbers\n"),
                ("        MixedUnits(),\n", "WholeNumbers(),"),
            ),
            f"{SUITES}/test_checks.py": (
                (
                    "\nSAMPLES = {\n",
                    '"D090": Sample(faulty=with_column(clean(), "count", np.arange(NUM_ROWS)), severity="info", words="count", not_for=images(np.zeros((NUM_ROWS, 1, 8, 8), np.uint8), clean().target)),',
                ),
            ),
            "docs/checks/README.md": (
                (
                    "| [D028](D028.md) | Two units in one column | warning |\n",
                    "| [D090](D090.md) | Whole numbers | info |\n",
                ),
            ),
        },
        suite="test_checks and D090",
    ),
}
