"""What `doctor` says of where the program runs: directories that can be written, locks, output, the user, the quota.

Each fault that keeps a verb from working is "missing"; what is only worth knowing has another state.
"""

import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from syncse_local import airgap, config, machine, paths
from syncse_local.config import Settings
from syncse_local.store import locks
from syncse_local.text.display import safe
from syncse_local.text.figures import size

Check = tuple[str, str, str]
LEAST_FREE = 16 << 20
"""Bytes: with less a run's database cannot even take its plan."""


def surroundings(chosen: Settings) -> list[Check]:
    """Python and its cores, the workspace, file locks, temporary files, the user's home, the output, the air-gap."""
    offline = all(os.environ.get(name) == value for name, value in airgap.SWITCHES.items())
    return [
        ("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("cores", "ok", _cores()),
        *_workspace(Path(chosen.workspace).resolve()),
        _temporary(),
        _home(),
        _output(),
        _terminal(),
        ("offline switches", "ok" if offline else "missing", f"{len(airgap.SWITCHES)} set"),
        ("air-gap guard", "on" if chosen.airgap else "off", "refuses and counts connections beyond loopback"),
    ]


def _cores() -> str:
    used, seen, there = machine.cores(), machine.visible_cores(), os.cpu_count() or 0
    why = "a quota of the control group" if used < seen else "the others are kept from this process"
    return f"{used}" + (f" of {there}: {why}" if used < there else "")


def _workspace(workspace: Path) -> list[Check]:
    nearest = next(path for path in (workspace, *workspace.parents) if os.path.exists(path))
    free = shutil.disk_usage(nearest).free
    found = f"{safe(workspace)}, {size(free)} free"
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return [("workspace", "missing", f"{found}; {safe(nearest)} cannot be written: name another with --workspace")]
    if free < LEAST_FREE:
        return [("workspace", "missing", f"{safe(workspace)}: the disk is full")]
    lacking = locks.lacking(nearest)
    no_locks = f"the file system of {safe(nearest)} lacks {lacking}: choose a workspace on a local disk"
    return [
        ("workspace", "ok", found),
        ("file locks", "missing", no_locks) if lacking else ("file locks", "ok", "there"),
    ]


def _temporary() -> Check:
    named = next((os.environ[name] for name in ("TMPDIR", "TEMP", "TMP") if os.environ.get(name)), "")
    try:
        used = tempfile.gettempdir()
    except OSError:
        return ("temporary files", "missing", "no directory for them can be written: set TMPDIR to one")
    instead = f"; {safe(named)} cannot be written" if named and Path(named) != Path(used) else ""
    return ("temporary files", "ok", f"{safe(used)}, {size(shutil.disk_usage(used).free)} free{instead}")


def _home() -> Check:
    home, state = paths.home(), paths.own_directory("XDG_STATE_HOME", ".local/state")
    if home == Path(os.devnull):
        return ("home", "absent", f"HOME is not set: no settings of your own; locks of GPUs lie in {safe(state)}")
    if config.is_of_another(home):
        return ("home", "absent", f"{safe(home)} is another user's: set HOME to a directory of your own")
    writable = os.access(home, os.W_OK)
    return ("home", "ok", safe(home)) if writable else ("home", "absent", f"{safe(home)} cannot be written")


def _output() -> Check:
    encoding = (sys.stdout.encoding or "ascii").lower()
    if encoding.replace("-", "") == "utf8":
        return ("output", "ok", encoding)
    return ("output", "limited", f"{encoding}: other signs are escaped; set LC_ALL=C.UTF-8 or PYTHONIOENCODING=utf-8")


def _terminal() -> Check:
    if sys.stdin.isatty() and sys.stderr.isatty():
        return ("terminal", "ok", safe(os.environ.get("TERM", "unknown")))
    return ("terminal", "none", "the terminal UI needs one; every verb works without")
