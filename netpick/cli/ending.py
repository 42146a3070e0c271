"""How a command ends that failed: one short paragraph, and the exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress

import typer

from netpick.errors import NetpickError, printable


def exit_code(error: BaseException) -> int:
    """Says what went wrong, where there is something to say, and returns the code."""
    if isinstance(error, NetpickError):
        return _say(str(error), error.exit_code)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return _say("Stopped.", 4)
    if isinstance(error, SystemExit):  # how click ends for a closed pipe
        cause = error.__context__
        return _refused(cause) if isinstance(cause, OSError) else int(error.code or 0)
    if isinstance(error, OSError):
        return _refused(error)
    if isinstance(error, typer.Exit):
        return int(error.exit_code)
    usage_error, click_exception = typer.BadParameter.__mro__[1:3]  # typer gives no public name to these two
    if isinstance(error, click_exception):
        context = error.ctx if isinstance(error, usage_error) else None  # type: ignore[attr-defined]
        usage = f"{context.command_path} --help" if context else "netpick --help"
        return _say(f"{error.format_message()} See `{usage}`.", 2)  # type: ignore[attr-defined]
    traceback.print_exception(error)
    return _say(f"This is a bug in netpick ({type(error).__name__}). Please report it with the lines above.", 1)


def _refused(error: OSError) -> int:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return _say(f"The disk is full{where}. Free some space, or pass --out on another disk, and run it again.", 2)
    if error.errno == errno.EPIPE:  # the reader of our output had enough
        with suppress(OSError, ValueError):  # what is still to be flushed goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return _say(f"The system refused: {error.strerror or error}{where}. Check the path and its permissions.", 2)


def _say(text: str, code: int) -> int:
    with suppress(OSError):  # what we print to may lie on the full disk that we tell of
        print(f"netpick: {printable(text)}" if code else text, file=sys.stderr)
    return code
