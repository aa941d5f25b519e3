"""One GPU run at a time: who needs a GPU, waiting for it, and handing it on. Also between workspaces of one user.

The lock is a file per GPU that the supervisor and its worker hold together; the kernel frees it however they end.
Inside the file stands who holds it, for those who wait.
"""

import json
import os
import platform
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncse_local import machine, paths
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs import liveness
from syncse_local.registry import BACKENDS, backend_spec
from syncse_local.specs.filter import FilterSpec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.kinds import KINDS
from syncse_local.store import gpu_lock

POLL = 0.2
"""Seconds between two tries for a GPU: a person does not notice them, and they cost nothing."""
_LARGEST_NOTE = 10_000
"""Bytes of a lock's note that are read: it names a run and a workspace, and another user may have written it."""


def needs_gpu(kind: str, options: Mapping[str, Any], seen: Sequence[machine.Gpu]) -> bool:
    """Whether a run with these options will use a GPU; the options decide, and what they leave open the machine."""
    spec = KINDS[kind].of(options)
    if isinstance(spec, GenerateSpec):
        return _engine_needs_gpu(spec.backend, spec.backend_options, seen)
    if isinstance(spec, FilterSpec):
        judge = (spec.filters or {}).get("judge") or {}
        if judge.get("model") and _engine_needs_gpu(judge.get("backend"), spec.backend_options, seen):
            return True
    device = getattr(spec, "device", "cpu")
    return device in ("cuda", "mps") or (device == "auto" and (bool(seen) or _is_apple()))


def _engine_needs_gpu(backend: str | None, options: Mapping[str, Any] | None, seen: Sequence[machine.Gpu]) -> bool:
    if backend not in BACKENDS:  # a run of another version
        return False
    return backend_spec(backend).uses_gpu(options or {}, bool(seen))


def _is_apple() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"


def devices_for(kind: str, options: Mapping[str, Any]) -> tuple[int, ...]:
    """The GPUs a run takes, in ascending order: all that it may see, or number 0 where none can be told apart."""
    seen = machine.gpus()
    if not needs_gpu(kind, options, seen):
        return ()
    return tuple(sorted(gpu.index for gpu in seen)) or (0,)


def lock_path(device: int) -> Path:
    """The lock file of a GPU: one for all workspaces of this user on this machine, also where homes are shared."""
    base = paths.own_directory("XDG_STATE_HOME", ".local/state")
    return base / (socket.gethostname() or "localhost") / f"gpu-{device}.lock"


def holder(device: int) -> dict[str, Any] | None:
    """Who holds a GPU now: run, workspace, pid and since when; an empty dictionary where the file does not say."""
    path = lock_path(device)
    if not liveness.held(path):
        return None
    try:
        note = json.loads(path.read_bytes()[:_LARGEST_NOTE] or b"{}")
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


@dataclass(slots=True)
class Turn:
    """A run's turn on its GPUs: the lock descriptors, to be inherited by the worker."""

    run_id: str
    workspace: Path
    devices: tuple[int, ...]
    descriptors: list[int] = field(default_factory=list)

    def wait(
        self, connection: sqlite3.Connection, waiting: Callable[[str], None], given_up: Callable[[], bool]
    ) -> bool:
        """Take the locks, lowest number first so that two runs cannot wait for each other.

        `waiting` hears, once for each holder, whom the run waits for. Returns False, holding nothing, once `given_up`.
        Raises SyncseError where the locks cannot be written.
        """
        told = ""
        while len(self.descriptors) < len(self.devices):
            device = self.devices[len(self.descriptors)]
            if self._take(device):
                continue
            note = holder(device)
            if note is not None and (name := self._name_of(note)) != told:
                told = name
                waiting(f"waiting for the GPU (held by {name})")
            if given_up():
                self.end(connection)
                return False
            time.sleep(POLL)
        if self.devices:
            self._sign()
            gpu_lock.hold(connection, self.devices, self.run_id, os.getpid())
        return True

    def _take(self, device: int) -> bool:
        path = lock_path(device)
        try:
            paths.make_private(path.parent.parent)
            descriptor = liveness.acquire(path, patience=0)
        except OSError as error:
            raise SyncseError(
                "The GPU's lock cannot be written",
                f"{path}: {error.strerror or error}.",
                "Mend the permissions, or name a directory you may write in XDG_STATE_HOME.",
                ExitCode.PREFLIGHT,
            ) from error
        if descriptor is not None:
            self.descriptors.append(descriptor)
        return descriptor is not None

    def _name_of(self, note: Mapping[str, Any]) -> str:
        run, workspace = note.get("run"), note.get("workspace")
        if not isinstance(run, str) or not isinstance(workspace, str):
            return "another run"
        return f"run {run[:80]}" + ("" if workspace == str(self.workspace) else f" of {workspace[:400]}")

    def _sign(self) -> None:
        note = {"run": self.run_id, "workspace": str(self.workspace), "pid": os.getpid(), "since": time.time()}
        for descriptor in self.descriptors:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(note).encode(), 0)

    def end(self, connection: sqlite3.Connection) -> None:
        """Hand the GPUs on. The worker must be gone: it holds the locks too."""
        while self.descriptors:
            descriptor = self.descriptors.pop()
            os.ftruncate(descriptor, 0)
            os.close(descriptor)
        if self.devices:
            gpu_lock.release(connection, self.run_id)
