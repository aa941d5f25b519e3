"""Runs a person's own command when a run has ended. Without a shell; what is told is data in it, never part of it."""

import subprocess
from collections.abc import Sequence

from syncse_local.errors import SyncseError

SECONDS = 20
"""A notification that takes longer is given up."""


def notify(command: Sequence[object], title: str, text: str) -> None:
    """Run the command with `{title}` and `{text}` replaced in its arguments. Raises SyncseError where it cannot be run."""
    program, *arguments = (str(part) for part in command)
    filled = [part.replace("{title}", title).replace("{text}", text) for part in arguments]
    try:
        subprocess.run(
            [program, *filled],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        detail = f"{program}: {error}."
        raise SyncseError("The notify command failed", detail, "Correct `notify` in your settings file.") from error
