"""The command line: parses, calls the api, and shows. `python -m netpick.cli` is the command `netpick`."""

from __future__ import annotations


def main() -> None:
    """Runs the command of `sys.argv`."""
    from netpick.cli.commands import main as run

    run()
