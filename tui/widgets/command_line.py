"""The line above the keys: the command that does what the screen does. Knows neither verbs nor the store."""

from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from tui.command import line
from tui.widgets.section import Section


class CommandLine(Section):
    """Keeps the command as it may be pasted into a shell."""

    command = ""

    def show(self, arguments: Sequence[str], directory: Path) -> None:
        """Show `syncse ARGUMENTS` for this workspace; no arguments, no line."""
        was, self.command = self.command, line(arguments, directory) if arguments else ""
        shown = Content.styled(f"$ {self.command}", "$text-muted") if self.command else Content("")
        self.set_content(shown, layout=not (was and self._fits(was) and self._fits(self.command)))

    def _fits(self, command: str) -> bool:
        """Whether it takes one line; while it does, the screen need not be laid out anew, which takes time."""
        return 0 < len(command) + 2 <= self.size.width
