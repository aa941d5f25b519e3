"""What a command needs of its process before anything else: open streams that show any text, a quiet ctrl-C, safe imports.

Knows no verb. Imports nothing slow: it is first in the program's start.
"""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130
"""Exit status after ctrl-C, as a shell has it."""


def interrupts_end_quietly() -> None:
    """Let ctrl-C end the process without a traceback, also while a module is imported; where it is ignored it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def interrupts_are_raised() -> None:
    """Let ctrl-C be a KeyboardInterrupt again, which a verb may answer with a clean save."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def import_nothing_from_here() -> None:
    """Take the working directory off the search for modules, where an empty part of PYTHONPATH has put it."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    try:
        here = os.getcwd()
    except OSError:  # it was removed
        here = ""
    sys.path[:] = [place for place in sys.path if place and (place != here or place == package)]


def make_usable() -> None:
    """Open the standard streams that the caller closed, and escape what the terminal's encoding has no sign for."""
    for wanted in range(3):  # else the next file that is opened would get one's number
        try:
            os.fstat(wanted)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - they stay open as long as the process
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def output_goes_nowhere() -> None:
    """Drop what is left of the output: its reader has gone, or its disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
