"""The one place where the server catches everything: a bug met by one request must not end the thread that answers all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from netpick.errors import NetpickError
from netpick.serve.faults import Fault

Result = TypeVar("Result")

log = logging.getLogger("netpick.serve")


def guarded(call: Callable[[], Result]) -> Result | Fault:
    """What the call gives, or what a client is told of its failure: the client's own fault, or a bug (and a line in the log)."""
    try:
        return call()
    except Fault as fault:
        # Frames that it was raised in know the request's body, and in the end this fault: such circles would stay for long.
        fault.__cause__ = fault.__context__ = None
        return fault.with_traceback(None)
    except NetpickError as error:
        return Fault(code="invalid_data", message=str(error))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        log.error("a request failed", exc_info=error)
        return Fault(code="bug", message="The server failed on this request, which is a bug of it. Its log says more.")
