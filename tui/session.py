"""What all screens share: the workspace, the clock, and threads to read, act, count and look around on.

Knows no widget. A screen's event loop asks the workspace for nothing but `data_version`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from syncse_local.api import Run, Workspace
from syncse_local.config import Settings
from tui.workspace_thread import WorkspaceThread

THREADS = ("reads", "acts", "slow", "counts")


def _nobody(runs: Sequence[Run], titles: Mapping[str, str]) -> None:
    """Nobody watches the runs."""


@dataclass(slots=True)
class Session:
    """Handed to every screen. `clock` gives seconds since 1970; `chosen` passes a choice from one screen to the next.

    `watch` is told of the runs and their titles whenever a screen has read them, `applied` of settings that count anew.
    """

    workspace: Workspace
    clock: Callable[[], float] = time.time
    chosen: dict[str, str] = field(default_factory=dict)
    watch: Callable[[Sequence[Run], Mapping[str, str]], None] = _nobody
    applied: Callable[[Settings], None] = lambda _: None
    reads: WorkspaceThread = field(init=False)
    acts: WorkspaceThread = field(init=False)
    slow: WorkspaceThread = field(init=False)
    """For what may take seconds, such as looking for models: a cancel must not wait for it."""
    counts: WorkspaceThread = field(init=False)
    """For queries over a whole run: a page must not wait for them."""

    def __post_init__(self) -> None:
        for name in THREADS:
            setattr(self, name, WorkspaceThread(self.workspace.directory, self.workspace.settings))

    def apply(self, settings: Settings) -> None:
        """These settings count from now on; what is being done goes on with the old ones."""
        self.workspace.settings = settings
        for name in THREADS:
            getattr(self, name).use(settings)
        self.applied(settings)

    def close(self) -> None:
        """Let go of the store; runs go on."""
        for name in THREADS:
            getattr(self, name).close()


class HasSession(Protocol):
    """What the program is to those that need its session alone."""

    session: Session
