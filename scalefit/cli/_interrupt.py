"""Ctrl-C that is obeyed soon: Python's own waits until compiled code has come back, which may take hours."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator

STATUS = 130
GRACE = 1.0
"""Seconds in which the work may end in order (and take away what it has half written) before it is ended."""

_told = threading.Event()
_left = "nothing was written"


def leaves(words: str) -> None:
    """Say what an interruption from now on leaves behind."""
    global _left
    _left = words


def tell() -> None:
    """Say, once, that the work was interrupted."""
    if _told.is_set():
        return
    _told.set()
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[?25h\r\x1b[2K")  # the cursor that a progress bar hides, and the line it leaves
    print(f"scalefit: interrupted; {_left}", file=sys.stderr, flush=True)


def leave() -> None:
    """End the process now: threads may be inside compiled code, which an orderly end would take from under them."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(STATUS)


@contextlib.contextmanager
def obeyed() -> Iterator[None]:
    """Watch for an interruption while a command runs: the operating system wakes a thread that nothing else blocks."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    receive, send = socket.socketpair()
    send.setblocking(False)
    before = signal.set_wakeup_fd(send.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(receive,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        send.close()


def _watch(receive: socket.socket) -> None:
    with receive:
        while woken := receive.recv(64):
            if signal.SIGINT in woken:
                time.sleep(GRACE)
                tell()
                leave()
