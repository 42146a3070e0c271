"""Help in groups: what a command's options are about. An option that stands in no group comes last, among the others."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

GROUPS: dict[str, tuple[str, ...]] = {
    "Question": ("target", "task", "metric", "cost", "margin", "prefer", "synthetic", "level", "beam", "cut", "accept"),
    "Test": ("split", "folds", "test", "seed"),
    "Networks": ("models", "layers", "pretrained", "recipe", "trials", "tune"),
    "Budget and machine": ("budget", "steps", "rows", "device", "threads", "workers", "memory_limit"),
    "Forecasts": (
        "horizon", "context", "windows", "every", "point", "quantiles", "known", "holidays", "hierarchy", "time", "ids",
    ),
    "Data": (
        "drop", "kinds", "missing", "not_missing", "merge", "formats", "separator", "header", "encoding", "quote", "sheet",
        "label_from", "masks", "classes", "frames", "image_size", "loudness",
    ),
    "Output": ("out", "keep", "private", "plan"),
}  # fmt: skip
OTHERS = "Other options"


class GroupedCommand(TyperCommand):
    """A command with many options, whose help lists them by what they are about."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """`--tune` may stand without a value, before another option or at the end."""
        given = list(args)
        for place, text in enumerate(args):
            if text == "--tune" and (place + 1 == len(args) or args[place + 1].startswith("--")):
                given[place] = "--tune=auto"
        return super().parse_args(ctx, given)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments first, then the groups, in their order."""
        group_of = {name: title for title, names in GROUPS.items() for name in names}
        rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], **{title: [] for title in GROUPS}, OTHERS: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                is_option = parameter.param_type_name == "option"
                rows[group_of.get(parameter.name or "", OTHERS) if is_option else "Arguments"].append(record)
        for title, records in rows.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
