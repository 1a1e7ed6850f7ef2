"""An interruption while the program is read in ends it at once, without a word: nothing was begun."""

import signal
import threading

_quick = False

if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is (
    signal.default_int_handler
):
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _quick = True


def done() -> None:
    """From now on interruptions are answered as before."""
    global _quick
    if _quick:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _quick = False
