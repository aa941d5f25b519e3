"""The terminal UI: a pure snapshot over a Workspace. Closing it leaves every run going."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, cast

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen

from syncse_local.api import OPEN, Run, Workspace
from syncse_local.config import Settings, unknown_key
from syncse_local.errors import SyncseError
from syncse_local.text.display import safe
from tui import crash, keymap, keys, run_watch, terminal, themes
from tui.command import line
from tui.keys import key
from tui.modes import MODES, Mode, load
from tui.run_watch import RunWatch
from tui.screens.frame import Frame
from tui.session import Session
from tui.work import start

REPLACED = ("Keys", "Maximize", "Minimize")
"""Commands of the library that this program does in its own way."""
AWAY_SECONDS = 60.0
"""Without a key for so long, a person is taken to look elsewhere where the terminal does not tell of its focus."""
OWN_ACTIONS = {"mode", "copy", "help", "command_palette", "theme", "suspend_process", "quit"}


class SyncseApp(App[int]):
    """Shows one workspace. `clock` gives seconds since 1970 (tests hold it still); `first` is the screen to begin on.

    Raises SyncseError (USAGE) for an unknown screen, theme or binding id.
    """

    TITLE = "syncse-local"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            key(mode.key, f"app.mode('{mode.name}')", mode.title, f"mode.{mode.name}", mode.about, show=False)
            for mode in MODES
        ),
        key("y", "copy", "Copy command", "app.copy"),
        key("question_mark", "help", "Help", "app.help"),
        key("colon,ctrl+p", "command_palette", "All commands, themes, screenshot", "app.palette", show=False),
        key("t", "theme", "Next theme", "app.theme", show=False),
        key("z", "suspend_process", "Suspend; `fg` comes back", "app.suspend", show=False),
        key("q", "quit", "Quit", "app.quit"),
    ]

    def __init__(
        self, workspace: Workspace, clock: Callable[[], float] = time.time, first: str = MODES[0].name
    ) -> None:
        super().__init__()
        self.workspace, self.first = workspace, first
        if first not in {mode.name for mode in MODES}:
            raise unknown_key(first, [mode.name for mode in MODES], "--screen")
        for theme in themes.THEMES:
            self.register_theme(theme)
        self._apply_settings(workspace.settings)
        self.session = Session(workspace, clock, watch=self._watch, applied=self._apply_settings)
        self._runs_watched, self._working, self._terminal_title = RunWatch(), 0, ""
        self._last_input, self._focus_is_told = time.monotonic(), False
        for mode in MODES:
            self.add_mode(mode.name, partial(self._open, mode))

    def _apply_settings(self, settings: Settings) -> None:
        """Keys and theme of the settings, at the start and whenever they are edited here."""
        self.set_keymap(keymap.checked(settings.keys))
        name = keymap.checked_theme(settings.theme or "dark", {*themes.ALIASES, *self.available_themes})
        self.theme = themes.ALIASES.get(name, name)

    def _open(self, mode: Mode) -> Frame:
        return cast(type[Frame], load(mode.place))(self.session)

    # -- what goes on while nobody looks -----------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Note when the person was here last."""
        if isinstance(event, events.InputEvent):
            self._last_input = time.monotonic()
        elif isinstance(event, events.AppFocus | events.AppBlur):
            self._focus_is_told = True
        await super().on_event(event)

    @property
    def away(self) -> bool:
        """Whether the terminal is looked away from; where it does not say so, after a while without a key."""
        return not self.app_focus if self._focus_is_told else time.monotonic() - self._last_input > AWAY_SECONDS

    def _watch(self, runs: Sequence[Run], titles: Mapping[str, str]) -> None:
        """Tell of each run that has ended, and keep the terminal's title true."""
        self._working = sum(run.state in OPEN for run in runs)
        if (summary := run_watch.summary(runs, titles)) != self._terminal_title:
            self._terminal_title = summary
            self._tell_terminal(terminal.title(summary))
        for run in self._runs_watched.ended(runs):
            text = run_watch.told(run, titles)
            severity: SeverityLevel = "information" if run.state == "done" else "warning"
            self.notify(text, severity=severity, timeout=8, markup=False)
            if self.away:
                self.bell()
                self._tell_terminal(terminal.notification("syncse-local", text, os.environ))
            if self.workspace.settings.notify:
                start(self, partial(self._run_command, text), "notify")

    async def _run_command(self, text: str) -> None:
        try:
            await self.session.slow.call(lambda workspace: workspace.notify("syncse-local", text))
        except SyncseError as error:
            self.notify(f"{error.title}: {safe(error.detail)}", severity="warning", markup=False)

    def _tell_terminal(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)

    async def action_quit(self) -> None:
        """Close; say which runs go on and how to come back to them."""
        words = ""
        if self._working:
            goes = "1 run goes on" if self._working == 1 else f"{self._working} runs go on"
            words = f"{goes}. This shows it again: {line(['tui'], self.workspace.directory)}"
        self.exit(message=words or None)

    # -- opening and closing -----------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Open the first screen; a polite kill gives the terminal back."""
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread, or not on this system
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))  # the shell has written over it
        self._tell_terminal(terminal.SAVE_TITLE)
        self.switch_mode(self.first)

    def on_unmount(self) -> None:
        """Let go of the store; runs go on."""
        self._tell_terminal(terminal.RESTORE_TITLE)
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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The program's keys are for its screens: a dialog has its own, and while a line is typed they are text."""
        if action in OWN_ACTIONS:
            return isinstance(self.screen, Frame) and not self.screen.typing
        return super().check_action(action, parameters)

    async def action_mode(self, name: str) -> None:
        """Open a screen."""
        await self.switch_mode(name)

    def action_copy(self) -> None:
        """Copy the command line of the screen."""
        if isinstance(self.screen, Frame):
            self.screen.action_copy()

    async def action_help(self) -> None:
        """List the keys of the screen."""
        if isinstance(self.screen, Frame):
            await self.screen.action_help()

    def action_theme(self) -> None:
        """The next theme of ours."""
        self.theme = themes.after(self.theme)
