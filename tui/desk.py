"""What all screens share: the workspace, the clock, and three threads to read, act and look around on.

Knows no widget. A screen's event loop asks the workspace for nothing but `data_version`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from syncse_local.api import Workspace
from tui.door import Door


@dataclass(slots=True)
class Desk:
    """Handed to every screen. `clock` gives seconds since 1970; `chosen` passes a choice from one screen to the next."""

    workspace: Workspace
    clock: Callable[[], float] = time.time
    chosen: dict[str, str] = field(default_factory=dict)
    reads: Door = field(init=False)
    acts: Door = field(init=False)
    slow: Door = field(init=False)
    """For what may take seconds, such as looking for models: a cancel must not wait for it."""

    def __post_init__(self) -> None:
        self.reads, self.acts, self.slow = (Door(self.workspace.directory, self.workspace.settings) for _ in range(3))

    def close(self) -> None:
        """Let go of the store; runs go on."""
        for door in (self.reads, self.acts, self.slow):
            door.close()
