"""What all screens share: the workspace, the clock, and threads to read, act, count and look around on.

Knows no widget. A screen's event loop asks the workspace for nothing but `data_version`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from syncse_local.api import Workspace
from tui.workspace_thread import Door

DOORS = ("reads", "acts", "slow", "counts")


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
    counts: Door = field(init=False)
    """For queries over a whole run: a page must not wait for them."""

    def __post_init__(self) -> None:
        for name in DOORS:
            setattr(self, name, Door(self.workspace.directory, self.workspace.settings))

    def close(self) -> None:
        """Let go of the store; runs go on."""
        for name in DOORS:
            getattr(self, name).close()
