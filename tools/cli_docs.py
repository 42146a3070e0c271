"""Prints docs/cli.md: the help of every command. `make docs` writes it, and a test holds the page to it."""

from __future__ import annotations

import os
import subprocess
import sys

from netpick.cli.commands import app

HEAD = """# The command line

Written by `make docs` from the commands' own help.

Results go to standard output, everything else to standard error. Exit codes: 0 done; 1 a bug of ours; 2 the request or the
data are at fault; 3 a severe finding about the data stopped the run (`--accept CODE` goes on); 4 interrupted.
"""


def help_of(command: tuple[str, ...]) -> str:
    """What `netpick COMMAND --help` prints, 100 columns wide."""
    environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
    arguments = [sys.executable, "-m", "netpick.cli", *command, "--help"]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.replace("python -m netpick.cli", "netpick").replace("cli.py", "netpick").rstrip()


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
