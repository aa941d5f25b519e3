"""Runs a `syncse` command in a process of its own and hands back what it prints with --json. Knows no verb.

The terminal UI acts through it: what a screen does and what the command line does cannot come apart.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from syncse_local import airgap
from syncse_local.errors import SyncseError

PROGRAM = (sys.executable, "-m", "syncse_local.cli.main")


def call(workspace: Path, words: Sequence[str], guarded: bool) -> list[dict[str, Any]]:
    """The JSON documents of `syncse WORDS`. Raises the SyncseError that the command ended with."""
    given = [*PROGRAM, *words, "--json", "-w", str(workspace), *(["--airgap"] if guarded else [])]
    done = subprocess.run(
        given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=airgap.environment(guarded),
        check=False,
    )
    documents = _documents(done.stdout)
    if done.returncode == 0:
        return documents
    for document in reversed(documents):
        with suppress(KeyError, TypeError, ValueError):
            raise SyncseError.from_dict(document["error"])
    last = (done.stderr.strip().splitlines() or [f"It ended with status {done.returncode}."])[-1]
    raise SyncseError("The command failed", last[:600], f"Try it in a shell: syncse {words[0] if words else ''}")


def _documents(text: str) -> list[dict[str, Any]]:
    found = []
    for line in text.splitlines():
        with suppress(json.JSONDecodeError):
            if isinstance(document := json.loads(line), dict):
                found.append(document)
    return found


def leave(words: Sequence[str], log: Path, guarded: bool) -> int:
    """Start `syncse WORDS` in a session of its own, its output going to `log`; returns its process id."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*PROGRAM, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=airgap.environment(guarded),
        )
    return process.pid
