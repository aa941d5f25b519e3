"""A command line as it may be pasted into a shell, and a directory as short as it can be said. Knows no verb."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from syncse_local.text.display import safe

PLAIN_WORD = re.compile(r"[A-Za-z0-9._/-][A-Za-z0-9._/=:,-]*")
"""What no shell reads as anything but itself."""


def place(directory: Path) -> str:
    """A directory as short as it can be said from here."""
    here = Path.cwd()
    return safe(directory.relative_to(here) if directory.is_relative_to(here) else directory)


def line(words: Sequence[str], directory: Path) -> str:
    """The command line of these words; it names the workspace unless that is the default one from here."""
    shown = ["syncse", *(word if PLAIN_WORD.fullmatch(word) else shlex.quote(safe(word)) for word in words)]
    if directory != (Path.cwd() / "workspace").resolve():
        shown += ["-w", shlex.quote(safe(directory))]
    return " ".join(shown)
