"""What is left when this program has a bug: a log with the traceback, and a few words that say where it is."""

import sys
import time
import traceback
from pathlib import Path

from rich.text import Text

LOG = "tui-crash.log"


def written(directory: Path) -> Text:
    """Append the exception being handled to the workspace's crash log; returns what to print once the terminal is back."""
    error = sys.exc_info()[1]
    lines = traceback.format_exception(error) if error else ["no traceback\n"]
    path = directory / LOG
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n{''.join(lines)}")
        where = f"The traceback is in {path}"
    except OSError as problem:
        where = f"The traceback could not be written ({problem}):\n{''.join(lines)}"
    what = lines[-1].strip()[:400].encode("unicode_escape").decode("ascii")
    return Text(f"The terminal UI crashed: {what}\n{where}\nRuns go on; open it again with: syncse tui")
