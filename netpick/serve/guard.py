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
        return fault.with_traceback(None)  # which knows the frames that it was raised in, and they the request's body
    except NetpickError as error:
        return Fault(code="invalid_data", message=str(error))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        log.error("a request failed", exc_info=error)
        return Fault(code="bug", message="The server failed on this request, which is a bug of it. Its log says more.")
