"""Signals ask a run to stop, once; further ones do not break off how it ends."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from netpick.training.stop import Stop

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_while_training_and_the_second_ends(number: signal.Signals) -> None:
    stop = Stop(training=True)
    with stop.listening():
        os.kill(os.getpid(), number)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        for _ in range(5):  # while it cleans up
            os.kill(os.getpid(), number)


def test_outside_of_training_a_signal_ends_at_once() -> None:
    stop = Stop()
    with stop.listening():
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_a_closed_terminal_does_not_end_what_nohup_started() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stop().listening():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
