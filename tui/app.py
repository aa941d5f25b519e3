"""The terminal UI: a pure view over a Workspace. Closing it leaves every run going."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from syncse_local.api import Workspace
from tui.screens.runs import RunsScreen

THEMES = {"textual-dark": "textual-light", "textual-light": "textual-dark"}


class SyncseApp(App[int]):
    """Shows the runs of one workspace. `clock` gives seconds since 1970 (tests hold it still)."""

    TITLE = "syncse-local"
    CSS_PATH = "app.tcss"
    COMMAND_PALETTE_BINDING = "colon"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "theme", "Light or dark", show=False, id="app.theme"),
        Binding("q", "quit", "Quit", id="app.quit"),
    ]

    def __init__(self, workspace: Workspace, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.workspace, self.clock = workspace, clock

    def on_mount(self) -> None:
        """Open the first screen."""
        self.push_screen(RunsScreen(self.workspace, self.clock))

    def run(self, *args: Any, **kwargs: Any) -> int | None:
        """Run until the user quits; returns an exit code, not 0 after a crash, or None."""
        result = super().run(*args, **kwargs)
        return self.return_code if result is None else result

    def action_theme(self) -> None:
        """Change between a light and a dark theme."""
        self.theme = THEMES.get(self.theme, "textual-light" if self.current_theme.dark else "textual-dark")
