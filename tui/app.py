"""The terminal UI: a pure snapshot over a Workspace. Closing it leaves every run going."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, cast

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from syncse_local.api import Workspace
from syncse_local.config import unknown_key
from tui import crash, keymap, keys
from tui.modes import MODES, Mode, load
from tui.screens.frame import Frame
from tui.session import Session

THEMES = {"textual-dark": "textual-light", "textual-light": "textual-dark"}
THEME_ALIASES = {"dark": "textual-dark", "light": "textual-light"}
"""Names of the setting `theme` that are easier to remember."""
REPLACED = ("Keys", "Maximize", "Minimize")
"""Commands of the library that this program does in its own way."""


class SyncseApp(App[int]):
    """Shows one workspace. `clock` gives seconds since 1970 (tests hold it still); `first` is the screen to begin on.

    Raises SyncseError (USAGE) for an unknown screen, theme or binding id.
    """

    TITLE = "syncse-local"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(mode.key, f"app.mode('{mode.name}')", mode.title, False, tooltip=mode.about, id=f"mode.{mode.name}")
            for mode in MODES
        ),
        Binding("y", "screen.copy", "Copy command", id="app.copy"),
        Binding("question_mark", "screen.help", "Help", id="app.help"),
        Binding("colon", "command_palette", "All commands, themes, screenshot", show=False, id="app.palette"),
        Binding("t", "theme", "Light or dark", show=False, id="app.theme"),
        Binding("z", "suspend_process", "Suspend; `fg` comes back", show=False, id="app.suspend"),
        Binding("q", "quit", "Quit", id="app.quit"),
    ]

    def __init__(
        self, workspace: Workspace, clock: Callable[[], float] = time.time, first: str = MODES[0].name
    ) -> None:
        super().__init__()
        self.workspace, self.first = workspace, first
        if first not in {mode.name for mode in MODES}:
            raise unknown_key(first, [mode.name for mode in MODES], "--screen")
        self.set_keymap(keymap.checked(workspace.settings.keys))
        if name := workspace.settings.theme:
            if THEME_ALIASES.get(name, name) not in self.available_themes:
                raise unknown_key(name, [*THEME_ALIASES, *self.available_themes], "The setting theme")
            self.theme = THEME_ALIASES.get(name, name)
        self.session = Session(workspace, clock)
        for mode in MODES:
            self.add_mode(mode.name, partial(self._open, mode))

    def _open(self, mode: Mode) -> Frame:
        return cast(type[Frame], load(mode.place))(self.session)

    def on_mount(self) -> None:
        """Open the first screen; a polite kill gives the terminal back."""
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread, or not on this system
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))  # the shell has written over it
        self.switch_mode(self.first)

    def on_unmount(self) -> None:
        """Let go of the store; runs go on."""
        self.session.close()

    def run(self, *args: Any, **kwargs: Any) -> int | None:
        """Run until the user quits; returns an exit code, not 0 after a crash, or None."""
        result = super().run(*args, **kwargs)
        return self.return_code if result is None else result

    def _fatal_error(self) -> None:
        """The library's end after a bug: here the traceback goes to a file, and the terminal is told where."""
        self._exit_renderables.append(crash.written(self.workspace.directory))
        self._close_messages_no_wait()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every screen, every action of this one, then what the library offers."""
        for mode in MODES:
            yield SystemCommand(mode.title, mode.about, partial(self.switch_mode, mode.name))
        for binding in keys.declared(type(screen)):
            if screen.check_action(binding.action.partition("(")[0], ()):
                run = partial(screen.run_action, binding.action)
                yield SystemCommand(binding.description, binding.tooltip or "", run)
        yield from (command for command in super().get_system_commands(screen) if command.title not in REPLACED)

    def action_mode(self, name: str) -> None:
        """Open a screen."""
        self.switch_mode(name)

    def action_theme(self) -> None:
        """Change between a light and a dark theme."""
        self.theme = THEMES.get(self.theme, "textual-light" if self.current_theme.dark else "textual-dark")
