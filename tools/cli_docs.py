"""Prints docs/cli.md: the help of every command. `make docs` writes it, and a test holds the page to it."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stdout
from unittest.mock import patch

from typer.main import get_command

from netpick.cli.commands import app

HEAD = """# The command line

Written by `make docs` from the commands' own help.

Results go to standard output, everything else to standard error. Exit codes: 0 done; 1 a bug of ours; 2 the request or the
data are at fault; 3 a severe finding about the data stopped the run (`--accept CODE` goes on); 4 interrupted.
"""


WIDE = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}


def help_of(command: tuple[str, ...]) -> str:
    """What `netpick COMMAND --help` prints, 100 columns wide."""
    with patch.dict(os.environ, WIDE), redirect_stdout(io.StringIO()) as printed:
        get_command(app)(args=[*command, "--help"], prog_name="netpick", standalone_mode=False)
    return printed.getvalue().rstrip()


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    for command in ((), *((name,) for name in names)):
        title = " ".join(("netpick", *command))
        parts.append(f"## {title}\n\n```\n{help_of(command)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
